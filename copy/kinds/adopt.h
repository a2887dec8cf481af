/* SPDX-License-Identifier: MIT */
/* Copies that another ebsfs made: found by their tags before the same copy is sent again. */
#ifndef EBSFS_ADOPT_H
#define EBSFS_ADOPT_H

#include "copy_snapshot.h"

int adopt_init(struct region_queue *queue); /* 0 or -ENOMEM */
void adopt_finish(struct region_queue *queue);

/* Implement job_kind.find_made and find_made_cancel. */
struct made_question *adopt_find(struct region_queue *queue, const struct journal_copy *row,
	bool waits, job_made_done *done, void *arg, struct err *err);
void adopt_cancel(struct made_question *question);

/* Part of job_kind.check: whether a queued job may be sent, because EC2 showed no copy of others a
 * moment ago. Otherwise asks EC2 now; if it shows such a copy, the job takes the copy over. */
bool adopt_check(struct job *job);

#endif
