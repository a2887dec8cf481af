/* SPDX-License-Identifier: MIT */
/* ext2, ext3 and ext4 by libext2fs, read only, with the journal replayed as a map of blocks. */
#ifndef EBSFS_EXT_H
#define EBSFS_EXT_H

#include "err.h"
#include "filesystem.h"
#include "sectors.h"

/* Opens an ext2, ext3 or ext4. Parameters and result as for detect_filesystem(). */
struct filesystem *ext_open(
	struct sectors *disk, const struct filesystem_options *options, struct err *e);

#endif
