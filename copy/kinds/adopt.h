/* SPDX-License-Identifier: MIT */
/* Copies that another ebsfs made: found by their tags before the same copy is sent again. */
#ifndef EBSFS_ADOPT_H
#define EBSFS_ADOPT_H

#include "copy_snapshot.h"

int adopt_init(struct region_queue *queue); /* 0 or -ENOMEM */
/* Follows the catalogue, for adopt_doubles(): without memory for that, some are not named. */
void adopt_watch(struct region_queue *queue);
void adopt_finish(struct region_queue *queue);

/* job_kind.find_made and its end. */
struct made_question *adopt_find(struct region_queue *queue, const struct journal_copy *row,
	job_made_done *done, void *arg, struct err *err);
void adopt_cancel(struct made_question *question);

/* Whether a queued job may be sent, as job_kind.check: others may have made the copy since the job
 * came into the queue, so EC2 is asked once more. The job takes over such a copy. */
bool adopt_check(struct job *job);

/* job_kind.doubles: other copies of the same source and label, as far as the catalogue has them. */
void adopt_doubles(const struct copies *c, const struct copy *copy, struct buf *out);

#endif
