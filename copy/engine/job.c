/* SPDX-License-Identifier: MIT */
/* The life of a copy. */
#include "job.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "clock.h"
#include "expire.h"
#include "log.h"
#include "move_cleanup.h"
#include "on_end.h"
#include "persist.h"
#include "region_queue.h"

/* The moves that there are; the table over enum copy_state says who makes them. */
static const unsigned moves[] = {
	[COPY_QUEUED] = 1u << COPY_SUBMITTING | 1u << COPY_FAILED | 1u << COPY_CANCELLED,
	[COPY_SUBMITTING] = 1u << COPY_QUEUED | 1u << COPY_PENDING | 1u << COPY_COMPLETED |
			    1u << COPY_FAILED | 1u << COPY_CANCELLED,
	[COPY_PENDING] = 1u << COPY_COMPLETED | 1u << COPY_ERROR | 1u << COPY_CANCELLED,
	[COPY_COMPLETED] = 0,
	[COPY_ERROR] = 0,
	[COPY_FAILED] = 1u << COPY_PENDING,
	[COPY_CANCELLED] = 1u << COPY_QUEUED,
};

static struct work *work_create(struct job *job)
{
	struct work *w = calloc(1, sizeof(*w));

	if (w)
		w->job = job;
	return w;
}

static void work_destroy(struct work *w)
{
	if (!w)
		return;
	if (w->hh.tbl)
		HASH_DEL(w->job->all->tokens, w);
	if (w->source)
		region_queue_release(w->source, w->job->pub.row.source_id);
	if (w->waiter)
		region_cancel(w->waiter);
	if (w->call)
		aws_cancel(w->call);
	loop_timer_destroy(w->patience);
	free(w->refusal);
	free(w->reason);
	free(w);
}

struct job *job_create(struct copies *c, struct journal_copy *row, enum copy_state state)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job && !copy_state_ended(state))
		job->work = work_create(job);
	if (!job || (!copy_state_ended(state) && !job->work)) {
		journal_copy_finish(row);
		free(job);
		return NULL;
	}
	job->all = c;
	job->pub = (struct copy){.state = state,
		.origin = COPY_OURS,
		.row = *row,
		.reason = "",
		.progress = state == COPY_COMPLETED && !row->dry_run ? 100 : EC2_PROGRESS_UNKNOWN};
	*row = (struct journal_copy){0};
	free(steal(&job->pub.row.state)); /* pub.state says it */
	return job;
}

int job_enter(struct job *job)
{
	struct copies *c = job->all;
	struct journal_copy *row = &job->pub.row;

	job->queue = region_queue_get(c, row->region);
	if (!job->queue)
		return -ENOMEM;
	HASH_ADD(hh, c->rows, pub.row.id, sizeof(row->id), job);
	if (!job->hh.tbl)
		return -ENOMEM;
	if (job->work && row->token)
		HASH_ADD_KEYPTR(hh, c->tokens, row->token, strlen(row->token), job->work);
	if (row->copy_id)
		HASH_ADD_KEYPTR(hh_id, job->queue->ids, row->copy_id, strlen(row->copy_id), job);
	region_queue_enter(job);
	return 0;
}

void job_destroy(struct job *job)
{
	if (!job)
		return;
	persist_forget(job);
	work_destroy(steal(&job->work));
	if (job->hh_id.tbl)
		HASH_DELETE(hh_id, job->queue->ids, job);
	if (job->hh.tbl) {
		region_queue_leave(job);
		HASH_DEL(job->all->rows, job);
	}
	journal_copy_finish(&job->pub.row);
	free(job);
}

void job_changed(struct job *job)
{
	for (struct watcher *w = job->all->watchers; w; w = w->next)
		w->fn(w->arg, &job->pub);
}

/* Every end of a copy passes here, and is one line in the log. */
static void log_end(const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;
	struct err why = {0};
	char text[700];

	snprintf(why.message, sizeof(why.message), "%s", row->message ? row->message : "");
	snprintf(why.code, sizeof(why.code), "%s", row->code ? row->code : "");
	snprintf(why.request_id, sizeof(why.request_id), "%s",
		row->request_id ? row->request_id : "");
	log_info("copy %lld of %s/%s to %s%s%s: %s%s%s", (long long)row->id, row->source_region,
		row->source_id, row->region, row->copy_id ? "/" : "",
		row->copy_id ? row->copy_id : "", copy_state_text(copy->state),
		*why.message ? ": " : "", err_text(&why, text, sizeof(text)));
}

void job_move(struct job *job, enum copy_state to)
{
	assert(moves[job->pub.state] & 1u << to);
	region_queue_leave(job);
	job->pub.state = to;
	region_queue_enter(job);
	if (copy_state_ended(to))
		log_end(&job->pub);
	job_changed(job);
}

void job_take_off(struct job *job)
{
	struct journal_copy *row = &job->pub.row;

	row->submitted = true;
	row->submitted_ms = clock_wall_ms();
	row->attempts++;
	if (job->pub.state == COPY_QUEUED) {
		job_no_reason(job);
		job_move(job, COPY_SUBMITTING);
	}
}

int job_adopt(struct job *job, const char *copy_id)
{
	struct journal_copy *row = &job->pub.row;
	char *id = strdup(copy_id);

	if (!id)
		return -ENOMEM;
	HASH_ADD_KEYPTR(hh_id, job->queue->ids, id, strlen(id), job);
	if (!job->hh_id.tbl) {
		free(id);
		return -ENOMEM;
	}
	free(row->copy_id);
	row->copy_id = id;
	/* Whoever asked by mv was told an error, or died waiting: they believe the source
	 * untouched. */
	if (!row->acknowledged && !job->work->done)
		row->move = false;
	row->acknowledged = true;
	row->ended_ms = 0;
	row->started_ms = row->submitted_ms;
	job->work->phase = PHASE_REST;
	job->work->failures = 0;
	job->work->lost_at = 0;
	job->work->absences = 0;
	job->work->accepted_at = job->work->answered_at = clock_mono_ms();
	if (job->pub.state == COPY_FAILED)
		job_note(job, NULL, NULL, NULL); /* what it said turned out to be wrong */
	job_no_reason(job);
	job_move(job, COPY_PENDING);
	return 0;
}

void job_answer(struct job *job, const struct err *err)
{
	struct work *w = job->work;
	copies_done *done = w ? w->done : NULL;

	if (!done)
		return;
	w->done = NULL;
	loop_timer_destroy(steal(&w->patience));
	done(w->done_arg, &job->pub, err);
}

void job_shed(struct job *job)
{
	/* Where EC2 never answered the token may still turn up: it is to be recognised then. */
	bool lost = job->pub.state == COPY_FAILED && job->work && job->work->lost_at;

	job->pub.reason = "";
	job->pub.eta_ms = 0;
	if (lost)
		job->work->phase = PHASE_REST;
	else
		work_destroy(steal(&job->work));
	expire_soon(job->all);
}

void job_tell_end(struct job *job, bool tell)
{
	job->tell_end = tell;
	job->pub.row.untold = tell && job->all->on_end;
}

void job_settled(struct job *job)
{
	if (!job->tell_end || !copy_state_ended(job->pub.state))
		return;
	job->tell_end = false;
	on_end_run(job->all->on_end, &job->pub);
	if (job->pub.state == COPY_COMPLETED && job->pub.row.move && !job->pub.row.code)
		move_cleanup_start(job);
}

static void end(struct job *job, enum copy_state to, int64_t ended_ms)
{
	job->pub.row.ended_ms = ended_ms;
	job_move(job, to);
}

static void refused(struct job *job, const struct err *err)
{
	struct err *refusal = job->work->refusal;

	if (err)
		persist_later(job);
	job_answer(job, refusal);
	job_shed(job);
}

void job_fail(struct job *job, const struct err *err)
{
	struct work *w = job->work;

	job_note(job, err->code, err->message, err->request_id);
	/* Else it never began: whoever asked is told, and no other. */
	job_tell_end(job, job->pub.row.acknowledged);
	end(job, COPY_FAILED, clock_wall_ms());
	if (w->done) {
		w->refusal = malloc(sizeof(*err));
		if (w->refusal) {
			*w->refusal = *err;
			persist_row(job, refused);
			return;
		}
		job_answer(job, err);
	}
	persist_row(job, NULL);
	job_shed(job);
}

void job_end(struct job *job, enum copy_state to, int64_t ended_ms, const char *message)
{
	if (message)
		job_note(job, NULL, message, NULL);
	job_tell_end(job, true);
	end(job, to, ended_ms);
	persist_row(job, NULL);
	job_answer(job, NULL);
	job_shed(job);
}

static void set_text(char **text, const char *value)
{
	char *copy = value && *value ? strdup(value) : NULL;

	free(*text);
	*text = copy;
}

void job_note(struct job *job, const char *code, const char *message, const char *request_id)
{
	set_text(&job->pub.row.code, code);
	set_text(&job->pub.row.message, message);
	set_text(&job->pub.row.request_id, request_id);
}

void job_no_reason(struct job *job)
{
	if (job->work)
		free(steal(&job->work->reason));
	job->pub.reason = job->pub.state == COPY_QUEUED && job->queue ? job->queue->reason : "";
}

void job_reason(struct job *job, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		job_no_reason(job);
		return;
	}
	if (job->work->reason && !strcmp(job->work->reason, text)) {
		free(text);
		return;
	}
	free(job->work->reason);
	job->work->reason = text;
	job->pub.reason = text;
	job_changed(job);
}
