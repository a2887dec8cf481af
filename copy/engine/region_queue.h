/* SPDX-License-Identifier: MIT */
/* A region as destination: its queue, its slots, and which job may be sent next. */
#ifndef EBSFS_REGION_QUEUE_H
#define EBSFS_REGION_QUEUE_H

#include "engine.h"

/* The queue of a region, made at need. NULL on ENOMEM, or if the name has not a region's form. */
struct region_queue *region_queue_get(struct copies *c, const char *region);
struct region_queue *region_queue_find(const struct copies *c, const char *region); /* NULL: none */
struct region_queue *region_queue_make(
	struct copies *c, struct region *region);      /* for regions_each(); NULL on ENOMEM */
void region_queue_destroy(struct region_queue *queue); /* its jobs are gone already */

/* For job.c: a job comes into its state, or leaves it. */
void region_queue_enter(struct job *job);
void region_queue_leave(struct job *job);

/* Something changed: sees soon which jobs may be sent, and when to poll. */
void region_queue_wake(struct region_queue *queue);
/* Copies in progress into the region, as far as is known: our own, those whose response is not
 * here yet, and those of others. */
unsigned region_queue_used(const struct region_queue *queue);
/* EC2 has accepted a job under this id, which is no other's copy then. */
void region_queue_accepted(struct region_queue *queue, const char *id);
/* EC2 refused one for the limit; it is back in the queue. */
void region_queue_refused(struct region_queue *queue, const struct err *err);
/* A request did not get through (network, rate, credentials, disk): after some of these in a row
 * the whole queue pauses, and then sends one at a time until EC2 answers. */
void region_queue_trouble(struct region_queue *queue);
void region_queue_answered(struct region_queue *queue);
/* Whether a new request may be sent now, past no other. */
bool region_queue_is_free(const struct region_queue *queue);
/* Place in the queue from 1; 0: not queued. */
unsigned region_queue_position(const struct job *job);

/* A copy of others is in progress: takes a slot until its end. s: EC2's record. NULL on ENOMEM, or
 * if there are too many. */
struct foreign *region_queue_foreign(
	struct region_queue *queue, const struct catalogue_snapshot *s);
void region_queue_foreign_end(
	struct foreign *f, enum copy_state state, int64_t ended_ms, const char *message);
void region_queue_foreign_drop(struct foreign *f);

#endif
