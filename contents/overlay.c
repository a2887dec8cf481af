/* SPDX-License-Identifier: MIT */
/* Sectors with a bit for each eight bytes that are replaced. A log changes parts of sectors; the
 * other parts are read from the disk only when the sector is read. */
#include "overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sectors.h"

#define OVERLAY_CHUNK  256u /* sectors that are allocated at once */
#define OVERLAY_CHUNKS (OVERLAY_SECTORS / OVERLAY_CHUNK)
#define OVERLAY_UNITS  (SECTOR_SIZE / OVERLAY_UNIT)

struct overlay_sector {
	uint64_t replaced; /* bit i: the bytes from OVERLAY_UNIT * i on */
	uint8_t data[SECTOR_SIZE];
};

struct overlay_chunk {
	struct overlay_sector sectors[OVERLAY_CHUNK];
};

_Static_assert(OVERLAY_UNITS == 64, "a bit each");

void overlay_finish(struct overlay *overlay)
{
	for (unsigned i = 0; overlay->chunks && i < OVERLAY_CHUNKS; i++)
		free(overlay->chunks[i]);
	free(overlay->chunks);
	sector_map_finish(&overlay->map);
	*overlay = (struct overlay){0};
}

static struct overlay_sector *overlay_find(const struct overlay *overlay, uint64_t sector)
{
	uint64_t place;

	if (!sector_map_get(&overlay->map, sector, &place))
		return NULL;
	return &overlay->chunks[place / OVERLAY_CHUNK]->sectors[place % OVERLAY_CHUNK];
}

static int overlay_add(struct overlay *overlay, uint64_t sector, struct overlay_sector **out)
{
	uint64_t place = overlay->map.count;
	struct overlay_chunk **chunk;
	int r;

	if (place >= OVERLAY_SECTORS)
		return -EFBIG;
	if (!overlay->chunks)
		overlay->chunks = calloc(OVERLAY_CHUNKS, sizeof(struct overlay_chunk *));
	if (!overlay->chunks)
		return -ENOMEM;
	chunk = &overlay->chunks[place / OVERLAY_CHUNK];
	if (!*chunk && !(*chunk = malloc(sizeof(**chunk))))
		return -ENOMEM;
	r = sector_map_set(&overlay->map, sector, place);
	if (r)
		return r;
	*out = &(*chunk)->sectors[place % OVERLAY_CHUNK];
	(*out)->replaced = 0;
	return 0;
}

/* Returns the bits of [at, at + n) within a sector. */
static uint64_t overlay_bits(size_t at, size_t n)
{
	size_t first = at / OVERLAY_UNIT, last = (at + n - 1) / OVERLAY_UNIT;

	return UINT64_MAX << first & UINT64_MAX >> (OVERLAY_UNITS - 1 - last);
}

/* Returns the length of the part of [offset, offset + len) that is in the sector of its first byte.
 */
static size_t overlay_part(uint64_t offset, size_t len)
{
	size_t left = SECTOR_SIZE - offset % SECTOR_SIZE;

	return len < left ? len : left;
}

int overlay_write(struct overlay *overlay, uint64_t offset, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		size_t at = offset % SECTOR_SIZE, n = overlay_part(offset, len);
		struct overlay_sector *sector = overlay_find(overlay, offset / SECTOR_SIZE);
		int r = sector ? 0 : overlay_add(overlay, offset / SECTOR_SIZE, &sector);

		if (r)
			return r;
		memcpy(sector->data + at, p, n);
		sector->replaced |= overlay_bits(at, n);
		p += n;
		offset += n;
		len -= n;
	}
	return 0;
}

void overlay_erase(struct overlay *overlay, uint64_t sector, uint64_t count)
{
	for (; count; count--, sector++) {
		struct overlay_sector *found = overlay_find(overlay, sector);

		if (found)
			found->replaced = 0;
	}
}

void overlay_apply(const struct overlay *overlay, uint64_t offset, void *out, size_t len)
{
	uint8_t *p = out;

	while (len && overlay->map.count) {
		size_t at = offset % SECTOR_SIZE, n = overlay_part(offset, len);
		const struct overlay_sector *sector = overlay_find(overlay, offset / SECTOR_SIZE);

		if (sector && sector->replaced == UINT64_MAX)
			memcpy(p, sector->data + at, n);
		else if (sector && sector->replaced)
			for (size_t i = 0; i < n; i++)
				if (sector->replaced >> (at + i) / OVERLAY_UNIT & 1)
					p[i] = sector->data[at + i];
		p += n;
		offset += n;
		len -= n;
	}
}

bool overlay_touches(const struct overlay *overlay, uint64_t offset, size_t len)
{
	while (len && overlay->map.count) {
		size_t n = overlay_part(offset, len);
		const struct overlay_sector *sector = overlay_find(overlay, offset / SECTOR_SIZE);

		if (sector && sector->replaced & overlay_bits(offset % SECTOR_SIZE, n))
			return true;
		offset += n;
		len -= n;
	}
	return false;
}
