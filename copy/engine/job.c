/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* The state machine of a job.
 *
 * Money is at stake here, so three rules hold for every transition:
 *
 *  1. A row is durable before its consequences. The request is sent, the caller is answered, the
 *     user's command is run and a moved source is deleted only after the row that says so is on
 *     disk: each of these actions belongs to JOB_ROW_WRITTEN. (One exception: a caller that waits
 *     while the disk fails is answered on JOB_ROW_FAILED.)
 *  2. A request is never sent again before the outcome of the last one is known: `submitting` is
 *     left only by EC2's response, or by a search that outlasted EC2's eventual consistency.
 *  3. job_event() is not entered again while it is at work. Actions do not call back into the
 *     engine; a write, a request or a timer that they begin reports later, from the loop, by an
 *     event of its own.
 *
 * Invariants, checked after each event (job_check()); `loaded` precedes the first event:
 *
 *   state                        list     phases                          the row has           work
 *   queued                       waiting  rest checking recording         acknowledged, no id   yes
 *                                         admitting loaded
 *   submitting                   running  sending searching recording     submitted, no id      yes
 *                                         admitting loaded
 *   pending                      running  rest recording admitting loaded acknowledged, an id   yes
 *   completed, failed            none     rest recording admitting loaded ended_ms              (*)
 *   error, cancelled, deleted    none     rest recording loaded           ended_ms              (*)
 *
 *   (*) only while recording or admitting; of a failed job also as long as its token may turn up
 *
 *   phase                 holds
 *   admitting, recording  a write is awaited, or is to be repeated
 *   rest, checking        no caller waits
 *   checking              EC2 is asked about the source (work->waiter), or for others' copies of it
 *   sending               the request is in flight: work->call
 *   searching             work->lost_at is set
 *
 *   A job is in copies.keys while its copy is alive (job_key.c), and no other job with its key is.
 */
/* clang-format on */
#include "job.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "job_key.h"
#include "log.h"
#include "on_end.h"
#include "poller.h"
#include "random.h"
#include "region_queue.h"
#include "timing.h"

#define EXPIRE_MS 60000

/* The part of an action that job_event() does after the transition. */
struct outcome {
	bool gone;              /* the action has freed the job */
	struct waiters callers; /* struct caller: to call at the end of job_event() */
	struct copy *copy;
	bool failed; /* the callers get `err` */
	struct err err;
	struct err next_err; /* the error of the event that the action returned */
};

typedef enum job_event job_action(/* returns the next event for job_event() */
	struct job *job, const struct job_news *news, struct outcome *out);
typedef bool job_guard(const struct job *job);

/* --- writes of a job's row to the journal --- */

struct save {
	struct save *prev, *next;
	struct copies *all;
	struct job *job;   /* NULL: the job was freed meanwhile */
	copies_done *done; /* of job_save_then(); NULL: none */
	void *arg;
};

static void job_save_soon(struct copies *c)
{
	if (!loop_timer_armed(c->save_timer))
		loop_timer_start(c->save_timer,
			timing_retry_pause(c->options.retry_ms, ++c->save_failures, random_unit()));
}

static void job_save_later(struct job *job, const struct err *err)
{
	char text[700];

	if (!job->dirty)
		log_warning("%s %lld: its row cannot be written; retrying: %s", job->kind->name,
			(long long)job->pub.row.id, err_text(err, text, sizeof(text)));
	job->dirty = true;
	job_save_soon(job->all);
}

static void job_saved(void *arg, const struct err *err)
{
	struct save *s = arg;
	struct job *job = s->job;
	bool awaited = job && job->awaited == s;
	copies_done *done = s->done;
	void *done_arg = s->arg;

	DL_DELETE(s->all->saves, s);
	free(s);
	if (!job)
		return;
	job->saves--;
	if (awaited)
		job->awaited = NULL;
	if (err && job->dirty)
		job_save_soon(job->all);
	if (!err) {
		job->all->save_failures = 0;
		job->dirty = job->dirty && job->saves;
	}
	if (awaited)
		job_event(job, err ? JOB_ROW_FAILED : JOB_ROW_WRITTEN,
			&(struct job_news){.err = err});
	else if (err)
		job_save_later(job, err);
	if (done)
		done(done_arg, &job->pub, err);
}

static struct save *job_put(struct job *job, const struct journal_receipt *receipt, bool awaited)
{
	struct copies *c = job->all;
	struct journal_copy row = job->pub.row;
	struct save *s = malloc(sizeof(*s));
	int result = -ENOMEM;

	row.state = (char *)copy_state_text(job->pub.state);
	if (s) {
		*s = (struct save){.all = c, .job = job};
		result = receipt ? journal_put_both(c->options.journal, &row, receipt, job_saved, s)
				 : journal_put_copy(c->options.journal, &row, job_saved, s);
	}
	if (!result) {
		DL_APPEND(c->saves, s);
		job->saves++;
		if (awaited)
			job->awaited = s;
		return s;
	}
	free(s);
	if (awaited) {
		job->awaited = NULL;
		job->unput = true;
	} else {
		job->dirty = true;
	}
	loop_timer_start(c->save_timer, 0);
	return NULL;
}

void job_save(struct job *job)
{
	job_put(job, NULL, false);
}

int job_save_then(struct job *job, copies_done *done, void *arg)
{
	struct save *s = job_put(job, NULL, false);

	if (!s)
		return -ENOMEM;
	s->done = done;
	s->arg = arg;
	return 0;
}

/* Writes the row; the outcome becomes JOB_ROW_WRITTEN or JOB_ROW_FAILED. */
static void job_record(struct job *job)
{
	job_put(job, NULL, true);
}

/* Retries failed writes; reports writes that could not be started as JOB_ROW_FAILED. */
static void job_save_timer(void *arg)
{
	struct copies *c = arg;
	struct job *job, *next;
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	HASH_ITER (hh, c->rows, job, next) {
		if (job->unput) {
			job->unput = false;
			job_event(job, JOB_ROW_FAILED, &(struct job_news){.err = &err});
		} else if (job->dirty && !job->saves) {
			job_put(job, NULL, job->phase == PHASE_RECORDING);
		}
	}
}

/* --- a job and what it needs --- */

static void job_shed_work(struct job *job)
{
	struct work *w = steal(&job->work);

	if (!w)
		return;
	waiters_drop(&w->callers);
	if (w->hh.tbl)
		HASH_DEL(job->all->tokens, w);
	if (w->source)
		poller_release(w->source, job->pub.row.source_id);
	if (w->waiter)
		region_cancel(w->waiter);
	if (w->call)
		aws_cancel(w->call);
	loop_timer_destroy(w->patience);
	free(w->refusal);
	free(w->reason);
	free(w);
}

void job_destroy(struct job *job)
{
	struct save *s;

	if (!job)
		return;
	for (s = job->all->saves; s; s = s->next)
		if (s->job == job)
			s->job = NULL;
	job_shed_work(job);
	job_key_leave(job);
	if (job->hh_id.tbl)
		HASH_DELETE(hh_id, job->queue->ids, job);
	if (job->hh.tbl) {
		region_queue_leave(job);
		HASH_DEL(job->all->rows, job);
	}
	journal_copy_finish(&job->pub.row);
	free(job);
}

/* Enters the job by row, token and snapshot id, and puts it into its region's queue. After -ENOMEM
 * job_destroy() removes the entries that were made. The row comes last: job_destroy() takes a job
 * that has it out of the queue. */
static int job_enter(struct job *job)
{
	struct copies *c = job->all;
	struct journal_copy *row = &job->pub.row;

	job->queue = region_queue_of(c, job->kind, row->region);
	if (!job->queue)
		return -ENOMEM;
	if (job->work && row->token) {
		HASH_ADD_KEYPTR(hh, c->tokens, row->token, strlen(row->token), job->work);
		if (!job->work->hh.tbl)
			return -ENOMEM;
	}
	if (row->copy_id) {
		HASH_ADD_KEYPTR(hh_id, job->queue->ids, row->copy_id, strlen(row->copy_id), job);
		if (!job->hh_id.tbl)
			return -ENOMEM;
	}
	if (!job->recalled && job_key_update(job) < 0)
		return -ENOMEM;
	HASH_ADD(hh, c->rows, pub.row.id, sizeof(row->id), job);
	if (!job->hh.tbl)
		return -ENOMEM;
	region_queue_enter(job);
	return 0;
}

static struct job *job_create(struct copies *c, const struct job_kind *kind,
	struct journal_copy *row, enum copy_state state, enum phase phase)
{
	struct job *job = calloc(1, sizeof(*job));
	bool active = !copy_state_ended(state) || phase == PHASE_ADMITTING;

	if (!job) {
		journal_copy_finish(row);
		return NULL;
	}
	job->all = c;
	job->kind = kind;
	job->phase = phase;
	job->recalled = phase == PHASE_REST;
	job->pub = (struct copy){.kind = kind,
		.state = state,
		.origin = COPY_OURS,
		.row = *row,
		.reason = "",
		.progress = state == COPY_COMPLETED && !row->dry_run ? 100 : EC2_PROGRESS_UNKNOWN};
	*row = (struct journal_copy){0};
	free(steal(&job->pub.row.state)); /* pub.state holds the state */
	job->work = active ? calloc(1, sizeof(*job->work)) : NULL;
	if (job->work)
		job->work->job = job;
	if ((active && !job->work) || job_enter(job) < 0) {
		job_destroy(job);
		return NULL;
	}
	return job;
}

struct job *job_load(struct copies *c, const struct job_kind *kind, struct journal_copy *row,
	enum copy_state state)
{
	return job_create(c, kind, row, state, PHASE_LOADED);
}

struct job *job_recall(struct copies *c, const struct job_kind *kind, struct journal_copy *row,
	enum copy_state state)
{
	return job_create(c, kind, row, state, PHASE_REST);
}

bool job_is_source(const struct job *job, const char *id)
{
	const struct journal_copy *row = &job->pub.row;

	return row->source_id && row->source_region && !strcmp(row->source_id, id) &&
	       !strcmp(row->source_region, row->region);
}

bool job_is_watched(const struct job *job)
{
	return job->pub.state == COPY_PENDING && job->phase != PHASE_ADMITTING;
}

bool job_is_idle(const struct job *job)
{
	return job->phase == PHASE_REST && !job->saves && !job->dirty && !job->moving &&
	       !(job->pub.row.untold && job->all->on_end);
}

/* --- pieces of actions --- */

/* Hands the waiting callers to *out for job_event() to call. err NULL: accepted. */
static void job_answer(struct job *job, const struct err *err, struct outcome *out)
{
	struct work *w = job->work;

	if (!w || waiters_empty(&w->callers))
		return;
	loop_timer_destroy(steal(&w->patience));
	waiters_move_all(&w->callers, &out->callers);
	out->copy = &job->pub;
	out->failed = err != NULL;
	if (err)
		out->err = *err;
}

/* Calls the callers. Their functions may change the job, but not free it. */
static void job_tell_callers(struct outcome *out)
{
	struct caller *caller;

	while ((caller = waiters_take(&out->callers))) {
		caller->done(caller->arg, out->copy, out->failed ? &out->err : NULL);
		free(caller);
	}
}

/* Whether a caller that requested the copy is waiting. */
static bool job_is_asked_for(const struct job *job)
{
	const struct waiters *callers = &job->work->callers;

	for (struct waiter *at = NULL; (at = waiters_next(callers, at));)
		if (((struct caller *)at)->asks)
			return true;
	return false;
}

static void job_pause(struct job *job)
{
	struct work *w = job->work;

	w->retry_at = clock_mono_ms() +
		      timing_retry_pause(job->all->options.retry_ms, ++w->failures, random_unit());
}

/* Notes in the row whether the user's command must be started for the job's end. */
static void job_owe_end(struct job *job, bool owed)
{
	job->pub.row.untold = owed && job->all->on_end;
}

void job_expire_soon(struct copies *c)
{
	if (!loop_timer_armed(c->expire_timer))
		loop_timer_start(c->expire_timer, EXPIRE_MS);
}

/* Frees what only an active job needs. */
static void job_shed(struct job *job)
{
	/* Without a response, a copy may still appear in EC2: keeps the job's token findable. */
	bool lost = job->pub.state == COPY_FAILED && job->work && job->work->lost_at;

	if (!lost)
		job_shed_work(job);
	job_expire_soon(job->all);
}

/* Notes in the row that a request may have been sent. */
static void job_take_off(struct job *job)
{
	struct journal_copy *row = &job->pub.row;

	row->submitted = true;
	row->submitted_ms = clock_wall_ms();
	row->attempts++;
	job->work->lost_at = 0;
	job->work->retry_at = 0;
}

/* --- actions, in the order of the table --- */

static enum job_event act_resume_pending(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job->pub.row.acknowledged = true;
	job->work->accepted_at = clock_mono_ms();
	return JOB_NOTHING;
}

static enum job_event act_resume_ended(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	if (job->kind->ended)
		job->kind->ended(job);
	return JOB_NOTHING;
}

static enum job_event act_resume_queued(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job_no_reason(job);
	job_save(job);
	return JOB_NOTHING;
}

static enum job_event act_cancel_unaccepted(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job_note(job, NULL, "the mount ended before the request was accepted; nothing was sent",
		NULL);
	job->pub.row.ended_ms = clock_wall_ms();
	job_record(job);
	return JOB_NOTHING;
}

static enum job_event act_discard(struct job *job, const struct job_news *news, struct outcome *out)
{
	struct err unwritten = *news->err;
	size_t n = strlen(unwritten.message);

	/* The journal has no row of the job, and nothing was sent: frees the job. */
	snprintf(unwritten.message + n, sizeof(unwritten.message) - n, "; nothing was sent to EC2");
	job_answer(job, job->work->refusal ? job->work->refusal : &unwritten, out);
	out->copy = NULL;
	out->gone = true;
	job_destroy(job);
	return JOB_NOTHING;
}

static enum job_event act_queue_up(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job_answer(job, NULL, out);
	region_queue_wake(job->queue);
	return JOB_NOTHING;
}

static enum job_event act_queue_up_unwritten(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job_save_later(job, news->err);
	return act_queue_up(job, news, out);
}

static enum job_event act_checked(struct job *job, const struct job_news *news, struct outcome *out)
{
	if (news->err) {
		job_pause(job);
		job_reason(job, "%s", news->err->message);
	} else {
		job->work->failures = 0;
		job->work->retry_at = 0;
		job_no_reason(job);
	}
	region_queue_wake(job->queue);
	return JOB_NOTHING;
}

static enum job_event act_take_off(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	if (job->all->options.no_tags)
		free(steal(
			&job->pub.row.tags)); /* -o notags: the row must match the request sent */
	job_take_off(job);
	job_no_reason(job);
	concurrency_limit_sent(&job->queue->limit, clock_mono_ms());
	job_record(job);
	return JOB_NOTHING;
}

static enum job_event act_take_off_again(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	log_info("%s %lld: EC2 gave no response and made nothing in %d s; asking again",
		job->kind->name, (long long)job->pub.row.id,
		(int)(job->all->options.window_ms / 1000));
	job_reason(job,
		"EC2 gave no usable response and did not make the copy; the request is sent again");
	job_take_off(job);
	job_record(job);
	return JOB_NOTHING;
}

static enum job_event act_send(struct job *job, const struct job_news *news, struct outcome *out)
{
	if (job->kind->send(job, &out->next_err) == 0)
		return JOB_NOTHING;
	return out->next_err.errnum == ENOMEM ? JOB_DEFERRED : JOB_REFUSED;
}

static enum job_event act_accept(struct job *job, const struct job_news *news, struct outcome *out)
{
	struct journal_copy *row = &job->pub.row;
	struct work *w = job->work;

	/* No caller waits for the copy, so the user has seen mv fail: keeps the source. */
	if (!row->acknowledged && !job_is_asked_for(job))
		row->move = false;
	row->acknowledged = true;
	row->ended_ms = 0;
	row->started_ms = row->submitted_ms;
	job_owe_end(job, false);
	w->failures = 0;
	w->lost_at = 0;
	w->absences = 0;
	w->accepted_at = w->answered_at = clock_mono_ms();
	free(steal(&w->refusal));
	job_no_reason(job);
	log_info("%s %lld of %s/%s to %s/%s: %s%s", job->kind->name, (long long)row->id,
		row->source_region, row->source_id, row->region, row->copy_id,
		news->request_id ? "accepted, request id "
		: row->submitted ? "found after a lost response"
				 : "made by another ebsfs",
		news->request_id ? news->request_id : "");
	region_queue_accepted(job->queue, row->copy_id);
	if (job->kind->show)
		job->kind->show(job);
	job_record(job);
	return JOB_NOTHING;
}

static enum job_event act_accept_late(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	log_warning("%s %lld: %s appeared after all, long after its response was lost",
		job->kind->name, (long long)job->pub.row.id, job->pub.row.copy_id);
	job_note(job, NULL, NULL, NULL); /* the row's message said that the copy had failed */
	return act_accept(job, news, out);
}

static enum job_event act_accepted(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job_answer(job, NULL, out);
	return JOB_NOTHING;
}

/* The copy exists although its row is not durable; after a restart its token finds it. */
static enum job_event act_accepted_unwritten(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job_save_later(job, news->err);
	return act_accepted(job, news, out);
}

/* EC2 refused because of its limit. The job waits in the queue, which counts as accepted. */
static enum job_event act_put_back(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job->pub.row.acknowledged = true;
	job_no_reason(job);
	job_record(job);
	region_queue_refused(job->queue, news->err);
	return JOB_NOTHING;
}

static enum job_event act_put_back_pending(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job->pub.row.acknowledged = true;
	job_pause(job); /* the source's state is checked before the next try */
	job_reason(job, "source %s is still pending", job->pub.row.source_id);
	job_record(job);
	return JOB_NOTHING;
}

/* Sets the pause before a retry. EC2 certainly did not carry out the request. */
static void job_put_off(struct job *job, const char *why)
{
	job_pause(job);
	region_queue_trouble(job->queue);
	job_reason(job, "%s; ebsfs retries until the request succeeds", why);
}

static enum job_event act_put_off(struct job *job, const struct job_news *news, struct outcome *out)
{
	char why[700];

	job_put_off(job, err_text(news->err, why, sizeof(why)));
	job_save(job);
	return JOB_NOTHING;
}

/* The write failed: on disk the job is queued, or submitting although nothing was sent. */
static enum job_event act_put_off_unwritten(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	char why[600];

	snprintf(why, sizeof(why), "the journal cannot be written: %s", news->err->message);
	job_put_off(job, why);
	return JOB_NOTHING;
}

static void job_out_of_patience(void *arg)
{
	struct job *job = arg;
	struct outcome out = {0};
	struct err err;

	err_set(&err, ETIMEDOUT,
		"EC2 gave no usable response to the request in time; ebsfs is still finding out "
		"whether EC2 made the %s: see the status",
		job->kind->name);
	err.maybe_done = true;
	job_answer(job, &err, &out);
	job_tell_callers(&out);
}

/* Starts the timer that ends the callers' wait while a lost request is searched for. */
static void job_limit_patience(struct job *job)
{
	struct work *w = job->work;

	if (waiters_empty(&w->callers) || w->patience)
		return;
	w->patience = loop_timer_create(job->all->options.loop, job_out_of_patience, job);
	if (w->patience)
		loop_timer_start(w->patience, job->all->options.answer_ms);
}

bool job_is_undecided(const struct job *job)
{
	return job->work && job->pub.state != COPY_FAILED &&
	       (!job->pub.row.acknowledged || job_is_asked_for(job));
}

int job_wait(struct job *job, bool asks, copies_done *done, void *arg)
{
	struct caller *caller = malloc(sizeof(*caller));

	if (!caller)
		return -ENOMEM;
	*caller = (struct caller){.done = done, .arg = arg, .asks = asks};
	waiters_append(&job->work->callers, &caller->base);
	if (job->phase == PHASE_SEARCHING)
		job_limit_patience(job);
	return 0;
}

/* Starts to find out whether EC2 carried out the request. */
static enum job_event job_search(struct job *job, const struct err *why, struct outcome *out)
{
	struct work *w = job->work;

	w->lost_at = clock_mono_ms();
	w->searches = 0;
	if (job->kind->find_lost(job, why, &out->next_err) < 0)
		return JOB_REFUSED;
	job_limit_patience(job);
	region_queue_wake(job->queue); /* the request is no longer in flight: others may be sent */
	return JOB_NOTHING;
}

static enum job_event act_lose(struct job *job, const struct job_news *news, struct outcome *out)
{
	char text[700];

	job->queue->lost_answers++;
	if (news->err)
		log_warning("%s %lld: no response: %s", job->kind->name, (long long)job->pub.row.id,
			err_text(news->err, text, sizeof(text)));
	return job_search(job, news->err, out);
}

static enum job_event act_resume_search(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job->pub.row.submitted = true;
	job_reason(job,
		"the mount ended before EC2's response came; ebsfs is finding out whether EC2 made "
		"the %s",
		job->kind->name);
	return job_search(job, NULL, out);
}

static enum job_event act_fail(struct job *job, const struct job_news *news, struct outcome *out)
{
	const struct err *err = news->err;
	struct work *w = job->work;

	job_note(job, err->code, err->message, err->request_id);
	/* Only accepted requests run the user's command; others report to their caller. */
	job_owe_end(job, job->pub.row.acknowledged);
	job->pub.row.ended_ms = clock_wall_ms();
	if (!waiters_empty(&w->callers)) {
		w->refusal = malloc(sizeof(*err));
		if (w->refusal)
			*w->refusal = *err;
		else
			job_answer(job, err, out);
	}
	job_record(job);
	return JOB_NOTHING;
}

/* The caller was not told yet that the request is queued: reports a refusal. */
static enum job_event act_fail_unaccepted(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job->pub.row.acknowledged = false;
	return act_fail(job, news, out);
}

static enum job_event act_end(struct job *job, const struct job_news *news, struct outcome *out)
{
	if (news->message)
		job_note(job, NULL, news->message, NULL);
	job_owe_end(job, true);
	job->pub.row.ended_ms = news->ended_ms;
	job_record(job);
	return JOB_NOTHING;
}

/* Keeps the row's ended_ms. news->ended_ms 0: the result exists again. */
static enum job_event act_delete(struct job *job, const struct job_news *news, struct outcome *out)
{
	struct journal_copy *row = &job->pub.row;

	job_set_message(job, news->message);
	row->deleted_ms = news->ended_ms;
	job_record(job);
	return JOB_NOTHING;
}

static enum job_event act_cancel(struct job *job, const struct job_news *news, struct outcome *out)
{
	struct work *w = job->work;

	if (w->waiter)
		region_cancel(steal(&w->waiter));
	w->held_until = 0;
	job_owe_end(job, true);
	job->pub.row.ended_ms = clock_wall_ms();
	job_record(job);
	return JOB_NOTHING;
}

/* The cancelled row was not written: the job stays queued, and is cancelled again later. */
static enum job_event act_uncancel(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job_owe_end(job, false);
	job->pub.row.ended_ms = 0;
	job_answer(job, news->err, out);
	region_queue_hold(job, COPIES_ABANDON_MS, true);
	return JOB_NOTHING;
}

static enum job_event act_record(struct job *job, const struct job_news *news, struct outcome *out)
{
	job_record(job);
	return JOB_NOTHING;
}

/* The row of the job's end is durable: calls callers and command, finishes a move. */
static enum job_event act_settle(struct job *job, const struct job_news *news, struct outcome *out)
{
	job_answer(job, job->work ? job->work->refusal : NULL, out);
	job_shed(job);
	if (job->pub.row.untold)
		on_end_run(job->all->on_end, &job->pub);
	if (job->kind->ended)
		job->kind->ended(job);
	return JOB_NOTHING;
}

static enum job_event act_settle_later(
	struct job *job, const struct job_news *news, struct outcome *out)
{
	job_answer(job, job->work ? job->work->refusal : NULL, out);
	job_save_later(job, news->err);
	return JOB_NOTHING;
}

/* --- guards --- */

static bool is_acknowledged(const struct job *job)
{
	return job->pub.row.acknowledged;
}

static bool is_acknowledged_or_awaited(const struct job *job)
{
	return job->pub.row.acknowledged || job_is_asked_for(job);
}

static bool is_awaited(const struct job *job)
{
	return job_is_asked_for(job);
}

/* Whether another living job has this job's key. */
static bool is_replaced(const struct job *job)
{
	_cleanup_free_ char *key = job_key_of(&job->pub.row);

	return key && job_key_find(job->all, key);
}

static bool may_have_been_sent(const struct job *job)
{
	return job->pub.row.submitted && !job->pub.row.dry_run;
}

static bool may_be_queued(const struct job *job)
{
	return job->pub.row.acknowledged && !job->pub.row.dry_run;
}

static bool has_id(const struct job *job)
{
	return job->pub.row.copy_id != NULL;
}

static bool owes_end(const struct job *job)
{
	return job->pub.row.untold && job->all->on_end;
}

/* Whether the job was cancelled while it waited in the queue. */
static bool was_queued(const struct job *job)
{
	return job->pub.row.acknowledged && !job->pub.row.copy_id;
}

/* --- the table --- */

struct transition {
	enum copy_state state;
	enum phase phase;
	enum job_event event;
	job_guard *when; /* NULL: always. The first row that matches is used */
	enum copy_state next_state;
	enum phase next_phase;
	job_action *act; /* NULL: only state and phase change */
};

/* clang-format off */
#define Q COPY_QUEUED
#define S COPY_SUBMITTING
#define P COPY_PENDING
#define C COPY_COMPLETED
#define E COPY_ERROR
#define F COPY_FAILED
#define X COPY_CANCELLED
#define D COPY_DELETED
static const struct transition table[] = {
	/* a start */
	{Q, PHASE_LOADED,    JOB_RESUMED,        is_acknowledged,            Q, PHASE_REST,      NULL},
	{Q, PHASE_LOADED,    JOB_RESUMED,        NULL,                       X, PHASE_RECORDING, act_cancel_unaccepted},
	{S, PHASE_LOADED,    JOB_RESUMED,        may_have_been_sent,         S, PHASE_SEARCHING, act_resume_search},
	{S, PHASE_LOADED,    JOB_RESUMED,        may_be_queued,              Q, PHASE_REST,      act_resume_queued},
	{S, PHASE_LOADED,    JOB_RESUMED,        NULL,                       X, PHASE_RECORDING, act_cancel_unaccepted},
	{P, PHASE_LOADED,    JOB_RESUMED,        has_id,                     P, PHASE_REST,      act_resume_pending},
	{P, PHASE_LOADED,    JOB_RESUMED,        NULL,                       S, PHASE_SEARCHING, act_resume_search},
	{C, PHASE_LOADED,    JOB_RESUMED,        owes_end,                   C, PHASE_RECORDING, act_record},
	{C, PHASE_LOADED,    JOB_RESUMED,        NULL,                       C, PHASE_REST,      act_resume_ended},
	{E, PHASE_LOADED,    JOB_RESUMED,        owes_end,                   E, PHASE_RECORDING, act_record},
	{E, PHASE_LOADED,    JOB_RESUMED,        NULL,                       E, PHASE_REST,      NULL},
	{F, PHASE_LOADED,    JOB_RESUMED,        owes_end,                   F, PHASE_RECORDING, act_record},
	{F, PHASE_LOADED,    JOB_RESUMED,        NULL,                       F, PHASE_REST,      NULL},
	{X, PHASE_LOADED,    JOB_RESUMED,        owes_end,                   X, PHASE_RECORDING, act_record},
	{X, PHASE_LOADED,    JOB_RESUMED,        NULL,                       X, PHASE_REST,      NULL},
	{D, PHASE_LOADED,    JOB_RESUMED,        owes_end,                   D, PHASE_RECORDING, act_record},
	{D, PHASE_LOADED,    JOB_RESUMED,        NULL,                       D, PHASE_REST,      NULL},

	/* a new request */
	{Q, PHASE_ADMITTING, JOB_ROW_WRITTEN,    NULL,                       Q, PHASE_REST,      act_queue_up},
	{Q, PHASE_ADMITTING, JOB_ROW_FAILED,     NULL,                       Q, PHASE_ADMITTING, act_discard},
	{S, PHASE_ADMITTING, JOB_ROW_WRITTEN,    NULL,                       S, PHASE_SENDING,   act_send},
	{S, PHASE_ADMITTING, JOB_ROW_FAILED,     NULL,                       S, PHASE_ADMITTING, act_discard},
	{P, PHASE_ADMITTING, JOB_ROW_WRITTEN,    NULL,                       P, PHASE_REST,      act_accepted},
	{P, PHASE_ADMITTING, JOB_ROW_FAILED,     NULL,                       P, PHASE_ADMITTING, act_discard},
	{C, PHASE_ADMITTING, JOB_ROW_WRITTEN,    NULL,                       C, PHASE_REST,      act_settle},
	{C, PHASE_ADMITTING, JOB_ROW_FAILED,     NULL,                       C, PHASE_ADMITTING, act_discard},
	{F, PHASE_ADMITTING, JOB_ROW_WRITTEN,    NULL,                       F, PHASE_REST,      act_settle},
	{F, PHASE_ADMITTING, JOB_ROW_FAILED,     NULL,                       F, PHASE_ADMITTING, act_discard},

	/* in the queue */
	{Q, PHASE_REST,      JOB_TURN,           NULL,                       S, PHASE_RECORDING, act_take_off},
	{Q, PHASE_REST,      JOB_CHECKING,       NULL,                       Q, PHASE_CHECKING,  NULL},
	{Q, PHASE_REST,      JOB_CHECKED,        NULL,                       Q, PHASE_REST,      act_checked},
	{Q, PHASE_REST,      JOB_REFUSED,        NULL,                       F, PHASE_RECORDING, act_fail},
	{Q, PHASE_REST,      JOB_CANCELLED,      NULL,                       X, PHASE_RECORDING, act_cancel},
	{Q, PHASE_CHECKING,  JOB_CHECKED,        NULL,                       Q, PHASE_REST,      act_checked},
	{Q, PHASE_CHECKING,  JOB_ACCEPTED,       NULL,                       P, PHASE_RECORDING, act_accept},
	{Q, PHASE_CHECKING,  JOB_REFUSED,        NULL,                       F, PHASE_RECORDING, act_fail},
	{Q, PHASE_CHECKING,  JOB_CANCELLED,      NULL,                       X, PHASE_RECORDING, act_cancel},
	{Q, PHASE_RECORDING, JOB_ROW_WRITTEN,    NULL,                       Q, PHASE_REST,      act_queue_up},
	{Q, PHASE_RECORDING, JOB_ROW_FAILED,     is_awaited,                 F, PHASE_RECORDING, act_fail_unaccepted},
	{Q, PHASE_RECORDING, JOB_ROW_FAILED,     NULL,                       Q, PHASE_REST,      act_queue_up_unwritten},
	{Q, PHASE_RECORDING, JOB_CANCELLED,      NULL,                       X, PHASE_RECORDING, act_cancel},

	/* the request */
	{S, PHASE_RECORDING, JOB_ROW_WRITTEN,    NULL,                       S, PHASE_SENDING,   act_send},
	{S, PHASE_RECORDING, JOB_ROW_FAILED,     is_acknowledged,            Q, PHASE_REST,      act_put_off_unwritten},
	{S, PHASE_RECORDING, JOB_ROW_FAILED,     NULL,                       F, PHASE_RECORDING, act_fail},
	{S, PHASE_SENDING,   JOB_ACCEPTED,       NULL,                       P, PHASE_RECORDING, act_accept},
	{S, PHASE_SENDING,   JOB_DRY_RUN_PASSED, NULL,                       C, PHASE_RECORDING, act_end},
	{S, PHASE_SENDING,   JOB_OVER_LIMIT,     NULL,                       Q, PHASE_RECORDING, act_put_back},
	{S, PHASE_SENDING,   JOB_NOT_READY,      NULL,                       Q, PHASE_RECORDING, act_put_back_pending},
	{S, PHASE_SENDING,   JOB_DEFERRED,       is_acknowledged,            Q, PHASE_REST,      act_put_off},
	{S, PHASE_SENDING,   JOB_DEFERRED,       NULL,                       F, PHASE_RECORDING, act_fail},
	{S, PHASE_SENDING,   JOB_REFUSED,        NULL,                       F, PHASE_RECORDING, act_fail},
	{S, PHASE_SENDING,   JOB_LOST,           NULL,                       S, PHASE_SEARCHING, act_lose},
	{S, PHASE_SENDING,   JOB_NOT_MADE,       NULL,                       S, PHASE_RECORDING, act_take_off},

	/* no response */
	{S, PHASE_SEARCHING, JOB_ACCEPTED,       NULL,                       P, PHASE_RECORDING, act_accept},
	{S, PHASE_SEARCHING, JOB_NOT_MADE,       is_acknowledged_or_awaited, S, PHASE_RECORDING, act_take_off_again},
	{S, PHASE_SEARCHING, JOB_NOT_MADE,       NULL,                       F, PHASE_RECORDING, act_fail},
	{S, PHASE_SEARCHING, JOB_REFUSED,        NULL,                       F, PHASE_RECORDING, act_fail},
	{S, PHASE_SEARCHING, JOB_LOST,           NULL,                       S, PHASE_SEARCHING, act_lose},
	{F, PHASE_RECORDING, JOB_ACCEPTED,       NULL,                       P, PHASE_RECORDING, act_accept_late},
	{F, PHASE_REST,      JOB_ACCEPTED,       NULL,                       P, PHASE_RECORDING, act_accept_late},

	/* EC2 carries it out */
	{P, PHASE_RECORDING, JOB_ROW_WRITTEN,    NULL,                       P, PHASE_REST,      act_accepted},
	{P, PHASE_RECORDING, JOB_ROW_FAILED,     NULL,                       P, PHASE_REST,      act_accepted_unwritten},
	{P, PHASE_RECORDING, JOB_COMPLETED,      NULL,                       C, PHASE_RECORDING, act_end},
	{P, PHASE_RECORDING, JOB_ERROR,          NULL,                       E, PHASE_RECORDING, act_end},
	{P, PHASE_RECORDING, JOB_GONE,           NULL,                       X, PHASE_RECORDING, act_end},
	{P, PHASE_REST,      JOB_COMPLETED,      NULL,                       C, PHASE_RECORDING, act_end},
	{P, PHASE_REST,      JOB_ERROR,          NULL,                       E, PHASE_RECORDING, act_end},
	{P, PHASE_REST,      JOB_GONE,           NULL,                       X, PHASE_RECORDING, act_end},

	/* its end */
	{C, PHASE_RECORDING, JOB_ROW_WRITTEN,    NULL,                       C, PHASE_REST,      act_settle},
	{C, PHASE_RECORDING, JOB_ROW_FAILED,     NULL,                       C, PHASE_RECORDING, act_settle_later},
	{E, PHASE_RECORDING, JOB_ROW_WRITTEN,    NULL,                       E, PHASE_REST,      act_settle},
	{E, PHASE_RECORDING, JOB_ROW_FAILED,     NULL,                       E, PHASE_RECORDING, act_settle_later},
	{F, PHASE_RECORDING, JOB_ROW_WRITTEN,    NULL,                       F, PHASE_REST,      act_settle},
	{F, PHASE_RECORDING, JOB_ROW_FAILED,     NULL,                       F, PHASE_RECORDING, act_settle_later},
	{X, PHASE_RECORDING, JOB_ROW_WRITTEN,    NULL,                       X, PHASE_REST,      act_settle},
	{X, PHASE_RECORDING, JOB_ROW_FAILED,     is_replaced,                X, PHASE_RECORDING, act_settle_later},
	{X, PHASE_RECORDING, JOB_ROW_FAILED,     was_queued,                 Q, PHASE_REST,      act_uncancel},
	{X, PHASE_RECORDING, JOB_ROW_FAILED,     NULL,                       X, PHASE_RECORDING, act_settle_later},

	/* its snapshot was deleted */
	{C, PHASE_RECORDING, JOB_GONE,           NULL,                       D, PHASE_RECORDING, act_delete},
	{C, PHASE_REST,      JOB_GONE,           NULL,                       D, PHASE_RECORDING, act_delete},
	{D, PHASE_RECORDING, JOB_ROW_WRITTEN,    NULL,                       D, PHASE_REST,      act_settle},
	{D, PHASE_RECORDING, JOB_ROW_FAILED,     NULL,                       D, PHASE_RECORDING, act_settle_later},
	{D, PHASE_REST,      JOB_COMPLETED,      NULL,                       C, PHASE_RECORDING, act_delete},
};
#undef Q
#undef S
#undef P
#undef C
#undef E
#undef F
#undef X
#undef D
/* clang-format on */

static const struct transition *job_find(const struct job *job, enum job_event event)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct transition *t = &table[i];

		if (t->state == job->pub.state && t->phase == job->phase && t->event == event &&
			(!t->when || t->when(job)))
			return t;
	}
	return NULL;
}

/* The invariants at the top of this file. */
static void job_check(const struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	const struct work *w = job->work;
	bool writing = job->phase == PHASE_RECORDING || job->phase == PHASE_ADMITTING;

	assert(!writing || job->awaited || job->unput || job->dirty);
	assert(writing || !job->awaited);
	assert(!job->key || job_key_is_alive(job->pub.state, row));
	assert(!job->key || job_key_find(job->all, job->key) == job);
	switch (job->pub.state) {
	case COPY_QUEUED:
		assert(w && !w->call && !w->lost_at && row->acknowledged && !row->copy_id);
		assert(job->phase != PHASE_SENDING && job->phase != PHASE_SEARCHING);
		assert(job->phase == PHASE_CHECKING || !w->waiter);
		assert(writing || waiters_empty(&w->callers));
		break;
	case COPY_SUBMITTING:
		assert(w && !w->waiter && row->submitted && !row->copy_id);
		assert(job->phase != PHASE_REST && job->phase != PHASE_CHECKING);
		assert((job->phase == PHASE_SENDING) == (w->call != NULL));
		assert((job->phase == PHASE_SEARCHING) == (w->lost_at != 0));
		break;
	case COPY_PENDING:
		assert(w && !w->call && !w->waiter && !w->lost_at && row->acknowledged);
		assert(row->copy_id && (job->phase == PHASE_REST || writing));
		assert(writing || waiters_empty(&w->callers));
		break;
	case COPY_COMPLETED:
	case COPY_ERROR:
	case COPY_FAILED:
	case COPY_CANCELLED:
	case COPY_DELETED:
		assert(job->phase == PHASE_REST || writing);
		assert(!w || (!w->call && !w->waiter));
		assert(!w || writing ||
			(job->pub.state == COPY_FAILED && w->lost_at &&
				waiters_empty(&w->callers)));
		break;
	}
}

/* Sets the result's id and adds it to the queue's index. False: out of memory. */
static bool job_take_id(struct job *job, const char *id)
{
	char *copy = strdup(id);

	if (!copy)
		return false;
	HASH_ADD_KEYPTR(hh_id, job->queue->ids, copy, strlen(copy), job);
	if (!job->hh_id.tbl) {
		free(copy);
		return false;
	}
	free(job->pub.row.copy_id);
	job->pub.row.copy_id = copy;
	return true;
}

static void job_set(struct job *job, enum copy_state state, enum phase phase)
{
	bool moves = state != job->pub.state;

	if (moves)
		region_queue_leave(job);
	job->pub.state = state;
	job->phase = phase;
	if (copy_state_ended(state)) {
		job->pub.reason = "";
		job->pub.eta_ms = 0;
	}
	if (moves)
		region_queue_enter(job);
	job_key_update(job); /* before the row is written, because it may change the label */
}

/* Makes one transition. Returns the event to be handled next. */
static enum job_event job_step(
	struct job *job, enum job_event event, const struct job_news *news, struct outcome *out)
{
	const struct transition *t = job_find(job, event);

	if (!t) {
		log_error("%s %lld: event %d is not permitted in state %s, phase %d; this is a bug "
			  "of ebsfs, please report it",
			job->kind->name, (long long)job->pub.row.id, event,
			copy_state_text(job->pub.state), job->phase);
		assert(!"an event that the table lacks");
		return JOB_NOTHING;
	}
	job_set(job, t->next_state, t->next_phase);
	return t->act ? t->act(job, news, out) : JOB_NOTHING;
}

void job_event(struct job *job, enum job_event event, const struct job_news *news)
{
	static const struct job_news none;
	enum copy_state before = job->pub.state;
	struct outcome out = {0};
	struct job_news next = {.err = &out.next_err};

	assert(!job->in_event);
	job->in_event = true;
	news = news ? news : &none;
	if (event == JOB_ACCEPTED && !job_take_id(job, news->id)) {
		/* No memory for the id counts as a lost response: a search finds the copy. */
		event = job->pub.state == COPY_FAILED   ? JOB_NOTHING
			: job->pub.state == COPY_QUEUED ? JOB_CHECKED
							: JOB_LOST;
	}
	while (event != JOB_NOTHING && !out.gone) {
		event = job_step(job, event, news, &out);
		news = &next;
	}
	if (!out.gone) {
		job->in_event = false;
		job_key_update(job);
		job_check(job);
		if (before != job->pub.state) {
			if (copy_state_ended(job->pub.state))
				job_log_end(job);
			job_changed(job);
		}
	}
	job_tell_callers(&out);
}

struct job *job_admit(struct copies *c, const struct job_kind *kind, struct journal_copy *row,
	const struct job_start *start)
{
	struct err *refusal = start->refusal ? malloc(sizeof(*refusal)) : NULL;
	struct journal_receipt receipt;
	struct job *job;

	row->acknowledged = start->state != COPY_SUBMITTING && start->state != COPY_FAILED;
	if (start->refusal)
		row->ended_ms = clock_wall_ms();
	job = !start->refusal || refusal ? job_create(c, kind, row, start->state, PHASE_ADMITTING)
					 : NULL;
	if (job && job_wait(job, true, start->done, start->done_arg) < 0) {
		job_destroy(job);
		job = NULL;
	}
	if (!job) {
		journal_copy_finish(row);
		free(refusal);
		return NULL;
	}
	if (start->refusal) {
		*refusal = *start->refusal;
		job->work->refusal = refusal;
		job_note(job, refusal->code, refusal->message, refusal->request_id);
		job_log_end(job);
	} else if (start->state == COPY_SUBMITTING) {
		job_take_off(job);
		if (!job->pub.row.dry_run)
			concurrency_limit_sent(&job->queue->limit, clock_mono_ms());
	} else if (start->state == COPY_PENDING) {
		job->work->accepted_at = job->work->answered_at = clock_mono_ms();
	}
	if (start->receipt) {
		receipt = *start->receipt;
		receipt.copy = job->pub.row.id;
	}
	job_put(job, start->receipt ? &receipt : NULL, true);
	job_check(job);
	job_changed(job);
	return job;
}

/* --- setting up --- */

int job_init(struct copies *c)
{
	c->save_timer = loop_timer_create(c->options.loop, job_save_timer, c);
	return c->save_timer ? 0 : -ENOMEM;
}

void job_finish(struct copies *c)
{
	struct save *s, *next;

	for (s = c->saves; s; s = next) {
		next = s->next;
		free(s);
	}
	c->saves = NULL;
	loop_timer_destroy(c->save_timer);
}
