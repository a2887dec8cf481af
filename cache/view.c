/* SPDX-License-Identifier: MIT */
/* The listings of one region: their start and end, their age, failures and backoff, and the waiters
 * that each concerns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hash.h"
#include "log.h"
#include "loop.h"
#include "region_inner.h"

/* --- age --- */

enum region_freshness region_freshness(const struct region *r, int64_t now_ms)
{
	if (!r->listed_at_ms)
		return r->known_ms ? REGION_KNOWN : REGION_NEVER;
	return region_valid_ms(r, now_ms) > 0 ? REGION_FRESH : REGION_STALE;
}

int64_t region_ttl_ms(const struct region *r)
{
	return r->ttl_ms;
}

int64_t region_listed_at(const struct region *r)
{
	return r->listed_at_ms;
}

int64_t region_known_ms(const struct region *r)
{
	return r->known_ms;
}

bool region_is_whole(const struct region *r)
{
	return r->listed_at_ms || r->known_ms;
}

int64_t region_valid_ms(const struct region *r, int64_t now_ms)
{
	int64_t left = (r->listed_at_ms ? r->listed_at_ms : r->begun_at_ms) + r->ttl_ms - now_ms;

	return (r->listed_at_ms || region_arriving(r)) && left > 0 ? left : 0;
}

const struct err *region_last_error(const struct region *r)
{
	return r->last_error.errnum ? &r->last_error : NULL;
}

bool region_arriving(const struct region *r)
{
	return r->listing && !region_is_whole(r);
}

struct region_cost region_cost(const struct region *r)
{
	struct region_cost cost = r->cost;

	cost.lookups = lookup_requests(r->lookup);
	return cost;
}

bool region_listing_now(const struct region *r)
{
	return r->listing != NULL;
}

/* --- snapshots that a listing leaves out --- */

/* Further ids are counted each time they arrive. */
#define LEFT_OUT_IDS_MAX 100000

struct region_left_out_id {
	UT_hash_handle hh;
	char id[];
};

static void left_out_add(struct region_left_out *l, const char *id)
{
	size_t len = strlen(id);
	struct region_left_out_id *known;

	HASH_FIND(hh, l->ids, id, len, known);
	if (known)
		return;
	l->n++;
	known = HASH_COUNT(l->ids) < LEFT_OUT_IDS_MAX ? calloc(1, sizeof(*known) + len + 1) : NULL;
	if (!known)
		return;
	memcpy(known->id, id, len);
	HASH_ADD(hh, l->ids, id, len, known);
	if (!known->hh.tbl)
		free(known);
}

void region_left_out_clear(struct region_left_out *l)
{
	struct region_left_out_id *known, *next;

	HASH_ITER (hh, l->ids, known, next) {
		HASH_DEL(l->ids, known);
		free(known);
	}
	l->n = 0;
}

size_t region_left_out(const struct region *r)
{
	return r->left_out.n;
}

/* Logs one line when the numbers have grown. */
static void warn_of_flaws(struct region *r)
{
	const struct region_left_out *l = &r->left_out_so_far;
	size_t flawed = catalogue_flawed(r->catalogue);

	if (l->n > r->left_out.n)
		log_warning("%s: %zu snapshot%s left out of the listing: ids not of EC2's form, "
			    "like \"%s\"",
			r->name, l->n, l->n == 1 ? "" : "s", l->ids ? l->ids->id : "");
	if (flawed > r->flawed_told)
		log_warning("%s: %zu snapshot%s not shown as EC2 sent %s: see the note in the "
			    "status",
			r->name, flawed, flawed == 1 ? "" : "s", flawed == 1 ? "it" : "them");
	r->flawed_told = flawed;
}

/* --- one listing --- */

/* The account's own id is taken from the listing: an EC2-compatible cloud may have no STS, or name
 * owners differently. */
static void note_owner(struct region *r, const struct ec2_snapshot *s)
{
	if (!s->owner_id || !*s->owner_id || strlen(s->owner_id) >= sizeof(r->page_owner))
		return;
	if (!*r->page_owner)
		snprintf(r->page_owner, sizeof(r->page_owner), "%s", s->owner_id);
	else if (strcmp(r->page_owner, s->owner_id) != 0)
		r->owners_differ = true;
}

static int listing_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct region *r = arg;
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < page->n_snapshots; i++) {
		note_owner(r, &page->snapshots[i]);
		if (catalogue_put(r->catalogue, &page->snapshots[i], CATALOGUE_LISTED, now) ==
			CATALOGUE_NONE)
			return err_set(err, ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < page->n_refused; i++)
		left_out_add(&r->left_out_so_far, page->refused[i]);
	r->cost.pages[r->why] += ends;
	if (!page->n_snapshots)
		return 0;
	r->records_arrived = true;
	/* Waiters are called from the loop: a callback may destroy the region and with it the
	 * listing, which is not permitted here. */
	if (!waiters_empty(&r->for_records) && !loop_timer_armed(r->records_timer))
		loop_timer_start(r->records_timer, 0);
	return 0;
}

static void listing_failed(struct region *r, const struct err *err)
{
	r->last_error = *err;
	r->backoff_ms = r->backoff_ms ? r->backoff_ms * 2 : REGION_BACKOFF_MIN_MS;
	if (r->backoff_ms > REGION_BACKOFF_MAX_MS)
		r->backoff_ms = REGION_BACKOFF_MAX_MS;
	r->not_before_ms = clock_mono_ms() + r->backoff_ms;
}

/* The listing supersedes the catalogue on disk: its waiters go on, and the cache may be written. */
static void supersede_disk(struct region *r)
{
	r->known_ms = 0;
	if (r->cache)
		catalogue_cache_listed(r->cache, clock_wall_ms());
	r->load_tried = true;
	r->loading = false;
	waiters_move_all(&r->for_disk, &r->succeeded);
}

static void listing_succeeded(struct region *r)
{
	int64_t now = clock_mono_ms();

	catalogue_listing_end(r->catalogue, now);
	warn_of_flaws(r);
	region_left_out_clear(&r->left_out);
	r->left_out = r->left_out_so_far;
	r->left_out_so_far = (struct region_left_out){0};
	r->listed_at_ms = now > 0 ? now : 1;
	r->last_error = (struct err){0};
	r->backoff_ms = 0;
	r->not_before_ms = 0;
	r->asked_while_stale = 0;
	supersede_disk(r);
	snprintf(r->owner, sizeof(r->owner), "%s", r->owners_differ ? "" : r->page_owner);
	log_debug("listed %s: %zu snapshots in %lld ms", r->name, catalogue_listed(r->catalogue),
		(long long)(now - r->begun_at_ms));
}

static void listing_done(void *arg, const struct err *err);

int region_begin_listing(struct region *r, enum region_why why)
{
	r->listing = listing_start(r->aws, r->name, &r->memory, listing_page, listing_done, r);
	if (!r->listing)
		return -ENOMEM;
	r->begun++;
	r->why = why;
	r->cost.listings[why]++;
	r->begun_at_ms = clock_mono_ms();
	r->records_arrived = false;
	r->page_owner[0] = '\0';
	r->owners_differ = false;
	region_left_out_clear(&r->left_out_so_far);
	catalogue_listing_begin(r->catalogue);
	return 0;
}

/* Moves the waiters of all listings up to number `up_to` to r->succeeded or r->failed. */
static void settle_waiters(struct region *r, uint64_t up_to, bool success)
{
	struct region_waiter *w, *next;

	for (w = r->for_listing.ring.next; w != &r->for_listing.ring; w = next) {
		next = w->next;
		if (w->number > up_to)
			continue;
		waiters_move(w,
			success || (!w->force && region_is_whole(r)) ? &r->succeeded : &r->failed);
	}
}

static void listing_done(void *arg, const struct err *failure)
{
	struct region *r = arg;
	struct err err = {0};

	r->listing = NULL;
	if (failure) {
		err = *failure;
		catalogue_listing_abort(r->catalogue);
		listing_failed(r, &err);
	} else {
		listing_succeeded(r);
	}
	loop_timer_stop(r->refresh_timeout);
	waiters_move_all(&r->for_refresh, &r->succeeded);
	waiters_move_all(&r->for_records, r->listed_at_ms ? &r->succeeded : &r->failed);
	settle_waiters(r, r->begun, !failure);
	/* Remaining waiters want a listing that starts now. */
	if (!waiters_empty(&r->for_listing) && region_begin_listing(r, REGION_WHY_ANEW) < 0) {
		if (!failure)
			err_set(&err, ENOMEM, "out of memory");
		settle_waiters(r, UINT64_MAX, false);
	}
	if (waiters_deliver(&r->succeeded, NULL))
		waiters_deliver(&r->failed, &err);
}

void region_refresh(struct region *r, int64_t now, enum region_why why)
{
	struct err err = {0};

	if (r->listing || now < r->not_before_ms || region_begin_listing(r, why) == 0)
		return;
	err_set(&err, ENOMEM, "out of memory");
	listing_failed(r, &err);
}

void region_retry(struct region *r)
{
	r->backoff_ms = 0;
	r->not_before_ms = 0;
	if (r->known_ms)
		region_refresh(r, clock_mono_ms(), REGION_WHY_STALE);
}
