/* SPDX-License-Identifier: MIT */
/* Copies that ended long ago, some 200 bytes each: a receipt or the same request
 * may still ask for one. */
#ifndef EBSFS_HISTORY_H
#define EBSFS_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "copies.h"

struct history;

struct history *history_create(void);    /* NULL on ENOMEM */
void history_destroy(struct history *h); /* NULL is permitted */

/* Adds an ended copy: its state and row, without token, tags, description and completion time.
 * Replaces an entry of the same row id. Returns 0, -ENOMEM, or -EOVERFLOW if the id has more than
 * 32 bits. */
int history_add(struct history *h, const struct copy *copy);
/* Keeps the row ids in keep[0..n), sorted ascending, and living copies; drops the others. */
void history_retain(struct history *h, const int64_t *keep, size_t n);
size_t history_count(const struct history *h);

/* Row id of the copy that made this snapshot; 0: none. */
int64_t history_by_snapshot(const struct history *h, const char *region, const char *id);
/* Row id of the living copy with the key of *row (request_key.h); 0:
 * none. Living here: completed, or failed with COPY_CODE_UNKNOWN; the completed one comes first. A
 * dry run is never living. */
int64_t history_by_key(const struct history *h, const struct journal_copy *row);
/* The generation of the next request with this key: one more than the highest of those here, 0 if
 * there is none. Dry runs and copies have none. */
int history_generation(const struct history *h, const struct journal_copy *row);
/* Unpacks one: state, progress and row are set, the row's strings are the caller's. Returns 0,
 * -ENOENT or -ENOMEM. */
int history_get(const struct history *h, int64_t row, struct copy *out);

#endif
