/* SPDX-License-Identifier: MIT */
/* Lists of waiters: callbacks that wait for one result. A waiter may be removed at any time, and a
 * callback may drop the list that is being delivered, or add to it. */
#ifndef EBSFS_WAITERS_H
#define EBSFS_WAITERS_H

#include <stdbool.h>

/* An entry of a list: the first member of a struct that the list's owner allocates, and that
 * waiters_remove() and waiters_drop() free. */
struct waiter {
	struct waiter *prev, *next;
};

/* A list, which must not move in memory. If all bytes are zero, it is empty. */
struct waiters {
	struct waiter ring; /* the list's head: the first waiter is ring.next */
	bool *dropped;      /* a flag of waiters_deliver() while it runs, set by waiters_drop() */
};

/* Frees all waiters without calling them. */
void waiters_drop(struct waiters *list);
bool waiters_empty(const struct waiters *list);

void waiters_append(struct waiters *list, struct waiter *w);
void waiters_leave(struct waiter *w);  /* takes w out of its list */
void waiters_remove(struct waiter *w); /* takes w out of its list, and frees it without a call */
void waiters_move(struct waiter *w, struct waiters *to);
void waiters_move_all(struct waiters *from, struct waiters *to);
/* Returns the waiter after `at` (NULL: the first one); NULL at the end. */
struct waiter *waiters_next(const struct waiters *list, const struct waiter *at);
/* Takes the first waiter out of the list and returns it; NULL if the list is empty. */
void *waiters_take(struct waiters *list);

/* Passes the result of waiters_deliver() to a waiter, which is in no list any more, and frees it.
 */
typedef void waiters_call(struct waiter *w, const void *result);
/* Calls each waiter until the list is empty. Returns false if a callback dropped the list: then the
 * list may no longer exist. */
bool waiters_deliver(struct waiters *list, waiters_call *call, const void *result);

#endif
