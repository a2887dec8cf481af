/* SPDX-License-Identifier: MIT */
/* Whether a copy's snapshot exists, by the region's catalogue or a request to EC2. */
#ifndef EBSFS_COPY_PRESENCE_H
#define EBSFS_COPY_PRESENCE_H

#include "engine.h"

/* Implement job_kind.presence, is_fresh, ask and ask_cancel. */
enum job_presence copy_presence(const struct region_queue *queue, const char *id);
bool copy_presence_is_fresh(const struct region_queue *queue, const struct copy *copy);
struct presence_question *copy_presence_ask(
	struct region_queue *queue, const char *id, region_done *done, void *arg);
void copy_presence_cancel(struct presence_question *question);

#endif
