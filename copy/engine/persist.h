/* SPDX-License-Identifier: MIT */
/* Rows of copies on their way to the journal. */
#ifndef EBSFS_PERSIST_H
#define EBSFS_PERSIST_H

#include "engine.h"

/* Writes the row of e as it is now. `then` is called when it is on disk, or with the reason why it
 * is not; never before this returned, not after save_destroy(). With then NULL, a row that could
 * not be written is written again until it is. Once the row of an ended copy is on disk,
 * life_settled() is called. */
typedef void save_then(struct entry *e, const struct err *err);
void save_row(struct entry *e, save_then *then);
/* The same with the receipt, in one transaction. */
void save_both(struct entry *e, const struct journal_receipt *receipt, save_then *then);
/* The row on disk is older than e, and nobody waits for it: it is written by and by. */
void save_later(struct entry *e);
/* e goes: what is under way for it goes on, nobody is told. */
void save_forget(struct entry *e);

int save_init(struct copies *c); /* 0 or -ENOMEM */
void save_finish(struct copies *c);

#endif
