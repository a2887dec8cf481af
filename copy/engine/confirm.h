/* SPDX-License-Identifier: MIT */
/* Finds out whether a completed job's result still exists, and records that it is gone. */
#ifndef EBSFS_CONFIRM_H
#define EBSFS_CONFIRM_H

#include "engine.h"

/* copies_confirm() */
int confirm_start(struct copies *c, struct copy *copy, copies_done *done, void *arg);
void confirm_finish(struct copies *c);

/* Whether a completed copy is so old that EC2 would show it. */
bool confirm_is_settled(const struct copies *c, const struct journal_copy *row);
/* Takes up what is known of a completed copy's result: gone, if it is and EC2 would show it. */
void confirm_judge(struct copies *c, struct copy *copy, enum job_presence presence);
/* The snapshot of a completed copy is gone: it becomes COPY_DELETED. No effect on a copy in another
 * state. why: for its status. */
void confirm_deleted(struct copies *c, struct copy *copy, const char *why);
/* Whether a copy was seen to be gone so long ago that a record of EC2's shows it to be there again:
 * restored from the recycle bin. */
bool confirm_is_restored(const struct copies *c, const struct copy *copy);

#endif
