/* SPDX-License-Identifier: MIT */
/* One region as this machine knows it: listings, their age and failures, and who waits for them. */
#include "region_inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "listing.h"
#include "log.h"
#include "lookup.h"
#include "loop.h"
#include "waiters.h"

/* --- life --- */

/* Who is called may well ask for more, and waits for the next part. */
static void tell_some(void *arg)
{
	struct region *r = arg;

	waiters_move_all(&r->some, &r->served);
	waiters_deliver(&r->served, NULL);
}

static void patience_ends(void *arg)
{
	struct region *r = arg;

	waiters_move_all(&r->patient, &r->served);
	waiters_deliver(&r->served, NULL);
}

static void refuse_now(void *arg)
{
	struct region *r = arg;
	struct err err = r->last_error;

	/* Who asks again when called waits for the next turn. */
	waiters_move_all(&r->refused, &r->failed);
	/* A listing may have succeeded meanwhile. */
	waiters_deliver(&r->failed, region_is_whole(r) ? NULL : &err);
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
	waiters_init(&r->waiting);
	waiters_init(&r->patient);
	waiters_init(&r->some);
	waiters_init(&r->load);
	waiters_init(&r->refused);
	waiters_init(&r->served);
	waiters_init(&r->failed);
	region_set_account(r, options->account);
	r->name = strdup(options->name);
	r->catalogue = catalogue_create();
	r->refuse = loop_timer_create(options->loop, refuse_now, r);
	r->tell = loop_timer_create(options->loop, tell_some, r);
	r->patience = loop_timer_create(options->loop, patience_ends, r);
	lookup = (struct lookup_options){.loop = options->loop,
		.aws = options->aws,
		.region = r->name,
		.found_ms = options->ttl_ms,
		.found = region_found,
		.absent = region_absent,
		.arg = r};
	r->lookup = lookup_create(&lookup);
	if (!r->name || !r->catalogue || !r->refuse || !r->tell || !r->patience || !r->lookup) {
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
	left_out_clear(&r->left_out);
	left_out_clear(&r->left_out_now);
	lookup_destroy(r->lookup);
	waiters_drop(&r->waiting);
	waiters_drop(&r->patient);
	waiters_drop(&r->some);
	waiters_drop(&r->load);
	catalogue_cache_destroy(r->cache);
	waiters_drop(&r->refused);
	waiters_drop(&r->served);
	waiters_drop(&r->failed);
	loop_timer_destroy(r->refuse);
	loop_timer_destroy(r->tell);
	loop_timer_destroy(r->patience);
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

/* --- age --- */

enum region_freshness region_freshness(const struct region *r, int64_t now_ms)
{
	if (!r->listed_at_ms)
		return r->known_ms ? REGION_KNOWN : REGION_NEVER;
	return region_valid_ms(r, now_ms) > 0 ? REGION_FRESH : REGION_STALE;
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

/* --- listings --- */

/* Whose the listed snapshots are shows in the listing itself: an EC2-compatible cloud may have no
 * STS to ask, or name owners otherwise. */
static void note_owner(struct region *r, const struct ec2_snapshot *s)
{
	if (!s->owner_id || !*s->owner_id || strlen(s->owner_id) >= sizeof(r->page_owner))
		return;
	if (!*r->page_owner)
		snprintf(r->page_owner, sizeof(r->page_owner), "%s", s->owner_id);
	else if (strcmp(r->page_owner, s->owner_id) != 0)
		r->owners_differ = true;
}

static int region_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
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
		left_out_add(&r->left_out_now, page->refused[i]);
	r->cost.pages[r->why] += ends;
	if (!page->n_snapshots)
		return 0;
	r->some_came = true;
	/* When the loop turns: here nobody may end the listing. */
	if (!waiters_empty(&r->some) && !loop_timer_armed(r->tell))
		loop_timer_start(r->tell, 0);
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

/* The log has one line when there are more than before. */
static void tell_left_out(struct region *r)
{
	size_t n = left_out_count(&r->left_out_now), flawed = catalogue_flawed(r->catalogue);

	if (n > left_out_count(&r->left_out))
		log_warning("%s: %zu snapshot%s left out of the listing: ids not of EC2's form, "
			    "like \"%s\"",
			r->name, n, n == 1 ? "" : "s", left_out_first(&r->left_out_now));
	left_out_clear(&r->left_out);
	r->left_out = r->left_out_now;
	r->left_out_now = (struct left_out){0};
	if (flawed > r->flawed_told)
		log_warning("%s: %zu snapshot%s not shown as EC2 sent %s: see the note in the "
			    "status",
			r->name, flawed, flawed == 1 ? "" : "s", flawed == 1 ? "it" : "them");
	r->flawed_told = flawed;
}

size_t region_left_out(const struct region *r)
{
	return left_out_count(&r->left_out);
}

static void listing_succeeded(struct region *r)
{
	int64_t now = clock_mono_ms();

	catalogue_listing_end(r->catalogue, now);
	tell_left_out(r);
	r->listed_at_ms = now > 0 ? now : 1;
	r->last_error = (struct err){0};
	r->backoff_ms = 0;
	r->not_before_ms = 0;
	r->asked_while_stale = 0;
	region_disk_listed(r);
	snprintf(r->owner, sizeof(r->owner), "%s", r->owners_differ ? "" : r->page_owner);
	log_debug("listed %s: %zu snapshots in %lld ms", r->name, catalogue_listed(r->catalogue),
		(long long)(now - r->begun_at_ms));
}

static void region_listed(void *arg, const struct err *err);

int region_begin_listing(struct region *r, enum region_why why)
{
	r->listing = listing_start(r->aws, r->name, &r->memory, region_page, region_listed, r);
	if (!r->listing)
		return -ENOMEM;
	r->begun++;
	r->why = why;
	r->cost.listings[why]++;
	r->begun_at_ms = clock_mono_ms();
	r->some_came = false;
	r->page_owner[0] = '\0';
	r->owners_differ = false;
	left_out_clear(&r->left_out_now);
	catalogue_listing_begin(r->catalogue);
	return 0;
}

/* Whom the listing that ended, or the lack of memory for the next one, concerns. */
static void sort_waiters(struct region *r, uint64_t up_to, bool success)
{
	struct region_waiter *w, *next;

	for (w = r->waiting.ring.next; w != &r->waiting.ring; w = next) {
		next = w->next;
		if (w->number > up_to)
			continue;
		waiters_move(
			w, success || (!w->anew && region_is_whole(r)) ? &r->served : &r->failed);
	}
}

static void region_listed(void *arg, const struct err *failure)
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
	loop_timer_stop(r->patience);
	waiters_move_all(&r->patient, &r->served);
	waiters_move_all(&r->some, r->listed_at_ms ? &r->served : &r->failed);
	sort_waiters(r, r->begun, !failure);
	/* Who still waits demanded one that begins now. */
	if (!waiters_empty(&r->waiting) && region_begin_listing(r, REGION_WHY_ANEW) < 0) {
		if (!failure)
			err_set(&err, ENOMEM, "out of memory");
		sort_waiters(r, UINT64_MAX, false);
	}
	if (waiters_deliver(&r->served, NULL))
		waiters_deliver(&r->failed, &err);
}

void region_refresh_behind(struct region *r, int64_t now, enum region_why why)
{
	struct err err = {0};

	if (r->listing || now < r->not_before_ms || region_begin_listing(r, why) == 0)
		return;
	err_set(&err, ENOMEM, "out of memory");
	listing_failed(r, &err);
}

static struct region_waiter *refuse(struct region *r, region_done *done, void *arg)
{
	struct region_waiter *w = waiters_add(&r->refused, done, arg);

	/* Not 0: libuv would run it within the same round of timers, and who asks again at once
	 * would stop the loop. */
	if (w && !loop_timer_armed(r->refuse))
		loop_timer_start(r->refuse, 1);
	return w;
}

void region_prefetch(struct region *r)
{
	int64_t now = clock_mono_ms();
	enum region_freshness freshness = region_freshness(r, now);

	if (freshness == REGION_NEVER && region_look_on_disk(r))
		r->ahead = true;
	else if (freshness != REGION_FRESH)
		region_refresh_behind(r, now, REGION_WHY_PREFETCH);
}

/* The policy for a listing that is not fresh: shown at once and refreshed behind, unless it is so
 * old that the present one is worth waiting for, and is under way. What is from disk is always
 * shown at once. True: wait. */
static bool refresh(struct region *r, int64_t now)
{
	region_refresh_behind(r, now, REGION_WHY_STALE);
	return r->listing && r->listed_at_ms &&
	       now - r->listed_at_ms >= REGION_OLD_TTLS * r->ttl_ms;
}

/* Those who come while it lasts share the first one's patience. */
static struct region_waiter *be_patient(struct region *r, region_done *done, void *arg)
{
	struct region_waiter *w = waiters_add(&r->patient, done, arg);

	if (w && !loop_timer_armed(r->patience))
		loop_timer_start(r->patience, REGION_PATIENCE_MS);
	return w;
}

struct region_waiter *region_ensure(
	struct region *r, bool anew, region_done *done, void *arg, bool *ready)
{
	int64_t now = clock_mono_ms();
	enum region_freshness freshness = region_freshness(r, now);
	bool anew_under_way = r->listing && r->wanted_anew >= r->begun;
	struct region_waiter *w;

	*ready = false;
	if (!anew && freshness == REGION_NEVER && region_look_on_disk(r))
		return waiters_add(&r->load, done, arg);
	if (!anew && !anew_under_way && freshness != REGION_NEVER) {
		*ready = freshness == REGION_FRESH || !refresh(r, now);
		return *ready ? NULL : be_patient(r, done, arg);
	}
	if (!anew && !r->listing && now < r->not_before_ms)
		return refuse(r, done, arg);
	w = waiters_add(&r->waiting, done, arg);
	if (!w)
		return NULL;
	w->anew = anew;
	if (anew)
		w->number = r->wanted_anew = r->begun + 1;
	else if (anew_under_way)
		w->number = r->wanted_anew;
	else
		w->number = r->listing ? r->begun : r->begun + 1;
	if (!r->listing && region_begin_listing(r, anew ? REGION_WHY_ANEW : REGION_WHY_FIRST) < 0) {
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

	/* One that was opened by name, its owner unknown, may turn out to be the account's: in a
	 * slot that who reads from the beginning has passed by then. */
	if (region_is_whole(r) || catalogue_slots(r->catalogue) != catalogue_listed(r->catalogue))
		return region_ensure(r, false, done, arg, ready);
	*ready = false;
	if (region_look_on_disk(r)) {
		w = waiters_add(&r->load, done, arg);
		if (w)
			w->some = true;
		return w;
	}
	*ready = r->listing && r->some_came;
	if (*ready)
		return NULL;
	if (!r->listing && now < r->not_before_ms)
		return refuse(r, done, arg);
	if (!r->listing && region_begin_listing(r, REGION_WHY_FIRST) < 0)
		return NULL;
	return waiters_add(&r->some, done, arg);
}

struct region_waiter *region_ensure_slot(
	struct region *r, catalogue_slot slot, region_done *done, void *arg, bool *ready)
{
	*ready = region_is_whole(r) || slot < catalogue_slots(r->catalogue);
	if (*ready)
		return NULL;
	return r->listing ? waiters_add(&r->some, done, arg) : refuse(r, done, arg);
}

void region_cancel(struct region_waiter *w)
{
	waiters_remove(w);
}
