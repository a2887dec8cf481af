/* SPDX-License-Identifier: MIT */
/* Lost answers: what did EC2 make of a CopySnapshot that it did not answer? */
#ifndef EBSFS_LOST_REQUESTS_H
#define EBSFS_LOST_REQUESTS_H

#include "engine.h"

int lost_requests_init(struct region_queue *queue); /* 0 or -ENOMEM */
void lost_requests_finish(struct region_queue *queue);

/* The answer of a request that was sent did not come: looks for its tag until it is found or EC2's
 * window of eventual consistency has passed. */
void lost_requests_lost(struct job *job, const struct err *err);
/* The same for a row from the journal, of a mount that ended before the answer. */
void lost_requests_start(struct job *job);
/* Somebody saw a snapshot with job's token: the search, if any, is over. */
void lost_requests_found(struct job *job, const char *copy_id);

#endif
