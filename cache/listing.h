/* SPDX-License-Identifier: MIT */
/* One listing of all snapshots that the account owns in a region. */
#ifndef EBSFS_LISTING_H
#define EBSFS_LISTING_H

#include "pages.h"

/* More snapshots than this are no account's: EIO. */
#define LISTING_MAX 5000000

struct listing;

/* What one listing of a region remembers for the next; all zero at first. */
struct listing_memory {
	int64_t plain_until_ms; /* monotonic: the endpoint refused a range, none is asked for before
				 */
};
#define LISTING_PLAIN_MS (60 * 60 * 1000LL)

/* on_part: records come in no particular order, and the same snapshot may come twice. done,
 * errors, handle: as pages_start(). A range that the endpoint refuses is no error: all is then
 * listed page by page, from the beginning. region and memory are borrowed until done or
 * listing_cancel(). NULL on ENOMEM. */
struct listing *listing_start(struct aws *aws, const char *region, struct listing_memory *memory,
	pages_part *on_part, pages_done *done, void *arg);
void listing_cancel(struct listing *l); /* NULL is permitted */

#endif
