/* SPDX-License-Identifier: MIT */
/* Recognises the file system in a partition and opens it. */
#ifndef EBSFS_DETECT_H
#define EBSFS_DETECT_H

#include "err.h"
#include "filesystem.h"
#include "sectors.h"

/* Opens the file system of a partition. `disk` stays the caller's and must outlive the file system.
 * NULL with the reason in *e: EOPNOTSUPP for a kind or a feature that is not supported, EIO for
 * damage, or the disk's error. */
struct filesystem *detect_filesystem(
	struct sectors *disk, const struct filesystem_options *options, struct err *e);

#endif
