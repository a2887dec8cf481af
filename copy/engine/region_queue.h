/* SPDX-License-Identifier: MIT */
/* A region as destination: its queue, its slots, and who may go next. */
#ifndef EBSFS_REGION_QUEUE_H
#define EBSFS_REGION_QUEUE_H

#include "engine.h"

/* The queue of a region, made at need. NULL on ENOMEM, or if the name has not a region's form. */
struct region_queue *region_queue_get(struct copies *c, const char *region);
struct region_queue *region_queue_find(
	const struct copies *c, const char *region); /* NULL: there is none */
struct region_queue *region_queue_make(
	struct copies *c, struct region *region);      /* for regions_each(); NULL on ENOMEM */
void region_queue_destroy(struct region_queue *queue); /* its entries are gone already */

/* For life.c: an entry comes into its state, or leaves it. */
void region_queue_enter(struct job *job);
void region_queue_leave(struct job *job);

/* Something changed: see soon who may go. */
void region_queue_wake(struct region_queue *queue);
/* Copies in progress into the region, as far as is known: our own, those whose answer is not here
 * yet, and those of others. */
unsigned region_queue_used(const struct region_queue *queue);
/* A submission did not get through (network, rate, credentials, disk): after some of these in a row
 * the whole queue pauses, and then sends one at a time until EC2 answers. */
void region_queue_trouble(struct region_queue *queue);
void region_queue_answered(struct region_queue *queue);
/* Whether a new request may be sent now, past no one. */
bool region_queue_is_free(const struct region_queue *queue);
/* Place in the queue from 1; 0: not queued. */
unsigned region_queue_position(const struct job *job);

/* Whether there may be news of a snapshot: it is pending, or not known. */
bool region_queue_is_open(const struct region_queue *queue, const char *id);
/* Somebody waits for a pending snapshot of this region: its poller asks for it. 0 or -ENOMEM;
 * release as often as held. */
int region_queue_hold(struct region_queue *queue, const char *id);
void region_queue_release(struct region_queue *queue, const char *id);
void region_queue_glance(struct region_queue *queue, const char *id);

#endif
