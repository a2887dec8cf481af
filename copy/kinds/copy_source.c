/* SPDX-License-Identifier: MIT */
/* The source of a copy. */
#include "copy_source.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "isotime.h"
#include "job.h"
#include "poll_backoff.h"
#include "preflight.h"
#include "random.h"
#include "region_queue.h"

int copy_source_unknown(const char *region, const char *id, struct err *err)
{
	return err_set(err, ENOENT,
		"EC2 knows no snapshot %s in %s, or this account may not see it", id, region);
}

static bool is_archived(const struct catalogue *catalogue, catalogue_slot slot)
{
	const char *tier = NULL;
	struct ec2_field f;
	int64_t expiry = 0;

	for (unsigned n = 0; catalogue_field(catalogue, slot, n, &f); n++) {
		if (!strcmp(f.name, "StorageTier"))
			tier = f.value;
		else if (!strcmp(f.name, "RestoreExpiryTime") &&
			 isotime_parse(f.value, strlen(f.value), &expiry) < 0)
			expiry = 0;
	}
	return preflight_is_archived(tier, expiry, clock_wall_ms());
}

enum copy_source_word copy_source_word(
	struct region *region, const char *id, catalogue_slot *slot, struct err *err)
{
	struct catalogue *catalogue = region_catalogue(region);
	catalogue_slot at = catalogue_find(catalogue, id);
	struct catalogue_snapshot s;

	if (slot)
		*slot = at;
	if (at == CATALOGUE_NONE || !catalogue_get(catalogue, at, &s) ||
		s.presence == CATALOGUE_GONE)
		return SOURCE_UNKNOWN;
	switch (s.state) {
	case EC2_SNAPSHOT_PENDING:
		return SOURCE_PENDING;
	case EC2_SNAPSHOT_ERROR:
		err_set(err, EINVAL, "source %s is in state error%s%s", id,
			*s.state_message ? ": " : "", s.state_message);
		return SOURCE_UNFIT;
	case EC2_SNAPSHOT_RECOVERABLE:
	case EC2_SNAPSHOT_RECOVERING:
		err_set(err, EINVAL, "source %s is in the recycle bin (%s)", id, s.state_text);
		return SOURCE_UNFIT;
	case EC2_SNAPSHOT_COMPLETED:
	case EC2_SNAPSHOT_UNKNOWN: /* EC2 judges */
		break;
	}
	if (is_archived(catalogue, at)) {
		err_set(err, EOPNOTSUPP,
			"source %s is in the archive tier; restore it first (aws ec2 "
			"restore-snapshot-tier), which takes up to 72 hours",
			id);
		return SOURCE_UNFIT;
	}
	return SOURCE_READY;
}

static void explain(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct catalogue *catalogue = region_catalogue(job->work->source->region);
	catalogue_slot slot = catalogue_find(catalogue, row->source_id);
	struct catalogue_snapshot s;

	if (slot != CATALOGUE_NONE && catalogue_get(catalogue, slot, &s) &&
		s.progress != EC2_PROGRESS_UNKNOWN)
		job_reason(job, "source %s is still pending (%d%%)", row->source_id, s.progress);
	else
		job_reason(job, "source %s is still pending", row->source_id);
}

int copy_source_wait(struct job *job)
{
	struct region_queue *queue = region_queue_get(job->all, job->pub.row.source_region);

	if (!queue || region_queue_hold(queue, job->pub.row.source_id) < 0)
		return -ENOMEM;
	job->work->source = queue;
	explain(job);
	return 0;
}

static void later(struct job *job, const char *why)
{
	int64_t pause = poll_backoff_retry(
		job->all->options.retry_ms, ++job->work->failures, random_unit());

	job->work->retry_at = clock_mono_ms() + pause;
	job_reason(job, "the source cannot be looked up: %s", why);
	region_queue_wake(job->queue);
}

/* EC2 was asked; the catalogue has its answer. */
static void decide(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct region *region = regions_get(job->all->options.regions, row->source_region);
	struct err err;

	if (!region) {
		later(job, "out of memory");
		return;
	}
	switch (copy_source_word(region, row->source_id, NULL, &err)) {
	case SOURCE_READY:
		job->work->failures = 0;
		job->work->retry_at = 0;
		job_no_reason(job);
		region_queue_wake(job->queue);
		break;
	case SOURCE_PENDING:
		if (copy_source_wait(job) < 0)
			later(job, "out of memory");
		break;
	case SOURCE_UNKNOWN:
		copy_source_unknown(row->source_region, row->source_id, &err);
		job_fail(job, &err);
		break;
	case SOURCE_UNFIT:
		job_fail(job, &err);
		break;
	}
}

static void asked(void *arg, const struct err *err)
{
	struct work *w = arg;

	w->waiter = NULL;
	w->phase = PHASE_REST;
	if (err)
		later(w->job, err->message);
	else
		decide(w->job);
}

bool copy_source_check(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct region *region = regions_get(job->all->options.regions, row->source_region);
	bool ready = false;
	struct err err;

	if (!region) {
		later(job, "out of memory");
		return false;
	}
	switch (copy_source_word(region, row->source_id, NULL, &err)) {
	case SOURCE_READY:
		return true;
	case SOURCE_UNKNOWN:
		job->work->waiter =
			region_ensure_id(region, row->source_id, true, asked, job->work, &ready);
		if (job->work->waiter)
			job->work->phase = PHASE_CHECKING;
		else if (ready)
			decide(job);
		else
			later(job, "out of memory");
		return false;
	default:
		decide(job);
		return false;
	}
}

static void look_again(struct job *job)
{
	struct region_queue *queue = job->work->source;
	struct err err;

	if (copy_source_word(queue->region, job->pub.row.source_id, NULL, &err) == SOURCE_PENDING) {
		explain(job);
		return;
	}
	/* Whatever it is now, the queue's pump finds out when its turn comes. */
	job->work->source = NULL;
	region_queue_release(queue, job->pub.row.source_id);
	job_no_reason(job);
	job_changed(job);
	region_queue_wake(job->queue);
}

void copy_source_seen(struct region_queue *queue, const char *id)
{
	struct region_queue *l;
	struct job *job, *next;
	struct held *h;

	HASH_FIND_STR(queue->held, id, h);
	if (!h || !h->holds)
		return;
	for (l = queue->all->queues; l; l = l->hh.next)
		for (job = l->waiting; job; job = next) {
			next = job->next;
			if (job->work->source == queue && !strcmp(job->pub.row.source_id, id))
				look_again(job);
		}
}
