/* SPDX-License-Identifier: MIT */
/* One region as this machine knows it: its catalogue, and when that is listed again. Many waiters
 * share one listing. */
#ifndef EBSFS_REGION_H
#define EBSFS_REGION_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "aws.h"
#include "catalogue.h"
#include "err.h"

struct region;

struct region_options {
	uv_loop_t *loop;
	struct aws *aws;
	const char *name;    /* copied */
	const char *account; /* copied; NULL or "" if unknown. Tells own snapshots from others that
				were looked up by id */
	int64_t ttl_ms;      /* the age at which a listing becomes stale */
};

struct region *region_create(const struct region_options *options); /* NULL on ENOMEM */
/* Cancels requests in flight and drops waiters without calling them. Permitted in a waiter's done.
 * NULL is permitted. */
void region_destroy(struct region *r);

const char *region_name(const struct region *r);
struct catalogue *region_catalogue(struct region *r);
void region_set_account(struct region *r, const char *account);

enum region_freshness {
	REGION_NEVER, /* not listed in this mount, and not (yet) read from disk */
	REGION_FRESH, /* listed in this mount, younger than the ttl */
	REGION_STALE,
	REGION_KNOWN, /* not listed in this mount: an earlier mount's listing, from disk, is shown
		       */
};
enum region_freshness region_freshness(const struct region *r, int64_t now_ms);
int64_t region_ttl_ms(const struct region *r);
/* When the latest listing was complete, monotonic ms; 0: never. */
int64_t region_listed_at(const struct region *r);
/* REGION_KNOWN: when EC2 made the listing that is shown, wall clock ms; else 0. */
int64_t region_known_ms(const struct region *r);
/* Whether the catalogue shows a whole listing: of this mount, or from disk. */
bool region_is_whole(const struct region *r);
/* How many ms the listing stays fresh from now on; 0 if stale. The age of a first listing in flight
 * counts from its start. */
int64_t region_valid_ms(const struct region *r, int64_t now_ms);
/* Why the latest listing failed; NULL if it succeeded. */
const struct err *region_last_error(const struct region *r);
/* How many snapshots the latest listing left out because their ids are not of EC2's form. */
size_t region_left_out(const struct region *r);
bool region_listing_now(const struct region *r);

/* Keeps the catalogue on disk at `path` from now on. The first caller that needs the region reads
 * it from there; it is shown while EC2 is asked in the background. scope: the account and endpoint
 * as a text of at most 71 bytes. Call once. Returns 0 or -ENOMEM. */
int region_set_cache(struct region *r, const char *path, const char *scope);
/* For catalogue_cache_flush() and catalogue_cache_busy(). NULL: the catalogue is not kept on disk.
 */
struct catalogue_cache *region_cache(struct region *r);
/* EC2 can be reached again: ends the backoff, and lists the region if it is shown from disk. */
void region_retry(struct region *r);

/* The backoff after a failed listing; it doubles with each further failure. Only a forced listing
 * starts earlier. */
#define REGION_BACKOFF_MIN_MS 1000
#define REGION_BACKOFF_MAX_MS 60000

/* The cause of a listing. */
enum region_why {
	REGION_WHY_FIRST,    /* a first look, and nothing was known */
	REGION_WHY_STALE,    /* a look at a listing older than the ttl */
	REGION_WHY_ANEW,     /* forced: touch */
	REGION_WHY_PREFETCH, /* a walk through the regions will be here soon */
	REGION_WHYS
};
/* The requests for the region in this mount: listings and their pages by cause, and lookups of
 * single ids. Polls for copies are not included. */
struct region_cost {
	uint64_t listings[REGION_WHYS], pages[REGION_WHYS], lookups;
};
struct region_cost region_cost(const struct region *r);

/* A listing of this many ttls is very old: a caller waits for the refresh instead of being shown
 * it, at most REGION_PATIENCE_MS. */
#define REGION_OLD_TTLS    10
#define REGION_PATIENCE_MS 2000

/* A pending call. done is called exactly once, never before the starting function has returned,
 * with err NULL on success. */
struct region_waiter;
typedef void region_done(void *arg, const struct err *err);

/*
 * Makes sure that the region is listed. Returns NULL with *ready true if the caller can go on at
 * once: the listing is fresh, or it is stale or from disk and is refreshed in the background.
 * Otherwise returns a waiter, or NULL with *ready false on ENOMEM. A caller waits
 * - if the region was never listed,
 * - if the listing is very old (REGION_OLD_TTLS),
 * - with force (touch): for a listing that starts after this call,
 * - while such a forced listing is in flight.
 * A failed listing is an error for callers with force, and for all while the region is
 * REGION_NEVER; the others go on with the old listing.
 */
struct region_waiter *region_ensure(
	struct region *r, bool force, region_done *done, void *arg, bool *ready);

/* Starts a listing in the background, without waiters, unless there is a fresh one. */
void region_prefetch(struct region *r);

/* For readers of the first listing while it arrives. Until it is complete, slots are only added, so
 * a reader's earlier entries stay valid. region_ensure_begun(): as region_ensure(), but the first
 * records are enough. region_ensure_slot(): waits until the catalogue has this slot or the listing
 * has ended; if it failed, done gets its error. */
bool region_arriving(const struct region *r); /* the first listing is in flight */
struct region_waiter *region_ensure_begun(
	struct region *r, region_done *done, void *arg, bool *ready);
struct region_waiter *region_ensure_slot(
	struct region *r, catalogue_slot slot, region_done *done, void *arg, bool *ready);

/*
 * Makes sure that the catalogue knows about one id. *ready is true at once if the listing is fresh
 * and has the id, if its lookup is remembered (hit or miss), or if `id` is not of EC2's form.
 * Otherwise EC2 is asked by a filter on the id, which finds shared and public snapshots too, and
 * the result goes into the catalogue. Ids of one loop iteration share a request. Once lookups of a
 * stale listing's ids cost as many requests as the listing, region_ensure() takes over.
 * In a region known from disk, or stale because its latest listing failed, a shown id is ready at
 * once and confirmed in the background.
 * After done without an error: with force, catalogue_find() has the truth; else
 * catalogue_find_shown() has what to show.
 */
struct region_waiter *region_ensure_id(
	struct region *r, const char *id, bool force, region_done *done, void *arg, bool *ready);

/* For facts that must be no older than the ttl, such as whether a completed copy still exists.
 * region_id_is_confirmed(): a fresh listing has the id, or a lookup found it within the ttl.
 * region_confirm_id(): asks EC2 by the id. Once that costs as many requests as a listing, it also
 * lists the region in the background, for the ids to come. NULL on ENOMEM. */
bool region_id_is_confirmed(const struct region *r, const char *id, int64_t now_ms);
struct region_waiter *region_confirm_id(
	struct region *r, const char *id, region_done *done, void *arg);
void region_cancel(struct region_waiter *w);

#endif
