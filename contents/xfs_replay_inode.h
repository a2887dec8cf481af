/* SPDX-License-Identifier: MIT */
/* XFS's log: replays one inode. */
#ifndef EBSFS_XFS_REPLAY_INODE_H
#define EBSFS_XFS_REPLAY_INODE_H

#include "xfs_internal.h"
#include "xfs_transaction.h"

/* The place of a logged inode, and which parts of it were logged. */
struct xfs_replay_inode {
	uint64_t number;
	uint64_t sector, sectors; /* the buffer that contains the inode */
	uint32_t offset;          /* bytes within that buffer */
	uint32_t fields;
	uint32_t device;
};

/* Parses the item's description. Returns 0 or -EIO. */
int xfs_replay_inode_parse(const struct xfs_log_item *item, struct xfs_replay_inode *out);
/* Writes the logged parts into the overlay. Returns 0 or -errno. */
int xfs_replay_inode(
	struct xfs *fs, const struct xfs_replay_inode *inode, const struct xfs_log_item *item);

#endif
