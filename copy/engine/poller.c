/* SPDX-License-Identifier: MIT */
/* Polls a region's pending snapshots. */
#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "job.h"
#include "random.h"
#include "region_queue.h"
#include "timing.h"

/* A poll asks for the snapshots of copies in progress and for held snapshots, by a filter of ids:
 * unlike a list of ids, a filter is no error if EC2 does not show one of them yet. Every eighth
 * poll lists all pending snapshots instead, because others' copies take slots too. When there are
 * more ids than a filter takes, the two kinds of poll alternate, and a filter names first the ids
 * whose last response is oldest. */
#define LISTING_EVERY 8
/* EC2's responses are only eventually consistent: a snapshot counts as gone when it is absent from
 * this many responses in a row. */
#define ABSENCES_GONE 3

static void poller_run(void *arg);

int poller_init(struct region_queue *queue)
{
	queue->poller.timer = loop_timer_create(queue->all->options.loop, poller_run, queue);
	return queue->poller.timer ? 0 : -ENOMEM;
}

static void poller_clear(struct poller *p)
{
	for (size_t i = 0; i < p->n_ids; i++)
		free((char *)p->ids[i]);
	p->n_ids = 0;
	free(steal(&p->ids));
	free(steal(&p->answered));
	p->busy = false;
}

void poller_finish(struct region_queue *queue)
{
	struct poller *p = &queue->poller;
	struct held *h, *next;

	if (p->busy)
		queue->kind->poll_cancel(queue);
	poller_clear(p);
	loop_timer_destroy(p->timer);
	HASH_ITER (hh, queue->held, h, next) {
		HASH_DEL(queue->held, h);
		free(h->id);
		free(h);
	}
}

/* --- the snapshots to ask for --- */

struct wanted {
	const char *id;
	int64_t answered_at;
	int64_t interval_ms;
};

typedef void wanted_fn(void *arg, const struct wanted *wanted);

/* Whether a snapshot's state may still change: it is pending, or the catalogue does not have it. */
static bool poller_is_open(const struct region_queue *queue, const char *id)
{
	struct catalogue *catalogue = region_catalogue(queue->region);
	catalogue_slot slot = catalogue_find(catalogue, id);
	struct catalogue_snapshot s;

	if (slot == CATALOGUE_NONE || !catalogue_get(catalogue, slot, &s))
		return true;
	return s.exists && (s.state == EC2_SNAPSHOT_PENDING || s.state == EC2_SNAPSHOT_UNKNOWN);
}

/* Whether the polls ask for the snapshot without a hold, as the snapshot of a copy in progress. */
static bool poller_is_copied(const struct region_queue *queue, const char *id)
{
	struct job *job;
	struct foreign *f;

	HASH_FIND(hh_id, queue->ids, id, strlen(id), job);
	HASH_FIND_STR(queue->foreign, id, f);
	return (job && job->pub.state == COPY_PENDING) || (f && f->pub.state == COPY_PENDING);
}

static int64_t poller_interval(
	const struct region_queue *queue, int64_t start_ms, int64_t eta_ms, int64_t wall)
{
	return timing_poll_interval(queue->all->options.poll_ms, start_ms ? wall - start_ms : 0,
		eta_ms ? eta_ms - wall : POLL_UNKNOWN);
}

static void poller_each_wanted(struct region_queue *queue, wanted_fn *fn, void *arg)
{
	int64_t wall = clock_wall_ms(), mono = clock_mono_ms();
	struct job *job;

	for (job = queue->running; job; job = job->next)
		if (job->pub.state == COPY_PENDING)
			fn(arg, &(struct wanted){job->pub.row.copy_id, job->work->answered_at,
					poller_interval(queue, job->pub.row.started_ms,
						job->pub.eta_ms, wall)});
	for (struct foreign *f = queue->foreign; f; f = f->hh.next)
		if (f->pub.state == COPY_PENDING)
			fn(arg, &(struct wanted){f->pub.row.copy_id, f->answered_at,
					poller_interval(queue, f->pub.row.started_ms, f->pub.eta_ms,
						wall)});
	for (struct held *h = queue->held; h; h = h->hh.next)
		if (!poller_is_copied(queue, h->id) && poller_is_open(queue, h->id))
			fn(arg, &(struct wanted){h->id, h->answered_at,
					timing_poll_interval(queue->all->options.poll_ms,
						mono - h->since, POLL_UNKNOWN)});
}

static void poller_shortest(void *arg, const struct wanted *wanted)
{
	int64_t *least = arg;

	if (wanted->interval_ms < *least)
		*least = wanted->interval_ms;
}

void poller_schedule(struct region_queue *queue)
{
	struct poller *p = &queue->poller;
	int64_t pause = INT64_MAX, now = clock_mono_ms(), least = queue->all->options.poll_ms,
		target;

	if (p->busy)
		return; /* poller_done() schedules the next poll */
	poller_each_wanted(queue, poller_shortest, &pause);
	if ((queue->blocked && queue->kind->counts_others) || queue->unlisted ||
		(p->urgent && pause != INT64_MAX))
		pause = least;
	if (pause == INT64_MAX) {
		loop_timer_stop(p->timer);
		return;
	}
	if (p->failures && pause < p->backoff_ms)
		pause = p->backoff_ms;
	target = p->began_at ? p->began_at + pause : 0;
	/* If no poll was scheduled, the first one comes after one interval, because EC2 has no news
	 * earlier; at once if a user is waiting. */
	if (target <= now)
		target = queue->unlisted || p->urgent ? now : now + least;
	if (loop_timer_armed(p->timer) && p->due_at <= target)
		return;
	p->due_at = target;
	loop_timer_start(p->timer, target - now);
}

/* --- one poll --- */

struct gathered {
	struct wanted *all;
	size_t n, cap;
	bool failed;
};

static void poller_gather(void *arg, const struct wanted *wanted)
{
	struct gathered *g = arg;

	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 64;
		struct wanted *all = realloc(g->all, cap * sizeof(*all));

		if (!all) {
			g->failed = true;
			return;
		}
		g->all = all;
		g->cap = cap;
	}
	g->all[g->n++] = *wanted;
}

static int poller_by_answer(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return x->answered_at < y->answered_at ? -1 : x->answered_at > y->answered_at;
}

/* Decides whether the poll lists or asks for ids, and for which. 0, -ENOMEM, or -ENOENT: no
 * snapshot is awaited. */
static int poller_prepare(struct region_queue *queue)
{
	struct poller *p = &queue->poller;
	struct gathered g = {0};
	bool busy = queue->kind->counts_others &&
		    (queue->n_waiting || queue->running || queue->foreigners);
	int result = 0;

	poller_each_wanted(queue, poller_gather, &g);
	if (g.n > 1)
		qsort(g.all, g.n, sizeof(*g.all), poller_by_answer);
	p->listing = busy && (!p->listed_at || p->since_listing >= LISTING_EVERY - 1 || !g.n ||
				     (g.n > EC2_FILTER_VALUES_MAX && !p->listing));
	p->ids = calloc(EC2_FILTER_VALUES_MAX, sizeof(*p->ids));
	p->answered = calloc(EC2_FILTER_VALUES_MAX, sizeof(*p->answered));
	if (g.failed || !p->ids || !p->answered)
		result = -ENOMEM;
	else if (!g.n && !busy)
		result = -ENOENT;
	for (size_t i = 0; i < g.n && i < EC2_FILTER_VALUES_MAX && !result && !p->listing; i++) {
		p->ids[i] = strdup(g.all[i].id);
		if (!p->ids[i])
			result = -ENOMEM;
		else
			p->n_ids++;
	}
	free(g.all);
	return result;
}

static void poller_explain(struct region_queue *queue, const struct err *err)
{
	struct job *job;

	for (job = queue->running; job; job = job->next) {
		if (job->pub.state != COPY_PENDING)
			continue;
		if (err)
			job_reason(job, "EC2 cannot be asked about the %s: %s", job->kind->name,
				err->message);
		else if (*job->pub.reason)
			job_no_reason(job);
	}
}

/* Notes for everything that awaits snapshot `id` whether the response had it. */
static void poller_take(struct region_queue *queue, const char *id, bool present)
{
	int64_t now = clock_mono_ms();
	struct job *job;
	struct foreign *f;
	struct held *h;

	HASH_FIND(hh_id, queue->ids, id, strlen(id), job);
	if (job && job->pub.state == COPY_PENDING) {
		job->work->answered_at = now;
		job->work->absences = present ? 0 : job->work->absences + 1;
	}
	HASH_FIND_STR(queue->foreign, id, f);
	if (f) {
		f->answered_at = now;
		f->absences = present ? 0 : f->absences + 1;
	}
	HASH_FIND_STR(queue->held, id, h);
	if (!h)
		return;
	h->answered_at = now;
	h->absences = present ? 0 : h->absences + 1;
	h->glance = false;
	if (!h->holds) {
		h->holds = 1;
		poller_release(queue, id);
	}
}

void poller_answered(struct region_queue *queue, const char *id)
{
	struct poller *p = &queue->poller;

	for (size_t i = 0; i < p->n_ids; i++)
		if (!strcmp(p->ids[i], id))
			p->answered[i] = true;
	poller_take(queue, id, true);
}

/* A snapshot absent from enough consecutive polls, and older than the window, counts as deleted. */
static void poller_bury(struct region_queue *queue, const char *id)
{
	struct catalogue *catalogue = region_catalogue(queue->region);
	int64_t now = clock_mono_ms(), window = queue->all->options.window_ms;
	catalogue_slot slot = catalogue_find(catalogue, id);
	struct job *job;
	struct foreign *f;
	struct held *h;
	bool gone;

	HASH_FIND_STR(queue->foreign, id, f);
	HASH_FIND_STR(queue->held, id, h);
	gone = (f && f->absences >= ABSENCES_GONE) ||
	       (h && h->absences >= ABSENCES_GONE && now - h->since >= window);
	if (f && f->absences >= ABSENCES_GONE)
		region_queue_foreign_end(f, COPY_CANCELLED, clock_wall_ms(), NULL);
	HASH_FIND(hh_id, queue->ids, id, strlen(id), job);
	if (job && job_is_watched(job) && job->work->absences >= ABSENCES_GONE &&
		now - job->work->accepted_at >= window)
		job->kind->vanished(job);
	if (slot != CATALOGUE_NONE && gone)
		catalogue_absent(catalogue, slot, now);
}

/* Drops glances at snapshots that have ended meanwhile. */
static void poller_drop_glances(struct region_queue *queue)
{
	struct held *h, *next;

	HASH_ITER (hh, queue->held, h, next)
		if (!h->holds && !poller_is_open(queue, h->id))
			poller_take(queue, h->id, true);
}

static void poller_failed(struct region_queue *queue, const struct err *err)
{
	struct poller *p = &queue->poller;

	p->backoff_ms =
		timing_retry_pause(queue->all->options.poll_ms, ++p->failures, random_unit());
	queue->poll_failures++;
	queue->unlisted = false; /* the listing failed: EC2's refusals show the limit instead */
}

static void poller_complete(struct region_queue *queue)
{
	struct poller *p = &queue->poller;

	p->failures = 0;
	if (p->listing) {
		p->listed_at = clock_mono_ms();
		p->since_listing = 0;
		queue->unlisted = false;
	} else {
		p->since_listing++;
	}
	for (size_t i = 0; i < p->n_ids; i++)
		if (!p->answered[i]) {
			poller_take(queue, p->ids[i], false);
			poller_bury(queue, p->ids[i]);
		}
	poller_drop_glances(queue);
}

void poller_done(struct region_queue *queue, const struct err *err)
{
	poller_explain(queue, err);
	if (err)
		poller_failed(queue, err);
	else
		poller_complete(queue);
	poller_clear(&queue->poller);
	region_queue_wake(queue);
	poller_schedule(queue);
}

static void poller_run(void *arg)
{
	struct region_queue *queue = arg;
	struct poller *p = &queue->poller;
	struct err err;
	int result = poller_prepare(queue);

	if (result == -ENOENT) {
		poller_clear(p);
		return;
	}
	p->began_at = clock_mono_ms();
	p->urgent = false;
	p->busy = true;
	if (!result)
		result = queue->kind->poll(queue);
	if (result < 0) {
		err_set(&err, ENOMEM, "out of memory");
		poller_done(queue, &err);
	}
}

/* --- holds and glances --- */

static struct held *poller_held_get(struct region_queue *queue, const char *id)
{
	struct held *h;

	HASH_FIND_STR(queue->held, id, h);
	if (h)
		return h;
	h = calloc(1, sizeof(*h));
	if (h)
		h->id = strdup(id);
	if (!h || !h->id) {
		free(h);
		return NULL;
	}
	h->since = clock_mono_ms();
	HASH_ADD_KEYPTR(hh, queue->held, h->id, strlen(h->id), h);
	if (!h->hh.tbl) {
		free(h->id);
		free(h);
		return NULL;
	}
	return h;
}

int poller_hold(struct region_queue *queue, const char *id)
{
	struct held *h = poller_held_get(queue, id);

	if (!h)
		return -ENOMEM;
	h->holds++;
	poller_schedule(queue);
	return 0;
}

void poller_release(struct region_queue *queue, const char *id)
{
	struct held *h;

	HASH_FIND_STR(queue->held, id, h);
	if (!h || !h->holds || --h->holds || h->glance)
		return;
	HASH_DEL(queue->held, h);
	free(h->id);
	free(h);
}

void poller_hurry(struct region_queue *queue)
{
	queue->poller.urgent = true;
	poller_schedule(queue);
}

void poller_glance(struct region_queue *queue, const char *id)
{
	struct held *h;

	if (!poller_is_open(queue, id) || HASH_COUNT(queue->held) >= EC2_FILTER_VALUES_MAX)
		return;
	h = poller_held_get(queue, id);
	if (!h)
		return;
	h->glance = true;
	poller_hurry(queue);
}
