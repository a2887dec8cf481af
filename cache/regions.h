/* SPDX-License-Identifier: MIT */
/* All regions of the mount: those that it shows, and hidden ones that are only sources of copies.
 */
#ifndef EBSFS_REGIONS_H
#define EBSFS_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "region.h"

struct regions;

struct regions *regions_create(
	uv_loop_t *loop, struct aws *aws, int64_t ttl_ms); /* NULL on ENOMEM */
void regions_destroy(struct regions *rs);                  /* NULL is permitted */
/* Sets region_options.account of all regions, present and later. */
void regions_set_account(struct regions *rs, const char *account);

/* Keeps the catalogues of all regions, present and later, in dir/catalogue/. scope: names the
 * account and the endpoint; catalogues of another scope are not read. Call once. Returns 0 or
 * -ENOMEM. */
int regions_set_cache(struct regions *rs, const char *dir, const char *scope);
/* flush: writes the catalogues' changes that are not on disk yet. busy: whether a catalogue is
 * still being read or written. */
void regions_cache_flush(struct regions *rs);
bool regions_cache_busy(const struct regions *rs);

/* Shows a region. Returns its index, from 0, which never changes; -EINVAL if `name` is not of a
 * region's form; -ENOMEM; -ENOSPC past REGIONS_MAX. */
#define REGIONS_MAX 256
int regions_show(struct regions *rs, const char *name);
size_t regions_shown(const struct regions *rs);
struct region *regions_at(
	const struct regions *rs, size_t index); /* of a shown one; NULL past the end */
int regions_index(
	const struct regions *rs, const char *name); /* of a shown one; -1 if there is none */
/* Any region, shown or hidden; created if needed. NULL on ENOMEM, if `name` is not of a region's
 * form, or past REGIONS_MAX hidden ones. */
struct region *regions_get(struct regions *rs, const char *name);

/* Notes that the snapshots of this shown region are being looked at; in a walk (below) the next
 * ones are then listed in advance. */
void regions_look(struct regions *rs, size_t index);

/* Calls fn for each region, now for the present ones and later for each new one: to set
 * catalogue_watch(). Any number of functions. Returns 0, or -ENOMEM: then fn is not called for
 * later regions. */
typedef void regions_each_fn(void *arg, struct region *region);
int regions_each(struct regions *rs, regions_each_fn *fn, void *arg);

/* A walk through the regions (find, ls -R) lists the next ones in advance, and so waits for EC2
 * once, not once per region. Pure. */

/* Looks at this many different regions are a walk. A copy alone looks at two. */
#define REGIONS_WALK_MIN    3
/* A longer gap between two looks ends a walk. */
#define REGIONS_WALK_GAP_MS 2000
/* Regions that are listed in advance, at most. */
#define REGIONS_WALK_AHEAD  16

/* All zero at first. Regions are numbers from 0, in the order in which a folder lists them. */
struct regions_walk {
	int64_t at_ms; /* the latest look, monotonic */
	size_t latest; /* its region */
	size_t n;      /* different regions looked at in this walk */
	size_t row;    /* how many regions in a row were looked at in order */
	uint64_t looked[(REGIONS_MAX + 63) / 64];
};

/* Notes a look at region `index`, below REGIONS_MAX. Returns true if it is part of a walk:
 * then list the regions that regions_walk_wants() names. */
bool regions_walk_look(struct regions_walk *a, size_t index, int64_t now_ms);
/* Whether to list this region: the walk has looked at it, or goes in order and the region is among
 * the next ones, as many as the walk has passed. */
bool regions_walk_wants(const struct regions_walk *a, size_t index);

#endif
