/* SPDX-License-Identifier: MIT */
/* Copies that another ebsfs made: found by their tags before the same copy is sent again. */
#ifndef EBSFS_ADOPT_H
#define EBSFS_ADOPT_H

#include "copy_snapshot.h"

int adopt_init(struct region_queue *queue); /* 0 or -ENOMEM */
void adopt_finish(struct region_queue *queue);

/* job_kind.find_made and its end. */
struct made_question *adopt_find(struct region_queue *queue, const struct journal_copy *row,
	bool waits, job_made_done *done, void *arg, struct err *err);
void adopt_cancel(struct made_question *question);

/* Whether a queued job may be sent, as job_kind.check: EC2 was asked for others' copies a moment
 * ago, and showed none. Else it is asked now. The job takes over such a copy. */
bool adopt_check(struct job *job);

#endif
