/* SPDX-License-Identifier: MIT */
/* Finds out whether EC2 carried out a CopySnapshot without a response. */
#ifndef EBSFS_LOST_REQUESTS_H
#define EBSFS_LOST_REQUESTS_H

#include "copy_snapshot.h"

int lost_requests_init(struct region_queue *queue); /* 0 or -ENOMEM */
void lost_requests_finish(struct region_queue *queue);

/* Implements job_kind.find_lost: searches EC2 for the job's tag until a copy is found or EC2's
 * window of eventual consistency has passed. */
int lost_requests_find(struct job *job, const struct err *why, struct err *err);

/* Whether the error means that the endpoint does not support the filter. The caller then reads all
 * of the account's snapshots instead. */
bool lost_requests_filter_is_refused(const struct err *err);

#endif
