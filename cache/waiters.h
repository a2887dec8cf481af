/* SPDX-License-Identifier: MIT */
/* Lists of waiters of a region. A waiter may be removed at any time, and a callback may drop the
 * list that is being delivered. */
#ifndef EBSFS_WAITERS_H
#define EBSFS_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

#include "region.h"

struct region_waiter {
	region_done *done;
	void *arg;
	/* For the list's owner. */
	uint64_t number;   /* the listing that it waits for */
	bool force;        /* a failure of that listing is an error, whatever is known */
	bool records_only; /* the first records of a listing are enough */
	char id[72];       /* the snapshot that it waits for; "": all */
	struct region_waiter *prev, *next;
};

struct waiters {
	struct region_waiter ring; /* the list's head: the first waiter is ring.next */
	bool *dropped;             /* waiters_drop() sets it, for waiters_deliver() */
};

/* The list must not move in memory. */
void waiters_init(struct waiters *list);
/* Frees all waiters without calling them. */
void waiters_drop(struct waiters *list);
bool waiters_empty(const struct waiters *list);

/* Appends a new waiter. Returns NULL on ENOMEM. */
struct region_waiter *waiters_add(struct waiters *list, region_done *done, void *arg);
void waiters_remove(struct region_waiter *w); /* frees it without calling it */
void waiters_move(struct region_waiter *w, struct waiters *to);
void waiters_move_all(struct waiters *from, struct waiters *to);

/* Calls and frees each waiter until the list is empty. Returns false if a callback dropped the
 * list: then the list may no longer exist. */
bool waiters_deliver(struct waiters *list, const struct err *err);

#endif
