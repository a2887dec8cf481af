/* SPDX-License-Identifier: MIT */
/* Snapshots by number: as many as one likes, each computed from its place, none of them stored. */
#ifndef EBSFS_SIM_BULK_H
#define EBSFS_SIM_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim_snapshot.h"

#define SIM_BULK_TAGS       8
#define SIM_BULK_REGION_MAX 32
#define SIM_BULK_ID_SIZE    24

/* Where the strings of one generated snapshot lie. */
struct sim_bulk_scratch {
	struct sim_snapshot snapshot;
	struct sim_tag tags[SIM_BULK_TAGS];
	char id[SIM_BULK_ID_SIZE], volume_id[24], kms_key_id[128], data_key_id[40],
		description[160];
	char text[SIM_BULK_TAGS][160];
};

/* Fills scratch->snapshot: number `slot` of the region, whose name has at most SIM_BULK_REGION_MAX
 * characters. The same number gives the same snapshot, always and everywhere. */
void sim_bulk_make(const char *region, size_t slot, struct sim_bulk_scratch *scratch);
/* Its id alone, which costs little. */
void sim_bulk_id(const char *region, size_t slot, char out[SIM_BULK_ID_SIZE]);
/* The number of the snapshot with this id, if it is one below n in this region. */
bool sim_bulk_find(const char *region, size_t n, const char *id, size_t *slot);

#endif
