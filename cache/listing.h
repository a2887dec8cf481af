/* SPDX-License-Identifier: MIT */
/* Lists all snapshots that the account owns in one region. */
#ifndef EBSFS_LISTING_H
#define EBSFS_LISTING_H

#include "pages.h"

/* A listing with more snapshots fails with EIO. */
#define LISTING_MAX 5000000

struct listing;

/* Kept from one listing of a region to the next; all zero at first. */
struct listing_memory {
	int64_t plain_until_ms; /* the endpoint refused a range: use none before this time
				   (monotonic) */
};
#define LISTING_PLAIN_MS (60 * 60 * 1000LL)

/* on_part: records arrive in no particular order, and the same snapshot may arrive twice. done,
 * errors, handle: as pages_start(). A range that the endpoint refuses is no error: the region is
 * then listed page by page, from the beginning. Borrows region and memory until done or
 * listing_cancel(). NULL on ENOMEM. */
struct listing *listing_start(struct aws *aws, const char *region, struct listing_memory *memory,
	pages_part *on_part, pages_done *done, void *arg);
void listing_cancel(struct listing *l); /* NULL is permitted */

#endif
