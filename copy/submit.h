/* SPDX-License-Identifier: MIT */
/* One submission: the row on disk, then CopySnapshot, then its answer. */
#ifndef EBSFS_SUBMIT_H
#define EBSFS_SUBMIT_H

#include "inner.h"

/* A queued copy whose turn has come. */
void submit_start(struct entry *e);
/* A new request that need not wait: its entry is in state submitting and has entered, its row is
 * not on disk yet. */
void submit_first(struct entry *e, const struct journal_receipt *receipt);
/* EC2 surely did not carry out the last one: once more, with the same token. */
void submit_again(struct entry *e);
/* EC2 has the copy: pending, shown, on disk, answered. */
void submit_accepted(struct entry *e, const char *copy_id);

#endif
