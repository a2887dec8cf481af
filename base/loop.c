/* SPDX-License-Identifier: MIT */
/* Wraps libuv: timers, watches of descriptors, work for the thread pool. */
#include "loop.h"

#include <errno.h>

int loop_init(uv_loop_t *loop)
{
	*loop = (uv_loop_t){0};
	return uv_loop_init(loop);
}

struct loop_timer {
	uv_timer_t uv;
	loop_timer_fn *fn;
	void *arg;
};

static void timer_fired(uv_timer_t *uv)
{
	struct loop_timer *t = uv->data;

	t->fn(t->arg);
}

static void timer_closed(uv_handle_t *uv)
{
	free(uv->data);
}

struct loop_timer *loop_timer_create(uv_loop_t *loop, loop_timer_fn *fn, void *arg)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	if (!t || uv_timer_init(loop, &t->uv) < 0) {
		free(t);
		return NULL;
	}
	t->uv.data = t;
	t->fn = fn;
	t->arg = arg;
	return t;
}

void loop_timer_start(struct loop_timer *t, int64_t delay_ms)
{
	/* libuv's "now" is the time of the loop's last wake-up, but the delay counts from this
	 * call. */
	uv_update_time(t->uv.loop);
	uv_timer_start(&t->uv, timer_fired, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
}

void loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

bool loop_timer_armed(const struct loop_timer *t)
{
	return uv_is_active((const uv_handle_t *)&t->uv) != 0;
}

void loop_timer_destroy(struct loop_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, timer_closed);
}

struct loop_watch {
	uv_poll_t uv;
	int fd;
	loop_watch_fn *fn;
	void *arg;
};

static void watch_fired(uv_poll_t *uv, int status, int events)
{
	struct loop_watch *w = uv->data;

	w->fn(w->arg, w->fd, status < 0 ? 0 : events);
}

static void watch_closed(uv_handle_t *uv)
{
	free(uv->data);
}

struct loop_watch *loop_watch_create(uv_loop_t *loop, int fd, loop_watch_fn *fn, void *arg)
{
	struct loop_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	if (uv_poll_init(loop, &w->uv, fd) < 0) {
		free(w);
		return NULL;
	}
	w->uv.data = w;
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	return w;
}

void loop_watch_start(struct loop_watch *w, int events)
{
	uv_poll_start(&w->uv, events, watch_fired);
}

void loop_watch_destroy(struct loop_watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, watch_closed);
}

struct work {
	uv_work_t uv;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

static void work_run(uv_work_t *uv)
{
	struct work *w = uv->data;

	w->run(w->arg);
}

void loop_set_between(uv_loop_t *loop, const struct loop_between *between)
{
	loop->data = (void *)between;
}

void loop_between(uv_loop_t *loop)
{
	const struct loop_between *between = loop->data;

	if (between)
		between->fn(between->arg);
}

static void work_done(uv_work_t *uv, int status)
{
	struct work *w = uv->data;
	uv_loop_t *loop = uv->loop;

	(void)status; /* nothing here cancels work */
	w->done(w->arg);
	free(w);
	loop_between(loop);
}

int loop_work(uv_loop_t *loop, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->uv.data = w;
	w->run = run;
	w->done = done;
	w->arg = arg;
	if (uv_queue_work(loop, &w->uv, work_run, work_done) < 0) {
		free(w);
		return -ENOMEM;
	}
	return 0;
}

struct deferred {
	uv_timer_t uv;
	void (*fn)(void *arg);
	void *arg;
};

static void deferred_closed(uv_handle_t *uv)
{
	free(uv->data);
}

static void deferred_fired(uv_timer_t *uv)
{
	struct deferred *d = uv->data;

	uv_close((uv_handle_t *)uv, deferred_closed);
	d->fn(d->arg);
}

int loop_defer(uv_loop_t *loop, void (*fn)(void *arg), void *arg)
{
	struct deferred *d = calloc(1, sizeof(*d));

	if (!d || uv_timer_init(loop, &d->uv) < 0) {
		free(d);
		return -ENOMEM;
	}
	d->uv.data = d;
	d->fn = fn;
	d->arg = arg;
	uv_timer_start(&d->uv, deferred_fired, 0, 0);
	return 0;
}
