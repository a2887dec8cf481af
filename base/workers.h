/* SPDX-License-Identifier: MIT */
/* Separate threads for one kind of work, so that neither this work nor the work of libuv's thread
 * pool waits for the other: digests of blocks and writes of a cache run beside fsyncs of the
 * journal. */
#ifndef EBSFS_WORKERS_H
#define EBSFS_WORKERS_H

#include <uv.h>

struct workers;

/* Starts n threads (at least 1), which block all signals. Returns NULL if there is not enough
 * memory, or if a thread cannot be started. */
struct workers *workers_create(uv_loop_t *loop, unsigned n);
/* Stops the threads. All work must be done. Work in flight keeps uv_run() alive, so all is done
 * when uv_run() has returned because nothing was left. NULL is permitted. */
void workers_destroy(struct workers *workers);

/* Calls run(arg) in one of the threads, in the order of the calls, then done(arg) on the loop: each
 * exactly once, done never before workers_run() returns. run must not touch data that the loop uses
 * meanwhile. Returns 0 or -ENOMEM. */
int workers_run(
	struct workers *workers, void (*run)(void *arg), void (*done)(void *arg), void *arg);

#endif
