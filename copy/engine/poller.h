/* SPDX-License-Identifier: MIT */
/* The one who asks EC2 about a region's pending snapshots: one DescribeSnapshots an interval,
 * whoever wants to know. */
#ifndef EBSFS_POLLER_H
#define EBSFS_POLLER_H

#include "engine.h"

int poller_init(struct region_queue *queue); /* 0 or -ENOMEM */
void poller_finish(struct region_queue *queue);
/* What is waited for has changed: sees when the next poll is due. */
void poller_schedule(struct region_queue *queue);

#endif
