/* SPDX-License-Identifier: MIT */
/* The state of one region, shared by region.c and view.c. */
#ifndef EBSFS_REGION_INNER_H
#define EBSFS_REGION_INNER_H

#include "catalogue_cache.h"
#include "listing.h"
#include "lookup.h"
#include "region.h"
#include "waiters.h"

struct region_left_out_id;

/* The snapshots that a listing leaves out because their ids are not of EC2's form. Each is counted
 * once, however often EC2 sends it. All zero: none. */
struct region_left_out {
	struct region_left_out_id *ids; /* in the order of their arrival */
	size_t n;
};

struct region {
	uv_loop_t *loop;
	struct aws *aws;
	char *name;
	int64_t ttl_ms;
	struct catalogue *catalogue;
	struct lookup *lookup;
	struct region_cost cost;

	/* The listing in flight. */
	struct listing *listing; /* NULL: none */
	enum region_why why;     /* its cause */
	int64_t begun_at_ms;
	bool records_arrived;                   /* at least one */
	struct region_left_out left_out_so_far; /* by this listing */
	char page_owner[32]; /* the owner of all its snapshots so far; "": none known */
	bool owners_differ;

	/* All listings. */
	struct listing_memory memory;
	uint64_t begun;                  /* how many were started: the number of the latest */
	uint64_t forced;                 /* the highest number that a forced listing was promised */
	int64_t listed_at_ms;            /* when the latest success ended; 0: never */
	struct region_left_out left_out; /* by the latest success */
	size_t flawed_told;              /* how many flawed snapshots the log was told of */
	char owner[32];        /* the owner of all its snapshots; "": none known, or several */
	struct err last_error; /* errnum 0: the latest listing succeeded */
	int64_t backoff_ms;
	int64_t not_before_ms;    /* only a forced listing starts earlier */
	size_t asked_while_stale; /* ids looked up one by one since the listing became stale */

	/* Waiters, by what they wait for. */
	struct waiters for_listing; /* the listing with their number */
	struct waiters for_refresh; /* the refresh of an old listing, until refresh_timeout fires */
	struct waiters for_records; /* more records of the first listing */
	struct waiters for_disk;    /* the catalogue cache */
	struct waiters in_backoff;  /* last_error, which backoff_timer delivers */
	struct waiters succeeded, failed; /* nothing more: about to be called */
	struct loop_timer *refresh_timeout, *records_timer, *backoff_timer;

	/* The catalogue on disk. */
	struct catalogue_cache *cache; /* NULL: not kept on disk */
	bool loading;                  /* being read */
	bool load_tried;               /* read, or no longer needed */
	bool prefetch_after_load;      /* start a listing then, even without waiters */
	int64_t known_ms;              /* REGION_KNOWN: wall clock; else 0 */

	char account[32];
};

/* view.c. Starts a listing; only while none is in flight. Returns 0 or -ENOMEM. */
int region_begin_listing(struct region *r, enum region_why why);
/* Starts a listing in the background, unless one is in flight or the region is in backoff. */
void region_refresh(struct region *r, int64_t now, enum region_why why);
void region_left_out_clear(struct region_left_out *l);

#endif
