/* SPDX-License-Identifier: MIT */
/* Lists of waiters: callbacks that wait for one result. A waiter may be removed at any time, and a
 * callback may drop the list that is being delivered, or add to it. */
#ifndef EBSFS_WAITERS_H
#define EBSFS_WAITERS_H

#include <stdbool.h>

/* The first member of a struct of the list's owner, which waiters_remove() and waiters_drop() free.
 */
struct waiter {
	struct waiter *prev, *next;
};

/* All zero: an empty list. It must not move in memory. */
struct waiters {
	struct waiter ring; /* the list's head: the first waiter is ring.next */
	bool *dropped;      /* waiters_drop() sets it, for waiters_deliver() */
};

/* Frees all waiters without calling them. */
void waiters_drop(struct waiters *list);
bool waiters_empty(const struct waiters *list);

void waiters_append(struct waiters *list, struct waiter *w);
void waiters_leave(struct waiter *w);  /* takes it out of its list */
void waiters_remove(struct waiter *w); /* the same, and frees it without calling it */
void waiters_move(struct waiter *w, struct waiters *to);
void waiters_move_all(struct waiters *from, struct waiters *to);
/* Returns the waiter after `at` (NULL: the first one); NULL at the end. */
struct waiter *waiters_next(const struct waiters *list, const struct waiter *at);
/* Takes the first one out of the list. NULL: there is none. */
void *waiters_take(struct waiters *list);

/* Frees the waiter, which is in no list any more, and calls back with waiters_deliver()'s result.
 */
typedef void waiters_call(struct waiter *w, const void *result);
/* Calls each waiter until the list is empty. Returns false if a callback dropped the list: then the
 * list may no longer exist. */
bool waiters_deliver(struct waiters *list, waiters_call *call, const void *result);

#endif
