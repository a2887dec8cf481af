/* SPDX-License-Identifier: MIT */
/* The bytes written into one disk: local to this machine, gone with the mount. A sector of 512
 * bytes is either local (its contents are in the overlay) or the snapshot's.
 *
 * The map is in memory and belongs to the loop. The data are in one sparse file without a name, so
 * nothing is left behind, whatever ends the process. Only the functions of the second part touch
 * the file; they run in a thread, and never two of disk_overlay_write() and disk_overlay_zero() at
 * once. */
#ifndef EBSFS_DISK_OVERLAY_H
#define EBSFS_DISK_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define OVERLAY_SECTOR 512

struct disk_overlay;

/* dir: borrowed; the file's folder, created with the first write if it is missing. max_bytes: what
 * may be written. NULL on ENOMEM. */
struct disk_overlay *disk_overlay_create(const char *dir, uint32_t n_blocks, int64_t max_bytes);
void disk_overlay_destroy(struct disk_overlay *o); /* NULL is permitted */

/* --- the map; positions and lengths in bytes, within the disk --- */

/* The space that the written data need, in bytes. */
int64_t disk_overlay_used(const struct disk_overlay *o);
bool disk_overlay_is_local(const struct disk_overlay *o, int64_t at); /* the sector of a byte */
bool disk_overlay_has_block(
	const struct disk_overlay *o, uint32_t block); /* all of its sectors are */
/* Narrows a range to the part from its first to its last byte that is the snapshot's. False: there
 * is none. */
bool disk_overlay_missing(const struct disk_overlay *o, int64_t *at, size_t *len);
/* The first block from this one on that has data in the file; n_blocks: none. */
uint32_t disk_overlay_next_data(const struct disk_overlay *o, uint32_t block);

/* A piece of a range that is in the overlay. */
struct disk_overlay_run {
	int64_t at;         /* in the file; -1: zeros, which are not in the file */
	size_t offset, len; /* offset: from the beginning of the range */
};
/* The local pieces of a range, in order. *runs is the caller's to free; NULL if there are none.
 * Returns how many, or -ENOMEM. */
int disk_overlay_runs(
	const struct disk_overlay *o, int64_t at, size_t len, struct disk_overlay_run **runs);

/* Prepares a write: reserves its space and returns its pieces, as disk_overlay_runs() does. -ENOSPC
 * with *err: it would pass the limit. */
int disk_overlay_reserve(struct disk_overlay *o, int64_t at, size_t len,
	struct disk_overlay_run **runs, struct err *err);
/* The write has ended well: its sectors are local. A sector that it covers in part was local
 * before. */
void disk_overlay_commit(struct disk_overlay *o, int64_t at, size_t len);

/* The same for zeros in place of data, for whole sectors: the file's space is given back. */
int disk_overlay_reserve_zeros(struct disk_overlay *o, int64_t at, int64_t len,
	struct disk_overlay_run **runs, struct err *err);
void disk_overlay_commit_zeros(struct disk_overlay *o, int64_t at, int64_t len);

/* --- the file --- */

/* nowait: -EAGAIN instead of waiting for a disk; then it may run on the loop. data: the range's.
 * 0 or -errno. */
int disk_overlay_read(const struct disk_overlay *o, const struct disk_overlay_run *runs, int n,
	void *data, bool nowait);
int disk_overlay_write(struct disk_overlay *o, const struct disk_overlay_run *runs, int n,
	const void *data, struct err *err);
int disk_overlay_zero(
	struct disk_overlay *o, const struct disk_overlay_run *runs, int n, struct err *err);

#endif
