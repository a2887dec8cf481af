/* SPDX-License-Identifier: MIT */
/* One listing of all snapshots that the account owns in a region. */
#ifndef EBSFS_LISTING_H
#define EBSFS_LISTING_H

#include "pages.h"

/* More snapshots than this are no account's: EIO. */
#define LISTING_MAX 5000000

struct listing;

/* on_part: records come in no particular order, and the same snapshot may come twice. done,
 * errors, handle: as pages_start(). region is borrowed until done or listing_cancel(). NULL on
 * ENOMEM. */
struct listing *listing_start(
	struct aws *aws, const char *region, pages_part *on_part, pages_done *done, void *arg);
void listing_cancel(struct listing *l); /* NULL is permitted */

#endif
