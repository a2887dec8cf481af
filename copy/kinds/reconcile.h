/* SPDX-License-Identifier: MIT */
/* Turns EC2's listings into events of copies, our own and those of others. */
#ifndef EBSFS_RECONCILE_H
#define EBSFS_RECONCILE_H

#include "copy_snapshot.h"

/* Watches the queue's catalogue from now on, and takes up what it has. 0 or -ENOMEM. */
int reconcile_init(struct region_queue *queue);
void reconcile_finish(struct region_queue *queue);
/* As catalogue_mark_fn: changed snapshots that are looked at when the loop turns. */
int reconcile_mark(const struct region_queue *queue, struct slot_set *named);

/* A pending job takes over what the catalogue has of it now. */
void reconcile_job(struct job *job);

/* A job whose first row is still being written takes over progress and times. */
void reconcile_progress(struct job *job);
/* Takes up the catalogue's changes so far, which otherwise waits for the loop. */
void reconcile_now(struct region_queue *queue);

/* job_kind.poll and job_kind.poll_cancel */
int reconcile_poll(struct region_queue *queue);
void reconcile_poll_cancel(struct region_queue *queue);

#endif
