/* SPDX-License-Identifier: MIT */
/* When EC2 is asked about a region's pending snapshots: one request an interval, however many wait
 * for them. */
#ifndef EBSFS_POLLER_H
#define EBSFS_POLLER_H

#include "engine.h"

int poller_init(struct region_queue *queue); /* 0 or -ENOMEM */
void poller_finish(struct region_queue *queue);
/* The set of awaited snapshots has changed: sets the time of the next poll. */
void poller_schedule(struct region_queue *queue);

/* Holds a pending snapshot of this region: the polls ask for it, too. 0 or -ENOMEM; release
 * as often as held. A glance: one answer is enough, and soon. */
int poller_hold(struct region_queue *queue, const char *id);
void poller_release(struct region_queue *queue, const char *id);
void poller_hurry(struct region_queue *queue); /* the next poll comes soon */
void poller_glance(struct region_queue *queue, const char *id);

/* For the kind's poll(): the response had this id; and, once, that the poll is over, err NULL:
 * whole. */
void poller_answered(struct region_queue *queue, const char *id);
void poller_done(struct region_queue *queue, const struct err *err);

#endif
