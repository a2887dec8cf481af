/* SPDX-License-Identifier: MIT */
/* Turns EC2's listings into events of copies. */
#include "reconcile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "clock.h"
#include "confirm.h"
#include "copy_presence.h"
#include "copy_snapshot.h"
#include "copy_tags.h"
#include "job.h"
#include "poller.h"
#include "region_queue.h"
#include "view.h"

/* --- our own --- */

static void reconcile_update(struct job *job, const struct catalogue_snapshot *s)
{
	struct journal_copy *row = &job->pub.row;
	int64_t now = clock_wall_ms(), eta;

	if (s->start_ms)
		row->started_ms = s->start_ms;
	row->bytes = s->full_size >= 0 ? s->full_size : (int64_t)s->volume_gib << 30;
	if (s->state != EC2_SNAPSHOT_PENDING)
		return;
	eta = timing_expected_end(row->started_ms, s->progress, now,
		timing_expected_length(
			job->all->timing, row->source_region, row->region, row->bytes),
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

static void reconcile_completed(struct job *job, const struct catalogue_snapshot *s)
{
	struct journal_copy *row = &job->pub.row;
	int64_t ended = s->completion_ms ? s->completion_ms : clock_wall_ms();

	job->pub.progress = 100;
	timing_learn(job->all->timing, row->source_region, row->region, row->bytes,
		ended - row->started_ms);
	job_event(job, JOB_COMPLETED, &(struct job_news){.ended_ms = ended});
}

static void reconcile_own(struct job *job, const struct catalogue_snapshot *s)
{
	if (!job_is_watched(job) || !s->exists)
		return; /* only the poller decides that a snapshot is gone */
	job->work->absences = 0;
	reconcile_update(job, s);
	switch (s->state) {
	case EC2_SNAPSHOT_COMPLETED:
		reconcile_completed(job, s);
		break;
	case EC2_SNAPSHOT_ERROR:
		job_event(job, JOB_ERROR,
			&(struct job_news){.ended_ms = clock_wall_ms(),
				.message = *s->state_message ? s->state_message
							     : "EC2 gave no reason"});
		break;
	case EC2_SNAPSHOT_RECOVERABLE:
	case EC2_SNAPSHOT_RECOVERING:
		job_event(job, JOB_GONE,
			&(struct job_news){.ended_ms = clock_wall_ms(),
				.message = "the snapshot was moved into the recycle bin"});
		break;
	case EC2_SNAPSHOT_PENDING:
	case EC2_SNAPSHOT_UNKNOWN:
		break;
	}
}

/* The catalogue's record of the job's copy. False: none. */
static bool reconcile_find(const struct job *job, struct catalogue_snapshot *s)
{
	struct catalogue *catalogue = region_catalogue(job->queue->region);
	catalogue_slot slot = job->pub.row.copy_id ? catalogue_find(catalogue, job->pub.row.copy_id)
						   : CATALOGUE_NONE;

	return slot != CATALOGUE_NONE && catalogue_get(catalogue, slot, s);
}

void reconcile_job(struct job *job)
{
	struct catalogue_snapshot s;

	if (reconcile_find(job, &s))
		reconcile_own(job, &s);
}

void reconcile_progress(struct job *job)
{
	struct catalogue_snapshot s;

	if (reconcile_find(job, &s))
		reconcile_update(job, &s);
}

/* --- those of others --- */

static bool reconcile_has_our_tags(struct region_queue *queue, catalogue_slot slot)
{
	struct catalogue *catalogue = region_catalogue(queue->region);

	return catalogue_tag_value(catalogue, slot, TAG_SOURCE) ||
	       catalogue_tag_value(catalogue, slot, TAG_REQUEST);
}

/* Sets origin and source of another's copy from its tags, which EC2 may show later than the
 * snapshot. */
static void reconcile_recognise(struct foreign *f, catalogue_slot slot)
{
	struct journal_copy *row = &f->pub.row;

	if (row->source_id || !reconcile_has_our_tags(f->queue, slot))
		return;
	f->pub.origin = COPY_MACHINE;
	if (copy_tags_source(
		    catalogue_tag_value(region_catalogue(f->queue->region), slot, TAG_SOURCE),
		    &row->source_region, &row->source_id))
		f->pub.eta_ms = 0; /* such copies have an estimate of their own */
}

static void reconcile_foreign_pending(struct foreign *f, const struct catalogue_snapshot *s)
{
	const struct journal_copy *row = &f->pub.row;
	int64_t bytes = s->full_size >= 0 ? s->full_size : (int64_t)s->volume_gib << 30;
	int64_t length = row->source_region ? timing_expected_length(f->queue->all->timing,
						      row->source_region, row->region, bytes)
					    : -1;

	if (f->pub.eta_ms && f->pub.progress == s->progress)
		return;
	f->pub.progress = s->progress;
	f->pub.eta_ms =
		timing_expected_end(row->started_ms, s->progress, clock_wall_ms(), length, 0);
	job_tell(f->queue->all, &f->pub);
}

static void reconcile_foreign(
	struct region_queue *queue, catalogue_slot slot, const struct catalogue_snapshot *s)
{
	int64_t ended = s->completion_ms ? s->completion_ms : clock_wall_ms();
	bool pending = s->exists && s->state == EC2_SNAPSHOT_PENDING;
	struct foreign *f;

	HASH_FIND_STR(queue->foreign, s->id, f);
	if (!f && pending && (s->is_copy || reconcile_has_our_tags(queue, slot)))
		f = region_queue_foreign(queue, s);
	if (!f)
		return;
	reconcile_recognise(f, slot);
	if (pending)
		reconcile_foreign_pending(f, s);
	else if (s->exists && s->state == EC2_SNAPSHOT_COMPLETED)
		region_queue_foreign_end(f, COPY_COMPLETED, ended, NULL);
	else if (s->exists && s->state == EC2_SNAPSHOT_ERROR)
		region_queue_foreign_end(f, COPY_ERROR, ended, s->state_message);
	else if (!s->exists || s->state != EC2_SNAPSHOT_UNKNOWN)
		region_queue_foreign_end(f, COPY_CANCELLED, clock_wall_ms(), NULL);
}

/* --- one snapshot --- */

/* Whether the snapshot has the token of one of this mount's requests. If that request's response
 * was lost, reports the copy as accepted. */
static bool reconcile_is_ours(
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
	if (!w || w->job->queue != queue || w->job->pub.row.copy_id || job_is_source(w->job, s->id))
		return false;
	job = w->job;
	if (job->pub.state != COPY_FAILED && job->phase != PHASE_SEARCHING)
		return true; /* its response is on its way */
	job_event(job, JOB_ACCEPTED, &(struct job_news){.id = s->id});
	reconcile_job(job);
	return true;
}

/* Reports the deletion of a completed copy's snapshot. */
static void reconcile_ended(struct region_queue *queue, const char *id)
{
	enum job_presence presence = copy_presence(queue, id);
	struct copy *copy = presence == JOB_PRESENCE_GONE || presence == JOB_PRESENCE_BIN
				    ? copies_by_snapshot(queue->all, queue->name, id)
				    : NULL;

	if (copy && presence == JOB_PRESENCE_BIN)
		confirm_deleted(queue->all, copy, "the snapshot was moved into the recycle bin");
	else if (copy && confirm_is_settled(queue->all, &copy->row))
		confirm_deleted(queue->all, copy, "the snapshot was deleted");
}

/* Reconciles the copies with the catalogue's record in this slot. */
static void reconcile_slot(struct region_queue *queue, catalogue_slot slot)
{
	struct catalogue_snapshot s;
	struct job *job;
	char id[72];

	if (!catalogue_get(region_catalogue(queue->region), slot, &s))
		return;
	snprintf(id, sizeof(id), "%s", s.id);
	HASH_FIND(hh_id, queue->ids, s.id, strlen(s.id), job);
	if (job)
		reconcile_own(job, &s);
	else if (!s.exists || !reconcile_is_ours(queue, slot, &s))
		reconcile_foreign(queue, slot, &s);
	reconcile_ended(queue, id);
	if (queue->held)
		admission_source_changed(queue, id);
}

/* --- changes of the catalogue --- */

/* The catalogue may change in the middle of anything, a transition of a job included. So a change
 * is only noted here, and looked at when the loop turns. */
static bool reconcile_concerns(struct region_queue *queue, catalogue_slot slot)
{
	struct catalogue *catalogue = region_catalogue(queue->region);
	struct catalogue_snapshot s;
	struct job *job;
	struct foreign *f;
	struct held *h;

	if (!catalogue_get(catalogue, slot, &s))
		return false;
	HASH_FIND(hh_id, queue->ids, s.id, strlen(s.id), job);
	HASH_FIND_STR(queue->foreign, s.id, f);
	HASH_FIND_STR(queue->held, s.id, h);
	return job || f || h ||
	       (!s.exists && history_by_snapshot(queue->all->history, queue->name, s.id)) ||
	       (s.state == EC2_SNAPSHOT_PENDING && s.exists) ||
	       (queue->all->tokens && catalogue_tag_value(catalogue, slot, TAG_REQUEST));
}

static void reconcile_note(struct copy_watch *w, catalogue_slot slot)
{
	if (w->n_slots == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 64;
		catalogue_slot *slots = realloc(w->slots, cap * sizeof(*slots));

		if (!slots) {
			w->all = true;
			return;
		}
		w->slots = slots;
		w->cap = cap;
	}
	w->slots[w->n_slots++] = slot;
}

static void reconcile_changed(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	struct region_queue *queue = arg;
	struct copy_watch *w = &copy_region(queue)->watch;

	(void)change;
	if (w->taking || !reconcile_concerns(queue, slot))
		return;
	reconcile_note(w, slot);
	if (!loop_timer_armed(w->timer))
		loop_timer_start(w->timer, 0);
}

/* Snapshots known from disk only are left out: EC2 has not confirmed them yet. */
static void reconcile_all_slots(struct region_queue *queue)
{
	struct catalogue *catalogue = region_catalogue(queue->region);
	catalogue_slot slots = catalogue_slots(catalogue);

	for (catalogue_slot slot = 0; slot < slots; slot++)
		if (!catalogue_from_disk(catalogue, slot))
			reconcile_slot(queue, slot);
}

static void reconcile_turn(void *arg)
{
	struct region_queue *queue = arg;
	struct copy_watch *w = &copy_region(queue)->watch;
	catalogue_slot *slots = steal(&w->slots);
	size_t n = w->n_slots;
	bool all = w->all;

	w->n_slots = w->cap = 0;
	w->all = false;
	if (all)
		reconcile_all_slots(queue);
	for (size_t i = 0; i < n && !all; i++)
		reconcile_slot(queue, slots[i]);
	free(slots);
}

void reconcile_now(struct region_queue *queue)
{
	loop_timer_stop(copy_region(queue)->watch.timer);
	reconcile_turn(queue);
}

int reconcile_init(struct region_queue *queue)
{
	struct copy_watch *w = &copy_region(queue)->watch;

	w->timer = loop_timer_create(queue->all->options.loop, reconcile_turn, queue);
	if (!w->timer)
		return -ENOMEM;
	if (catalogue_slots(region_catalogue(queue->region))) {
		w->all = true;
		loop_timer_start(w->timer, 0);
	}
	return catalogue_watch(region_catalogue(queue->region), reconcile_changed, queue);
}

int reconcile_mark(const struct region_queue *queue, struct slot_set *named)
{
	const struct copy_watch *w = &copy_region(queue)->watch;

	for (size_t i = 0; i < w->n_slots; i++)
		if (slot_set_add(named, w->slots[i]) < 0)
			return -ENOMEM;
	return 0;
}

void reconcile_finish(struct region_queue *queue)
{
	struct copy_watch *w = &copy_region(queue)->watch;

	pages_cancel(steal(&w->poll));
	free(steal(&w->slots));
	loop_timer_destroy(w->timer);
}

/* --- polls --- */

static int reconcile_poll_part(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct region_queue *queue = arg;
	struct catalogue *catalogue = region_catalogue(queue->region);
	struct copy_watch *w = &copy_region(queue)->watch;

	(void)err;
	for (size_t i = 0; i < page->n_snapshots; i++) {
		const struct ec2_snapshot *s = &page->snapshots[i];
		catalogue_slot slot;

		w->taking = true;
		slot = catalogue_put(catalogue, s, clock_mono_ms());
		w->taking = false;
		if (slot != CATALOGUE_NONE)
			reconcile_slot(queue, slot);
		poller_answered(queue, s->id);
	}
	if (ends && page->next_token && *page->next_token)
		queue->polls++;
	return 0;
}

static void reconcile_poll_done(void *arg, const struct err *err)
{
	struct region_queue *queue = arg;

	copy_region(queue)->watch.poll = NULL;
	poller_done(queue, err);
}

/* The owner that a poll names: none only for snapshots that others share with the account. */
static const char *const *reconcile_poll_owner(struct region_queue *queue)
{
	struct catalogue *catalogue = region_catalogue(queue->region);

	for (size_t i = 0; i < queue->poller.n_ids; i++) {
		catalogue_slot slot = catalogue_find(catalogue, queue->poller.ids[i]);

		if (catalogue_exists(catalogue, slot) && !view_has(region_own(queue->region), slot))
			return NULL;
	}
	return ec2_owner_self;
}

int reconcile_poll(struct region_queue *queue)
{
	static const char *const pending[] = {"pending"};
	struct copy_watch *w = &copy_region(queue)->watch;
	struct ec2_describe_snapshots query = {.region = queue->name,
		.owners = reconcile_poll_owner(queue),
		.filters = &w->filter,
		.n_filters = 1,
		.max_results = EC2_PAGE_MAX};

	w->filter =
		queue->poller.listing
			? (struct ec2_filter){.name = "status", .values = pending, .n_values = 1}
			: (struct ec2_filter){.name = "snapshot-id",
				  .values = queue->poller.ids,
				  .n_values = queue->poller.n_ids};
	queue->polls++;
	w->poll = pages_start(
		queue->all->options.aws, &query, reconcile_poll_part, reconcile_poll_done, queue);
	return w->poll ? 0 : -ENOMEM;
}

void reconcile_poll_cancel(struct region_queue *queue)
{
	pages_cancel(steal(&copy_region(queue)->watch.poll));
}
