/* SPDX-License-Identifier: MIT */
/* The bytes of a partition: blocks of the disk, fetched when they are first read and kept in
 * bounded memory. Offsets are bytes from the beginning of the partition. */
#ifndef EBSFS_SECTORS_H
#define EBSFS_SECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTORS_BLOCK ((size_t)512 << 10) /* bytes of a block; blocks are aligned on the disk */
#define SECTORS_BATCH 64                  /* the most blocks of one fetch */
#define SECTOR_SIZE   512u

struct sectors_source {
	/* Fetches n blocks (at most SECTORS_BATCH) of the disk: the block index[i] into out[i],
	 * with zeros past the end of the disk. Returns 0 or -errno. */
	int (*fetch)(void *ctx, const uint64_t *index, void *const *out, unsigned n);
	void *ctx;
};

struct sectors;

/* A partition of `size` bytes that begins at the byte `start` of the disk. The source is copied.
 * NULL on ENOMEM, or if start + size overflows. */
struct sectors *sectors_create(const struct sectors_source *source, uint64_t start, uint64_t size);
void sectors_destroy(struct sectors *s); /* NULL is permitted */
uint64_t sectors_size(const struct sectors *s);
uint64_t sectors_fetched(const struct sectors *s); /* blocks fetched so far */

/* Reads bytes. Returns 0, the source's error, or -EIO outside the partition. */
int sectors_read(struct sectors *s, uint64_t offset, void *out, size_t len);

/* Prepares reading ahead: notes the blocks of a range that is read soon. Parts outside the
 * partition are ignored. Returns false if there was no room for all of them (SECTORS_BATCH). */
bool sectors_want(struct sectors *s, uint64_t offset, uint64_t len);
/* Fetches the noted blocks that are not cached, in parallel. Returns 0 or the source's error. */
int sectors_fetch(struct sectors *s);

#endif
