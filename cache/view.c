/* SPDX-License-Identifier: MIT */
/* Views: their snapshots; their listings, with start and end, age, failures and backoff, and the
 * waiters that each concerns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "hash.h"
#include "log.h"
#include "loop.h"
#include "random.h"
#include "view_inner.h"

/* --- its snapshots --- */

bool view_has(const struct view *v, catalogue_slot slot)
{
	return members_has(&v->members, slot);
}

size_t view_count(const struct view *v)
{
	return v->members.count;
}

size_t view_flawed(const struct view *v)
{
	return members_flawed(&v->members);
}

uint64_t view_version(const struct view *v)
{
	return v->members.version;
}

bool view_next(const struct view *v, uint64_t *pos, catalogue_slot *slot)
{
	return members_next(&v->members, pos, slot);
}

/* Whether this is the account's own view. Its members can be decided without a listing. */
static bool view_is_own(const struct view *v)
{
	return view_query_equal(&v->query, &(struct view_query){.owners = ec2_owner_self});
}

bool view_admits_own(const struct view *v, catalogue_slot slot)
{
	const char *owner = catalogue_owner(v->region->catalogue, slot);

	if (*owner &&
		(strcmp(owner, v->region->account) == 0 || strcmp(owner, v->owner) == 0 ||
			(v->listing && !v->owners_differ && strcmp(owner, v->page_owner) == 0)))
		return true;
	return catalogue_created(v->region->catalogue, slot, clock_mono_ms());
}

static bool view_admits(void *arg, catalogue_slot slot)
{
	return view_admits_own(arg, slot);
}

/* --- age --- */

enum view_freshness view_freshness(const struct view *v, int64_t now_ms)
{
	if (!v->listed_at_ms)
		return v->known_ms ? VIEW_KNOWN : VIEW_NEVER;
	return view_valid_ms(v, now_ms) > 0 ? VIEW_FRESH : VIEW_STALE;
}

int64_t view_listed_at(const struct view *v)
{
	return v->listed_at_ms;
}

int64_t view_known_ms(const struct view *v)
{
	return v->known_ms;
}

bool view_is_whole(const struct view *v)
{
	return v->listed_at_ms || v->known_ms;
}

int64_t view_valid_ms(const struct view *v, int64_t now_ms)
{
	int64_t left =
		(v->listed_at_ms ? v->listed_at_ms : v->begun_at_ms) + v->region->ttl_ms - now_ms;

	return (v->listed_at_ms || view_arriving(v)) && left > 0 ? left : 0;
}

const struct err *view_last_error(const struct view *v)
{
	return v->last_error.errnum ? &v->last_error : NULL;
}

bool view_arriving(const struct view *v)
{
	return v->listing && !view_is_whole(v);
}

bool view_is_busy(const struct view *v)
{
	return v->listing || !waiters_empty(&v->for_listing) || !waiters_empty(&v->for_disk) ||
	       !waiters_empty(&v->in_backoff) || !waiters_empty(&v->for_refresh) ||
	       !waiters_empty(&v->for_records) || !waiters_empty(&v->succeeded) ||
	       !waiters_empty(&v->failed);
}

bool view_listing_now(const struct view *v)
{
	return v->listing != NULL;
}

/* --- snapshots that a listing leaves out --- */

/* Ids beyond this number are not remembered, and so are counted each time they arrive. */
#define LEFT_OUT_IDS_MAX 100000

struct view_left_out_id {
	UT_hash_handle hh;
	char id[];
};

static void left_out_add(struct view_left_out *l, const char *id)
{
	size_t len = strlen(id);
	struct view_left_out_id *known;

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

static void view_left_out_clear(struct view_left_out *l)
{
	struct view_left_out_id *known, *next;

	HASH_ITER (hh, l->ids, known, next) {
		HASH_DEL(l->ids, known);
		free(known);
	}
	l->n = 0;
}

size_t view_left_out(const struct view *v)
{
	return v->left_out.n;
}

/* Logs one line when the numbers have grown. */
static void warn_of_flaws(struct view *v)
{
	const struct view_left_out *l = &v->left_out_so_far;
	size_t flawed = members_flawed(&v->members);

	if (l->n > v->left_out.n)
		log_warning("%s: %zu snapshot%s left out of the listing: ids not of EC2's form, "
			    "like \"%s\"",
			v->region->name, l->n, l->n == 1 ? "" : "s", l->ids ? l->ids->id : "");
	if (!view_is_own(v))
		return;
	if (flawed > v->flawed_told)
		log_warning("%s: %zu snapshot%s not shown as EC2 sent %s: see the note in the "
			    "status",
			v->region->name, flawed, flawed == 1 ? "" : "s",
			flawed == 1 ? "it" : "them");
	v->flawed_told = flawed;
}

/* --- one listing --- */

/* The account's own id is taken from the listing: an EC2-compatible cloud may have no STS, or name
 * owners differently. */
static void note_owner(struct view *v, const struct ec2_snapshot *s)
{
	if (!s->owner_id || !*s->owner_id || strlen(s->owner_id) >= sizeof(v->page_owner))
		return;
	if (!*v->page_owner)
		snprintf(v->page_owner, sizeof(v->page_owner), "%s", s->owner_id);
	else if (strcmp(v->page_owner, s->owner_id) != 0)
		v->owners_differ = true;
}

static bool view_is_too_large(const struct view *v, const struct ec2_page *page)
{
	return v->pages >= VIEW_PAGES_MAX && page->next_token && *page->next_token &&
	       !view_is_own(v);
}

static int listing_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct view *v = arg;
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < page->n_snapshots; i++) {
		note_owner(v, &page->snapshots[i]);
		if (members_put(&v->members, &page->snapshots[i], now) == CATALOGUE_NONE)
			return err_set(err, ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < page->n_refused; i++)
		left_out_add(&v->left_out_so_far, page->refused[i]);
	v->region->cost.pages[v->why] += ends;
	v->pages += ends;
	if (ends && view_is_too_large(v, page))
		return err_set(err, EFBIG,
			"EC2 in %s has looked through %d pages of snapshots for this query, and "
			"more follow: add a term that names an owner, a volume or a tag",
			v->region->name, VIEW_PAGES_MAX);
	if (!page->n_snapshots)
		return 0;
	v->records_arrived = true;
	/* Waiters are called from the loop: a callback may destroy the region and with it the
	 * listing, which is not permitted here. */
	if (!waiters_empty(&v->for_records) && !loop_timer_armed(v->records_timer))
		loop_timer_start(v->records_timer, 0);
	return 0;
}

static void listing_failed(struct view *v, const struct err *err)
{
	v->last_error = *err;
	v->not_before_ms = clock_mono_ms() + backoff_pause(VIEW_BACKOFF_MIN_MS, VIEW_BACKOFF_MAX_MS,
						     ++v->failures, random_unit());
	/* The query has too many pages: a retry before the ttl has passed would fail again after as
	 * many requests. */
	if (err->errnum == EFBIG && v->not_before_ms < clock_mono_ms() + v->region->ttl_ms)
		v->not_before_ms = clock_mono_ms() + v->region->ttl_ms;
}

/* The listing supersedes the catalogue on disk: its waiters go on, and the cache may be written. */
static void supersede_disk(struct view *v)
{
	v->known_ms = 0;
	if (v->cache)
		catalogue_cache_listed(v->cache, clock_wall_ms());
	v->load_tried = true;
	v->loading = false;
	waiters_move_all(&v->for_disk, &v->succeeded);
}

static void listing_succeeded(struct view *v)
{
	int64_t now = clock_mono_ms();

	members_end(&v->members, now);
	warn_of_flaws(v);
	view_left_out_clear(&v->left_out);
	v->left_out = v->left_out_so_far;
	v->left_out_so_far = (struct view_left_out){0};
	v->listed_at_ms = now > 0 ? now : 1;
	v->last_error = (struct err){0};
	v->failures = 0;
	v->not_before_ms = 0;
	v->asked_while_stale = 0;
	supersede_disk(v);
	snprintf(v->owner, sizeof(v->owner), "%s", v->owners_differ ? "" : v->page_owner);
	log_debug("listed %s: %zu snapshots in %lld ms", v->region->name, v->members.count,
		(long long)(now - v->begun_at_ms));
}

static void listing_done(void *arg, const struct err *err);

/* Sends the query, or of two joined ones the first or (v->joining) the second. */
static int view_send_query(struct view *v)
{
	bool two = v->query.own_and_shared;
	const struct ec2_describe_snapshots query = {.region = v->region->name,
		.owners = two && !v->joining ? ec2_owner_self : v->query.owners,
		.restorable_by = two && v->joining ? ec2_owner_self : v->query.restorable_by,
		.filters = v->query.filters,
		.n_filters = v->query.n_filters};

	v->pages = 0;
	v->listing = listing_start(v->region->aws, &query, view_is_own(v) ? &v->memory : NULL,
		listing_page, listing_done, v);
	return v->listing ? 0 : -ENOMEM;
}

int view_begin_listing(struct view *v, enum region_why why)
{
	v->joining = false;
	if (view_send_query(v) < 0)
		return -ENOMEM;
	v->begun++;
	v->why = why;
	v->region->cost.listings[why]++;
	v->begun_at_ms = clock_mono_ms();
	v->records_arrived = false;
	v->page_owner[0] = '\0';
	v->owners_differ = false;
	view_left_out_clear(&v->left_out_so_far);
	members_begin(&v->members);
	return 0;
}

/* Moves the waiters of all listings up to number `up_to` to v->succeeded or v->failed. */
static void settle_waiters(struct view *v, uint64_t up_to, bool success)
{
	struct waiter *at, *next;

	for (at = waiters_next(&v->for_listing, NULL); at; at = next) {
		const struct region_waiter *w = (struct region_waiter *)at;

		next = waiters_next(&v->for_listing, at);
		if (w->number > up_to)
			continue;
		waiters_move(at,
			success || (!w->force && view_is_whole(v)) ? &v->succeeded : &v->failed);
	}
}

static void listing_done(void *arg, const struct err *failure)
{
	struct view *v = arg;
	struct err err = {0};

	v->listing = NULL;
	if (!failure && v->query.own_and_shared && !v->joining) {
		v->joining = true;
		if (view_send_query(v) == 0)
			return;
		err_set(&err, ENOMEM, "out of memory");
		failure = &err;
	}
	if (failure) {
		err = *failure;
		members_abort(&v->members);
		listing_failed(v, &err);
	} else {
		listing_succeeded(v);
	}
	loop_timer_stop(v->refresh_timeout);
	waiters_move_all(&v->for_refresh, &v->succeeded);
	waiters_move_all(&v->for_records, v->listed_at_ms ? &v->succeeded : &v->failed);
	settle_waiters(v, v->begun, !failure);
	/* Remaining waiters want a listing that starts now. */
	if (!waiters_empty(&v->for_listing) && view_begin_listing(v, REGION_WHY_ANEW) < 0) {
		if (!failure)
			err_set(&err, ENOMEM, "out of memory");
		settle_waiters(v, UINT64_MAX, false);
	}
	region_sweep_if_due(v->region);
	if (region_waiters_deliver(&v->succeeded, NULL))
		region_waiters_deliver(&v->failed, &err);
}

void view_refresh(struct view *v, int64_t now, enum region_why why)
{
	struct err err = {0};

	if (v->listing || now < v->not_before_ms || view_begin_listing(v, why) == 0)
		return;
	err_set(&err, ENOMEM, "out of memory");
	listing_failed(v, &err);
}

void view_retry(struct view *v)
{
	v->failures = 0;
	v->not_before_ms = 0;
	if (v->known_ms)
		view_refresh(v, clock_mono_ms(), REGION_WHY_STALE);
}

/* --- timers --- */

/* A callback that waits again gets the records after these. */
static void records_timer_fired(void *arg)
{
	struct view *v = arg;

	waiters_move_all(&v->for_records, &v->succeeded);
	region_waiters_deliver(&v->succeeded, NULL);
}

static void refresh_timed_out(void *arg)
{
	struct view *v = arg;

	waiters_move_all(&v->for_refresh, &v->succeeded);
	region_waiters_deliver(&v->succeeded, NULL);
}

static void backoff_timer_fired(void *arg)
{
	struct view *v = arg;
	struct err err = v->last_error;

	/* A callback that asks again is called in the next loop iteration. */
	waiters_move_all(&v->in_backoff, &v->failed);
	/* A listing may have succeeded since they were added. */
	region_waiters_deliver(&v->failed, view_is_whole(v) ? NULL : &err);
}

/* --- create and destroy --- */

static void drop_waiters(struct view *v)
{
	waiters_drop(&v->for_listing);
	waiters_drop(&v->for_refresh);
	waiters_drop(&v->for_records);
	waiters_drop(&v->for_disk);
	waiters_drop(&v->in_backoff);
	waiters_drop(&v->succeeded);
	waiters_drop(&v->failed);
}

struct view *view_create(struct region *r, const struct view_query *query)
{
	struct view *v = calloc(1, sizeof(*v));
	bool failed;

	if (!v)
		return NULL;
	v->region = r;
	v->backoff_timer = loop_timer_create(r->loop, backoff_timer_fired, v);
	v->records_timer = loop_timer_create(r->loop, records_timer_fired, v);
	v->refresh_timeout = loop_timer_create(r->loop, refresh_timed_out, v);
	failed = view_query_copy(&v->query, query) < 0;
	failed |=
		members_init(&v->members, r->catalogue, view_is_own(v) ? view_admits : NULL, v) < 0;
	if (failed || !v->backoff_timer || !v->records_timer || !v->refresh_timeout) {
		view_destroy(v);
		return NULL;
	}
	return v;
}

void view_destroy(struct view *v)
{
	if (!v)
		return;
	listing_cancel(v->listing);
	view_left_out_clear(&v->left_out);
	view_left_out_clear(&v->left_out_so_far);
	catalogue_cache_destroy(v->cache);
	drop_waiters(v);
	loop_timer_destroy(v->backoff_timer);
	loop_timer_destroy(v->records_timer);
	loop_timer_destroy(v->refresh_timeout);
	members_finish(&v->members);
	view_query_finish(&v->query);
	free(v);
}
