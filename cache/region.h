/* SPDX-License-Identifier: MIT */
/* One region: its catalogue of all snapshots that the mount knows, the views of the catalogue
 * (view.h), and lookups of single ids. */
#ifndef EBSFS_REGION_H
#define EBSFS_REGION_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "aws.h"
#include "catalogue.h"
#include "err.h"

struct region;
struct groups;
struct view;
struct view_query;

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

int64_t region_ttl_ms(const struct region *r); /* the age at which a view's listing becomes stale */
size_t region_memory(const struct region *r);  /* bytes held by the catalogue and the views */

/* Whether a snapshot is the account's own: false only if it is known to be another account's.
 * region_knows_owner(): whether the account is known, or the region's listing shows which snapshots
 * are its own. */
bool region_owns(const struct region *r, catalogue_slot slot);
bool region_knows_owner(const struct region *r);

/* The view of the account's own snapshots: snapshots/. */
struct view *region_own(const struct region *r);
/* Its snapshots in groups and in the order of their start (groups.h). NULL on ENOMEM. */
struct groups *region_groups(struct region *r);
/* The view with this query, opened if there is none yet; nothing is asked of EC2 before it is
 * needed. NULL on ENOMEM. */
struct view *region_view(struct region *r, const struct view_query *query);
/* Closes a view: cancels its listing and drops its waiters without calling them. Its snapshots
 * leave the store once nothing else names them (catalogue_sweep()). The account's own view stays
 * open. NULL is permitted. */
void region_view_close(struct view *v);

/* Keeps the catalogue on disk at `path` from now on. The first caller that needs the region reads
 * it from there; it is shown while EC2 is asked in the background. scope: the account and endpoint
 * as a text of at most 71 bytes. Call once. Returns 0 or -ENOMEM. */
int region_set_cache(struct region *r, const char *path, const char *scope);
/* For catalogue_cache_flush() and catalogue_cache_busy(). NULL: the catalogue is not kept on disk.
 */
struct catalogue_cache *region_cache(struct region *r);
/* EC2 can be reached again: ends the backoff, and lists the views that are shown from disk. */
void region_retry(struct region *r);

/* The cause of a listing. */
enum region_why {
	REGION_WHY_FIRST,    /* the first use of a region that is not known from disk */
	REGION_WHY_STALE,    /* the use of a listing older than the ttl */
	REGION_WHY_ANEW,     /* forced: touch */
	REGION_WHY_PREFETCH, /* a walk through the regions will probably reach this one soon */
	REGION_WHYS
};
/* The requests for the region in this mount: listings and their pages by cause, and lookups of
 * single ids. Polls for copies are not included. */
struct region_cost {
	uint64_t listings[REGION_WHYS], pages[REGION_WHYS], lookups;
};
struct region_cost region_cost(const struct region *r);

/* A pending call. done is called exactly once, never before the starting function has returned,
 * with err NULL on success. */
struct region_waiter;
typedef void region_done(void *arg, const struct err *err);

/*
 * Makes sure that the catalogue knows about one id. *ready is true at once if the listing of a view
 * is fresh and has the id, if its lookup is remembered (hit or miss), or if `id` is not of EC2's
 * form. Otherwise EC2 is asked by a filter on the id, which finds shared and public snapshots too,
 * and the result goes into the catalogue. Ids of one loop iteration share a request. Once lookups
 * of a stale listing's ids cost as many requests as the listing, view_ensure() takes over. In a
 * region known from disk, or stale because its latest listing failed, a shown id is ready at once
 * and confirmed in the background. After done without an error: with force, catalogue_find() has
 * the truth; else catalogue_find_shown() has what to show.
 */
struct region_waiter *region_ensure_id(
	struct region *r, const char *id, bool force, region_done *done, void *arg, bool *ready);

/* For facts that must be no older than the ttl, such as whether a completed copy still exists.
 * region_id_is_confirmed(): a fresh listing of a view has the id, or a lookup found it within the
 * ttl. region_confirm_id(): asks EC2 by the id. Once that costs as many requests as a listing, it
 * also lists the region in the background, for the ids to come. NULL on ENOMEM. */
bool region_id_is_confirmed(const struct region *r, const char *id, int64_t now_ms);
struct region_waiter *region_confirm_id(
	struct region *r, const char *id, region_done *done, void *arg);
void region_cancel(struct region_waiter *w);

#endif
