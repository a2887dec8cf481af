/* SPDX-License-Identifier: MIT */
/* Loads the journal's rows when the mount starts, resumes jobs in progress, moves jobs that ended
 * long ago from memory into the compact history, finds copies by row, and calls callers back from
 * the loop. */
#ifndef EBSFS_RECOVER_H
#define EBSFS_RECOVER_H

#include "engine.h"

int recover_init(struct copies *c); /* 0 or -ENOMEM */
void recover_finish(struct copies *c);

/* Reads the journal: makes a job or a history entry of each copy's row, and calls `receipt` for
 * each receipt's row. Returns 0 or -errno with *err. */
int recover_journal(struct copies *c, journal_receipt_fn *receipt, void *arg, struct err *err);
/* The copy of a row. A copy that ended long ago is made from the history, and freed in the next
 * loop iteration. NULL: unknown row, or no memory. */
struct copy *recover_find(struct copies *c, int64_t row);
/* The copy that made or makes this snapshot, also a copy in progress of another ebsfs or tool.
 * Lifetime and NULL as for recover_find(). */
struct copy *recover_find_snapshot(struct copies *c, const char *region, const char *id);
/* Makes a lasting job from the whole row of a copy in the history, so that the row can be changed.
 * NULL: no memory, or the row's state or kind is unknown. */
struct copy *recover_revive(struct copies *c, const struct journal_copy *row);
/* The history has changed since this copy was made from it: lookups do not find this one any more.
 */
void recover_outdate(struct copy *copy);

/* A call of done that the loop makes later, because the function that was given done must return
 * first. Create it before the operation, so that the operation's end cannot fail for lack of
 * memory. NULL on ENOMEM; free() it if it is not needed. */
struct reply *reply_create(void);
/* Takes ownership of the reply. In the next loop iteration, calls done with the copy of this row
 * (row 0: NULL) and a copy of *err (NULL: success). */
void reply_send(struct copies *c, struct reply *reply, copies_done *done, void *arg, int64_t row,
	const struct err *err);

#endif
