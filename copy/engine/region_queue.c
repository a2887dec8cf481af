/* SPDX-License-Identifier: MIT */
/* A region as destination: its queue, its slots, and who may go next. */
#include "region_queue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "copy_snapshot.h"
#include "copy_source.h"
#include "dry_run.h"
#include "encryption_defaults.h"
#include "job.h"
#include "lost_requests.h"
#include "poll_backoff.h"
#include "poller.h"
#include "random.h"
#include "reconcile.h"

static void pump(void *arg);

struct region_queue *region_queue_make(struct copies *c, struct region *region)
{
	struct region_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->all = c;
	queue->region = region;
	queue->name = region_name(region);
	concurrency_limit_init(&queue->limit, c->options.retry_ms * 4);
	queue->pump = loop_timer_create(c->options.loop, pump, queue);
	if (queue->pump && poller_init(queue) == 0 && lost_requests_init(queue) == 0 &&
		encryption_defaults_init(queue) == 0)
		HASH_ADD_KEYPTR(hh, c->queues, queue->name, strlen(queue->name), queue);
	/* Last, for what watches a catalogue cannot be taken back. */
	if (!queue->hh.tbl || reconcile_lane(queue) < 0) {
		region_queue_destroy(queue);
		return NULL;
	}
	return queue;
}

struct region_queue *region_queue_find(const struct copies *c, const char *region)
{
	struct region_queue *queue;

	HASH_FIND_STR(c->queues, region, queue);
	return queue;
}

struct region_queue *region_queue_get(struct copies *c, const char *region)
{
	struct region_queue *queue = region_queue_find(c, region);
	struct region *r;

	if (queue)
		return queue;
	r = regions_get(c->options.regions, region);
	if (!r)
		return NULL;
	/* Each new region comes by region_queue_make() through regions_each(), if there was memory
	 * for it.
	 */
	queue = region_queue_find(c, region);
	return queue ? queue : region_queue_make(c, r);
}

void region_queue_destroy(struct region_queue *queue)
{
	struct held *h, *next;

	if (!queue)
		return;
	poller_finish(queue);
	lost_requests_finish(queue);
	encryption_defaults_finish(queue);
	dry_run_finish(queue);
	reconcile_forget(queue);
	HASH_ITER (hh, queue->held, h, next) {
		HASH_DEL(queue->held, h);
		free(h->id);
		free(h);
	}
	loop_timer_destroy(queue->pump);
	if (queue->hh.tbl)
		HASH_DEL(queue->all->queues, queue);
	free(queue);
}

/* A dry run takes no slot. */
static void count(struct job *job, int by)
{
	unsigned *slots =
		job->pub.state == COPY_PENDING ? &job->queue->pending : &job->queue->submitting;

	if (!job->pub.row.dry_run)
		*slots += (unsigned)by;
}

/* Keeps the queue in the order of the requests, also for one that comes back into it. */
static void enqueue(struct region_queue *queue, struct job *job)
{
	struct job *after = queue->waiting ? queue->waiting->prev
					   : NULL; /* utlist: the head's prev is the tail */

	queue->n_waiting++;
	queue->numbered = false;
	if (!after || after->pub.row.id < job->pub.row.id) {
		DL_APPEND(queue->waiting, job);
		return;
	}
	for (after = queue->waiting; after->pub.row.id < job->pub.row.id;)
		after = after->next;
	DL_PREPEND_ELEM(queue->waiting, after, job);
}

void region_queue_enter(struct job *job)
{
	struct region_queue *queue = job->queue;

	if (job->pub.state == COPY_QUEUED) {
		enqueue(queue, job);
		if (!job->work->reason)
			job->pub.reason = queue->reason;
		region_queue_wake(queue);
	} else if (!copy_state_ended(job->pub.state)) {
		DL_APPEND(queue->running, job);
		count(job, 1);
		if (job->pub.state == COPY_PENDING)
			poller_schedule(queue);
	}
}

void region_queue_leave(struct job *job)
{
	struct region_queue *queue = job->queue;

	if (job->pub.state == COPY_QUEUED) {
		DL_DELETE(queue->waiting, job);
		queue->n_waiting--;
		queue->numbered = false;
	} else if (!copy_state_ended(job->pub.state)) {
		DL_DELETE(queue->running, job);
		count(job, -1);
		if (job->pub.state == COPY_PENDING)
			concurrency_limit_freed(&queue->limit);
		region_queue_wake(queue);
	}
}

void region_queue_wake(struct region_queue *queue)
{
	loop_timer_start(queue->pump, 0);
}

unsigned region_queue_used(const struct region_queue *queue)
{
	return queue->submitting + queue->pending + queue->foreigners;
}

/* Whether a queued copy waits for nothing of its own, only for its turn. */
static bool is_ready(const struct job *job, int64_t now)
{
	return job->work->phase == PHASE_REST && !job->work->source && job->work->retry_at <= now;
}

/* So many failures in a row are not one copy's own. */
#define TROUBLE 3

void region_queue_trouble(struct region_queue *queue)
{
	if (++queue->failures >= TROUBLE)
		queue->pause_until =
			clock_mono_ms() + poll_backoff_retry(queue->all->options.retry_ms,
						  queue->failures - TROUBLE + 1, random_unit());
}

void region_queue_answered(struct region_queue *queue)
{
	queue->failures = 0;
	queue->pause_until = 0;
}

/* Whether another may be sent beside those under way. */
static bool admits(const struct region_queue *queue, unsigned checking, int64_t now)
{
	unsigned sending = queue->submitting + checking;

	if (queue->unlisted || queue->pause_until > now || (queue->failures >= TROUBLE && sending))
		return false;
	return concurrency_limit_admits(
		&queue->limit, region_queue_used(queue) + checking, sending, now);
}

bool region_queue_is_free(const struct region_queue *queue)
{
	const struct job *job;

	/* One that waits for its own source, or for the network, does not hold up the others: but
	 * for those that could go, first come, first served. */
	for (job = queue->waiting; job; job = job->next)
		if (!job->work->source && job->work->retry_at <= clock_mono_ms())
			return false;
	/* Somebody waits for the answer: it is for them to hear that nothing gets through. */
	return !queue->unlisted && concurrency_limit_admits(&queue->limit, region_queue_used(queue),
					   queue->submitting, clock_mono_ms());
}

unsigned region_queue_position(const struct job *job)
{
	struct region_queue *queue = job->queue;
	unsigned n = 0;

	if (job->pub.state != COPY_QUEUED)
		return 0;
	/* All are counted at once: the table asks for each of them. */
	for (struct job *at = queue->numbered ? NULL : queue->waiting; at; at = at->next)
		at->place = ++n;
	queue->numbered = true;
	return job->place;
}

/* Why the queue waits, for the status of those in it. */
static void explain(struct region_queue *queue, bool held)
{
	char reason[sizeof(queue->reason)];
	unsigned used = region_queue_used(queue);
	struct job *job;

	if (queue->unlisted)
		snprintf(reason, sizeof(reason),
			"EC2 is asked how many copies are in progress into %s", queue->name);
	else if (queue->failures >= TROUBLE)
		snprintf(reason, sizeof(reason),
			"requests into %s do not get through; they are tried again until they do",
			queue->name);
	else if (held)
		snprintf(reason, sizeof(reason),
			"EC2 says that too many copies are in progress into %s; its limit is %u",
			queue->name, queue->limit.limit);
	else if (queue->blocked)
		snprintf(reason, sizeof(reason), "%u %s in progress into %s, its limit", used,
			used == 1 ? "copy is" : "copies are", queue->name);
	else
		snprintf(reason, sizeof(reason), "its turn has come");
	if (!strcmp(reason, queue->reason))
		return;
	memcpy(queue->reason, reason, sizeof(reason));
	for (job = queue->waiting; job; job = job->next)
		if (!job->work->reason)
			job_changed(job);
}

/* Requests on their way; not those whose answer was lost. */
static unsigned unanswered(const struct region_queue *queue)
{
	unsigned n = 0;

	for (const struct job *job = queue->running; job; job = job->next)
		n += job->work->phase == PHASE_RECORDING || job->work->phase == PHASE_SENDING;
	return n;
}

/* Sends whoever may go, in order, and sees when to look again. */
static void pump(void *arg)
{
	struct region_queue *queue = arg;
	int64_t now = clock_mono_ms(), next = INT64_MAX;
	unsigned checking = 0; /* a place is kept for each copy whose source is being asked for */
	struct job *job, *after;

	queue->blocked = false;
	for (job = queue->waiting; job; job = job->next)
		checking += job->work->phase == PHASE_CHECKING;
	for (job = queue->waiting; job; job = after) {
		after = job->next;
		if (job->work->retry_at > now && job->work->retry_at < next)
			next = job->work->retry_at;
		if (!is_ready(job, now))
			continue;
		if (!admits(queue, checking, now)) {
			queue->blocked = true;
			break;
		}
		if (!concurrency_limit_paces(&queue->limit, unanswered(queue) + checking, now))
			break; /* an answer wakes the queue */
		if (copy_source_check(job))
			copy_snapshot_start(job);
		else
			checking +=
				job->pub.state == COPY_QUEUED && job->work->phase == PHASE_CHECKING;
	}
	/* A time that has passed did not help, and will not. */
	if (queue->blocked && concurrency_limit_next(&queue->limit) > now &&
		concurrency_limit_next(&queue->limit) < next)
		next = concurrency_limit_next(&queue->limit);
	if (queue->blocked && queue->pause_until > now && queue->pause_until < next)
		next = queue->pause_until;
	if (next != INT64_MAX)
		loop_timer_start(queue->pump, next > now ? next - now : 1);
	explain(queue, queue->limit.held && region_queue_used(queue) < queue->limit.limit);
	poller_schedule(queue);
}

static struct held *held_get(struct region_queue *queue, const char *id)
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

int region_queue_hold(struct region_queue *queue, const char *id)
{
	struct held *h = held_get(queue, id);

	if (!h)
		return -ENOMEM;
	h->holds++;
	poller_schedule(queue);
	return 0;
}

void region_queue_release(struct region_queue *queue, const char *id)
{
	struct held *h;

	HASH_FIND_STR(queue->held, id, h);
	if (!h || !h->holds || --h->holds || h->glance)
		return;
	HASH_DEL(queue->held, h);
	free(h->id);
	free(h);
}

bool region_queue_is_open(const struct region_queue *queue, const char *id)
{
	struct catalogue *catalogue = region_catalogue(queue->region);
	catalogue_slot slot = catalogue_find(catalogue, id);
	struct catalogue_snapshot s;

	if (slot == CATALOGUE_NONE || !catalogue_get(catalogue, slot, &s))
		return true;
	return s.presence != CATALOGUE_GONE &&
	       (s.state == EC2_SNAPSHOT_PENDING || s.state == EC2_SNAPSHOT_UNKNOWN);
}

void region_queue_glance(struct region_queue *queue, const char *id)
{
	struct held *h;

	if (!region_queue_is_open(queue, id) || HASH_COUNT(queue->held) >= EC2_FILTER_VALUES_MAX)
		return;
	h = held_get(queue, id);
	if (!h)
		return;
	h->glance = true;
	queue->poller.urgent = true;
	poller_schedule(queue);
}
