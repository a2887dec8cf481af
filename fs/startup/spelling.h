/* SPDX-License-Identifier: MIT */
/* Mistyped options and regions. */
#ifndef EBSFS_SPELLING_H
#define EBSFS_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

/* Appends the names that `word` was probably meant to be, as "us-east-1 or us-east-2". Returns how
 * many; 0: no name is near, and nothing was appended. */
size_t spelling_nearest(const char *const *names, size_t n, const char *word, struct buf *out);

bool spelling_has(const char *const *names, size_t n, const char *name);
/* Appends what would be right instead of a region's name: "did you mean us-east-1?", or, if no name
 * is near, "enabled are a, b, c". Results as buf_add. */
int spelling_instead(const char *const *names, size_t n, const char *name, struct buf *out);
/* Compares the regions in regions= with those that the account has enabled. Logs a warning about
 * each that is not among them. Returns 0, or -EINVAL with *err if none is. */
int spelling_check_regions(
	char *const *wanted, const char *const *names, size_t n, struct err *err);

#endif
