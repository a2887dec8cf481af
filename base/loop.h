/* SPDX-License-Identifier: MIT */
/* Wraps libuv: timers and watches of descriptors that can be destroyed at any time, and work for
 * the thread pool. */
#ifndef EBSFS_LOOP_H
#define EBSFS_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "cleanup.h"

/* Initialises a loop, with loop->data NULL: loop_set_between() uses loop->data, and uv_loop_init()
 * does not set it. Every loop must be initialised here. Returns 0 or -errno. */
int loop_init(uv_loop_t *loop);

/* A one-shot timer. It may be destroyed at any time, even in its own callback: libuv's asynchronous
 * close is handled here. */
struct loop_timer;
typedef void loop_timer_fn(void *arg);

/* NULL on ENOMEM. A timer keeps uv_run() alive only while it is armed. */
struct loop_timer *loop_timer_create(uv_loop_t *loop, loop_timer_fn *fn, void *arg);
void loop_timer_start(struct loop_timer *t,
	int64_t delay_ms); /* restarts it if armed; a negative delay counts as 0 */
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_armed(const struct loop_timer *t);
void loop_timer_destroy(struct loop_timer *t); /* NULL is permitted */
DEFINE_CLEANUP(struct loop_timer *, loop_timer_destroy)

/* A watch of a descriptor. events: UV_READABLE and UV_WRITABLE; 0 if the descriptor has an error.
 * The callback may destroy the watch. */
struct loop_watch;
typedef void loop_watch_fn(void *arg, int fd, int events);

/* The descriptor stays the caller's. NULL on ENOMEM or if the descriptor cannot be watched. */
struct loop_watch *loop_watch_create(uv_loop_t *loop, int fd, loop_watch_fn *fn, void *arg);
void loop_watch_start(struct loop_watch *w, int events); /* replaces the events of the last call */
void loop_watch_destroy(
	struct loop_watch *w); /* before the descriptor is closed; NULL is permitted */

/* Calls run(arg) in the thread pool, then done(arg) on the loop: each exactly once, done never
 * before loop_work() returns. run must not touch data that the loop uses meanwhile. Returns 0 or
 * -ENOMEM. */
int loop_work(uv_loop_t *loop, void (*run)(void *arg), void (*done)(void *arg), void *arg);

/* A callback that must not wait for a long series of done callbacks: the loop calls it after each
 * of them. One per loop; loop_set_between() borrows the struct until it is replaced. NULL: no
 * callback. */
struct loop_between {
	void (*fn)(void *arg);
	void *arg;
};
void loop_set_between(uv_loop_t *loop, const struct loop_between *between);
/* Calls the callback that was set by loop_set_between(), if any: for the done callbacks of
 * workers.h. */
void loop_between(uv_loop_t *loop);

/* Calls fn(arg) once, in the next loop iteration: for callbacks that must not be called before the
 * starting function has returned. */
int loop_defer(uv_loop_t *loop, void (*fn)(void *arg), void *arg);

#endif
