/* SPDX-License-Identifier: MIT */
/* Invalidates attributes in the kernel's cache. */
#ifndef EBSFS_INVALIDATE_H
#define EBSFS_INVALIDATE_H

#include "fs.h"

/*
 * Only attributes are invalidated, never a name in a folder. For a name (FUSE_NOTIFY_INVAL_ENTRY,
 * and FUSE_NOTIFY_EXPIRE_ENTRY alike) the kernel waits for the folder's lock, uninterruptibly and
 * on the notifying thread. A request that waits for ebsfs may hold that lock: the folder would hang
 * until the reply, and if ebsfs is killed before, the waiting thread keeps /dev/fuse open, so the
 * mount hangs for ever.
 *
 * A name that is gone needs no notification: its node is ENOENT once its attributes expire. A
 * name that may come to stand for another node has no timeout (tree_name_seconds()).
 */

/* The kernel asks for the node's attributes again when it next needs them. Does not block. Before
 * the session starts and after its end it does nothing. */
void invalidate_node(struct fs *fs, struct node n);

#endif
