/* SPDX-License-Identifier: MIT */
/* Watching a descriptor on the loop. */
#include "fd_watch.h"

#include <stdlib.h>

struct fd_watch {
	uv_poll_t poll;
	int fd;
	fd_watch_fn *fn;
	void *arg;
};

static void ready(uv_poll_t *poll, int status, int events)
{
	struct fd_watch *w = poll->data;

	w->fn(w->arg, w->fd, status < 0 ? 0 : events);
}

struct fd_watch *fd_watch_create(uv_loop_t *loop, int fd, fd_watch_fn *fn, void *arg)
{
	struct fd_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	if (uv_poll_init(loop, &w->poll, fd) < 0) {
		free(w);
		return NULL;
	}
	w->poll.data = w;
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	return w;
}

void fd_watch_start(struct fd_watch *w, int events)
{
	uv_poll_start(&w->poll, events, ready);
}

static void closed(uv_handle_t *handle)
{
	free(handle->data);
}

void fd_watch_destroy(struct fd_watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->poll, closed);
}
