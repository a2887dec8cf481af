/* SPDX-License-Identifier: MIT */
/* The availability zones of the regions: they get numbers when they become known, and are listed
 * once EC2 has sent its list. */
#ifndef EBSFS_ZONES_H
#define EBSFS_ZONES_H

#include <stdbool.h>
#include <stdint.h>

#include "region.h"

struct fs;
struct zones;

#define ZONES_MAX  128 /* zones of a region; receipts of other zones are left out */
#define ZONES_NONE UINT32_MAX

struct zones *zones_create(struct fs *fs); /* NULL on ENOMEM */
void zones_destroy(struct zones *z);       /* NULL is permitted */

/* Returns the number of a zone in the region with this index, which gets a number if necessary
 * (`known`: a receipt names the zone). ZONES_NONE: no such zone is known, or no memory for it. */
uint32_t zones_find(const struct zones *z, uint32_t region, const char *name);
uint32_t zones_add(struct zones *z, uint32_t region, const char *name);
/* Returns the zone's name; "" for a number that no zone has. */
const char *zones_name(const struct zones *z, uint32_t region, uint32_t zone);
/* Returns the next zone of EC2's list, from number *at on; false: there is none. */
bool zones_next(const struct zones *z, uint32_t region, uint32_t *at);

/* Makes sure that EC2's list of the region's zones is known, as view_ensure() does for snapshots.
 */
struct region_waiter *zones_ensure(
	struct zones *z, uint32_t region, region_done *done, void *arg, bool *ready);

#endif
