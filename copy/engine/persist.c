/* SPDX-License-Identifier: MIT */
/* Rows of copies on their way to the journal. */
#include "persist.h"

#include <errno.h>

#include "job.h"
#include "log.h"
#include "poll_backoff.h"
#include "random.h"

/* One write under way. */
struct save {
	struct save *prev, *next;
	struct copies *all;
	struct job *job; /* NULL: it is gone */
	persist_then *then;
};

static void again_soon(struct copies *c)
{
	if (!loop_timer_armed(c->save_timer))
		loop_timer_start(c->save_timer,
			poll_backoff_retry(c->options.retry_ms, ++c->save_failures, random_unit()));
}

void persist_later(struct job *job)
{
	job->dirty = true;
	again_soon(job->all);
}

static void outcome(struct job *job, persist_then *then, const struct err *err)
{
	char text[700];

	if (err && !then) {
		if (!job->dirty)
			log_warning("copy %lld: its row cannot be written, trying on: %s",
				(long long)job->pub.row.id, err_text(err, text, sizeof(text)));
		persist_later(job);
	}
	if (!err) {
		job->all->save_failures = 0;
		job->dirty = job->dirty && job->saves;
	}
	if (then)
		then(job, err); /* on failure job may be gone after this */
	if (!err && !job->saves && !job->dirty)
		job_settled(job);
}

static void written(void *arg, const struct err *err)
{
	struct save *s = arg;
	struct job *job = s->job;
	persist_then *then = s->then;

	DL_DELETE(s->all->saves, s);
	free(s);
	if (!job)
		return;
	job->saves--;
	outcome(job, then, err);
}

void persist_both(struct job *job, const struct journal_receipt *receipt, persist_then *then)
{
	struct copies *c = job->all;
	struct journal_copy row = job->pub.row;
	struct save *s = malloc(sizeof(*s));
	int result = -ENOMEM;

	row.state = (char *)copy_state_text(job->pub.state);
	if (s) {
		*s = (struct save){.all = c, .job = job, .then = then};
		result = receipt ? journal_put_both(c->options.journal, &row, receipt, written, s)
				 : journal_put_copy(c->options.journal, &row, written, s);
	}
	if (!result) {
		DL_APPEND(c->saves, s);
		job->saves++;
		return;
	}
	free(s);
	/* `then` must not be called before this has returned, and nothing more can be allocated for
	 * that. */
	job->unsaved = then;
	job->dirty = !then;
	loop_timer_start(c->save_timer, 0);
}

void persist_row(struct job *job, persist_then *then)
{
	persist_both(job, NULL, then);
}

void persist_forget(struct job *job)
{
	struct save *s;

	for (s = job->all->saves; s; s = s->next)
		if (s->job == job)
			s->job = NULL;
}

/* Writes again what could not be written, and tells of what was not even put. */
static void timer(void *arg)
{
	struct copies *c = arg;
	struct job *job, *next;
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	HASH_ITER (hh, c->rows, job, next) {
		persist_then *then = job->unsaved;

		job->unsaved = NULL;
		if (then)
			outcome(job, then, &err);
		else if (job->dirty && !job->saves)
			persist_row(job, NULL);
	}
}

int persist_init(struct copies *c)
{
	c->save_timer = loop_timer_create(c->options.loop, timer, c);
	return c->save_timer ? 0 : -ENOMEM;
}

void persist_finish(struct copies *c)
{
	struct save *s, *next;

	/* The journal is closed before the loop turns: it calls none of them back. */
	for (s = c->saves; s; s = next) {
		next = s->next;
		free(s);
	}
	c->saves = NULL;
	loop_timer_destroy(c->save_timer);
}
