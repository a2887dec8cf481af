/* SPDX-License-Identifier: MIT */
/* All regions of the mount: those it shows, and others that are only a copy's source. */
#ifndef EBSFS_REGIONS_H
#define EBSFS_REGIONS_H

#include <stddef.h>

#include "region.h"

struct regions;

struct regions *regions_create(
	uv_loop_t *loop, struct aws *aws, int64_t ttl_ms); /* NULL on ENOMEM */
void regions_destroy(struct regions *rs);                  /* NULL is permitted */
/* The account's number, for the regions there are and those that come to be:
 * region_options.account. */
void regions_set_account(struct regions *rs, const char *account);

/* The catalogues of all regions, those to come too, are kept in dir/catalogue/. whose: of which
 * account at which endpoint they are; those of others are not read. Once. 0 or -ENOMEM. */
int regions_set_cache(struct regions *rs, const char *dir, const char *whose);
/* Writes what is not on disk yet; whether anything is still being read or written. */
void regions_cache_flush(struct regions *rs);
bool regions_cache_busy(const struct regions *rs);

/* A shown region; its index, from 0, stays. -EINVAL if `name` has not a region's form; -ENOMEM;
 * -ENOSPC past REGIONS_MAX. */
#define REGIONS_MAX 256
int regions_show(struct regions *rs, const char *name);
size_t regions_shown(const struct regions *rs);
struct region *regions_at(
	const struct regions *rs, size_t index); /* shown ones; NULL past the end */
int regions_index(
	const struct regions *rs, const char *name); /* of a shown one, -1 if there is none */
/* Any region, shown or not, made at need. NULL on ENOMEM, if `name` has not a region's form, or
 * past REGIONS_MAX that are not shown. */
struct region *regions_get(struct regions *rs, const char *name);

/* Somebody looks at the snapshots of this shown region. Who goes through the regions finds the next
 * ones listed (ahead.h). */
void regions_look(struct regions *rs, size_t index);

/* Somebody looks at the snapshots of this shown region. Who goes through the regions finds the next
 * ones listed (ahead.h). */
void regions_look(struct regions *rs, size_t index);

/* Called for each region that comes to be, at once for those that are: to set catalogue_watch() on
 * it. Any number of such functions. Returns 0, or -ENOMEM: then it is not called for regions to
 * come. */
typedef void regions_each_fn(void *arg, struct region *region);
int regions_each(struct regions *rs, regions_each_fn *fn, void *arg);

#endif
