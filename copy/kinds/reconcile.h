/* SPDX-License-Identifier: MIT */
/* Turns EC2's listings into events of this mount's copies, and into copies of others. */
#ifndef EBSFS_RECONCILE_H
#define EBSFS_RECONCILE_H

#include "copy_snapshot.h"

/* Watches the queue's catalogue, and reconciles its present snapshots. 0 or -ENOMEM. */
int reconcile_init(struct region_queue *queue);
void reconcile_finish(struct region_queue *queue);
/* Adds the slots of changed snapshots that wait to be reconciled, as catalogue_mark_fn. */
int reconcile_mark(const struct region_queue *queue, struct slot_set *named);

/* Updates a pending job from the catalogue's present record of its copy. */
void reconcile_job(struct job *job);

/* Updates only progress and times, for a job whose first row is still being written. */
void reconcile_progress(struct job *job);
/* Reconciles the catalogue's changes now, not in the next loop iteration. */
void reconcile_now(struct region_queue *queue);

/* Implement job_kind.poll and poll_cancel. */
int reconcile_poll(struct region_queue *queue);
void reconcile_poll_cancel(struct region_queue *queue);

#endif
