/* SPDX-License-Identifier: MIT */
/* A view: a query about the snapshots of a region, which of the catalogue's snapshots it has, and
 * when EC2 is asked for them again. Many waiters share one listing. snapshots/ is the view of the
 * account's own (region_own()). */
#ifndef EBSFS_VIEW_H
#define EBSFS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "catalogue.h"
#include "err.h"
#include "region.h"

struct view;

/* Conditions as in struct ec2_describe_snapshots: owners, restorable_by and the filters are ANDed.
 * Queries are equal if their parts are, in the same order. */
struct view_query {
	const char *const *owners, *const *restorable_by; /* NULL-terminated; NULL: any */
	const struct ec2_filter *filters;
	size_t n_filters;
	/* In place of owners and restorable_by: the account's own snapshots, joined with those that
	 * others share with it. A listing is then two queries. */
	bool own_and_shared;
};

/* A listing of more pages fails with EFBIG: EC2 filters a page after it has cut it, so a query of
 * few snapshots may read the world. The account's own view has no such limit. */
#define VIEW_PAGES_MAX 100

/* --- its snapshots --- */

/* A snapshot joins with the listing that brings it. The account's own view has more: a snapshot
 * that anything else put into the catalogue joins at once if its owner is the account, or if this
 * mount created it; and a snapshot that its listing lacks is gone from the catalogue too. */
bool view_has(const struct view *v, catalogue_slot slot);
size_t view_count(const struct view *v);
size_t view_flawed(const struct view *v); /* how many have flaws (enum ec2_flaw) */
/* The next snapshot from position *pos on, which is 0 at first and opaque. Positions are valid for
 * the life of the view. Returns false after the last one so far. */
bool view_next(const struct view *v, uint64_t *pos, catalogue_slot *slot);
/* Changes whenever the set of snapshots does: for the kernel's cache of the directory. */
uint64_t view_version(const struct view *v);

/* --- its age --- */

enum view_freshness {
	VIEW_NEVER, /* not listed in this mount, and not (yet) read from disk */
	VIEW_FRESH, /* listed in this mount, younger than the ttl */
	VIEW_STALE,
	VIEW_KNOWN, /* not listed in this mount: an earlier mount's listing, from disk, is shown */
};
enum view_freshness view_freshness(const struct view *v, int64_t now_ms);
/* When the latest listing was complete, monotonic ms; 0: never. */
int64_t view_listed_at(const struct view *v);
/* VIEW_KNOWN: when EC2 made the listing that is shown, wall clock ms; else 0. */
int64_t view_known_ms(const struct view *v);
/* Whether the view shows a whole listing: of this mount, or from disk. */
bool view_is_whole(const struct view *v);
/* How many ms the listing stays fresh from now on; 0 if stale. The age of a first listing in flight
 * counts from its start. */
int64_t view_valid_ms(const struct view *v, int64_t now_ms);
/* Why the latest listing failed; NULL if it succeeded. */
const struct err *view_last_error(const struct view *v);
/* How many snapshots the latest listing left out because their ids are not of EC2's form. */
size_t view_left_out(const struct view *v);
bool view_listing_now(const struct view *v);
/* Whether a listing is in flight or a caller waits: the view must not be closed then. */
bool view_is_busy(const struct view *v);

/* The backoff after a failed listing, with jitter (backoff.h). Only a forced listing starts
 * earlier. */
#define VIEW_BACKOFF_MIN_MS 1000
#define VIEW_BACKOFF_MAX_MS 60000

/* --- waiting for it --- */

/* A listing of this many ttls is very old: a caller waits for the refresh instead of being shown
 * it, at most VIEW_PATIENCE_MS. */
#define VIEW_OLD_TTLS    10
#define VIEW_PATIENCE_MS 2000

/*
 * Makes sure that the view is listed. Returns NULL with *ready true if the caller can go on at
 * once: the listing is fresh, or it is stale or from disk and is refreshed in the background.
 * Otherwise returns a waiter, or NULL with *ready false on ENOMEM. A caller waits
 * - if the view was never listed,
 * - if the listing is very old (VIEW_OLD_TTLS),
 * - with force (touch): for a listing that starts after this call,
 * - while such a forced listing is in flight.
 * A failed listing is an error for callers with force, and for all while the view is VIEW_NEVER;
 * the others go on with the old listing.
 */
struct region_waiter *view_ensure(
	struct view *v, bool force, region_done *done, void *arg, bool *ready);

/* Starts a listing in the background, without waiters, unless there is a fresh one. */
void view_prefetch(struct view *v);

/* For readers of the first listing while it arrives: snapshots are only added then, at later
 * positions than all before. view_ensure_begun(): as view_ensure(), but the first records are
 * enough. view_ensure_next(): waits until view_next() knows whether anything follows from `pos` on,
 * or the listing has ended; if it failed, done gets its error. */
bool view_arriving(const struct view *v); /* the first listing is in flight */
struct region_waiter *view_ensure_begun(struct view *v, region_done *done, void *arg, bool *ready);
struct region_waiter *view_ensure_next(
	struct view *v, uint64_t pos, region_done *done, void *arg, bool *ready);

#endif
