/* SPDX-License-Identifier: MIT */
/* Lists of callers that wait for a listing or for the lookup of an id of a region. */
#include "region_waiter.h"

#include <stdlib.h>

struct region_waiter *region_waiter_add(struct waiters *list, region_done *done, void *arg)
{
	struct region_waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->done = done;
	w->arg = arg;
	waiters_append(list, &w->base);
	return w;
}

static void region_waiter_call(struct waiter *w, const void *err)
{
	struct region_waiter waiter = *(struct region_waiter *)w;

	free(w);
	waiter.done(waiter.arg, err);
}

bool region_waiters_deliver(struct waiters *list, const struct err *err)
{
	return waiters_deliver(list, region_waiter_call, err);
}
