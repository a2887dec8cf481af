/* SPDX-License-Identifier: MIT */
/* Lists of waiters of a region. */
#include "waiters.h"

#include <stdlib.h>

void waiters_init(struct waiters *list)
{
	list->ring.prev = list->ring.next = &list->ring;
	list->dropped = NULL;
}

bool waiters_empty(const struct waiters *list)
{
	return list->ring.next == &list->ring;
}

static void unlink_waiter(struct region_waiter *w)
{
	w->prev->next = w->next;
	w->next->prev = w->prev;
}

static void append_waiter(struct waiters *list, struct region_waiter *w)
{
	w->prev = list->ring.prev;
	w->next = &list->ring;
	w->prev->next = w;
	w->next->prev = w;
}

struct region_waiter *waiters_add(struct waiters *list, region_done *done, void *arg)
{
	struct region_waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->done = done;
	w->arg = arg;
	append_waiter(list, w);
	return w;
}

void waiters_remove(struct region_waiter *w)
{
	unlink_waiter(w);
	free(w);
}

void waiters_move(struct region_waiter *w, struct waiters *to)
{
	unlink_waiter(w);
	append_waiter(to, w);
}

void waiters_move_all(struct waiters *from, struct waiters *to)
{
	while (!waiters_empty(from))
		waiters_move(from->ring.next, to);
}

void waiters_drop(struct waiters *list)
{
	while (!waiters_empty(list))
		waiters_remove(list->ring.next);
	if (list->dropped)
		*list->dropped = true;
	list->dropped = NULL;
}

bool waiters_deliver(struct waiters *list, const struct err *err)
{
	bool dropped = false;

	list->dropped = &dropped;
	while (!dropped && !waiters_empty(list)) {
		region_done *done = list->ring.next->done;
		void *arg = list->ring.next->arg;

		waiters_remove(list->ring.next);
		done(arg, err);
	}
	if (!dropped)
		list->dropped = NULL;
	return !dropped;
}
