/* SPDX-License-Identifier: MIT */
/* Lists of those who wait for a region: each may leave at any time, and the list's owner may go
 * while they are called. */
#ifndef EBSFS_WAITERS_H
#define EBSFS_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

#include "region.h"

struct region_waiter {
	region_done *done;
	void *arg;
	uint64_t number; /* the user's of this list: for which listing it waits */
	bool anew;       /* likewise */
	bool some;       /* likewise: some of a listing will do */
	char id[72];     /* likewise: for which id; "": for all */
	struct region_waiter *prev, *next;
};

struct waiters {
	struct region_waiter ring; /* its first is ring.next; ring itself waits for nothing */
	bool *dropped;             /* set by waiters_drop(), for a delivery under way */
};

/* The list must stay where it is. */
void waiters_init(struct waiters *list);
/* Frees all without a call. */
void waiters_drop(struct waiters *list);
bool waiters_empty(const struct waiters *list);

/* Appends a new one. NULL on ENOMEM. */
struct region_waiter *waiters_add(struct waiters *list, region_done *done, void *arg);
void waiters_remove(struct region_waiter *w); /* frees it without a call */
void waiters_move(struct region_waiter *w, struct waiters *to);
void waiters_move_all(struct waiters *from, struct waiters *to);

/* Calls and frees each until the list is empty. Returns false if waiters_drop() came from a call:
 * the list is perhaps no more. */
bool waiters_deliver(struct waiters *list, const struct err *err);

#endif
