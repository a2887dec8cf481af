/* SPDX-License-Identifier: MIT */
/* XFS, versions 4 and 5, read only. The log of a file system that was in use is replayed in
 * memory. */
#ifndef EBSFS_XFS_H
#define EBSFS_XFS_H

#include "err.h"
#include "filesystem.h"
#include "sectors.h"

/* Opens the XFS of a partition. `disk` stays the caller's and must outlive it. NULL with the reason
 * in *e: EOPNOTSUPP for a feature that is not supported, EIO for damage, or the disk's error. */
struct filesystem *xfs_open(
	struct sectors *disk, const struct filesystem_options *options, struct err *e);

#endif
