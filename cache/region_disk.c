/* SPDX-License-Identifier: MIT */
/* A region that an earlier mount listed: read from disk when somebody looks, shown until EC2 has
 * spoken. */
#include <errno.h>

#include "clock.h"
#include "region_inner.h"

int region_set_cache(struct region *r, const char *path, const char *scope)
{
	r->cache = catalogue_cache_create(r->loop, r->catalogue, path, scope, r->name);
	return r->cache ? 0 : -ENOMEM;
}

struct catalogue_cache *region_cache(struct region *r)
{
	return r->cache;
}

/* One who waited for the disk goes on to wait for EC2. 0 or -ENOMEM. */
static int wait_on(struct region *r, struct region_waiter *w)
{
	if (*w->id)
		return lookup_take(r->lookup, w->id, w);
	w->number = r->listing ? r->begun : r->begun + 1;
	if (!r->listing && region_begin_listing(r, REGION_WHY_FIRST) < 0)
		return -ENOMEM;
	waiters_move(w, w->some ? &r->some : &r->waiting);
	return 0;
}

static void loaded(void *arg, int64_t listed_ms)
{
	struct region *r = arg;
	struct region_waiter *w, *next;
	bool wanted = false;
	struct err err;

	r->loading = false;
	r->known_ms = listed_ms;
	for (w = r->load.ring.next; w != &r->load.ring; w = next) {
		next = w->next;
		wanted |= !*w->id;
		if (listed_ms && (!*w->id || region_shows(r, w->id))) {
			if (*w->id)
				region_ask_behind(r, w->id, clock_mono_ms());
			waiters_move(w, &r->served);
		} else if (wait_on(r, w) < 0) {
			waiters_move(w, &r->failed);
		}
	}
	if (r->ahead)
		region_refresh_behind(r, clock_mono_ms(), REGION_WHY_PREFETCH);
	else if (listed_ms && wanted)
		region_refresh_behind(r, clock_mono_ms(), REGION_WHY_STALE);
	err_set(&err, ENOMEM, "out of memory");
	if (waiters_deliver(&r->served, NULL))
		waiters_deliver(&r->failed, &err);
}

bool region_look_on_disk(struct region *r)
{
	if (r->cache && !r->looked) {
		r->looked = true;
		r->loading = catalogue_cache_load(r->cache, loaded, r) == 0;
	}
	return r->loading;
}

void region_retry(struct region *r)
{
	r->backoff_ms = 0;
	r->not_before_ms = 0;
	if (r->known_ms)
		region_refresh_behind(r, clock_mono_ms(), REGION_WHY_STALE);
}

void region_disk_listed(struct region *r)
{
	r->known_ms = 0;
	if (r->cache)
		catalogue_cache_listed(r->cache, clock_wall_ms());
	r->looked = true;
	r->loading = false;
	waiters_move_all(&r->load, &r->served);
}
