/* SPDX-License-Identifier: MIT */
/* The source snapshot of a job: whether it can be copied now, and waiting until it can. */
#ifndef EBSFS_SOURCE_H
#define EBSFS_SOURCE_H

#include "engine.h"

enum source_state {
	SOURCE_READY,
	SOURCE_PENDING,
	SOURCE_UNFIT,   /* EC2 will never copy it: *err says why */
	SOURCE_UNKNOWN, /* the catalogue does not have it */
};
/* By the catalogue. *slot (NULL is permitted): where it is. */
enum source_state source_state(
	struct region *region, const char *id, catalogue_slot *slot, struct err *err);
/* ENOENT, in words. */
int source_unknown(const char *region, const char *id, struct err *err);

/* job_kind.check: whether the queued job's source can be copied now. */
bool source_check(struct job *job);
/* The source is pending: the job waits in the queue, and the source's region is polled. 0 or
 * -ENOMEM. */
int source_wait(struct job *job);
/* A snapshot that is held has changed: jobs that wait for it go on. */
void source_changed(struct region_queue *queue, const char *id);

#endif
