/* SPDX-License-Identifier: MIT */
/* Polls a region's pending snapshots: one request to EC2 per interval, however many users wait. */
#ifndef EBSFS_POLLER_H
#define EBSFS_POLLER_H

#include "engine.h"

int poller_init(struct region_queue *queue); /* 0 or -ENOMEM */
void poller_finish(struct region_queue *queue);
/* Sets the time of the next poll. Call it when the set of awaited snapshots has changed. */
void poller_schedule(struct region_queue *queue);

/* Holds a pending snapshot of this region: the polls ask for it until it is released. 0 or -ENOMEM;
 * call poller_release() once for each hold. poller_glance(): the next poll comes soon and asks for
 * the snapshot once. */
int poller_hold(struct region_queue *queue, const char *id);
void poller_release(struct region_queue *queue, const char *id);
void poller_hurry(struct region_queue *queue); /* the next poll comes soon */
void poller_glance(struct region_queue *queue, const char *id);

/* Called by the kind's poll(): poller_answered() for each id in the response, poller_done() once at
 * the end; err NULL: the response is complete. */
void poller_answered(struct region_queue *queue, const char *id);
void poller_done(struct region_queue *queue, const struct err *err);

#endif
