/* SPDX-License-Identifier: MIT */
/* Generated snapshots: each is computed from its number whenever it is needed, so that a world can
 * have any number of them without storing them. */
#ifndef EBSFS_SIM_BULK_H
#define EBSFS_SIM_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim_snapshot.h"

#define SIM_BULK_TAGS       8
#define SIM_BULK_REGION_MAX 32
#define SIM_BULK_ID_SIZE    24

/* The memory of one generated snapshot. */
struct sim_bulk_scratch {
	struct sim_snapshot snapshot;
	struct sim_tag tags[SIM_BULK_TAGS];
	char id[SIM_BULK_ID_SIZE], volume_id[24], kms_key_id[128], data_key_id[40],
		description[160];
	char text[SIM_BULK_TAGS][160];
};

/* Fills scratch->snapshot with number `slot` of the region, whose name has at most
 * SIM_BULK_REGION_MAX characters. Equal arguments always give the same snapshot. */
void sim_bulk_make(const char *region, size_t slot, struct sim_bulk_scratch *scratch);
/* Writes the id alone, which is cheap. */
void sim_bulk_id(const char *region, size_t slot, char out[SIM_BULK_ID_SIZE]);
/* Writes the number of the generated snapshot with this id to *slot. Returns false unless the
 * region has such a snapshot and its number is below n. */
bool sim_bulk_find(const char *region, size_t n, const char *id, size_t *slot);

#endif
