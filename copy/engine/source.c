/* SPDX-License-Identifier: MIT */
/* The source snapshot of a job. */
#include "source.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "isotime.h"
#include "job.h"
#include "poller.h"
#include "preflight.h"
#include "region_queue.h"

int source_unknown(const char *region, const char *id, struct err *err)
{
	return err_set(err, ENOENT,
		"EC2 knows no snapshot %s in %s, or this account may not see it", id, region);
}

static bool source_is_archived(const struct catalogue *catalogue, catalogue_slot slot)
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

enum source_state source_state(
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
	if (source_is_archived(catalogue, at)) {
		err_set(err, EOPNOTSUPP,
			"source %s is in the archive tier; restore it first (aws ec2 "
			"restore-snapshot-tier), which takes up to 72 hours",
			id);
		return SOURCE_UNFIT;
	}
	return SOURCE_READY;
}

static void source_explain(struct job *job)
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

int source_wait(struct job *job)
{
	struct region_queue *queue = region_queue_get(job->all, job->pub.row.source_region);

	if (!queue || poller_hold(queue, job->pub.row.source_id) < 0)
		return -ENOMEM;
	job->work->source = queue;
	source_explain(job);
	return 0;
}

static void source_checked(struct job *job, const struct err *err)
{
	job_event(job, JOB_CHECKED, &(struct job_news){.err = err});
}

static void source_no_memory(struct job *job)
{
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	source_checked(job, &err);
}

/* EC2 was asked; the catalogue has its answer. */
static void source_decide(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct region *region = regions_get(job->all->options.regions, row->source_region);
	struct err err;

	if (!region) {
		source_no_memory(job);
		return;
	}
	switch (source_state(region, row->source_id, NULL, &err)) {
	case SOURCE_READY:
		source_checked(job, NULL);
		break;
	case SOURCE_PENDING:
		source_checked(job, NULL);
		if (source_wait(job) < 0)
			source_no_memory(job);
		break;
	case SOURCE_UNKNOWN:
		source_unknown(row->source_region, row->source_id, &err);
		job_event(job, JOB_REFUSED, &(struct job_news){.err = &err});
		break;
	case SOURCE_UNFIT:
		job_event(job, JOB_REFUSED, &(struct job_news){.err = &err});
		break;
	}
}

static void source_asked(void *arg, const struct err *err)
{
	struct work *w = arg;

	w->waiter = NULL;
	if (err)
		source_checked(w->job, err);
	else
		source_decide(w->job);
}

bool source_check(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct region *region = regions_get(job->all->options.regions, row->source_region);
	struct work *w = job->work;
	bool ready = false;
	struct err err;

	if (!region) {
		source_no_memory(job);
		return false;
	}
	switch (source_state(region, row->source_id, NULL, &err)) {
	case SOURCE_READY:
		return true;
	case SOURCE_UNKNOWN:
		w->waiter = region_ensure_id(region, row->source_id, true, source_asked, w, &ready);
		if (w->waiter)
			job_event(job, JOB_CHECKING, NULL);
		else if (ready)
			source_decide(job);
		else
			source_no_memory(job);
		return false;
	default:
		source_decide(job);
		return false;
	}
}

static void source_look_again(struct job *job)
{
	struct region_queue *queue = job->work->source;
	struct err err;

	if (source_state(queue->region, job->pub.row.source_id, NULL, &err) == SOURCE_PENDING) {
		source_explain(job);
		return;
	}
	/* The queue's pump finds out what it is now, when its turn comes. */
	job->work->source = NULL;
	poller_release(queue, job->pub.row.source_id);
	job_no_reason(job);
	job_changed(job);
	region_queue_wake(job->queue);
}

void source_changed(struct region_queue *queue, const char *id)
{
	struct region_queue *q;
	struct job *job, *next;
	struct held *h;

	HASH_FIND_STR(queue->held, id, h);
	if (!h || !h->holds)
		return;
	for (q = queue->all->queues; q; q = q->hh.next)
		for (job = q->waiting; job; job = next) {
			next = job->next;
			if (job->work->source == queue && !strcmp(job->pub.row.source_id, id))
				source_look_again(job);
		}
}
