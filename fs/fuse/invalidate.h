/* SPDX-License-Identifier: MIT */
/* Tells the kernel which cached attributes no longer hold. */
#ifndef EBSFS_INVALIDATE_H
#define EBSFS_INVALIDATE_H

#include "fs.h"

/*
 * Only attributes are invalidated, never a name in a folder. For a name (FUSE_NOTIFY_INVAL_ENTRY,
 * and FUSE_NOTIFY_EXPIRE_ENTRY alike) the kernel waits for the folder's lock, uninterruptibly and
 * on the thread that told it. A request that waits for ebsfs may hold that lock: the folder would
 * hang until the request is answered, and if ebsfs is killed before, the waiting thread keeps
 * /dev/fuse open, so the mount hangs for ever.
 *
 * A name that is gone needs no message: its node answers ENOENT once its attributes do not hold. A
 * name that may come to stand for another node has no timeout (tree_name_seconds()).
 */

/* The node's attributes are asked for anew when next needed. Does not block. Nothing happens before
 * the mount stands or after its end. */
void invalidate_node(struct fs *fs, struct node n);

#endif
