/* SPDX-License-Identifier: MIT */
/* Copies that ended long ago, some 150 bytes each: a receipt may still ask for one. */
#ifndef EBSFS_HISTORY_H
#define EBSFS_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "copies.h"

struct history;

struct history *history_create(void);    /* NULL on ENOMEM */
void history_destroy(struct history *h); /* NULL is permitted */

/* Takes up an ended copy: state and row of *copy, without its token, tags and description. A row
 * that is there already is replaced. Returns 0 or -ENOMEM. */
int history_add(struct history *h, const struct copy *copy);
/* Keeps only the row ids in keep[0..n), sorted ascending; drops the other copies. */
void history_retain(struct history *h, const int64_t *keep, size_t n);
size_t history_count(const struct history *h);

/* Row id of the copy that made this snapshot; 0: none. */
int64_t history_by_snapshot(const struct history *h, const char *region, const char *id);
/* Unpacks one: state, progress and row are set, the row's strings are the caller's. Returns 0,
 * -ENOENT or -ENOMEM. */
int history_get(const struct history *h, int64_t row, struct copy *out);

#endif
