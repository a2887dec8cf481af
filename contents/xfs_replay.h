/* SPDX-License-Identifier: MIT */
/* XFS's log: the effect of committed transactions, written into the overlay. */
#ifndef EBSFS_XFS_REPLAY_H
#define EBSFS_XFS_REPLAY_H

#include "xfs_internal.h"
#include "xfs_transaction.h"

struct xfs_replay {
	struct xfs *fs;
	struct sector_map cancelled; /* buffers that this transaction cancels: first sector ->
				      * number of sectors */
	/* Changes of extents that were requested and have not been completed so far. */
	struct xfs_intent {
		uint64_t id, inodes[2];
		uint16_t type;
	} * intents;
	unsigned intent_count;
};

void xfs_replay_finish(struct xfs_replay *replay);
/* Returns whether an item changes metadata that ebsfs-reader uses, by the first bytes of its
 * description. */
bool xfs_replay_wants(const uint8_t *description, uint32_t len);
/* Applies a transaction; arg: a struct xfs_replay. Returns 0, or -errno with a reason: -EIO for
 * damage, -EOPNOTSUPP for an item that is not known, -EFBIG or -ENOMEM. */
int xfs_replay_commit(void *arg, const struct xfs_transaction *transaction);
/* Call it after the last transaction: marks the inodes of unfinished changes. Returns 0 or -ENOMEM.
 */
int xfs_replay_end(struct xfs_replay *replay);

#endif
