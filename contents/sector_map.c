/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing, at most half full. */
#include "sector_map.h"

#include <errno.h>
#include <stdlib.h>

#define SECTOR_MAP_FIRST 1024

static struct sector_map_place *place_find(const struct sector_map *map, uint64_t key)
{
	size_t i = key * 0x9e3779b97f4a7c15u >> 20 & (map->size - 1);

	while (map->places[i].key && map->places[i].key != key)
		i = (i + 1) & (map->size - 1);
	return &map->places[i];
}

static int map_grow(struct sector_map *map)
{
	size_t size = map->size ? map->size * 2 : SECTOR_MAP_FIRST;
	struct sector_map larger = {calloc(size, sizeof(*larger.places)), map->count, size};

	if (!larger.places)
		return -ENOMEM;
	for (size_t i = 0; i < map->size; i++)
		if (map->places[i].key)
			*place_find(&larger, map->places[i].key) = map->places[i];
	free(map->places);
	*map = larger;
	return 0;
}

void sector_map_finish(struct sector_map *map)
{
	free(map->places);
	*map = (struct sector_map){0};
}

bool sector_map_get(const struct sector_map *map, uint64_t number, uint64_t *value)
{
	const struct sector_map_place *place;

	if (!map->count || number == UINT64_MAX)
		return false;
	place = place_find(map, number + 1);
	if (place->key)
		*value = place->value;
	return place->key;
}

int sector_map_set(struct sector_map *map, uint64_t number, uint64_t value)
{
	struct sector_map_place *place;

	if (number == UINT64_MAX)
		return -EINVAL;
	if (map->count * 2 >= map->size) {
		int r = map_grow(map);

		if (r)
			return r;
	}
	place = place_find(map, number + 1);
	if (!place->key)
		map->count++;
	*place = (struct sector_map_place){number + 1, value};
	return 0;
}
