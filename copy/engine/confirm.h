/* SPDX-License-Identifier: MIT */
/* Finds out whether a completed job's result still exists, and records that it is gone. */
#ifndef EBSFS_CONFIRM_H
#define EBSFS_CONFIRM_H

#include "engine.h"

/* Implements copies_confirm(). */
int confirm_start(struct copies *c, struct copy *copy, copies_done *done, void *arg);
void confirm_finish(struct copies *c);

/* Whether a completed copy started long enough ago (copies_options.window_ms) that EC2 must show
 * its result. */
bool confirm_is_settled(const struct copies *c, const struct journal_copy *row);
/* The result of a completed copy is gone from EC2: sets the copy's state to COPY_DELETED. No effect
 * on a copy in another state. why: shown in the copy's status. */
void confirm_deleted(struct copies *c, struct copy *copy, const char *why);
/* Whether the copy's deletion was seen so long ago (copies_options.window_ms) that a newer record
 * of its snapshot in EC2 means the snapshot was restored from the recycle bin. */
bool confirm_is_restored(const struct copies *c, const struct copy *copy);

#endif
