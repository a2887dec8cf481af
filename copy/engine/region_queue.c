/* SPDX-License-Identifier: MIT */
/* A region as destination: its queue, its slots, and who may go next. */
#include "region_queue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "encryption_defaults.h"
#include "job.h"
#include "reconcile.h"
#include "poll_backoff.h"
#include "poller.h"
#include "random.h"
#include "lost_requests.h"
#include "copy_source.h"
#include "copy_snapshot.h"
#include "dry_run.h"

static void pump(void *arg);

struct lane *lane_make(struct copies *c, struct region *region)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return NULL;
	lane->all = c;
	lane->region = region;
	lane->name = region_name(region);
	gate_init(&lane->gate, c->options.retry_ms * 4);
	lane->pump = loop_timer_create(c->options.loop, pump, lane);
	if (lane->pump && poller_init(lane) == 0 && search_init(lane) == 0 &&
		defaults_init(lane) == 0)
		HASH_ADD_KEYPTR(hh, c->lanes, lane->name, strlen(lane->name), lane);
	/* Last, for what watches a catalogue cannot be taken back. */
	if (!lane->hh.tbl || observe_lane(lane) < 0) {
		lane_destroy(lane);
		return NULL;
	}
	return lane;
}

struct lane *lane_find(const struct copies *c, const char *region)
{
	struct lane *lane;

	HASH_FIND_STR(c->lanes, region, lane);
	return lane;
}

struct lane *lane_get(struct copies *c, const char *region)
{
	struct lane *lane = lane_find(c, region);
	struct region *r;

	if (lane)
		return lane;
	r = regions_get(c->options.regions, region);
	if (!r)
		return NULL;
	/* Each new region comes by lane_make() through regions_each(), if there was memory for it.
	 */
	lane = lane_find(c, region);
	return lane ? lane : lane_make(c, r);
}

void lane_destroy(struct lane *lane)
{
	struct held *h, *next;

	if (!lane)
		return;
	poller_finish(lane);
	search_finish(lane);
	defaults_finish(lane);
	trial_finish(lane);
	observe_forget(lane);
	HASH_ITER (hh, lane->held, h, next) {
		HASH_DEL(lane->held, h);
		free(h->id);
		free(h);
	}
	loop_timer_destroy(lane->pump);
	if (lane->hh.tbl)
		HASH_DEL(lane->all->lanes, lane);
	free(lane);
}

/* A dry run takes no slot. */
static void count(struct entry *e, int by)
{
	unsigned *slots = e->pub.state == COPY_PENDING ? &e->lane->pending : &e->lane->submitting;

	if (!e->pub.row.dry_run)
		*slots += (unsigned)by;
}

/* Keeps the queue in the order of the requests, also for one that comes back into it. */
static void enqueue(struct lane *lane, struct entry *e)
{
	struct entry *after =
		lane->queue ? lane->queue->prev : NULL; /* utlist: the head's prev is the tail */

	lane->queued++;
	lane->numbered = false;
	if (!after || after->pub.row.id < e->pub.row.id) {
		DL_APPEND(lane->queue, e);
		return;
	}
	for (after = lane->queue; after->pub.row.id < e->pub.row.id;)
		after = after->next;
	DL_PREPEND_ELEM(lane->queue, after, e);
}

void lane_enter(struct entry *e)
{
	struct lane *lane = e->lane;

	if (e->pub.state == COPY_QUEUED) {
		enqueue(lane, e);
		if (!e->work->reason)
			e->pub.reason = lane->reason;
		lane_wake(lane);
	} else if (!copy_state_ended(e->pub.state)) {
		DL_APPEND(lane->flights, e);
		count(e, 1);
		if (e->pub.state == COPY_PENDING)
			poller_schedule(lane);
	}
}

void lane_leave(struct entry *e)
{
	struct lane *lane = e->lane;

	if (e->pub.state == COPY_QUEUED) {
		DL_DELETE(lane->queue, e);
		lane->queued--;
		lane->numbered = false;
	} else if (!copy_state_ended(e->pub.state)) {
		DL_DELETE(lane->flights, e);
		count(e, -1);
		if (e->pub.state == COPY_PENDING)
			gate_freed(&lane->gate);
		lane_wake(lane);
	}
}

void lane_wake(struct lane *lane)
{
	loop_timer_start(lane->pump, 0);
}

unsigned lane_used(const struct lane *lane)
{
	return lane->submitting + lane->pending + lane->foreigners;
}

/* Whether a queued copy waits for nothing of its own, only for its turn. */
static bool is_ready(const struct entry *e, int64_t now)
{
	return e->work->phase == PHASE_REST && !e->work->source && e->work->retry_at <= now;
}

/* So many failures in a row are not one copy's own. */
#define TROUBLE 3

void lane_trouble(struct lane *lane)
{
	if (++lane->failures >= TROUBLE)
		lane->pause_until =
			clock_mono_ms() + pace_retry(lane->all->options.retry_ms,
						  lane->failures - TROUBLE + 1, random_unit());
}

void lane_answered(struct lane *lane)
{
	lane->failures = 0;
	lane->pause_until = 0;
}

/* Whether another may be sent beside those under way. */
static bool admits(const struct lane *lane, unsigned checking, int64_t now)
{
	unsigned sending = lane->submitting + checking;

	if (lane->unlisted || lane->pause_until > now || (lane->failures >= TROUBLE && sending))
		return false;
	return gate_admits(&lane->gate, lane_used(lane) + checking, sending, now);
}

bool lane_is_free(const struct lane *lane)
{
	const struct entry *e;

	/* One that waits for its own source, or for the network, does not hold up the others: but
	 * for those that could go, first come, first served. */
	for (e = lane->queue; e; e = e->next)
		if (!e->work->source && e->work->retry_at <= clock_mono_ms())
			return false;
	/* Somebody waits for the answer: it is for them to hear that nothing gets through. */
	return !lane->unlisted &&
	       gate_admits(&lane->gate, lane_used(lane), lane->submitting, clock_mono_ms());
}

unsigned lane_position(const struct entry *e)
{
	struct lane *lane = e->lane;
	unsigned n = 0;

	if (e->pub.state != COPY_QUEUED)
		return 0;
	/* All are counted at once: the table asks for each of them. */
	for (struct entry *at = lane->numbered ? NULL : lane->queue; at; at = at->next)
		at->place = ++n;
	lane->numbered = true;
	return e->place;
}

/* Why the queue waits, for the status of those in it. */
static void explain(struct lane *lane, bool held)
{
	char reason[sizeof(lane->reason)];
	unsigned used = lane_used(lane);
	struct entry *e;

	if (lane->unlisted)
		snprintf(reason, sizeof(reason),
			"EC2 is asked how many copies are in progress into %s", lane->name);
	else if (lane->failures >= TROUBLE)
		snprintf(reason, sizeof(reason),
			"requests into %s do not get through; they are tried again until they do",
			lane->name);
	else if (held)
		snprintf(reason, sizeof(reason),
			"EC2 says that too many copies are in progress into %s; its limit is %u",
			lane->name, lane->gate.limit);
	else if (lane->blocked)
		snprintf(reason, sizeof(reason), "%u %s in progress into %s, its limit", used,
			used == 1 ? "copy is" : "copies are", lane->name);
	else
		snprintf(reason, sizeof(reason), "its turn has come");
	if (!strcmp(reason, lane->reason))
		return;
	memcpy(lane->reason, reason, sizeof(reason));
	for (e = lane->queue; e; e = e->next)
		if (!e->work->reason)
			life_changed(e);
}

/* Requests on their way; not those whose answer was lost. */
static unsigned unanswered(const struct lane *lane)
{
	unsigned n = 0;

	for (const struct entry *e = lane->flights; e; e = e->next)
		n += e->work->phase == PHASE_RECORDING || e->work->phase == PHASE_SENDING;
	return n;
}

/* Sends whoever may go, in order, and sees when to look again. */
static void pump(void *arg)
{
	struct lane *lane = arg;
	int64_t now = clock_mono_ms(), next = INT64_MAX;
	unsigned checking = 0; /* a place is kept for each copy whose source is being asked for */
	struct entry *e, *after;

	lane->blocked = false;
	for (e = lane->queue; e; e = e->next)
		checking += e->work->phase == PHASE_CHECKING;
	for (e = lane->queue; e; e = after) {
		after = e->next;
		if (e->work->retry_at > now && e->work->retry_at < next)
			next = e->work->retry_at;
		if (!is_ready(e, now))
			continue;
		if (!admits(lane, checking, now)) {
			lane->blocked = true;
			break;
		}
		if (!gate_paces(&lane->gate, unanswered(lane) + checking, now))
			break; /* an answer wakes the lane */
		if (source_check(e))
			submit_start(e);
		else
			checking += e->pub.state == COPY_QUEUED && e->work->phase == PHASE_CHECKING;
	}
	/* A time that has passed did not help, and will not. */
	if (lane->blocked && gate_next(&lane->gate) > now && gate_next(&lane->gate) < next)
		next = gate_next(&lane->gate);
	if (lane->blocked && lane->pause_until > now && lane->pause_until < next)
		next = lane->pause_until;
	if (next != INT64_MAX)
		loop_timer_start(lane->pump, next > now ? next - now : 1);
	explain(lane, lane->gate.held && lane_used(lane) < lane->gate.limit);
	poller_schedule(lane);
}

static struct held *held_get(struct lane *lane, const char *id)
{
	struct held *h;

	HASH_FIND_STR(lane->held, id, h);
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
	HASH_ADD_KEYPTR(hh, lane->held, h->id, strlen(h->id), h);
	if (!h->hh.tbl) {
		free(h->id);
		free(h);
		return NULL;
	}
	return h;
}

int lane_hold(struct lane *lane, const char *id)
{
	struct held *h = held_get(lane, id);

	if (!h)
		return -ENOMEM;
	h->holds++;
	poller_schedule(lane);
	return 0;
}

void lane_release(struct lane *lane, const char *id)
{
	struct held *h;

	HASH_FIND_STR(lane->held, id, h);
	if (!h || !h->holds || --h->holds || h->glance)
		return;
	HASH_DEL(lane->held, h);
	free(h->id);
	free(h);
}

bool lane_is_open(const struct lane *lane, const char *id)
{
	struct catalogue *catalogue = region_catalogue(lane->region);
	catalogue_slot slot = catalogue_find(catalogue, id);
	struct catalogue_snapshot s;

	if (slot == CATALOGUE_NONE || !catalogue_get(catalogue, slot, &s))
		return true;
	return s.presence != CATALOGUE_GONE &&
	       (s.state == EC2_SNAPSHOT_PENDING || s.state == EC2_SNAPSHOT_UNKNOWN);
}

void lane_glance(struct lane *lane, const char *id)
{
	struct held *h;

	if (!lane_is_open(lane, id) || HASH_COUNT(lane->held) >= EC2_FILTER_VALUES_MAX)
		return;
	h = held_get(lane, id);
	if (!h)
		return;
	h->glance = true;
	lane->poller.urgent = true;
	poller_schedule(lane);
}
