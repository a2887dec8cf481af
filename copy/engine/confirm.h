/* SPDX-License-Identifier: MIT */
/* Finds out whether a completed copy's snapshot still exists, and records that it is gone. */
#ifndef EBSFS_CONFIRM_H
#define EBSFS_CONFIRM_H

#include "engine.h"

/* copies_confirm() */
int confirm_start(struct copies *c, struct copy *copy, copies_done *done, void *arg);
void confirm_finish(struct copies *c);

/* EC2's record of the copy's snapshot, as far as the catalogue has it. */
enum confirm_presence {
	CONFIRM_UNKNOWN, /* EC2 has not described it in this mount */
	CONFIRM_ALIVE,
	CONFIRM_GONE,
	CONFIRM_BIN, /* in the recycle bin */
};
enum confirm_presence confirm_presence(struct region *region, const char *id);
/* Whether a completed copy is so old that EC2 would show it. */
bool confirm_is_settled(const struct copies *c, const struct journal_copy *row);
/* The snapshot of a completed copy is gone: it becomes COPY_DELETED. No effect on a copy in another
 * state. why: for its status. */
void confirm_deleted(struct copies *c, struct copy *copy, const char *why);
/* Whether a copy was seen to be gone so long ago that a record of EC2's shows it to be there again:
 * restored from the recycle bin. */
bool confirm_is_restored(const struct copies *c, const struct copy *copy);

#endif
