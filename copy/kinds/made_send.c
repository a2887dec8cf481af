/* SPDX-License-Identifier: MIT */
/* Sends the requests for volumes and images, and repeats a request without a response: by its
 * client token or name, EC2 carries it out only once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "aws_error.h"
#include "clock.h"
#include "job.h"
#include "job_key.h"
#include "made.h"
#include "random.h"
#include "region_queue.h"
#include "timing.h"

/* EC2's memory of a client token is not documented to be shorter than a day; an older request is
 * not sent again. */
#define TOKEN_VALID_MS  (12 * 3600 * 1000LL)
#define CLOCK_STEP_MS   (5 * 60 * 1000LL)
#define GENERATIONS_MAX 1000

struct made_attempt {
	struct made_attempt *prev, *next; /* made_region.attempts */
	struct region_queue *queue;
	int64_t row;           /* of the job, which may be freed meanwhile */
	bool again;            /* it repeats a request after JOB_LOST */
	struct aws_call *call; /* if `again`; a first attempt's is work->call */
};

static struct made_attempt *made_attempt_create(struct job *job, bool again)
{
	struct made_attempt *attempt = calloc(1, sizeof(*attempt));

	if (!attempt)
		return NULL;
	*attempt =
		(struct made_attempt){.queue = job->queue, .row = job->pub.row.id, .again = again};
	DL_APPEND(made_region(job->queue)->attempts, attempt);
	return attempt;
}

static void made_attempt_destroy(struct made_attempt *attempt)
{
	if (attempt->call)
		aws_cancel(attempt->call);
	DL_DELETE(made_region(attempt->queue)->attempts, attempt);
	free(attempt);
}

bool made_attempt_is_again(const struct made_attempt *attempt)
{
	return attempt->again;
}

struct job *made_attempt_job(const struct made_attempt *attempt)
{
	struct job *job;

	HASH_FIND(hh, attempt->queue->all->rows, &attempt->row, sizeof(attempt->row), job);
	return job && job->pub.state == COPY_SUBMITTING &&
			       job->phase == (attempt->again ? PHASE_SEARCHING : PHASE_SENDING)
		       ? job
		       : NULL;
}

void made_attempt_go_on(struct made_attempt *attempt, struct aws_call *call)
{
	struct job *job = made_attempt_job(attempt);

	if (attempt->again)
		attempt->call = call;
	else if (job)
		job->work->call = call;
}

/* --- a first response --- */

static enum job_event made_event(struct job *job, const struct err *err)
{
	bool dry_run = job->pub.row.dry_run;
	struct err unfit;

	/* A dry run makes nothing, so there is nothing to look for. */
	if (err->maybe_done && !dry_run)
		return JOB_LOST;
	if (aws_error_is_limit(err->code) && !dry_run)
		return JOB_OVER_LIMIT;
	if (aws_error_is_state(err->code) && !dry_run &&
		(strstr(err->message, "pending") ||
			admission_source_state(job->queue->region, job->pub.row.source_id, NULL,
				&unfit) == SOURCE_PENDING))
		return JOB_NOT_READY;
	return aws_error_is_passing(err) ? JOB_DEFERRED : JOB_REFUSED;
}

static void made_first_error(struct job *job, const struct err *err)
{
	enum job_event event = made_event(job, err);

	job_event(job, event, &(struct job_news){.err = err});
	/* An image has more snapshots than its source. */
	if (event == JOB_NOT_READY)
		job_reason(job, "a snapshot that it needs is still pending: %s", err->message);
}

static void made_dry_run_answered(struct job *job, const char *id)
{
	char message[100];
	struct err err;

	if (id) {
		admission_dry_run_copied(job->queue, id, &err);
		job_event(job, JOB_REFUSED, &(struct job_news){.err = &err});
		return;
	}
	snprintf(message, sizeof(message), "dry run: EC2 would carry it out; no %s was made",
		job->kind->name);
	job_event(job, JOB_DRY_RUN_PASSED,
		&(struct job_news){.ended_ms = clock_wall_ms(), .message = message});
}

static void made_first_answer(
	struct job *job, const char *id, const char *request_id, const struct err *err)
{
	job->work->call = NULL;
	if (!err || !aws_error_is_passing(err))
		region_queue_answered(job->queue);
	if (err)
		made_first_error(job, err);
	else if (job->pub.row.dry_run)
		made_dry_run_answered(job, id);
	else
		job_event(
			job, JOB_ACCEPTED, &(struct job_news){.id = id, .request_id = request_id});
}

/* --- a request without a response --- */

/* Whether EC2 may have forgotten the request. A clock that was set back since does not tell. */
static bool made_is_forgotten(const struct job *job)
{
	int64_t age = clock_wall_ms() - job->pub.row.submitted_ms;

	return age > TOKEN_VALID_MS || age < -CLOCK_STEP_MS;
}

static int made_refuse_forgotten(const struct job *job, struct err *err)
{
	const struct journal_copy *row = &job->pub.row;
	int64_t hours = (clock_wall_ms() - row->submitted_ms) / 3600000;
	char when[48] = "and the clock was set back since";

	if (hours >= 0)
		snprintf(when, sizeof(when), "%lld hours ago", (long long)hours);
	err_set(err, EIO,
		"EC2's response to %s was lost, %s, and EC2 may have forgotten the request: look "
		"in %s for the %s of %s; nothing will be sent again",
		job->kind->action, when, job->kind->again ? row->place : row->region,
		job->kind->name, row->source_id);
	snprintf(err->code, sizeof(err->code), "%s", COPY_CODE_UNKNOWN);
	err->maybe_done = true;
	return -EIO;
}

static int64_t made_again_due(const struct job *job)
{
	const struct work *w = job->work;

	return w->retry_at ? w->retry_at : w->lost_at;
}

static bool made_again_is_under_way(const struct job *job)
{
	const struct made_attempt *attempt;

	DL_FOREACH(made_region(job->queue)->attempts, attempt)
	if (attempt->again && attempt->row == job->pub.row.id)
		return true;
	return false;
}

static bool made_again_waits(const struct job *job)
{
	return job->pub.state == COPY_SUBMITTING && job->phase == PHASE_SEARCHING &&
	       !made_again_is_under_way(job);
}

static void made_again_schedule(struct region_queue *queue)
{
	int64_t now = clock_mono_ms(), at = INT64_MAX;

	for (const struct job *job = queue->running; job; job = job->next)
		if (made_again_waits(job) && made_again_due(job) < at)
			at = made_again_due(job);
	if (at != INT64_MAX)
		loop_timer_start(made_region(queue)->again, at > now ? at - now : 0);
}

static void made_again_later(struct job *job, const struct err *err)
{
	struct work *w = job->work;

	w->retry_at = clock_mono_ms() +
		      timing_retry_pause(job->all->options.retry_ms, ++w->searches, random_unit());
	job_reason(job,
		"EC2 gave no usable response to the request; it is sent again, which makes no "
		"second %s: %s",
		job->kind->name, err->message);
	made_again_schedule(job->queue);
}

static void made_again_answer(
	struct job *job, const char *id, const char *request_id, const struct err *err)
{
	/* A missing permission says nothing of the first request, and may yet be given. */
	if (err && (err->maybe_done || aws_error_is_passing(err) || err->errnum == EACCES))
		made_again_later(job, err);
	else if (err)
		job_event(job, JOB_REFUSED, &(struct job_news){.err = err});
	else
		job_event(
			job, JOB_ACCEPTED, &(struct job_news){.id = id, .request_id = request_id});
}

void made_answered(
	struct made_attempt *attempt, const char *id, const char *request_id, const struct err *err)
{
	struct job *job = made_attempt_job(attempt);
	bool again = attempt->again;

	attempt->call = NULL;
	made_attempt_destroy(attempt);
	if (job && again)
		made_again_answer(job, id, request_id, err);
	else if (job)
		made_first_answer(job, id, request_id, err);
}

static void made_again_run(void *arg)
{
	struct region_queue *queue = arg;
	int64_t now = clock_mono_ms();
	struct job *job, *next;
	struct err err;

	for (job = queue->running; job; job = next) {
		struct made_attempt *attempt;

		next = job->next;
		if (!made_again_waits(job) || made_again_due(job) > now)
			continue;
		if (made_is_forgotten(job)) {
			made_refuse_forgotten(job, &err);
			job_event(job, JOB_REFUSED, &(struct job_news){.err = &err});
			continue;
		}
		attempt = made_attempt_create(job, true);
		if (!attempt) {
			err_set(&err, ENOMEM, "out of memory");
			made_again_later(job, &err);
			continue;
		}
		attempt->call = made_region(queue)->type->send(job, attempt, &err);
		if (!attempt->call)
			made_answered(attempt, NULL, NULL, &err);
	}
	made_again_schedule(queue);
}

/* --- members of job_kind --- */

int made_find_lost(struct job *job, const struct err *why, struct err *err)
{
	struct made_region *m = made_region(job->queue);

	if (!m->again)
		m->again = loop_timer_create(job->all->options.loop, made_again_run, job->queue);
	if (!m->again || made_is_forgotten(job))
		return made_refuse_forgotten(job, err);
	job->work->retry_at = 0;
	if (why)
		job_reason(job,
			"EC2 gave no usable response to the request (%s); it is sent again, which "
			"makes no second %s",
			why->message, job->kind->name);
	loop_timer_start(m->again, 0);
	return 0;
}

int made_send(struct job *job, struct err *err)
{
	struct made_attempt *attempt = made_attempt_create(job, false);

	if (!attempt)
		return err_set(err, ENOMEM, "out of memory; nothing was sent");
	job->work->call = made_region(job->queue)->type->send(job, attempt, err);
	if (job->work->call)
		return 0;
	made_attempt_destroy(attempt);
	return -err->errnum;
}

bool made_renew(struct made_attempt *attempt)
{
	struct job *job = made_attempt_job(attempt);
	struct journal_copy *row = job ? &job->pub.row : NULL;

	if (!job || attempt->again || row->generation >= GENERATIONS_MAX)
		return false;
	row->generation++;
	if (job_key_renew_token(job) < 0)
		return false;
	job->work->call = NULL;
	attempt->call = NULL;
	made_attempt_destroy(attempt);
	job_event(job, JOB_NOT_MADE, NULL);
	return true;
}

void made_send_finish(struct region_queue *queue)
{
	struct made_region *m = made_region(queue);

	while (m->attempts)
		made_attempt_destroy(m->attempts);
	loop_timer_destroy(m->again);
}
