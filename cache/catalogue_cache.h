/* SPDX-License-Identifier: MIT */
/* Keeps a catalogue on disk: reads it when a mount first needs a region, and writes it after
 * listings, without blocking the loop. */
#ifndef EBSFS_CATALOGUE_CACHE_H
#define EBSFS_CATALOGUE_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "catalogue.h"
#include "members.h"

struct catalogue_cache;

/* The least interval between two writes; the first and the last write do not wait for it. */
#define CATALOGUE_CACHE_INTERVAL_MS 300000

/* Copies path, scope (account and endpoint; at most 71 bytes) and name (for the log); borrows the
 * catalogue and its listed snapshots. NULL on ENOMEM. */
struct catalogue_cache *catalogue_cache_create(uv_loop_t *loop, struct catalogue *c,
	struct members *listed, const char *path, const char *scope, const char *name);
/* Abandons a read or write in flight: an unfinished file never replaces the old one. The loop must
 * run until it has ended. NULL is permitted. */
void catalogue_cache_destroy(struct catalogue_cache *cache);

/* Reads the file into the catalogue, a block at a time. done is called once, never before this
 * returns, with the wall-clock time of the listing that is now shown; 0 if there is no file, or if
 * it is another account's or damaged (the log says so). Returns 0 or -ENOMEM. Call at most once,
 * before catalogue_cache_listed(). */
typedef void catalogue_cache_loaded(void *arg, int64_t listed_ms);
int catalogue_cache_load(struct catalogue_cache *cache, catalogue_cache_loaded *done, void *arg);

/* EC2 has listed the region, at this wall-clock time: supersedes the file. A load in flight ends
 * without calling done; the catalogue is written if the interval has passed. */
void catalogue_cache_listed(struct catalogue_cache *cache, int64_t listed_ms);
/* Writes now if catalogue_cache_listed() has deferred it. */
void catalogue_cache_flush(struct catalogue_cache *cache);
bool catalogue_cache_busy(const struct catalogue_cache *cache); /* a read or write is in flight */

#endif
