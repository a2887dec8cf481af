/* SPDX-License-Identifier: MIT */
/* What the files of a region share. */
#ifndef EBSFS_REGION_INNER_H
#define EBSFS_REGION_INNER_H

#include "catalogue_cache.h"
#include "left_out.h"
#include "listing.h"
#include "lookup.h"
#include "region.h"
#include "waiters.h"

struct region {
	uv_loop_t *loop;
	struct aws *aws;
	char *name;
	int64_t ttl_ms;
	struct catalogue *catalogue;
	struct lookup *lookup;

	struct listing *listing; /* the one under way */
	struct listing_memory memory;
	struct left_out left_out, left_out_now; /* of the latest complete listing; of that one */
	size_t flawed_told;                     /* how many the log was told of */
	int64_t begun_at_ms;                    /* when it began */
	bool some_came;                         /* of it */
	enum region_why why;                    /* what it is for */
	uint64_t begun;        /* listings begun so far: the number of the latest */
	uint64_t wanted_anew;  /* the highest number for which anybody waits who asked anew */
	int64_t listed_at_ms;  /* 0: never */
	struct err last_error; /* errnum 0: the latest listing succeeded */
	int64_t backoff_ms;
	int64_t not_before_ms;    /* no listing unasked before */
	size_t asked_while_stale; /* ids of the listing asked for by name since it became stale */

	struct waiters waiting;        /* for the listing with their number */
	struct waiters patient;        /* for the refresh of an old listing, while patience lasts */
	struct waiters some;           /* for more of the first listing */
	struct waiters refused;        /* by a back-off: they get last_error when the loop turns */
	struct waiters served, failed; /* by the listing that ended just now */
	struct loop_timer *refuse, *tell, *patience;
	struct region_cost cost;

	struct catalogue_cache *cache; /* NULL: not kept on disk */
	bool loading;                  /* from disk */
	bool looked;                   /* there, or it is too late for it */
	bool ahead;                    /* EC2 is to be asked after that, whoever waits */
	int64_t known_ms;              /* REGION_KNOWN: wall clock; else 0 */
	struct waiters load;           /* for what is on disk */

	char account[32];
	char owner[32];      /* the owner of all that the latest listing gave; "" if it gave none or
				several */
	char page_owner[32]; /* the same for the listing under way */
	bool owners_differ;
};

/* 0 or -ENOMEM. Only if none is under way. */
int region_begin_listing(struct region *r, enum region_why why);
/* A stale listing is refreshed behind, if the last attempt is not too recent. */
void region_refresh_behind(struct region *r, int64_t now, enum region_why why);
/* region_ids.c: the lookup's answers, as lookup.h wants them; arg: the region. */
int region_found(void *arg, const struct ec2_snapshot *s);
void region_absent(void *arg, const char *id);
/* Whether the id is shown, from EC2 or from disk. */
bool region_shows(const struct region *r, const char *id);
/* The id of a region known from disk, which is shown meanwhile. One question an id, until a listing
 * is cheaper. */
void region_ask_behind(struct region *r, const char *id, int64_t now);

/* region_disk.c: whether what is on disk is to be waited for, in r->load. */
bool region_look_on_disk(struct region *r);
/* EC2 has listed the region: what is on disk matters no more. */
void region_disk_listed(struct region *r);

#endif
