/* SPDX-License-Identifier: MIT */
/* Rows of copies on their way to the journal. */
#ifndef EBSFS_PERSIST_H
#define EBSFS_PERSIST_H

#include "engine.h"

/* Writes the row of job as it is now. `then` is called when it is on disk, or with the reason why
 * it is not; never before this returned, not after save_destroy(). With then NULL, a row that could
 * not be written is written again until it is. Once the row of an ended copy is on disk,
 * job_settled() is called. */
typedef void persist_then(struct job *job, const struct err *err);
void persist_row(struct job *job, persist_then *then);
/* The same with the receipt, in one transaction. */
void persist_both(struct job *job, const struct journal_receipt *receipt, persist_then *then);
/* The row on disk is older than job, and nobody waits for it: it is written by and by. */
void persist_later(struct job *job);
/* job goes: what is under way for it goes on, nobody is told. */
void persist_forget(struct job *job);

int persist_init(struct copies *c); /* 0 or -ENOMEM */
void persist_finish(struct copies *c);

#endif
