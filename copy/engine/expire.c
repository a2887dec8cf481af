/* SPDX-License-Identifier: MIT */
/* Copies that ended long ago go from the table into the history, and back for a moment. */
#include "expire.h"

#include <errno.h>

#include "clock.h"
#include "job.h"
#include "reconcile.h"

#define SWEEP_MS 60000

static bool is_idle(const struct job *job)
{
	return !job->saves && !job->dirty && !job->unsaved && !job->moving &&
	       !(job->work && job->work->done) && !(job->pub.row.untold && job->all->on_end);
}

static void sweep(void *arg)
{
	struct copies *c = arg;
	int64_t before = clock_wall_ms() - COPIES_LATELY_MS;
	bool more = false;
	struct job *job, *next;

	HASH_ITER (hh, c->rows, job, next) {
		if (!copy_state_ended(job->pub.state) || job->recalled)
			continue;
		if (job->pub.row.ended_ms < before && is_idle(job) &&
			history_add(c->history, &job->pub) == 0)
			job_destroy(job);
		else
			more = true;
	}
	for (struct region_queue *queue = c->queues; queue; queue = queue->hh.next) {
		struct foreign *f, *after;

		HASH_ITER (hh, queue->foreign, f, after) {
			if (f->pub.state == COPY_PENDING)
				continue;
			if (f->pub.row.ended_ms < before)
				reconcile_foreign_drop(f);
			else
				more = true;
		}
	}
	if (more)
		loop_timer_start(c->sweep_timer, SWEEP_MS);
}

void expire_soon(struct copies *c)
{
	if (!loop_timer_armed(c->sweep_timer))
		loop_timer_start(c->sweep_timer, SWEEP_MS);
}

/* The history has them unchanged. */
static void forget(void *arg)
{
	struct copies *c = arg;
	struct job *job, *next;

	DL_FOREACH_SAFE(c->recalled, job, next)
	{
		DL_DELETE(c->recalled, job);
		job_destroy(job);
	}
}

struct copy *expire_recall(struct copies *c, int64_t row)
{
	struct copy ended;
	struct job *job;

	if (history_get(c->history, row, &ended) < 0)
		return NULL;
	job = job_create(c, &ended.row, ended.state);
	if (!job || job_enter(job) < 0) {
		job_destroy(job);
		return NULL;
	}
	job->recalled = true;
	DL_APPEND(c->recalled, job);
	if (!loop_timer_armed(c->recall_timer))
		loop_timer_start(c->recall_timer, 0);
	return &job->pub;
}

int expire_init(struct copies *c)
{
	c->sweep_timer = loop_timer_create(c->options.loop, sweep, c);
	c->recall_timer = loop_timer_create(c->options.loop, forget, c);
	return c->sweep_timer && c->recall_timer ? 0 : -ENOMEM;
}

void expire_finish(struct copies *c)
{
	loop_timer_destroy(c->sweep_timer);
	loop_timer_destroy(c->recall_timer);
}
