/* SPDX-License-Identifier: MIT */
/* Bytes of a replayed log that take the places of those on the disk. Offsets are bytes from the
 * beginning of the partition. */
#ifndef EBSFS_OVERLAY_H
#define EBSFS_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sector_map.h"

#define OVERLAY_UNIT    8u           /* offsets and lengths of writes are multiples of this */
#define OVERLAY_SECTORS (192u << 10) /* the most sectors with replaced bytes: 96 MiB */

/* All zero: empty. */
struct overlay {
	struct sector_map map; /* sector -> its place */
	struct overlay_chunk **chunks;
};

void overlay_finish(struct overlay *overlay); /* leaves it empty */
/* Replaces bytes. Returns 0, -ENOMEM, or -EFBIG past OVERLAY_SECTORS. */
int overlay_write(struct overlay *overlay, uint64_t offset, const void *data, size_t len);
/* Lets the disk show again in a range of whole sectors. */
void overlay_erase(struct overlay *overlay, uint64_t sector, uint64_t count);
/* Puts the replaced bytes of a range into `out`, which has those of the disk. */
void overlay_apply(const struct overlay *overlay, uint64_t offset, void *out, size_t len);
/* Whether a byte of the range is replaced. */
bool overlay_touches(const struct overlay *overlay, uint64_t offset, size_t len);

#endif
