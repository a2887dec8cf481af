/* SPDX-License-Identifier: MIT */
/* A region as destination: its queue, its slots, and who may go next. */
#ifndef EBSFS_REGION_QUEUE_H
#define EBSFS_REGION_QUEUE_H

#include "engine.h"

/* The lane of a region, made at need. NULL on ENOMEM, or if the name has not a region's form. */
struct lane *lane_get(struct copies *c, const char *region);
struct lane *lane_find(const struct copies *c, const char *region); /* NULL: there is none */
struct lane *lane_make(
	struct copies *c, struct region *region); /* for regions_each(); NULL on ENOMEM */
void lane_destroy(struct lane *lane);             /* its entries are gone already */

/* For life.c: an entry comes into its state, or leaves it. */
void lane_enter(struct entry *e);
void lane_leave(struct entry *e);

/* Something changed: see soon who may go. */
void lane_wake(struct lane *lane);
/* Copies in progress into the region, as far as is known: our own, those whose answer is not here
 * yet, and those of others. */
unsigned lane_used(const struct lane *lane);
/* A submission did not get through (network, rate, credentials, disk): after some of these in a row
 * the whole lane pauses, and then sends one at a time until EC2 answers. */
void lane_trouble(struct lane *lane);
void lane_answered(struct lane *lane);
/* Whether a new request may be sent now, past no one. */
bool lane_is_free(const struct lane *lane);
/* Place in the queue from 1; 0: not queued. */
unsigned lane_position(const struct entry *e);

/* Whether there may be news of a snapshot: it is pending, or not known. */
bool lane_is_open(const struct lane *lane, const char *id);
/* Somebody waits for a pending snapshot of this region: its poller asks for it. 0 or -ENOMEM;
 * release as often as held. */
int lane_hold(struct lane *lane, const char *id);
void lane_release(struct lane *lane, const char *id);
void lane_glance(struct lane *lane, const char *id);

#endif
