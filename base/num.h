/* SPDX-License-Identifier: MIT */
/* Numbers from outside: parsed whole, in range, or refused. */
#ifndef EBSFS_NUM_H
#define EBSFS_NUM_H

#include <stddef.h>
#include <stdint.h>

/* The decimal number that is all of s[0..len). Returns 0, -EINVAL (empty, other characters) or
 * -ERANGE. */
int num_parse_u64(const char *s, size_t len, uint64_t min, uint64_t max, uint64_t *out);
int num_parse_i64(const char *s, size_t len, int64_t min, int64_t max, int64_t *out);
/* Digits with an optional fraction ("2.5"), never negative. Returns 0, -EINVAL or -ERANGE. */
int num_parse_double(const char *s, double min, double max, double *out);

#endif
