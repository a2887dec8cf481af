/* SPDX-License-Identifier: MIT */
/* A map from numbers (of sectors or blocks) to numbers. */
#ifndef EBSFS_SECTOR_MAP_H
#define EBSFS_SECTOR_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: empty. */
struct sector_map {
	struct sector_map_place {
		uint64_t key; /* the number plus one; 0: free */
		uint64_t value;
	} * places;
	size_t count, size; /* size: a power of two, or 0 */
};

void sector_map_finish(struct sector_map *map);
/* Finds a number's value. Returns whether the map has the number. */
bool sector_map_get(const struct sector_map *map, uint64_t number, uint64_t *value);
/* Sets or replaces a value. Returns 0, -ENOMEM, or -EINVAL for the number UINT64_MAX. */
int sector_map_set(struct sector_map *map, uint64_t number, uint64_t value);

#endif
