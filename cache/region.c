/* SPDX-License-Identifier: MIT */
/* One region as this machine knows it: what a caller is shown at once, and what it waits for. */
#include "region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "loop.h"
#include "region_inner.h"

/* --- timers --- */

/* A callback that waits again gets the records after these. */
static void records_timer_fired(void *arg)
{
	struct region *r = arg;

	waiters_move_all(&r->for_records, &r->succeeded);
	waiters_deliver(&r->succeeded, NULL);
}

static void refresh_timed_out(void *arg)
{
	struct region *r = arg;

	waiters_move_all(&r->for_refresh, &r->succeeded);
	waiters_deliver(&r->succeeded, NULL);
}

static void backoff_timer_fired(void *arg)
{
	struct region *r = arg;
	struct err err = r->last_error;

	/* A callback that asks again is called in the next loop iteration. */
	waiters_move_all(&r->in_backoff, &r->failed);
	/* A listing may have succeeded since they were added. */
	waiters_deliver(&r->failed, region_is_whole(r) ? NULL : &err);
}

/* Ids of a region that was never listed are confirmed one by one, up to this number. */
#define REGION_UNLISTED_LOOKUPS 10

/* --- the lookup's results --- */

static bool is_own(const struct region *r, const struct ec2_snapshot *s)
{
	if (!s->owner_id || !*s->owner_id)
		return false;
	return strcmp(s->owner_id, r->account) == 0 || strcmp(s->owner_id, r->owner) == 0 ||
	       (r->listing && !r->owners_differ && strcmp(s->owner_id, r->page_owner) == 0);
}

static int lookup_found_id(void *arg, const struct ec2_snapshot *s)
{
	struct region *r = arg;
	enum catalogue_presence presence = is_own(r, s) ? CATALOGUE_LISTED : CATALOGUE_UNLISTED;

	return catalogue_put(r->catalogue, s, presence, clock_mono_ms()) == CATALOGUE_NONE ? -ENOMEM
											   : 0;
}

static void lookup_missed_id(void *arg, const char *id)
{
	struct region *r = arg;
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);

	if (slot != CATALOGUE_NONE)
		catalogue_absent(r->catalogue, slot, clock_mono_ms());
}

/* --- create and destroy --- */

static void init_waiters(struct region *r)
{
	waiters_init(&r->for_listing);
	waiters_init(&r->for_refresh);
	waiters_init(&r->for_records);
	waiters_init(&r->for_disk);
	waiters_init(&r->in_backoff);
	waiters_init(&r->succeeded);
	waiters_init(&r->failed);
}

static void drop_waiters(struct region *r)
{
	waiters_drop(&r->for_listing);
	waiters_drop(&r->for_refresh);
	waiters_drop(&r->for_records);
	waiters_drop(&r->for_disk);
	waiters_drop(&r->in_backoff);
	waiters_drop(&r->succeeded);
	waiters_drop(&r->failed);
}

struct region *region_create(const struct region_options *options)
{
	struct region *r = calloc(1, sizeof(*r));
	struct lookup_options lookup;

	if (!r)
		return NULL;
	r->loop = options->loop;
	r->aws = options->aws;
	r->ttl_ms = options->ttl_ms;
	init_waiters(r);
	region_set_account(r, options->account);
	r->name = strdup(options->name);
	r->catalogue = catalogue_create();
	r->backoff_timer = loop_timer_create(options->loop, backoff_timer_fired, r);
	r->records_timer = loop_timer_create(options->loop, records_timer_fired, r);
	r->refresh_timeout = loop_timer_create(options->loop, refresh_timed_out, r);
	lookup = (struct lookup_options){.loop = options->loop,
		.aws = options->aws,
		.region = r->name,
		.found_ms = options->ttl_ms,
		.found = lookup_found_id,
		.absent = lookup_missed_id,
		.arg = r};
	r->lookup = lookup_create(&lookup);
	if (!r->name || !r->catalogue || !r->backoff_timer || !r->records_timer ||
		!r->refresh_timeout || !r->lookup) {
		region_destroy(r);
		return NULL;
	}
	return r;
}

void region_destroy(struct region *r)
{
	if (!r)
		return;
	listing_cancel(r->listing);
	region_left_out_clear(&r->left_out);
	region_left_out_clear(&r->left_out_so_far);
	lookup_destroy(r->lookup);
	catalogue_cache_destroy(r->cache);
	drop_waiters(r);
	loop_timer_destroy(r->backoff_timer);
	loop_timer_destroy(r->records_timer);
	loop_timer_destroy(r->refresh_timeout);
	catalogue_destroy(r->catalogue);
	free(r->name);
	free(r);
}

const char *region_name(const struct region *r)
{
	return r->name;
}

struct catalogue *region_catalogue(struct region *r)
{
	return r->catalogue;
}

void region_set_account(struct region *r, const char *account)
{
	snprintf(r->account, sizeof(r->account), "%s", account ? account : "");
}

/* --- single ids --- */

static bool is_shown(const struct region *r, const char *id)
{
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);

	return catalogue_presence(r->catalogue, slot) != CATALOGUE_GONE;
}

static void ignore_result(void *arg, const struct err *err)
{
	(void)arg;
	(void)err;
}

/* Looked up one by one, the ids of a stale listing soon cost as many requests as the listing, which
 * has a thousand a page. */
static bool listing_is_cheaper(struct region *r)
{
	return ++r->asked_while_stale > catalogue_listed(r->catalogue) / EC2_PAGE_MAX;
}

/* Confirms an id that is shown meanwhile: by a lookup, or by the listing once that is cheaper. */
static void confirm_in_background(struct region *r, const char *id, int64_t now)
{
	if (listing_is_cheaper(r))
		region_refresh(r, now, REGION_WHY_STALE);
	else if (!r->listing && now >= r->not_before_ms)
		(void)lookup_ask(r->lookup, id, false, ignore_result, NULL);
}

/* --- the catalogue on disk --- */

int region_set_cache(struct region *r, const char *path, const char *scope)
{
	r->cache = catalogue_cache_create(r->loop, r->catalogue, path, scope, r->name);
	return r->cache ? 0 : -ENOMEM;
}

struct catalogue_cache *region_cache(struct region *r)
{
	return r->cache;
}

/* The disk had nothing for this waiter: it waits for EC2 instead. Returns 0 or -ENOMEM. */
static int wait_for_ec2(struct region *r, struct region_waiter *w)
{
	if (*w->id)
		return lookup_take(r->lookup, w->id, w);
	w->number = r->listing ? r->begun : r->begun + 1;
	if (!r->listing && region_begin_listing(r, REGION_WHY_FIRST) < 0)
		return -ENOMEM;
	waiters_move(w, w->records_only ? &r->for_records : &r->for_listing);
	return 0;
}

static void cache_loaded(void *arg, int64_t listed_ms)
{
	struct region *r = arg;
	struct region_waiter *w, *next;
	bool wanted = false;
	struct err err;

	r->loading = false;
	r->known_ms = listed_ms;
	for (w = r->for_disk.ring.next; w != &r->for_disk.ring; w = next) {
		next = w->next;
		wanted |= !*w->id;
		if (listed_ms && (!*w->id || is_shown(r, w->id))) {
			if (*w->id)
				confirm_in_background(r, w->id, clock_mono_ms());
			waiters_move(w, &r->succeeded);
		} else if (wait_for_ec2(r, w) < 0) {
			waiters_move(w, &r->failed);
		}
	}
	if (r->prefetch_after_load)
		region_refresh(r, clock_mono_ms(), REGION_WHY_PREFETCH);
	else if (listed_ms && wanted)
		region_refresh(r, clock_mono_ms(), REGION_WHY_STALE);
	err_set(&err, ENOMEM, "out of memory");
	if (waiters_deliver(&r->succeeded, NULL))
		waiters_deliver(&r->failed, &err);
}

/* Starts reading the disk if that was not tried yet. Returns whether it is being read: the caller
 * then waits in r->for_disk. */
static bool load_from_disk(struct region *r)
{
	if (r->cache && !r->load_tried) {
		r->load_tried = true;
		r->loading = catalogue_cache_load(r->cache, cache_loaded, r) == 0;
	}
	return r->loading;
}

/* --- waiting for a listing --- */

void region_prefetch(struct region *r)
{
	int64_t now = clock_mono_ms();
	enum region_freshness freshness = region_freshness(r, now);

	if (freshness == REGION_NEVER && load_from_disk(r))
		r->prefetch_after_load = true;
	else if (freshness != REGION_FRESH)
		region_refresh(r, now, REGION_WHY_PREFETCH);
}

/* The caller gets last_error, but not before this returns. */
static struct region_waiter *fail_in_backoff(struct region *r, region_done *done, void *arg)
{
	struct region_waiter *w = waiters_add(&r->in_backoff, done, arg);

	/* Not 0: libuv would run the timer in the same round, and a caller that asks again at once
	 * would stop the loop. */
	if (w && !loop_timer_armed(r->backoff_timer))
		loop_timer_start(r->backoff_timer, 1);
	return w;
}

/* A listing that is not fresh is shown at once and refreshed in the background. Returns true if the
 * caller should wait for the refresh instead, because the listing is very old. A listing from disk
 * is always shown at once. */
static bool refresh_is_awaited(struct region *r, int64_t now)
{
	region_refresh(r, now, REGION_WHY_STALE);
	return r->listing && r->listed_at_ms &&
	       now - r->listed_at_ms >= REGION_OLD_TTLS * r->ttl_ms;
}

/* Later callers share the first one's timeout. */
static struct region_waiter *wait_for_refresh(struct region *r, region_done *done, void *arg)
{
	struct region_waiter *w = waiters_add(&r->for_refresh, done, arg);

	if (w && !loop_timer_armed(r->refresh_timeout))
		loop_timer_start(r->refresh_timeout, REGION_PATIENCE_MS);
	return w;
}

struct region_waiter *region_ensure(
	struct region *r, bool force, region_done *done, void *arg, bool *ready)
{
	int64_t now = clock_mono_ms();
	enum region_freshness freshness = region_freshness(r, now);
	bool forced_in_flight = r->listing && r->forced >= r->begun;
	struct region_waiter *w;

	*ready = false;
	if (!force && freshness == REGION_NEVER && load_from_disk(r))
		return waiters_add(&r->for_disk, done, arg);
	if (!force && !forced_in_flight && freshness != REGION_NEVER) {
		*ready = freshness == REGION_FRESH || !refresh_is_awaited(r, now);
		return *ready ? NULL : wait_for_refresh(r, done, arg);
	}
	if (!force && !r->listing && now < r->not_before_ms)
		return fail_in_backoff(r, done, arg);
	w = waiters_add(&r->for_listing, done, arg);
	if (!w)
		return NULL;
	w->force = force;
	if (force)
		w->number = r->forced = r->begun + 1;
	else if (forced_in_flight)
		w->number = r->forced;
	else
		w->number = r->listing ? r->begun : r->begun + 1;
	if (!r->listing &&
		region_begin_listing(r, force ? REGION_WHY_ANEW : REGION_WHY_FIRST) < 0) {
		waiters_remove(w);
		return NULL;
	}
	return w;
}

struct region_waiter *region_ensure_begun(
	struct region *r, region_done *done, void *arg, bool *ready)
{
	int64_t now = clock_mono_ms();
	struct region_waiter *w;

	/* A snapshot that was looked up by its id, its owner unknown, may turn out to be the
	 * account's: in a slot that a reader from the beginning has passed by then. */
	if (region_is_whole(r) || catalogue_slots(r->catalogue) != catalogue_listed(r->catalogue))
		return region_ensure(r, false, done, arg, ready);
	*ready = false;
	if (load_from_disk(r)) {
		w = waiters_add(&r->for_disk, done, arg);
		if (w)
			w->records_only = true;
		return w;
	}
	*ready = r->listing && r->records_arrived;
	if (*ready)
		return NULL;
	if (!r->listing && now < r->not_before_ms)
		return fail_in_backoff(r, done, arg);
	if (!r->listing && region_begin_listing(r, REGION_WHY_FIRST) < 0)
		return NULL;
	return waiters_add(&r->for_records, done, arg);
}

struct region_waiter *region_ensure_slot(
	struct region *r, catalogue_slot slot, region_done *done, void *arg, bool *ready)
{
	*ready = region_is_whole(r) || slot < catalogue_slots(r->catalogue);
	if (*ready)
		return NULL;
	return r->listing ? waiters_add(&r->for_records, done, arg) : fail_in_backoff(r, done, arg);
}

struct region_waiter *region_ensure_id(
	struct region *r, const char *id, bool force, region_done *done, void *arg, bool *ready)
{
	int64_t now = clock_mono_ms();
	enum region_freshness freshness = region_freshness(r, now);
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);
	bool listed = catalogue_presence(r->catalogue, slot) == CATALOGUE_LISTED;
	bool fresh = listed && (freshness == REGION_FRESH || region_arriving(r));
	struct region_waiter *w;

	*ready = !ec2_is_snapshot_id(id) ||
		 (!force && (fresh || lookup_remembers(r->lookup, id, now)));
	if (*ready)
		return NULL;
	if (!force && freshness == REGION_NEVER && load_from_disk(r)) {
		w = waiters_add(&r->for_disk, done, arg);
		if (w)
			snprintf(w->id, sizeof(w->id), "%s", id);
		return w;
	}
	/* Known from disk, or the latest listing failed: shows the known state, so that the
	 * caller does not wait through another failure. */
	if (!force && is_shown(r, id) &&
		(freshness == REGION_KNOWN ||
			(freshness == REGION_STALE && r->last_error.errnum))) {
		confirm_in_background(r, id, now);
		*ready = true;
		return NULL;
	}
	if (!force && listed && freshness == REGION_STALE && listing_is_cheaper(r))
		return region_ensure(r, false, done, arg, ready);
	return lookup_ask(r->lookup, id, force, done, arg);
}

bool region_id_is_confirmed(const struct region *r, const char *id, int64_t now_ms)
{
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);

	return (catalogue_presence(r->catalogue, slot) == CATALOGUE_LISTED &&
		       region_freshness(r, now_ms) == REGION_FRESH) ||
	       lookup_remembers(r->lookup, id, now_ms);
}

struct region_waiter *region_confirm_id(
	struct region *r, const char *id, region_done *done, void *arg)
{
	/* A region that was never listed may be large. */
	if (listing_is_cheaper(r) &&
		(region_listed_at(r) || r->asked_while_stale > REGION_UNLISTED_LOOKUPS))
		region_prefetch(r);
	return lookup_ask(r->lookup, id, true, done, arg);
}

void region_cancel(struct region_waiter *w)
{
	waiters_remove(w);
}
