/* SPDX-License-Identifier: MIT */
/* Parses numbers from outside strictly: the whole text, within a range. */
#ifndef EBSFS_NUM_H
#define EBSFS_NUM_H

#include <stddef.h>
#include <stdint.h>

/* Parse all of s[0..len) as a decimal number. Return 0, -EINVAL (empty, other characters) or
 * -ERANGE. */
int num_parse_u64(const char *s, size_t len, uint64_t min, uint64_t max, uint64_t *out);
int num_parse_i64(const char *s, size_t len, int64_t min, int64_t max, int64_t *out);
/* Parses digits with an optional fraction ("2.5"), never negative. Returns 0, -EINVAL or -ERANGE.
 */
int num_parse_double(const char *s, double min, double max, double *out);

#endif
