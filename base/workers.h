/* SPDX-License-Identifier: MIT */
/* Threads of their own for one kind of work, so that it does not wait for libuv's pool, nor the
 * pool for it: digests of blocks and writes of a cache beside fsyncs of the journal. */
#ifndef EBSFS_WORKERS_H
#define EBSFS_WORKERS_H

#include <uv.h>

struct workers;

/* Starts n threads (at least 1), which block all signals. NULL on failure of memory or threads. */
struct workers *workers_create(uv_loop_t *loop, unsigned n);
/* Stops the threads. All work must be done: work in flight keeps uv_run() alive, so a loop that has
 * run until nothing was left is enough. NULL is permitted. */
void workers_destroy(struct workers *workers);

/* Calls run(arg) in one of the threads, in the order of the calls, then done(arg) on the loop:
 * exactly once, never before this returns. run must not touch data that the loop uses meanwhile.
 * Returns 0 or -ENOMEM. */
int workers_run(
	struct workers *workers, void (*run)(void *arg), void (*done)(void *arg), void *arg);

#endif
