/* SPDX-License-Identifier: MIT */
/* Jobs and the journal over time: a start takes up the jobs in progress; jobs that ended long ago
 * go from the table into the history. Responses that come from the loop name their copy by row. */
#ifndef EBSFS_RECOVER_H
#define EBSFS_RECOVER_H

#include "engine.h"

int recover_init(struct copies *c); /* 0 or -ENOMEM */
void recover_finish(struct copies *c);

/* Reads the journal and takes up every row. Returns 0 or -errno with *err. */
int recover_journal(struct copies *c, journal_receipt_fn *receipt, void *arg, struct err *err);
/* The copy of a row. A copy that ended long ago is made from the history, and stays until the
 * next loop iteration. NULL: not known, or no memory. */
struct copy *recover_find(struct copies *c, int64_t row);
/* The copy that made this snapshot, in the same way; also one of another ebsfs or tool. */
struct copy *recover_find_snapshot(struct copies *c, const char *region, const char *id);
/* A job of the history becomes one of the table again, with its whole row, so that the row can be
 * changed. NULL: no memory, or no such state. */
struct copy *recover_revive(struct copies *c, const struct journal_copy *row);
/* The history has a newer record of this recalled copy: it is not found any more. */
void recover_outdate(struct copy *copy);

/* A response from the loop, because its call has not returned yet. Allocated before, so that it
 * cannot fail for want of memory: NULL on ENOMEM; free() if it is not needed. */
struct reply *reply_create(void);
/* Takes the reply. done gets the copy of this row (0: NULL) and a copy of *err (NULL: success). */
void reply_send(struct copies *c, struct reply *reply, copies_done *done, void *arg, int64_t row,
	const struct err *err);

#endif
