/* SPDX-License-Identifier: MIT */
/* The availability zones of the regions: numbered as they become known, listed once EC2 was asked.
 */
#ifndef EBSFS_ZONES_H
#define EBSFS_ZONES_H

#include <stdbool.h>
#include <stdint.h>

#include "region.h"

struct fs;
struct zones;

#define ZONES_MAX  128 /* of a region; receipts of others are left out */
#define ZONES_NONE UINT32_MAX

struct zones *zones_create(struct fs *fs); /* NULL on ENOMEM */
void zones_destroy(struct zones *z);       /* NULL is permitted */

/* The number of a zone in the region with this index, given at need (`known`: a receipt names it);
 * ZONES_NONE: there is no such zone as far as is known, or no memory for it. */
uint32_t zones_find(const struct zones *z, uint32_t region, const char *name);
uint32_t zones_add(struct zones *z, uint32_t region, const char *name);
/* The zone's name; "" for a number that no zone has. */
const char *zones_name(const struct zones *z, uint32_t region, uint32_t zone);
/* The next zone that EC2 has named, from number *at on; false: no more. */
bool zones_next(const struct zones *z, uint32_t region, uint32_t *at);

/* Makes sure that EC2 was asked for the region's zones, as view_ensure() does for its snapshots. */
struct region_waiter *zones_ensure(
	struct zones *z, uint32_t region, region_done *done, void *arg, bool *ready);

#endif
