/* SPDX-License-Identifier: MIT */
/* One submission. */
#include "copy_snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "region_queue.h"
#include "job.h"
#include "log.h"
#include "reconcile.h"
#include "poll_backoff.h"
#include "random.h"
#include "persist.h"
#include "lost_requests.h"
#include "copy_source.h"
#include "copy_tags.h"
#include "dry_run.h"
#include "verdict.h"

static void answered(void *arg, const char *id, const char *request_id, const struct err *err);

/* Nothing was sent, or EC2 surely did not carry it out: it waits in the queue and is tried again.
 */
static void wait_in_queue(struct entry *e, const char *why)
{
	struct work *w = e->work;

	w->phase = PHASE_REST;
	w->lost_at = 0;
	w->retry_at = clock_mono_ms() +
		      pace_retry(e->all->options.retry_ms, ++w->failures, random_unit());
	lane_trouble(e->lane);
	if (e->pub.state != COPY_QUEUED)
		life_move(e, COPY_QUEUED);
	life_reason(e, "%s; it is tried again until it succeeds", why);
}

struct aws_call *submit_call(struct copies *c, const struct journal_copy *row, bool dry_run,
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
	if (row->tags && tags_list(row->tags, row->token, source, &tags) == -EINVAL) {
		err_set(err, EINVAL, "the journal's row has no readable tags; nothing was sent");
		return NULL;
	}
	in.tags = tags.tags;
	in.n_tags = tags.n;
	call = ec2_copy_snapshot(c->options.aws, &in, done, arg);
	tags_finish(&tags);
	if (!call)
		err_set(err, ENOMEM, "out of memory; nothing was sent");
	return call;
}

static void send_it(struct entry *e)
{
	const struct journal_copy *row = &e->pub.row;
	struct err err;

	e->work->phase = PHASE_SENDING;
	e->work->call = submit_call(e->all, row, row->dry_run, answered, e->work, &err);
	if (e->work->call)
		return;
	if (row->acknowledged && err.errnum == ENOMEM) {
		wait_in_queue(e, "out of memory");
		save_row(e, NULL);
	} else {
		life_fail(e, &err);
	}
}

/* A queued copy's row says that a request may be under way, so now it may be. */
static void recorded(struct entry *e, const struct err *err)
{
	char why[600];

	if (!err) {
		send_it(e);
		return;
	}
	if (!e->pub.row.acknowledged) {
		life_fail(e, err);
		return;
	}
	/* The row on disk says queued, or that a request may have been sent, which it surely was
	 * not. */
	snprintf(why, sizeof(why), "the journal cannot be written: %s", err->message);
	wait_in_queue(e, why);
}

void submit_start(struct entry *e)
{
	if (e->all->options.no_tags)
		free(steal(&e->pub.row.tags)); /* so the row says what was sent */
	e->work->phase = PHASE_RECORDING;
	e->work->retry_at = 0;
	gate_sent(&e->lane->gate, clock_mono_ms());
	life_take_off(e);
	save_row(e, recorded);
}

static void first_recorded(struct entry *e, const struct err *err)
{
	copies_done *done = e->work->done;
	void *arg = e->work->done_arg;

	if (!err) {
		send_it(e);
		return;
	}
	/* Nothing of it is on disk, and nothing was sent: it never was. */
	life_destroy(e);
	done(arg, NULL, err);
}

void submit_first(struct entry *e, const struct journal_receipt *receipt)
{
	e->work->phase = PHASE_RECORDING;
	if (!e->pub.row.dry_run)
		gate_sent(&e->lane->gate, clock_mono_ms());
	life_take_off(e);
	save_both(e, receipt, first_recorded);
}

void submit_again(struct entry *e)
{
	e->work->lost_at = 0;
	e->work->phase = PHASE_RECORDING;
	life_reason(e, "EC2 gave no answer and did not make the copy; it is asked again");
	life_take_off(e);
	save_row(e, recorded);
}

/* EC2's own listing may show it much later: it is shown at once. */
static void show(struct entry *e)
{
	const struct journal_copy *row = &e->pub.row;
	struct region *from = regions_get(e->all->options.regions, row->source_region);
	struct catalogue_snapshot source = {0};
	struct ec2_snapshot s = {.id = row->copy_id,
		.volume_id = "vol-ffffffff",
		.state_text = "pending",
		.owner_id = e->all->options.account,
		.description = row->description,
		.state = EC2_SNAPSHOT_PENDING,
		.progress = EC2_PROGRESS_UNKNOWN,
		.start_ms = row->started_ms,
		.full_size = -1,
		.encrypted = row->encrypted ||
			     (e->lane->defaults.known.known && e->lane->defaults.known.on)};
	struct tag_list tags = {0};
	catalogue_slot slot = catalogue_find(region_catalogue(e->lane->region), row->copy_id);
	char name[128];

	if (slot != CATALOGUE_NONE &&
		catalogue_presence(region_catalogue(e->lane->region), slot) != CATALOGUE_GONE)
		return;
	snprintf(name, sizeof(name), "%s/%s", row->source_region, row->source_id);
	if (from) {
		slot = catalogue_find(region_catalogue(from), row->source_id);
		if (slot != CATALOGUE_NONE &&
			catalogue_get(region_catalogue(from), slot, &source)) {
			s.volume_gib = source.volume_gib;
			s.full_size = source.full_size;
			s.encrypted |= source.encrypted;
		}
	}
	if (row->tags)
		tags_list(row->tags, row->token, name, &tags);
	s.tags = tags.tags;
	s.n_tags = tags.n;
	catalogue_hold_created(region_catalogue(e->lane->region), &s, clock_mono_ms());
	tags_finish(&tags);
}

/* The copy exists whether or not the row could be written: until it is, the token finds it again.
 */
static void accepted_saved(struct entry *e, const struct err *err)
{
	if (err)
		save_later(e);
	life_answer(e, NULL);
}

void submit_accepted(struct entry *e, const char *copy_id, const char *request_id)
{
	const struct journal_copy *row = &e->pub.row;

	if (life_adopt(e, copy_id) < 0) {
		/* As good as no answer: the token finds it. */
		search_start(e);
		return;
	}
	log_info("copy %lld of %s/%s to %s/%s: %s%s", (long long)row->id, row->source_region,
		row->source_id, row->region, copy_id,
		request_id ? "accepted, request id " : "found after a lost response",
		request_id ? request_id : "");
	observe_adopted(e);
	gate_accepted(&e->lane->gate, lane_used(e->lane), clock_mono_ms());
	show(e);
	save_row(e, accepted_saved);
}

static void requeued(struct entry *e, const struct err *err)
{
	if (e->pub.state != COPY_QUEUED)
		return; /* cancelled meanwhile */
	if (err && e->work->done) {
		e->pub.row.acknowledged = false;
		life_fail(e, err);
		return;
	}
	if (err)
		save_later(e);
	e->work->phase = PHASE_REST;
	life_answer(e, NULL);
	lane_wake(e->lane);
}

/* EC2 carries out as many as it will, or is not ready for this one: back into the queue, and that
 * is as good as accepted. */
static void put_back(struct entry *e)
{
	e->pub.row.acknowledged = true;
	e->work->lost_at = 0;
	e->work->phase = PHASE_RECORDING;
	life_move(e, COPY_QUEUED);
	life_no_reason(e);
	save_row(e, requeued);
}

static bool source_is_pending(struct entry *e, const struct err *err)
{
	struct region *from = regions_get(e->all->options.regions, e->pub.row.source_region);
	struct err unfit;

	return strstr(err->message, "pending") ||
	       (from && source_word(from, e->pub.row.source_id, NULL, &unfit) == SOURCE_PENDING);
}

static void refused(struct entry *e, const struct err *err)
{
	char why[700];

	if (verdict_is_limit(err) && !e->pub.row.dry_run) {
		struct lane *lane = e->lane;

		lane->refusals++;
		put_back(e);
		gate_refused(
			&lane->gate, err->message, lane_used(lane), clock_mono_ms(), random_unit());
		return;
	}
	if (verdict_is_state(err) && !e->pub.row.dry_run && source_is_pending(e, err)) {
		/* The pump asks what the source's state is before the next try. */
		e->work->retry_at = clock_mono_ms() + pace_retry(e->all->options.retry_ms,
							      ++e->work->failures, random_unit());
		put_back(e);
		life_reason(e, "source %s is still pending", e->pub.row.source_id);
		return;
	}
	if (e->pub.row.acknowledged && verdict_is_passing(err)) {
		wait_in_queue(e, err_text(err, why, sizeof(why)));
		save_row(e, NULL);
		return;
	}
	life_fail(e, err);
}

void submit_copied_dry(const struct lane *lane, const char *copy_id, struct err *err)
{
	err_set(err, EIO,
		"the endpoint does not heed DryRun: it has begun the copy %s in %s; delete that, "
		"unless it is wanted",
		copy_id, lane->name);
}

/* The user is to know what must not be, and what to do about it. */
static void copied_dry(struct entry *e, const char *id)
{
	struct err err;

	e->lane->copies_dry = true;
	submit_copied_dry(e->lane, id, &err);
	life_fail(e, &err);
}

static void answered(void *arg, const char *id, const char *request_id, const struct err *err)
{
	struct work *w = arg;
	struct entry *e = w->entry;

	w->call = NULL;
	if (!err || !verdict_is_passing(err))
		lane_answered(e->lane);
	if (!err) {
		w->failures = 0;
		if (!e->pub.row.dry_run || !id)
			trial_passed(e->lane, &e->pub.row);
		if (e->pub.row.dry_run && id)
			copied_dry(e, id);
		else if (e->pub.row.dry_run)
			life_end(e, COPY_COMPLETED, clock_wall_ms(),
				"dry run: EC2 would carry it out; nothing was copied");
		else
			submit_accepted(e, id, request_id);
		return;
	}
	/* A dry run makes nothing, so there is nothing to look for. */
	if (err->maybe_done && !e->pub.row.dry_run)
		search_lost(e, err);
	else
		refused(e, err);
}
