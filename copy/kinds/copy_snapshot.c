/* SPDX-License-Identifier: MIT */
/* One submission. */
#include "copy_snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "copy_source.h"
#include "copy_tags.h"
#include "dry_run.h"
#include "job.h"
#include "log.h"
#include "lost_requests.h"
#include "persist.h"
#include "poll_backoff.h"
#include "random.h"
#include "reconcile.h"
#include "region_queue.h"
#include "verdict.h"

static void answered(void *arg, const char *id, const char *request_id, const struct err *err);

/* Nothing was sent, or EC2 surely did not carry it out: it waits in the queue and is tried again.
 */
static void wait_in_queue(struct job *job, const char *why)
{
	struct work *w = job->work;

	w->phase = PHASE_REST;
	w->lost_at = 0;
	w->retry_at = clock_mono_ms() +
		      poll_backoff_retry(job->all->options.retry_ms, ++w->failures, random_unit());
	region_queue_trouble(job->queue);
	if (job->pub.state != COPY_QUEUED)
		job_move(job, COPY_QUEUED);
	job_reason(job, "%s; it is tried again until it succeeds", why);
}

struct aws_call *copy_snapshot_call(struct copies *c, const struct journal_copy *row, bool dry_run,
	ec2_copy_done *done, void *arg, struct err *err)
{
	struct ec2_copy_snapshot in = {.region = row->region,
		.source_region = row->source_region,
		.source_id = row->source_id,
		.description = row->description,
		.kms_key_id = row->kms_key_id,
		.encrypted = row->encrypted,
		.completion_minutes = row->completion_minutes,
		.dry_run = dry_run};
	struct tag_list tags = {0};
	struct aws_call *call;
	char source[128];

	snprintf(source, sizeof(source), "%s/%s", row->source_region, row->source_id);
	if (row->tags && copy_tags_list(row->tags, row->token, source, &tags) == -EINVAL) {
		err_set(err, EINVAL, "the journal's row has no readable tags; nothing was sent");
		return NULL;
	}
	in.tags = tags.tags;
	in.n_tags = tags.n;
	call = ec2_copy_snapshot(c->options.aws, &in, done, arg);
	copy_tags_finish(&tags);
	if (!call)
		err_set(err, ENOMEM, "out of memory; nothing was sent");
	return call;
}

static void send_it(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct err err;

	job->work->phase = PHASE_SENDING;
	job->work->call =
		copy_snapshot_call(job->all, row, row->dry_run, answered, job->work, &err);
	if (job->work->call)
		return;
	if (row->acknowledged && err.errnum == ENOMEM) {
		wait_in_queue(job, "out of memory");
		persist_row(job, NULL);
	} else {
		job_fail(job, &err);
	}
}

/* A queued copy's row says that a request may be under way, so now it may be. */
static void recorded(struct job *job, const struct err *err)
{
	char why[600];

	if (!err) {
		send_it(job);
		return;
	}
	if (!job->pub.row.acknowledged) {
		job_fail(job, err);
		return;
	}
	/* The row on disk says queued, or that a request may have been sent, which it surely was
	 * not. */
	snprintf(why, sizeof(why), "the journal cannot be written: %s", err->message);
	wait_in_queue(job, why);
}

void copy_snapshot_start(struct job *job)
{
	if (job->all->options.no_tags)
		free(steal(&job->pub.row.tags)); /* so the row says what was sent */
	job->work->phase = PHASE_RECORDING;
	job->work->retry_at = 0;
	concurrency_limit_sent(&job->queue->limit, clock_mono_ms());
	job_take_off(job);
	persist_row(job, recorded);
}

static void first_recorded(struct job *job, const struct err *err)
{
	copies_done *done = job->work->done;
	void *arg = job->work->done_arg;

	if (!err) {
		send_it(job);
		return;
	}
	/* Nothing of it is on disk, and nothing was sent: it never was. */
	job_destroy(job);
	done(arg, NULL, err);
}

void copy_snapshot_first(struct job *job, const struct journal_receipt *receipt)
{
	job->work->phase = PHASE_RECORDING;
	if (!job->pub.row.dry_run)
		concurrency_limit_sent(&job->queue->limit, clock_mono_ms());
	job_take_off(job);
	persist_both(job, receipt, first_recorded);
}

void copy_snapshot_again(struct job *job)
{
	job->work->lost_at = 0;
	job->work->phase = PHASE_RECORDING;
	job_reason(job, "EC2 gave no answer and did not make the copy; it is asked again");
	job_take_off(job);
	persist_row(job, recorded);
}

/* EC2's own listing may show it much later: it is shown at once. */
static void show(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct region *from = regions_get(job->all->options.regions, row->source_region);
	struct catalogue_snapshot source = {0};
	struct ec2_snapshot s = {.id = row->copy_id,
		.volume_id = "vol-ffffffff",
		.state_text = "pending",
		.owner_id = job->all->options.account,
		.description = row->description,
		.state = EC2_SNAPSHOT_PENDING,
		.progress = EC2_PROGRESS_UNKNOWN,
		.start_ms = row->started_ms,
		.full_size = -1,
		.encryption = row->encrypted || (job->queue->defaults.known.known &&
							job->queue->defaults.known.on)
				      ? EC2_ENCRYPTION_PRESENT
				      : EC2_ENCRYPTION_UNKNOWN};
	struct tag_list tags = {0};
	catalogue_slot slot = catalogue_find(region_catalogue(job->queue->region), row->copy_id);
	char name[128];

	if (slot != CATALOGUE_NONE &&
		catalogue_presence(region_catalogue(job->queue->region), slot) != CATALOGUE_GONE)
		return;
	snprintf(name, sizeof(name), "%s/%s", row->source_region, row->source_id);
	if (from) {
		slot = catalogue_find(region_catalogue(from), row->source_id);
		if (slot != CATALOGUE_NONE &&
			catalogue_get(region_catalogue(from), slot, &source)) {
			s.volume_gib = source.volume_gib;
			s.full_size = source.full_size;
			if (source.encryption == EC2_ENCRYPTION_PRESENT)
				s.encryption = EC2_ENCRYPTION_PRESENT;
		}
	}
	if (row->tags)
		copy_tags_list(row->tags, row->token, name, &tags);
	s.tags = tags.tags;
	s.n_tags = tags.n;
	catalogue_hold_created(region_catalogue(job->queue->region), &s, clock_mono_ms());
	copy_tags_finish(&tags);
}

/* The copy exists whether or not the row could be written: until it is, the token finds it again.
 */
static void accepted_saved(struct job *job, const struct err *err)
{
	if (err)
		persist_later(job);
	job_answer(job, NULL);
}

void copy_snapshot_accepted(struct job *job, const char *copy_id, const char *request_id)
{
	const struct journal_copy *row = &job->pub.row;

	if (job_adopt(job, copy_id) < 0) {
		/* As good as no answer: the token finds it. */
		lost_requests_start(job);
		return;
	}
	log_info("copy %lld of %s/%s to %s/%s: %s%s", (long long)row->id, row->source_region,
		row->source_id, row->region, copy_id,
		request_id ? "accepted, request id " : "found after a lost response",
		request_id ? request_id : "");
	reconcile_adopted(job);
	concurrency_limit_accepted(
		&job->queue->limit, region_queue_used(job->queue), clock_mono_ms());
	show(job);
	persist_row(job, accepted_saved);
}

static void requeued(struct job *job, const struct err *err)
{
	if (job->pub.state != COPY_QUEUED)
		return; /* cancelled meanwhile */
	if (err && job->work->done) {
		job->pub.row.acknowledged = false;
		job_fail(job, err);
		return;
	}
	if (err)
		persist_later(job);
	job->work->phase = PHASE_REST;
	job_answer(job, NULL);
	region_queue_wake(job->queue);
}

/* EC2 carries out as many as it will, or is not ready for this one: back into the queue, and that
 * is as good as accepted. */
static void put_back(struct job *job)
{
	job->pub.row.acknowledged = true;
	job->work->lost_at = 0;
	job->work->phase = PHASE_RECORDING;
	job_move(job, COPY_QUEUED);
	job_no_reason(job);
	persist_row(job, requeued);
}

static bool source_is_pending(struct job *job, const struct err *err)
{
	struct region *from = regions_get(job->all->options.regions, job->pub.row.source_region);
	struct err unfit;

	return strstr(err->message, "pending") ||
	       (from && copy_source_word(from, job->pub.row.source_id, NULL, &unfit) ==
				SOURCE_PENDING);
}

static void refused(struct job *job, const struct err *err)
{
	char why[700];

	if (verdict_is_limit(err) && !job->pub.row.dry_run) {
		struct region_queue *queue = job->queue;

		queue->refusals++;
		put_back(job);
		concurrency_limit_refused(&queue->limit, err->message, region_queue_used(queue),
			clock_mono_ms(), random_unit());
		return;
	}
	if (verdict_is_state(err) && !job->pub.row.dry_run && source_is_pending(job, err)) {
		/* The pump asks what the source's state is before the next try. */
		job->work->retry_at =
			clock_mono_ms() + poll_backoff_retry(job->all->options.retry_ms,
						  ++job->work->failures, random_unit());
		put_back(job);
		job_reason(job, "source %s is still pending", job->pub.row.source_id);
		return;
	}
	if (job->pub.row.acknowledged && verdict_is_passing(err)) {
		wait_in_queue(job, err_text(err, why, sizeof(why)));
		persist_row(job, NULL);
		return;
	}
	job_fail(job, err);
}

void copy_snapshot_copied_dry(
	const struct region_queue *queue, const char *copy_id, struct err *err)
{
	err_set(err, EIO,
		"the endpoint does not heed DryRun: it has begun the copy %s in %s; delete that, "
		"unless it is wanted",
		copy_id, queue->name);
}

/* The user is to know what must not be, and what to do about it. */
static void copied_dry(struct job *job, const char *id)
{
	struct err err;

	job->queue->copies_dry = true;
	copy_snapshot_copied_dry(job->queue, id, &err);
	job_fail(job, &err);
}

static void answered(void *arg, const char *id, const char *request_id, const struct err *err)
{
	struct work *w = arg;
	struct job *job = w->job;

	w->call = NULL;
	if (!err || !verdict_is_passing(err))
		region_queue_answered(job->queue);
	if (!err) {
		w->failures = 0;
		if (!job->pub.row.dry_run || !id)
			dry_run_passed(job->queue, &job->pub.row);
		if (job->pub.row.dry_run && id)
			copied_dry(job, id);
		else if (job->pub.row.dry_run)
			job_end(job, COPY_COMPLETED, clock_wall_ms(),
				"dry run: EC2 would carry it out; nothing was copied");
		else
			copy_snapshot_accepted(job, id, request_id);
		return;
	}
	/* A dry run makes nothing, so there is nothing to look for. */
	if (err->maybe_done && !job->pub.row.dry_run)
		lost_requests_lost(job, err);
	else
		refused(job, err);
}
