/* SPDX-License-Identifier: MIT */
/* Invalidates attributes in the kernel's cache. */
#define FUSE_USE_VERSION 314
#include "invalidate.h"

#include <fuse_lowlevel.h>

void invalidate_node(struct fs *fs, struct node n)
{
	if (!fs->session)
		return;
	fs->stats.invalidations++;
	/* The result is ignored: ENOENT says that the kernel had nothing cached. Offset -1 leaves
	 * the pages alone: the next open drops them, and a reader may hold their locks. */
	fuse_lowlevel_notify_inval_inode(fs->session, node_number(n), -1, 0);
}
