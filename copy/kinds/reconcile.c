/* SPDX-License-Identifier: MIT */
/* What EC2's listings show of copies. */
#include "reconcile.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "copy_source.h"
#include "endpoint.h"
#include "expire.h"
#include "job.h"
#include "log.h"
#include "lost_requests.h"
#include "poller.h"
#include "region_queue.h"

#define FOREIGN_MAX                                                                                \
	10000 /* of one region; EC2 carries out some dozens at once, the rest ended lately */

/* --- our own --- */

static void update(struct job *job, const struct catalogue_snapshot *s)
{
	struct journal_copy *row = &job->pub.row;
	int64_t now = clock_wall_ms(), eta;

	if (s->start_ms)
		row->started_ms = s->start_ms;
	row->bytes = s->full_size >= 0 ? s->full_size : (int64_t)s->volume_gib << 30;
	if (s->state != EC2_SNAPSHOT_PENDING)
		return;
	eta = estimate_end(row->started_ms, s->progress, now,
		estimate_length(job->all->estimate, row->source_region, row->region, row->bytes),
		row->completion_minutes);
	if (job->pub.progress == s->progress && job->pub.eta_ms)
		return; /* the estimate of the moment when EC2 first said this percent is the best
			   one */
	job->pub.eta_ms = eta;
	if (job->pub.progress != s->progress) {
		job->pub.progress = s->progress;
		job_changed(job);
	}
}

static void completed(struct job *job, const struct catalogue_snapshot *s)
{
	struct journal_copy *row = &job->pub.row;
	int64_t ended = s->completion_ms ? s->completion_ms : clock_wall_ms();

	job->pub.progress = 100;
	estimate_learn(job->all->estimate, row->source_region, row->region, row->bytes,
		ended - row->started_ms);
	job_end(job, COPY_COMPLETED, ended, NULL);
}

static void own(struct job *job, const struct catalogue_snapshot *s)
{
	if (job->pub.state != COPY_PENDING || s->presence == CATALOGUE_GONE)
		return; /* that it is gone is for the poller to judge */
	job->work->absences = 0;
	update(job, s);
	switch (s->state) {
	case EC2_SNAPSHOT_COMPLETED:
		completed(job, s);
		break;
	case EC2_SNAPSHOT_ERROR:
		job_end(job, COPY_ERROR, clock_wall_ms(),
			*s->state_message ? s->state_message : "EC2 gave no reason");
		break;
	case EC2_SNAPSHOT_RECOVERABLE:
	case EC2_SNAPSHOT_RECOVERING:
		job_end(job, COPY_CANCELLED, clock_wall_ms(),
			"the snapshot was moved into the recycle bin");
		break;
	case EC2_SNAPSHOT_PENDING:
	case EC2_SNAPSHOT_UNKNOWN:
		break;
	}
}

void reconcile_entry(struct job *job)
{
	struct catalogue *catalogue = region_catalogue(job->queue->region);
	catalogue_slot slot = job->pub.row.copy_id ? catalogue_find(catalogue, job->pub.row.copy_id)
						   : CATALOGUE_NONE;
	struct catalogue_snapshot s;

	if (slot != CATALOGUE_NONE && catalogue_get(catalogue, slot, &s))
		own(job, &s);
}

/* --- those of others --- */

bool reconcile_source_tag(const char *value, char **region, char **id)
{
	const char *slash = value ? strchr(value, '/') : NULL;

	*region = *id = NULL;
	if (!slash)
		return false;
	*region = strndup(value, (size_t)(slash - value));
	*id = strdup(slash + 1);
	if (*region && *id && endpoint_is_region(*region) && ec2_is_snapshot_id(*id))
		return true;
	free(steal(region));
	free(steal(id));
	return false;
}

static void tell(struct copies *c, const struct copy *copy)
{
	for (struct watcher *w = c->watchers; w; w = w->next)
		w->fn(w->arg, copy);
}

void reconcile_foreign_drop(struct foreign *f)
{
	if (f->pub.state == COPY_PENDING)
		f->queue->foreigners--;
	HASH_DEL(f->queue->foreign, f);
	journal_copy_finish(&f->pub.row);
	free(f);
}

void reconcile_adopted(struct job *job)
{
	struct foreign *f;

	HASH_FIND_STR(job->queue->foreign, job->pub.row.copy_id, f);
	if (f)
		reconcile_foreign_drop(f);
}

void reconcile_forget(struct region_queue *queue)
{
	struct foreign *f, *next;

	HASH_ITER (hh, queue->foreign, f, next)
		reconcile_foreign_drop(f);
}

void reconcile_foreign_end(
	struct foreign *f, enum copy_state state, int64_t ended_ms, const char *message)
{
	if (f->pub.state != COPY_PENDING)
		return;
	f->pub.state = state;
	f->pub.row.ended_ms = ended_ms;
	f->pub.eta_ms = 0;
	if (state == COPY_COMPLETED)
		f->pub.progress = 100;
	if (message && *message)
		f->pub.row.message = strdup(message);
	f->queue->foreigners--;
	concurrency_limit_freed(&f->queue->limit);
	region_queue_wake(f->queue);
	expire_soon(f->queue->all);
	tell(f->queue->all, &f->pub);
}

static bool has_our_tags(struct region_queue *queue, catalogue_slot slot)
{
	struct catalogue *catalogue = region_catalogue(queue->region);

	return catalogue_tag_value(catalogue, slot, TAG_SOURCE) ||
	       catalogue_tag_value(catalogue, slot, TAG_REQUEST);
}

/* Who asked for it, and for what. EC2 may show the tags later than the snapshot. */
static void recognise(struct foreign *f, catalogue_slot slot)
{
	struct journal_copy *row = &f->pub.row;

	if (row->source_id || !has_our_tags(f->queue, slot))
		return;
	f->pub.origin = COPY_MACHINE;
	if (reconcile_source_tag(
		    catalogue_tag_value(region_catalogue(f->queue->region), slot, TAG_SOURCE),
		    &row->source_region, &row->source_id))
		f->pub.eta_ms = 0; /* what is known of such copies makes another estimate */
}

static struct foreign *take_up(
	struct region_queue *queue, catalogue_slot slot, const struct catalogue_snapshot *s)
{
	struct foreign *f;

	if ((!s->is_copy && !has_our_tags(queue, slot)) ||
		HASH_COUNT(queue->foreign) >= FOREIGN_MAX)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->queue = queue;
	f->pub = (struct copy){.state = COPY_PENDING,
		.origin = COPY_TOOL,
		.reason = "",
		.progress = EC2_PROGRESS_UNKNOWN};
	f->pub.row.started_ms = s->start_ms;
	f->pub.row.requested_ms = s->start_ms;
	f->pub.row.region = strdup(queue->name);
	f->pub.row.copy_id = strdup(s->id);
	f->pub.row.description = strdup(s->description);
	if (!f->pub.row.region || !f->pub.row.copy_id || !f->pub.row.description) {
		journal_copy_finish(&f->pub.row);
		free(f);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, queue->foreign, f->pub.row.copy_id, strlen(f->pub.row.copy_id), f);
	if (!f->hh.tbl) {
		journal_copy_finish(&f->pub.row);
		free(f);
		return NULL;
	}
	queue->foreigners++;
	concurrency_limit_seen(&queue->limit, queue->foreigners + queue->pending);
	poller_schedule(queue);
	return f;
}

static void foreign_pending(struct foreign *f, const struct catalogue_snapshot *s)
{
	const struct journal_copy *row = &f->pub.row;
	int64_t bytes = s->full_size >= 0 ? s->full_size : (int64_t)s->volume_gib << 30;
	int64_t length = row->source_region ? estimate_length(f->queue->all->estimate,
						      row->source_region, row->region, bytes)
					    : -1;

	if (f->pub.eta_ms && f->pub.progress == s->progress)
		return;
	f->pub.progress = s->progress;
	f->pub.eta_ms = estimate_end(row->started_ms, s->progress, clock_wall_ms(), length, 0);
	tell(f->queue->all, &f->pub);
}

static void foreign(
	struct region_queue *queue, catalogue_slot slot, const struct catalogue_snapshot *s)
{
	int64_t ended = s->completion_ms ? s->completion_ms : clock_wall_ms();
	bool pending = s->presence != CATALOGUE_GONE && s->state == EC2_SNAPSHOT_PENDING;
	struct foreign *f;

	HASH_FIND_STR(queue->foreign, s->id, f);
	if (!f && pending)
		f = take_up(queue, slot, s);
	if (!f)
		return;
	recognise(f, slot);
	if (pending)
		foreign_pending(f, s);
	else if (s->presence != CATALOGUE_GONE && s->state == EC2_SNAPSHOT_COMPLETED)
		reconcile_foreign_end(f, COPY_COMPLETED, ended, NULL);
	else if (s->presence != CATALOGUE_GONE && s->state == EC2_SNAPSHOT_ERROR)
		reconcile_foreign_end(f, COPY_ERROR, ended, s->state_message);
	else if (s->presence == CATALOGUE_GONE || s->state != EC2_SNAPSHOT_UNKNOWN)
		reconcile_foreign_end(f, COPY_CANCELLED, clock_wall_ms(), NULL);
}

/* --- the catalogue's changes --- */

/* Whether the snapshot bears the token of a request of ours. If its answer was lost, here it is. */
static bool is_ours(
	struct region_queue *queue, catalogue_slot slot, const struct catalogue_snapshot *s)
{
	const char *token;
	struct job *job;
	struct work *w;

	if (!queue->all->tokens)
		return false;
	token = catalogue_tag_value(region_catalogue(queue->region), slot, TAG_REQUEST);
	if (!token)
		return false;
	HASH_FIND_STR(queue->all->tokens, token, w);
	if (!w || w->job->queue != queue || w->job->pub.row.copy_id)
		return false;
	job = w->job;
	if (job->pub.state == COPY_FAILED)
		log_warning("copy %lld: %s appeared after all, long after its answer was lost",
			(long long)job->pub.row.id, s->id);
	else if (job->pub.state != COPY_SUBMITTING || w->phase != PHASE_SEARCHING)
		return true; /* its answer is on its way */
	lost_requests_found(job, s->id);
	return true;
}

static void changed(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	struct region_queue *queue = arg;
	struct catalogue_snapshot s;
	struct job *job;

	(void)change;
	if (!catalogue_get(region_catalogue(queue->region), slot, &s))
		return;
	HASH_FIND(hh_id, queue->ids, s.id, strlen(s.id), job);
	if (job)
		own(job, &s);
	else if (s.presence == CATALOGUE_GONE || !is_ours(queue, slot, &s))
		foreign(queue, slot, &s);
	if (queue->held)
		copy_source_seen(queue, s.id);
}

int reconcile_lane(struct region_queue *queue)
{
	struct catalogue *catalogue = region_catalogue(queue->region);
	catalogue_slot slots = catalogue_slots(catalogue);

	/* What is known from disk comes once EC2 has confirmed it. */
	for (catalogue_slot slot = 0; slot < slots; slot++)
		if (!catalogue_from_disk(catalogue, slot))
			changed(queue, CATALOGUE_ADDED, slot);
	return catalogue_watch(catalogue, changed, queue);
}
