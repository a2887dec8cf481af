/* SPDX-License-Identifier: MIT */
/* One submission: the row on disk, then CopySnapshot, then its answer. */
#ifndef EBSFS_COPY_SNAPSHOT_H
#define EBSFS_COPY_SNAPSHOT_H

#include "engine.h"

/* A queued copy whose turn has come. */
void copy_snapshot_start(struct job *job);
/* A new request that need not wait: its entry is in state submitting and has entered, its row is
 * not on disk yet. */
void copy_snapshot_first(struct job *job, const struct journal_receipt *receipt);
/* EC2 surely did not carry out the last one: once more, with the same token. */
void copy_snapshot_again(struct job *job);
/* Sends a row's CopySnapshot; as a dry run too, whatever the row says. done as ec2_copy_snapshot().
 * NULL with *err: nothing was sent. */
struct aws_call *copy_snapshot_call(struct copies *c, const struct journal_copy *row, bool dry_run,
	ec2_copy_done *done, void *arg, struct err *err);
/* An endpoint did not heed DryRun: *err says what it has done. */
void copy_snapshot_copied_dry(
	const struct region_queue *queue, const char *copy_id, struct err *err);
/* EC2 has the copy: pending, shown, on disk, answered. */
void copy_snapshot_accepted(struct job *job, const char *copy_id, const char *request_id);

#endif
