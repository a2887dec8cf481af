/* SPDX-License-Identifier: MIT */
/* Single ids of a region: what the listing says of them, what EC2 is asked, and what its answer
 * means. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "region_inner.h"

/* --- the lookup's answers --- */

static bool owned(const struct region *r, const struct ec2_snapshot *s)
{
	if (!s->owner_id || !*s->owner_id)
		return false;
	return strcmp(s->owner_id, r->account) == 0 || strcmp(s->owner_id, r->owner) == 0 ||
	       (r->listing && !r->owners_differ && strcmp(s->owner_id, r->page_owner) == 0);
}

int region_found(void *arg, const struct ec2_snapshot *s)
{
	struct region *r = arg;
	enum catalogue_presence presence = owned(r, s) ? CATALOGUE_LISTED : CATALOGUE_UNLISTED;

	return catalogue_put(r->catalogue, s, presence, clock_mono_ms()) == CATALOGUE_NONE ? -ENOMEM
											   : 0;
}

void region_absent(void *arg, const char *id)
{
	struct region *r = arg;
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);

	if (slot != CATALOGUE_NONE)
		catalogue_absent(r->catalogue, slot, clock_mono_ms());
}

/* --- asking --- */

bool region_shows(const struct region *r, const char *id)
{
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);

	return catalogue_presence(r->catalogue, slot) != CATALOGUE_GONE;
}

static void nobody_waits(void *arg, const struct err *err)
{
	(void)arg;
	(void)err;
}

/* Asked for one by one, the ids of a stale listing soon cost as many requests as the listing, of a
 * thousand a page. */
static bool listing_is_cheaper(struct region *r)
{
	return ++r->asked_while_stale > catalogue_listed(r->catalogue) / EC2_PAGE_MAX;
}

void region_ask_behind(struct region *r, const char *id, int64_t now)
{
	if (listing_is_cheaper(r))
		region_refresh_behind(r, now, REGION_WHY_STALE);
	else if (!r->listing && now >= r->not_before_ms)
		(void)lookup_ask(r->lookup, id, false, nobody_waits, NULL);
}

struct region_waiter *region_ensure_id(
	struct region *r, const char *id, bool anew, region_done *done, void *arg, bool *ready)
{
	int64_t now = clock_mono_ms();
	enum region_freshness freshness = region_freshness(r, now);
	catalogue_slot slot = catalogue_find_shown(r->catalogue, id);
	bool listed = catalogue_presence(r->catalogue, slot) == CATALOGUE_LISTED;
	bool fresh = listed && (freshness == REGION_FRESH || region_arriving(r));
	struct region_waiter *w;

	*ready = !ec2_is_snapshot_id(id) ||
		 (!anew && (fresh || lookup_remembers(r->lookup, id, now)));
	if (*ready)
		return NULL;
	if (!anew && freshness == REGION_NEVER && region_look_on_disk(r)) {
		w = waiters_add(&r->load, done, arg);
		if (w)
			snprintf(w->id, sizeof(w->id), "%s", id);
		return w;
	}
	/* From disk; or EC2 did not even list the region when it was last asked: what is known is
	 * shown, and nobody waits through another failure. */
	if (!anew && region_shows(r, id) &&
		(freshness == REGION_KNOWN ||
			(freshness == REGION_STALE && r->last_error.errnum))) {
		region_ask_behind(r, id, now);
		*ready = true;
		return NULL;
	}
	if (!anew && listed && freshness == REGION_STALE && listing_is_cheaper(r))
		return region_ensure(r, false, done, arg, ready);
	return lookup_ask(r->lookup, id, anew, done, arg);
}
