/* SPDX-License-Identifier: MIT */
/* One region as this machine knows it: its catalogue, and when and how that is asked for anew. Many
 * waiters, one listing. */
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
	const char *account; /* copied; NULL or "" if unknown. Which of the snapshots opened by name
				are the account's own */
	int64_t ttl_ms;      /* how old a listing may be */
};

struct region *region_create(const struct region_options *options); /* NULL on ENOMEM */
/* Cancels what is in flight; waiters are dropped without a call. Permitted in any waiter's done.
 * NULL is permitted. */
void region_destroy(struct region *r);

const char *region_name(const struct region *r);
struct catalogue *region_catalogue(struct region *r);
void region_set_account(struct region *r, const char *account);

enum region_freshness {
	REGION_NEVER, /* never listed in this mount, and nothing is on disk or was looked for there
		       */
	REGION_FRESH, /* younger than the ttl */
	REGION_STALE,
	REGION_KNOWN, /* not listed in this mount: what is shown is an earlier one's, from disk */
};
enum region_freshness region_freshness(const struct region *r, int64_t now_ms);
/* Monotonic ms when the present listing was complete; 0: never. */
int64_t region_listed_at(const struct region *r);
/* REGION_KNOWN: when EC2 listed what is shown, wall clock; else 0. */
int64_t region_known_ms(const struct region *r);
/* Whether what the catalogue shows is a whole listing: of this mount, or REGION_KNOWN. */
bool region_is_whole(const struct region *r);
/* How long, from now, the present listing is still fresh; 0 if stale. What has come of the first
 * listing counts from its beginning. */
int64_t region_valid_ms(const struct region *r, int64_t now_ms);
/* Why the latest listing failed; NULL if it did not. */
const struct err *region_last_error(const struct region *r);
/* How many snapshots the latest listing left out, since their ids are not of EC2's form. */
size_t region_left_out(const struct region *r);
bool region_listing_now(const struct region *r);

/* The catalogue is kept on disk at `path` from now on, and read from there when the region is first
 * looked at: then what is there is shown, while EC2 is asked behind. scope: whose it is, of at most
 * 71 bytes. Once. 0 or -ENOMEM. */
int region_set_cache(struct region *r, const char *path, const char *scope);
/* The keeper, for catalogue_cache_flush() and catalogue_cache_busy(); NULL if there is none. */
struct catalogue_cache *region_cache(struct region *r);
/* EC2 can be reached again: what is shown from disk is asked for now, whatever failed before. */
void region_retry(struct region *r);

/* After a listing that failed none is begun for this time, twice as long after each further
 * failure, except `anew`. */
#define REGION_BACKOFF_MIN_MS 1000
#define REGION_BACKOFF_MAX_MS 60000

/* What a listing was begun for. */
enum region_why {
	REGION_WHY_FIRST,    /* somebody looked, and nothing was known */
	REGION_WHY_STALE,    /* somebody looked, and what was known was older than the ttl */
	REGION_WHY_ANEW,     /* somebody demanded the present state: touch */
	REGION_WHY_PREFETCH, /* somebody goes through the regions and is not here yet */
	REGION_WHYS
};
/* What the region has cost in this mount: listings begun and pages that came of them, by cause;
 * requests for single ids. Copies' polls are not among them. */
struct region_cost {
	uint64_t listings[REGION_WHYS], pages[REGION_WHYS], lookups;
};
struct region_cost region_cost(const struct region *r);

/* At a listing this many ttls old nobody has looked for long: whoever looks next waits for the
 * present one instead of being shown what was hours ago, though no longer than patience lasts. */
#define REGION_OLD_TTLS    10
#define REGION_PATIENCE_MS 2000

/* One who waits. done is called exactly once, never before the starting function returned, with err
 * NULL on success. */
struct region_waiter;
typedef void region_done(void *arg, const struct err *err);

/* Sees to a listing: waits for one only if the region was never listed, or not for so long that the
 * old one says little (REGION_OLD_TTLS), or if `anew` (touch; then for one that begins after this
 * call) or an earlier `anew` is under way; a stale one, or one from disk, is refreshed behind, and
 * NULL is returned with *ready true: go on now. NULL with *ready false: ENOMEM. A listing that
 * fails is an error to those who asked `anew`, and to all in a region REGION_NEVER; others go on
 * with what is there. */
struct region_waiter *region_ensure(
	struct region *r, bool anew, region_done *done, void *arg, bool *ready);

/* Somebody will look soon: a listing is begun, for nobody, if there is none that is fresh. */
void region_prefetch(struct region *r);

/* For who reads the first listing of a region while it comes. Until it is complete, slots are only
 * added: what was read stays right. region_ensure_begun(): as region_ensure(), but some of it will
 * do. region_ensure_slot(): sees to the catalogue having this slot, or to the listing's end,
 * whichever comes first; if that was a failure, to its error. */
bool region_arriving(const struct region *r); /* the first listing is under way */
struct region_waiter *region_ensure_begun(
	struct region *r, region_done *done, void *arg, bool *ready);
struct region_waiter *region_ensure_slot(
	struct region *r, catalogue_slot slot, region_done *done, void *arg, bool *ready);

/* Sees to one id: in the catalogue and the listing not stale, or asked for within seconds, it is
 * *ready at once, known or not (so is what has not the form of an id). Else asks EC2 by a filter on
 * the id (which finds shared and public ones too) and puts the answer in the catalogue. A listing
 * is not started, unless so many ids of a stale listing are asked for one by one that it costs no
 * more requests; then it is region_ensure() that sees to them. Ids asked for in the same turn of
 * the loop travel in one request. In a region that is known from disk, or stale because its latest
 * listing failed, an id that is shown is ready at once, and asked for behind. After done without
 * error: catalogue_find() says what is true, if `anew` was asked; else catalogue_find_shown() what
 * is to be shown. */
struct region_waiter *region_ensure_id(
	struct region *r, const char *id, bool anew, region_done *done, void *arg, bool *ready);
void region_cancel(struct region_waiter *w);

#endif
