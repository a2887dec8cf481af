/* SPDX-License-Identifier: MIT */
/* Lists of watchers. */
#include "watchers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int watchers_add(struct watchers *w, watchers_fn *fn, void *arg)
{
	struct watcher *list = realloc(w->list, (w->n + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	w->list = list;
	list[w->n++] = (struct watcher){fn, arg};
	return 0;
}

void watchers_remove(struct watchers *w, watchers_fn *fn, void *arg)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->list[i].fn != fn || w->list[i].arg != arg)
			continue;
		w->n--;
		memmove(&w->list[i], &w->list[i + 1], (w->n - i) * sizeof(*w->list));
		return;
	}
}

void watchers_finish(struct watchers *w)
{
	free(w->list);
	*w = (struct watchers){0};
}
