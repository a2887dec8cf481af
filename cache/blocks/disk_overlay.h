/* SPDX-License-Identifier: MIT */
/* The bytes written into one disk: they stay on this machine, and are lost when the mount ends. A
 * sector of 512 bytes is either local (its contents are in the overlay) or the snapshot's.
 *
 * The map is in memory and belongs to the loop. The data are in one sparse file without a name, so
 * that no file remains, however the process ends. Only the functions of the second part use the
 * file; they run in a thread, and disk_overlay_write() and disk_overlay_zero() never run at the
 * same time. */
#ifndef EBSFS_DISK_OVERLAY_H
#define EBSFS_DISK_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define OVERLAY_SECTOR 512

struct disk_overlay;

/* Creates an overlay. dir: borrowed; the file's folder, which is created with the first write if it
 * is missing. max_bytes: limit of the written data. NULL on ENOMEM. */
struct disk_overlay *disk_overlay_create(const char *dir, uint32_t n_blocks, int64_t max_bytes);
void disk_overlay_destroy(struct disk_overlay *o); /* NULL is permitted */

/* --- the map; positions and lengths in bytes, within the disk --- */

/* Returns the space that the written data need, in bytes. */
int64_t disk_overlay_used(const struct disk_overlay *o);
bool disk_overlay_is_local(const struct disk_overlay *o, int64_t at); /* the sector of a byte */
bool disk_overlay_has_block(
	const struct disk_overlay *o, uint32_t block); /* all of its sectors are */
/* Narrows a range to the part that the snapshot must supply, from its first to its last such byte.
 * Returns false if the whole range is local. */
bool disk_overlay_missing(const struct disk_overlay *o, int64_t *at, size_t *len);
/* Returns the first block from `block` on that has data in the file; n_blocks: none. */
uint32_t disk_overlay_next_data(const struct disk_overlay *o, uint32_t block);

/* A piece of a range that is in the overlay. */
struct disk_overlay_run {
	int64_t at;         /* in the file; -1: zeros, which are not in the file */
	size_t offset, len; /* offset: from the beginning of the range */
};
/* Finds the local pieces of a range, in order. The caller frees *runs; NULL if there are none.
 * Returns their number, or -ENOMEM. */
int disk_overlay_runs(
	const struct disk_overlay *o, int64_t at, size_t len, struct disk_overlay_run **runs);

/* Prepares a write: reserves its space and returns its pieces, like disk_overlay_runs(). -ENOSPC
 * with *err: the write would exceed the limit. */
int disk_overlay_reserve(struct disk_overlay *o, int64_t at, size_t len,
	struct disk_overlay_run **runs, struct err *err);
/* Call it after a write has succeeded: its sectors become local. Sectors that it covers only partly
 * must have been local before. */
void disk_overlay_commit(struct disk_overlay *o, int64_t at, size_t len);

/* The same for writing zeros to whole sectors: frees the file's space. */
int disk_overlay_reserve_zeros(struct disk_overlay *o, int64_t at, int64_t len,
	struct disk_overlay_run **runs, struct err *err);
void disk_overlay_commit_zeros(struct disk_overlay *o, int64_t at, int64_t len);

/* --- the file --- */

/* Reads the local pieces into data, the memory of the whole range. nowait: returns -EAGAIN instead
 * of waiting for the disk, so that it may run on the loop. Returns 0 or -errno. */
int disk_overlay_read(const struct disk_overlay *o, const struct disk_overlay_run *runs, int n,
	void *data, bool nowait);
int disk_overlay_write(struct disk_overlay *o, const struct disk_overlay_run *runs, int n,
	const void *data, struct err *err);
int disk_overlay_zero(
	struct disk_overlay *o, const struct disk_overlay_run *runs, int n, struct err *err);

#endif
