/* SPDX-License-Identifier: MIT */
/* Bytes of a replayed log that replace the disk's bytes. Offsets are bytes from the beginning of
 * the partition. */
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
	struct sector_map map; /* maps a sector to its place in the arrays */
	struct overlay_chunk **chunks;
};

void overlay_finish(struct overlay *overlay); /* leaves it empty */
/* Replaces bytes. Returns 0, -ENOMEM, or -EFBIG past OVERLAY_SECTORS. */
int overlay_write(struct overlay *overlay, uint64_t offset, const void *data, size_t len);
/* Removes the replaced bytes of a range of whole sectors, so that the disk's bytes are read again.
 */
void overlay_erase(struct overlay *overlay, uint64_t sector, uint64_t count);
/* Copies the replaced bytes of a range over the disk's bytes in `out`. */
void overlay_apply(const struct overlay *overlay, uint64_t offset, void *out, size_t len);
/* Returns whether a byte of the range is replaced. */
bool overlay_touches(const struct overlay *overlay, uint64_t offset, size_t len);

#endif
