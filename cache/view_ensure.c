/* SPDX-License-Identifier: MIT */
/* Decides whether a caller of a view goes on at once or waits, and for which listing. */
#include <errno.h>

#include "clock.h"
#include "loop.h"
#include "view_inner.h"

/* --- single ids --- */

bool view_shows_id(const struct view *v, const char *id)
{
	return catalogue_exists(
		v->region->catalogue, catalogue_find_shown(v->region->catalogue, id));
}

static void ignore_result(void *arg, const struct err *err)
{
	(void)arg;
	(void)err;
}

/* A listing needs one request for each page of EC2_PAGE_MAX ids. */
bool view_listing_is_cheaper(struct view *v)
{
	return ++v->asked_while_stale > v->members.count / EC2_PAGE_MAX;
}

void view_confirm_id(struct view *v, const char *id, int64_t now)
{
	if (view_listing_is_cheaper(v))
		view_refresh(v, now, REGION_WHY_STALE);
	else if (!v->listing && now >= v->not_before_ms)
		(void)lookup_ask(v->region->lookup, id, false, ignore_result, NULL);
}

/* --- the catalogue on disk --- */

/* The catalogue on disk did not have the waiter's snapshot or listing: makes the waiter wait for
 * EC2. Returns 0 or -ENOMEM. */
static int wait_for_ec2(struct view *v, struct region_waiter *w)
{
	if (*w->id)
		return lookup_take(v->region->lookup, w->id, w);
	w->number = v->listing ? v->begun : v->begun + 1;
	if (!v->listing && view_begin_listing(v, REGION_WHY_FIRST) < 0)
		return -ENOMEM;
	waiters_move(&w->base, w->records_only ? &v->for_records : &v->for_listing);
	return 0;
}

static void cache_loaded(void *arg, int64_t listed_ms)
{
	struct view *v = arg;
	struct waiter *at, *next;
	bool wanted = false;
	struct err err;

	v->loading = false;
	region_sweep_if_due(v->region);
	v->known_ms = listed_ms;
	for (at = waiters_next(&v->for_disk, NULL); at; at = next) {
		struct region_waiter *w = (struct region_waiter *)at;

		next = waiters_next(&v->for_disk, at);
		wanted |= !*w->id;
		if (listed_ms && (!*w->id || view_shows_id(v, w->id))) {
			if (*w->id)
				view_confirm_id(v, w->id, clock_mono_ms());
			waiters_move(&w->base, &v->succeeded);
		} else if (wait_for_ec2(v, w) < 0) {
			waiters_move(&w->base, &v->failed);
		}
	}
	if (v->prefetch_after_load)
		view_refresh(v, clock_mono_ms(), REGION_WHY_PREFETCH);
	else if (listed_ms && wanted)
		view_refresh(v, clock_mono_ms(), REGION_WHY_STALE);
	err_set(&err, ENOMEM, "out of memory");
	if (region_waiters_deliver(&v->succeeded, NULL))
		region_waiters_deliver(&v->failed, &err);
}

/* Starts reading the disk if that was not tried yet. Returns whether it is being read: the caller
 * then waits in v->for_disk. */
bool view_load_from_disk(struct view *v)
{
	if (v->cache && !v->load_tried) {
		v->load_tried = true;
		v->loading = catalogue_cache_load(v->cache, cache_loaded, v) == 0;
	}
	return v->loading;
}

/* --- waiting for a listing --- */

void view_prefetch(struct view *v)
{
	int64_t now = clock_mono_ms();
	enum view_freshness freshness = view_freshness(v, now);

	if (freshness == VIEW_NEVER && view_load_from_disk(v))
		v->prefetch_after_load = true;
	else if (freshness != VIEW_FRESH)
		view_refresh(v, now, REGION_WHY_PREFETCH);
}

/* The caller gets last_error, but not before this returns. */
static struct region_waiter *fail_in_backoff(struct view *v, region_done *done, void *arg)
{
	struct region_waiter *w = region_waiter_add(&v->in_backoff, done, arg);

	/* Not 0: libuv would run the timer in the same round, and a caller that asks again at once
	 * would stop the loop. */
	if (w && !loop_timer_armed(v->backoff_timer))
		loop_timer_start(v->backoff_timer, 1);
	return w;
}

/* A listing that is not fresh is shown at once and refreshed in the background. Returns true if the
 * caller should wait for the refresh instead, because the listing is very old. A listing from disk
 * is always shown at once. */
static bool refresh_is_awaited(struct view *v, int64_t now)
{
	view_refresh(v, now, REGION_WHY_STALE);
	return v->listing && v->listed_at_ms &&
	       now - v->listed_at_ms >= VIEW_OLD_TTLS * v->region->ttl_ms;
}

/* Later callers share the first one's timeout. */
static struct region_waiter *wait_for_refresh(struct view *v, region_done *done, void *arg)
{
	struct region_waiter *w = region_waiter_add(&v->for_refresh, done, arg);

	if (w && !loop_timer_armed(v->refresh_timeout))
		loop_timer_start(v->refresh_timeout, VIEW_PATIENCE_MS);
	return w;
}

struct region_waiter *view_ensure(
	struct view *v, bool force, region_done *done, void *arg, bool *ready)
{
	int64_t now = clock_mono_ms();
	enum view_freshness freshness = view_freshness(v, now);
	bool forced_in_flight = v->listing && v->forced >= v->begun;
	struct region_waiter *w;

	*ready = false;
	if (!force && freshness == VIEW_NEVER && view_load_from_disk(v))
		return region_waiter_add(&v->for_disk, done, arg);
	if (!force && !forced_in_flight && freshness != VIEW_NEVER) {
		*ready = freshness == VIEW_FRESH || !refresh_is_awaited(v, now);
		return *ready ? NULL : wait_for_refresh(v, done, arg);
	}
	if (!force && !v->listing && now < v->not_before_ms)
		return fail_in_backoff(v, done, arg);
	w = region_waiter_add(&v->for_listing, done, arg);
	if (!w)
		return NULL;
	w->force = force;
	if (force)
		w->number = v->forced = v->begun + 1;
	else if (forced_in_flight)
		w->number = v->forced;
	else
		w->number = v->listing ? v->begun : v->begun + 1;
	if (!v->listing && view_begin_listing(v, force ? REGION_WHY_ANEW : REGION_WHY_FIRST) < 0) {
		waiters_remove(&w->base);
		return NULL;
	}
	return w;
}

struct region_waiter *view_ensure_begun(struct view *v, region_done *done, void *arg, bool *ready)
{
	int64_t now = clock_mono_ms();
	struct region_waiter *w;

	/* A snapshot that was looked up by its id, its owner unknown, may turn out to be the
	 * account's: at a position that a reader from the beginning has passed by then. */
	if (view_is_whole(v) ||
		(v->members.admit && members_positions(&v->members) != v->members.count))
		return view_ensure(v, false, done, arg, ready);
	*ready = false;
	if (view_load_from_disk(v)) {
		w = region_waiter_add(&v->for_disk, done, arg);
		if (w)
			w->records_only = true;
		return w;
	}
	*ready = v->listing && v->records_arrived;
	if (*ready)
		return NULL;
	if (!v->listing && now < v->not_before_ms)
		return fail_in_backoff(v, done, arg);
	if (!v->listing && view_begin_listing(v, REGION_WHY_FIRST) < 0)
		return NULL;
	return region_waiter_add(&v->for_records, done, arg);
}

struct region_waiter *view_ensure_next(
	struct view *v, uint64_t pos, region_done *done, void *arg, bool *ready)
{
	*ready = view_is_whole(v) || pos < members_positions(&v->members);
	if (*ready)
		return NULL;
	return v->listing ? region_waiter_add(&v->for_records, done, arg)
			  : fail_in_backoff(v, done, arg);
}
