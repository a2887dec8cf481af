/* SPDX-License-Identifier: MIT */
/* Lists of waiters. */
#include "waiters.h"

#include <stdlib.h>

struct waiter *waiters_next(const struct waiters *list, const struct waiter *at)
{
	struct waiter *next = at ? at->next : list->ring.next;

	return next == &list->ring ? NULL : next;
}

bool waiters_empty(const struct waiters *list)
{
	return !waiters_next(list, NULL);
}

void waiters_append(struct waiters *list, struct waiter *w)
{
	if (!list->ring.next)
		list->ring.prev = list->ring.next = &list->ring;
	w->prev = list->ring.prev;
	w->next = &list->ring;
	w->prev->next = w;
	w->next->prev = w;
}

void waiters_leave(struct waiter *w)
{
	w->prev->next = w->next;
	w->next->prev = w->prev;
}

void waiters_remove(struct waiter *w)
{
	waiters_leave(w);
	free(w);
}

void waiters_move(struct waiter *w, struct waiters *to)
{
	waiters_leave(w);
	waiters_append(to, w);
}

void waiters_move_all(struct waiters *from, struct waiters *to)
{
	struct waiter *w;

	while ((w = waiters_take(from)))
		waiters_append(to, w);
}

void *waiters_take(struct waiters *list)
{
	struct waiter *w = waiters_next(list, NULL);

	if (w)
		waiters_leave(w);
	return w;
}

void waiters_drop(struct waiters *list)
{
	struct waiter *w;

	while ((w = waiters_take(list)))
		free(w);
	if (list->dropped)
		*list->dropped = true;
	list->dropped = NULL;
}

bool waiters_deliver(struct waiters *list, waiters_call *call, const void *result)
{
	bool dropped = false;
	struct waiter *w;

	list->dropped = &dropped;
	while (!dropped && (w = waiters_take(list)))
		call(w, result);
	if (!dropped)
		list->dropped = NULL;
	return !dropped;
}
