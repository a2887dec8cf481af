/* SPDX-License-Identifier: MIT */
/* The state of a view and of its region, shared by region.c and the files of the view. */
#ifndef EBSFS_VIEW_INNER_H
#define EBSFS_VIEW_INNER_H

#include "catalogue_cache.h"
#include "listing.h"
#include "lookup.h"
#include "loop.h"
#include "members.h"
#include "region_waiter.h"
#include "view.h"

struct view_left_out_id;

/* The snapshots that a listing leaves out because their ids are not of EC2's form. Each is counted
 * once, however often EC2 sends it. All zero: none. */
struct view_left_out {
	struct view_left_out_id *ids; /* in the order of their arrival */
	size_t n;
};

struct region {
	uv_loop_t *loop;
	struct aws *aws;
	char *name;
	int64_t ttl_ms;
	struct catalogue *catalogue; /* the store: every snapshot that this mount has heard of */
	struct lookup *lookup;
	struct region_cost cost;
	char account[32];
	struct view *own;      /* the account's own snapshots: snapshots/ */
	struct view *views;    /* the others */
	struct groups *groups; /* NULL: not needed yet */
	struct loop_timer *sweep_timer;
};

struct view {
	struct region *region;
	struct view_query query;
	struct members members;
	struct view *prev, *next; /* in region->views */

	/* The listing in flight. */
	struct listing *listing; /* NULL: none */
	enum region_why why;     /* its cause */
	int64_t begun_at_ms;
	bool records_arrived;                 /* at least one */
	bool joining;                         /* the second of two queries is in flight */
	unsigned pages;                       /* of the query in flight, so far */
	struct view_left_out left_out_so_far; /* by this listing */
	char page_owner[32]; /* the owner of all its snapshots so far; "": none known */
	bool owners_differ;

	/* All listings. */
	struct listing_memory memory;
	uint64_t begun;                /* how many were started: the number of the latest */
	uint64_t forced;               /* the highest number that a forced listing was promised */
	int64_t listed_at_ms;          /* when the latest success ended; 0: never */
	struct view_left_out left_out; /* by the latest success */
	size_t flawed_told;            /* how many flawed snapshots the log was told of */
	char owner[32];           /* the owner of all its snapshots; "": none known, or several */
	struct err last_error;    /* errnum 0: the latest listing succeeded */
	unsigned failures;        /* of listings in a row */
	int64_t not_before_ms;    /* only a forced listing starts earlier */
	size_t asked_while_stale; /* ids looked up one by one since the listing became stale */

	/* Waiters, by what they wait for. */
	struct waiters for_listing; /* the listing with their number */
	struct waiters for_refresh; /* the refresh of an old listing, until refresh_timeout fires */
	struct waiters for_records; /* more records of the first listing */
	struct waiters for_disk;    /* the catalogue cache */
	struct waiters in_backoff;  /* last_error, which backoff_timer delivers */
	struct waiters succeeded, failed; /* their wait is over: called next */
	struct loop_timer *refresh_timeout, *records_timer, *backoff_timer;

	/* The catalogue on disk: of the account's own view only. */
	struct catalogue_cache *cache; /* NULL: not kept on disk */
	bool loading;                  /* being read */
	bool load_tried;               /* read, or no longer needed */
	bool prefetch_after_load;      /* start a listing after the load, even without waiters */
	int64_t known_ms;              /* VIEW_KNOWN: wall clock; else 0 */
};

/* Schedules a sweep of unused slots if one is due. Call it at the end of a listing, because a sweep
 * must not run during one. */
static inline void region_sweep_if_due(struct region *r)
{
	if (catalogue_sweep_is_due(r->catalogue))
		loop_timer_start(r->sweep_timer, 0);
}

/* view_query.c. Copies the texts. Returns 0 or -ENOMEM; the copy is to be finished either way. */
int view_query_copy(struct view_query *to, const struct view_query *from);
void view_query_finish(struct view_query *q);
bool view_query_equal(const struct view_query *a, const struct view_query *b);

/* view.c. Copies the query. NULL on ENOMEM. */
struct view *view_create(struct region *r, const struct view_query *query);
/* Cancels a listing in flight and drops waiters without calling them. NULL is permitted. */
void view_destroy(struct view *v);
/* Whether a snapshot that no listing of v brought is the account's own. v: the account's own view.
 * No other function decides this. */
bool view_admits_own(const struct view *v, catalogue_slot slot);
/* Starts a listing; only while none is in flight. Returns 0 or -ENOMEM. */
int view_begin_listing(struct view *v, enum region_why why);
/* Starts a listing in the background, unless one is in flight or the view is in backoff. */
void view_refresh(struct view *v, int64_t now, enum region_why why);
/* EC2 can be reached again: ends the backoff, and lists the view if it is shown from disk. */
void view_retry(struct view *v);

/* view_ensure.c. Starts reading the disk if that was not tried yet. Returns whether it is being
 * read: the caller then waits in v->for_disk. */
bool view_load_from_disk(struct view *v);
/* Whether a listing costs fewer requests than to look up one more id of a stale listing. */
bool view_listing_is_cheaper(struct view *v);
/* Confirms an id that is shown meanwhile: by a lookup, or by the listing once that is cheaper. */
void view_confirm_id(struct view *v, const char *id, int64_t now);
/* Whether the catalogue has a snapshot of this id to show. */
bool view_shows_id(const struct view *v, const char *id);

#endif
