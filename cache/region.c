/* SPDX-License-Identifier: MIT */
/* One region: its catalogue, the views of it, and lookups of single ids. */
#include "region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "groups.h"
#include "loop.h"
#include "view_inner.h"

/* Ids of a region that was never listed are confirmed one by one, up to this number. */
#define REGION_UNLISTED_LOOKUPS 10

/* --- the lookup's results --- */

static int lookup_found_id(void *arg, const struct ec2_snapshot *s)
{
	struct region *r = arg;

	return catalogue_put(r->catalogue, s, clock_mono_ms()) == CATALOGUE_NONE ? -ENOMEM : 0;
}

static void lookup_missed_id(void *arg, const char *id)
{
	struct region *r = arg;
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);

	if (slot != CATALOGUE_NONE)
		catalogue_absent(r->catalogue, slot, clock_mono_ms());
}

/* --- slots that nothing names --- */

/* Adds the slots of remembered lookup results, because callers are told that these ids are known.
 */
struct region_marking {
	const struct region *region;
	struct slot_set *named;
	int result;
};

static void region_mark_id(void *arg, const char *id)
{
	struct region_marking *m = arg;
	catalogue_slot slot = catalogue_find_shown(m->region->catalogue, id);

	if (slot != CATALOGUE_NONE && slot_set_add(m->named, slot) < 0)
		m->result = -ENOMEM;
}

static int region_mark(void *arg, struct slot_set *named)
{
	struct region_marking m = {.region = arg, .named = named};

	lookup_each_found(m.region->lookup, clock_mono_ms(), region_mark_id, &m);
	return m.result;
}

/* Whether a listing is in flight, or the catalogue is being read from disk. Readers then rely on
 * slots being added at the end only. */
static bool region_is_listing(const struct region *r)
{
	const struct view *v;

	DL_FOREACH(r->views, v)
	{
		if (v->listing)
			return true;
	}
	return r->own->listing || r->own->loading;
}

static void region_sweep(void *arg)
{
	struct region *r = arg;

	if (!region_is_listing(r))
		catalogue_sweep(r->catalogue, clock_mono_ms());
}

static void region_sweep_due(void *arg)
{
	struct region *r = arg;

	loop_timer_start(r->sweep_timer, 0);
}

/* --- create and destroy --- */

/* Lets the catalogue free slots. Returns 0 or -ENOMEM. */
static int region_begin_sweeps(struct region *r)
{
	r->sweep_timer = loop_timer_create(r->loop, region_sweep, r);
	if (!r->sweep_timer)
		return -ENOMEM;
	catalogue_hold(r->catalogue, region_mark, r);
	catalogue_on_sweep_due(r->catalogue, region_sweep_due, r);
	return 0;
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
	snprintf(r->account, sizeof(r->account), "%s", options->account ? options->account : "");
	r->name = strdup(options->name);
	r->catalogue = catalogue_create();
	r->own = r->catalogue ? view_create(r, &(struct view_query){.owners = ec2_owner_self})
			      : NULL;
	lookup = (struct lookup_options){.loop = options->loop,
		.aws = options->aws,
		.region = r->name,
		.found_ms = options->ttl_ms,
		.found = lookup_found_id,
		.absent = lookup_missed_id,
		.arg = r};
	r->lookup = lookup_create(&lookup);
	if (!r->name || !r->own || !r->lookup || region_begin_sweeps(r) < 0) {
		region_destroy(r);
		return NULL;
	}
	return r;
}

void region_destroy(struct region *r)
{
	if (!r)
		return;
	while (r->views)
		region_view_close(r->views);
	groups_destroy(r->groups);
	view_destroy(r->own);
	lookup_destroy(r->lookup);
	loop_timer_destroy(r->sweep_timer);
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
	members_review(&r->own->members);
}

int64_t region_ttl_ms(const struct region *r)
{
	return r->ttl_ms;
}

struct region_cost region_cost(const struct region *r)
{
	struct region_cost cost = r->cost;

	cost.lookups = lookup_requests(r->lookup);
	return cost;
}

size_t region_memory(const struct region *r)
{
	size_t bytes = catalogue_memory(r->catalogue) + members_memory(&r->own->members);

	for (const struct view *v = r->views; v; v = v->next)
		bytes += members_memory(&v->members);
	return bytes + (r->groups ? groups_memory(r->groups) : 0);
}

/* --- views --- */

struct view *region_own(const struct region *r)
{
	return r->own;
}

struct groups *region_groups(struct region *r)
{
	if (!r->groups)
		r->groups = groups_create(r->catalogue, &r->own->members);
	return r->groups;
}

bool region_knows_owner(const struct region *r)
{
	return *r->account || view_is_whole(r->own);
}

bool region_owns(const struct region *r, catalogue_slot slot)
{
	return view_has(r->own, slot) || view_admits_own(r->own, slot) ||
	       !*catalogue_owner(r->catalogue, slot) || !region_knows_owner(r);
}

struct view *region_view(struct region *r, const struct view_query *query)
{
	struct view *v;

	if (view_query_equal(&r->own->query, query))
		return r->own;
	DL_FOREACH(r->views, v)
	{
		if (view_query_equal(&v->query, query))
			return v;
	}
	v = view_create(r, query);
	if (v)
		DL_APPEND(r->views, v);
	return v;
}

/* The view with the freshest listing that has this snapshot; the account's own if no view has it.
 */
static struct view *view_with(const struct region *r, catalogue_slot slot, int64_t now)
{
	struct view *v, *found = view_has(r->own, slot) ? r->own : NULL;

	DL_FOREACH(r->views, v)
	{
		if (view_has(v, slot) &&
			(!found || view_valid_ms(v, now) > view_valid_ms(found, now)))
			found = v;
	}
	return found ? found : r->own;
}

void region_view_close(struct view *v)
{
	struct region *r = v ? v->region : NULL;

	if (!v || v == r->own)
		return;
	DL_DELETE(r->views, v);
	view_destroy(v);
	region_sweep_if_due(r);
}

/* --- the catalogue on disk --- */

int region_set_cache(struct region *r, const char *path, const char *scope)
{
	r->own->cache = catalogue_cache_create(
		r->loop, r->catalogue, &r->own->members, path, scope, r->name);
	return r->own->cache ? 0 : -ENOMEM;
}

struct catalogue_cache *region_cache(struct region *r)
{
	return r->own->cache;
}

void region_retry(struct region *r)
{
	struct view *v;

	view_retry(r->own);
	DL_FOREACH(r->views, v)
	{
		view_retry(v);
	}
}

/* --- single ids --- */

struct region_waiter *region_ensure_id(
	struct region *r, const char *id, bool force, region_done *done, void *arg, bool *ready)
{
	int64_t now = clock_mono_ms();
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);
	struct view *v = view_with(r, slot, now);
	enum view_freshness freshness = view_freshness(v, now);
	bool listed = view_has(v, slot);
	bool fresh = listed && (freshness == VIEW_FRESH || view_arriving(v));
	struct region_waiter *w;

	*ready = !ec2_is_snapshot_id(id) ||
		 (!force && (fresh || lookup_remembers(r->lookup, id, now)));
	if (*ready)
		return NULL;
	if (!force && freshness == VIEW_NEVER && view_load_from_disk(v)) {
		w = region_waiter_add(&v->for_disk, done, arg);
		if (w)
			snprintf(w->id, sizeof(w->id), "%s", id);
		return w;
	}
	/* Known from disk, or the latest listing failed: shows the known state, so that the
	 * caller does not wait through another failure. */
	if (!force && view_shows_id(v, id) &&
		(freshness == VIEW_KNOWN || (freshness == VIEW_STALE && v->last_error.errnum))) {
		view_confirm_id(v, id, now);
		*ready = true;
		return NULL;
	}
	if (!force && listed && freshness == VIEW_STALE && view_listing_is_cheaper(v))
		return view_ensure(v, false, done, arg, ready);
	return lookup_ask(r->lookup, id, force, done, arg);
}

bool region_id_is_confirmed(const struct region *r, const char *id, int64_t now_ms)
{
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);

	const struct view *v = view_with(r, slot, now_ms);

	return (view_has(v, slot) && view_freshness(v, now_ms) == VIEW_FRESH) ||
	       lookup_remembers(r->lookup, id, now_ms);
}

struct region_waiter *region_confirm_id(
	struct region *r, const char *id, region_done *done, void *arg)
{
	/* A region that was never listed may be large. */
	if (view_listing_is_cheaper(r->own) &&
		(view_listed_at(r->own) || r->own->asked_while_stale > REGION_UNLISTED_LOOKUPS))
		view_prefetch(r->own);
	return lookup_ask(r->lookup, id, true, done, arg);
}

void region_cancel(struct region_waiter *w)
{
	waiters_remove(&w->base);
}
