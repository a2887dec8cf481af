/* SPDX-License-Identifier: MIT */
/* Names of regions that a person may have mistyped. */
#ifndef EBSFS_REGION_NAMES_H
#define EBSFS_REGION_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

bool region_names_have(const char *const *names, size_t n, const char *name);

/* What a person named against what the account has enabled. A name that is not enabled is a warning
 * in the log, which says what would be right; if none is, that is *err. Returns 0 or -EINVAL. */
int region_names_check(char *const *wanted, const char *const *names, size_t n, struct err *err);

/* What would be right instead of `name`: "did you mean us-east-1?" (those names that are nearest to
 * it, if any is near), else "enabled are a, b, c". Results as buf_add. */
int region_names_instead(const char *const *names, size_t n, const char *name, struct buf *out);

#endif
