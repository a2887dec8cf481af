/* SPDX-License-Identifier: MIT */
/* Mistyped words. */
#ifndef EBSFS_SPELLING_H
#define EBSFS_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Appends those of `names` that `word` was probably meant to be, as "us-east-1 or us-east-2".
 * Returns how many; 0: none is near, and nothing was appended. */
size_t spelling_nearest(const char *const *names, size_t n, const char *word, struct buf *out);

#endif
