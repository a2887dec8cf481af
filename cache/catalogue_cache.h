/* SPDX-License-Identifier: MIT */
/* Keeps a catalogue on disk: read when a mount first looks at a region, written after listings,
 * beside everything else that the loop does. */
#ifndef EBSFS_CATALOGUE_CACHE_H
#define EBSFS_CATALOGUE_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "catalogue.h"

struct catalogue_cache;

/* How often at most a catalogue that changes is written, but for the first time and the last. */
#define CATALOGUE_CACHE_INTERVAL_MS 300000

/* path, scope (whose it is; at most 71 bytes) and name (for the log) are copied; the catalogue is
 * borrowed. NULL on ENOMEM. */
struct catalogue_cache *catalogue_cache_create(uv_loop_t *loop, struct catalogue *c,
	const char *path, const char *scope, const char *name);
/* What is under way is abandoned: a file that is being written never stands in the old one's place.
 * The loop must run on for it to end. NULL is permitted. */
void catalogue_cache_destroy(struct catalogue_cache *k);

/* Reads what is on disk into the catalogue, a block at a time. done is called once, never before
 * this has returned, with the wall-clock time of the listing that is shown now, 0 if there is none:
 * nothing on disk, another account's, damaged (the log says so). Returns 0 or -ENOMEM. At most
 * once, before catalogue_cache_listed(). */
typedef void catalogue_cache_loaded(void *arg, int64_t listed_ms);
int catalogue_cache_load(struct catalogue_cache *k, catalogue_cache_loaded *done, void *arg);

/* EC2 has listed it, at this time (wall clock): what is on disk matters no more, a
 * catalogue_cache_load() under way ends without a call, and the new catalogue is written if it is
 * time. */
void catalogue_cache_listed(struct catalogue_cache *k, int64_t listed_ms);
/* Writes what catalogue_cache_listed() put off. */
void catalogue_cache_flush(struct catalogue_cache *k);
bool catalogue_cache_busy(const struct catalogue_cache *k); /* something is being read or written */

#endif
