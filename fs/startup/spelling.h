/* SPDX-License-Identifier: MIT */
/* Suggests names for mistyped options and regions. */
#ifndef EBSFS_SPELLING_H
#define EBSFS_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

/* Appends the names that the user probably meant by `word`, as "us-east-1 or us-east-2". Returns
 * their number; if it is 0, the buffer is unchanged. */
size_t spelling_nearest(const char *const *names, size_t n, const char *word, struct buf *out);

bool spelling_has(const char *const *names, size_t n, const char *name);
/* Appends a suggestion for a wrong region: "did you mean us-east-1?", or, if no name is near,
 * "enabled are a, b, c". Results as buf_add. */
int spelling_instead(const char *const *names, size_t n, const char *name, struct buf *out);
/* Compares the regions in regions= with those that the account has enabled. Logs a warning about
 * each region that is not enabled. Returns 0, or -EINVAL with *err if no region is enabled. */
int spelling_check_regions(
	char *const *wanted, const char *const *names, size_t n, struct err *err);

#endif
