/* SPDX-License-Identifier: MIT */
/* One submission: the row on disk, then CopySnapshot, then its answer. */
#ifndef EBSFS_COPY_SNAPSHOT_H
#define EBSFS_COPY_SNAPSHOT_H

#include "engine.h"

/* A queued copy whose turn has come. */
void submit_start(struct entry *e);
/* A new request that need not wait: its entry is in state submitting and has entered, its row is
 * not on disk yet. */
void submit_first(struct entry *e, const struct journal_receipt *receipt);
/* EC2 surely did not carry out the last one: once more, with the same token. */
void submit_again(struct entry *e);
/* Sends a row's CopySnapshot; as a dry run too, whatever the row says. done as ec2_copy_snapshot().
 * NULL with *err: nothing was sent. */
struct aws_call *submit_call(struct copies *c, const struct journal_copy *row, bool dry_run,
	ec2_copy_done *done, void *arg, struct err *err);
/* An endpoint did not heed DryRun: *err says what it has done. */
void submit_copied_dry(const struct lane *lane, const char *copy_id, struct err *err);
/* EC2 has the copy: pending, shown, on disk, answered. */
void submit_accepted(struct entry *e, const char *copy_id, const char *request_id);

#endif
