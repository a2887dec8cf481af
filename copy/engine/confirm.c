/* SPDX-License-Identifier: MIT */
/* Whether a completed job's result still exists. */
#include "confirm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "job.h"
#include "log.h"
#include "recover.h"
#include "region_queue.h"

/* A deletion whose write to the journal is in flight. */
struct deletion {
	struct deletion *prev, *next;
	struct copies *all;
	int64_t row;
};

/* One request to EC2 whether a copy's result exists. */
struct confirm {
	struct confirm *prev, *next;
	struct copies *all;
	int64_t row;
	char *id;
	struct region_queue *queue;
	struct presence_question *question;
	copies_done *done;
	void *arg;
};

bool confirm_is_settled(const struct copies *c, const struct journal_copy *row)
{
	int64_t since = row->started_ms ? row->started_ms : row->requested_ms;

	return clock_wall_ms() - since >= c->options.window_ms;
}

/* The journal could not record the deletion: makes the history's row completed again, so that the
 * next request to EC2 finds the deletion once more. */
static void confirm_undelete(struct copies *c, int64_t row)
{
	struct copy copy;
	int r = history_get(c->history, row, &copy);

	if (r == 0) {
		copy.state = COPY_COMPLETED;
		copy.row.deleted_ms = 0;
		free(steal(&copy.row.message));
		r = history_add(c->history, &copy);
		journal_copy_finish(&copy.row);
	}
	if (r < 0)
		log_error("copy %lld: out of memory; its deletion is recorded by the next mount",
			(long long)row);
}

static void confirm_deletion_end(struct deletion *d)
{
	DL_DELETE(d->all->deletions, d);
	free(d);
}

static void confirm_journalled(void *arg, const struct err *err)
{
	struct deletion *d = arg;

	if (err)
		confirm_undelete(d->all, d->row);
	confirm_deletion_end(d);
}

/* Records the deletion of a copy that only the history has: there and in the journal's row. */
static void confirm_deleted_long_ago(struct copies *c, struct copy *copy, const char *why)
{
	struct deletion *d = malloc(sizeof(*d));
	struct copy gone = *copy;

	gone.row.message = (char *)why;
	gone.row.deleted_ms = clock_wall_ms();
	gone.state = COPY_DELETED;
	if (d && history_add(c->history, &gone) == 0) {
		*d = (struct deletion){.all = c, .row = gone.row.id};
		DL_APPEND(c->deletions, d);
		if (journal_set_copy_state(c->options.journal, d->row,
			    copy_state_text(COPY_DELETED), why, gone.row.deleted_ms,
			    confirm_journalled, d) == 0)
			return;
		confirm_undelete(c, d->row);
		confirm_deletion_end(d);
	} else {
		free(d);
	}
	log_error("copy %lld: out of memory; its deletion is not recorded now",
		(long long)gone.row.id);
}

void confirm_deleted(struct copies *c, struct copy *copy, const char *why)
{
	struct job *job = job_of(copy);

	if (copy->origin != COPY_OURS || copy->state != COPY_COMPLETED || copy->row.dry_run)
		return;
	if (!job->recalled) {
		if (job->phase == PHASE_REST || job->phase == PHASE_RECORDING)
			job_event(job, JOB_GONE,
				&(struct job_news){.ended_ms = clock_wall_ms(), .message = why});
		return;
	}
	confirm_deleted_long_ago(c, copy, why);
	recover_outdate(copy);
}

bool confirm_is_restored(const struct copies *c, const struct copy *copy)
{
	return copy->state == COPY_DELETED &&
	       clock_wall_ms() - copy->row.deleted_ms >= c->options.window_ms;
}

static void confirm_destroy(struct confirm *m)
{
	if (m->question)
		m->queue->kind->ask_cancel(m->question);
	DL_DELETE(m->all->confirms, m);
	free(m->id);
	free(m);
}

/* Calls confirm_deleted() if `presence` is not JOB_PRESENCE_ALIVE and the copy is old enough that
 * EC2 must show its result (confirm_is_settled()). */
static void confirm_judge(struct copies *c, struct copy *copy, enum job_presence presence)
{
	char why[80];

	if (presence == JOB_PRESENCE_ALIVE || !confirm_is_settled(c, &copy->row))
		return;
	snprintf(why, sizeof(why), "the %s was %s", copy->kind->result,
		presence == JOB_PRESENCE_BIN ? "moved into the recycle bin"
					     : copy->kind->states[COPY_DELETED]);
	confirm_deleted(c, copy, why);
}

static void confirm_asked(void *arg, const struct err *err)
{
	struct confirm *m = arg;
	struct copies *c = m->all;
	copies_done *done = m->done;
	void *done_arg = m->arg;
	int64_t row = m->row;
	struct copy *copy = recover_find(c, row);
	enum job_presence presence = m->queue->kind->presence(m->queue, m->id);
	struct err mine;

	m->question = NULL;
	if (err) {
		mine = *err;
		err_context(&mine, "cannot find out whether the %s %s in %s still exists",
			m->queue->kind->name, m->id, m->queue->name);
		if (!mine.http_status && mine.errnum != ENOMEM)
			mine.errnum = ETIMEDOUT;
	}
	confirm_destroy(m);
	if (!err && copy) {
		confirm_judge(c, copy, presence);
		copy = recover_find(c, row);
	}
	done(done_arg, copy, err ? &mine : NULL);
}

static int confirm_ask(struct copies *c, struct region_queue *queue, struct copy *copy,
	copies_done *done, void *arg)
{
	struct confirm *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*m = (struct confirm){.all = c,
		.row = copy->row.id,
		.id = strdup(copy->row.copy_id),
		.queue = queue,
		.done = done,
		.arg = arg};
	DL_APPEND(c->confirms, m);
	if (m->id)
		m->question = queue->kind->ask(queue, m->id, confirm_asked, m);
	if (m->question)
		return 0;
	confirm_destroy(m);
	return -ENOMEM;
}

int confirm_start(struct copies *c, struct copy *copy, copies_done *done, void *arg)
{
	const struct journal_copy *row = &copy->row;
	struct region_queue *queue = region_queue_of(c, copy->kind, row->region);
	struct reply *reply;

	if (row->copy_id && !row->dry_run && queue && !copy->kind->is_fresh(queue, copy))
		return confirm_ask(c, queue, copy, done, arg);
	reply = reply_create();
	if (!reply)
		return -ENOMEM;
	reply_send(c, reply, done, arg, row->id, NULL);
	return 0;
}

void confirm_finish(struct copies *c)
{
	while (c->confirms)
		confirm_destroy(c->confirms);
	while (c->deletions)
		confirm_deletion_end(c->deletions);
}
