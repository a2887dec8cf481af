/* SPDX-License-Identifier: MIT */
/* A snapshot's blocks in the cache. Every function may block on files: it runs on a worker's thread
 * (workers.h). Functions for different blocks of one snapshot may run at once. */
#ifndef EBSFS_BLOCK_FILE_H
#define EBSFS_BLOCK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block_store.h"
#include "digest.h"
#include "ebs.h"
#include "err.h"

/* Blocks of one window, a part of a disk: as many as one response of ListSnapshotBlocks may list.
 */
#define WINDOW_BLOCKS 10000
#define WINDOW_BYTES  (WINDOW_BLOCKS / 8)

static inline bool window_bit(const uint8_t bits[WINDOW_BYTES], unsigned n)
{
	return bits[n / 8] >> n % 8 & 1;
}

static inline void window_set(uint8_t bits[WINDOW_BYTES], unsigned n, bool value)
{
	bits[n / 8] = (uint8_t)((bits[n / 8] & ~(1u << n % 8)) | (unsigned)value << n % 8);
}

/* A snapshot, as the header of its index describes it. */
struct block_owner {
	const char *region, *snapshot, *volume; /* borrowed */
	int64_t start_ms;                       /* EC2's start time */
	uint32_t volume_gib;
};

struct block_file;

/* Opens a snapshot's files in the cache, and creates them if necessary. If they describe another
 * snapshot or are damaged, they are emptied. If another process has them open, they are shared:
 * then this process writes nothing to them, and must check every block at each read. */
int block_file_open(struct block_store *store, const struct block_owner *owner,
	struct block_file **out, struct err *err);
bool block_file_is_shared(const struct block_file *f);
void block_file_close(struct block_file *f); /* NULL is permitted */

/* Opens, shared, the files of another snapshot of the same volume: the one whose start is nearest.
 * *start_ms becomes its start, `snapshot` its id. -ENOENT: there is none. */
#define BLOCK_SNAPSHOT_SIZE 72
int block_file_open_sibling(struct block_store *store, const struct block_owner *owner,
	struct block_file **out, char snapshot[BLOCK_SNAPSHOT_SIZE], int64_t *start_ms);

/* The blocks of a window: those that exist in the snapshot (if `listed`), and those that the files
 * contain. */
struct block_window {
	bool listed;
	uint8_t exists[WINDOW_BYTES], cached[WINDOW_BYTES];
};
int block_file_read_window(struct block_file *f, uint32_t window, struct block_window *out);
/* Returns the first window from `window` on that the files have data about; UINT32_MAX: none. */
uint32_t block_file_next_window(const struct block_file *f, uint32_t window);
/* Stores `exists` in the index and marks the window as listed. Returns 0 or -errno. */
int block_file_write_window(struct block_file *f, uint32_t window, const struct block_window *w);

/* Reads a block and compares it with its digest. Returns 0; -ENOENT: the block is not cached, or
 * was damaged; or another -errno. */
int block_file_read(
	struct block_file *f, uint64_t block, void *data, unsigned char sha256[DIGEST_SHA256_SIZE]);
/* Reads a part of a block from the kernel's page cache, without comparing the digest: only for
 * blocks that block_file_read() or block_file_write() has handled before, on any thread. Returns 0;
 * -EAGAIN: the part is not in the page cache, or not cached at all; or another -errno. */
int block_file_read_part(
	struct block_file *f, uint64_t block, size_t offset, void *data, size_t len);
/* Writes a block. Nothing is synced: after a crash block_file_read() detects blocks that were not
 * written completely. Returns 0 or -errno. */
int block_file_write(struct block_file *f, uint64_t block, const void *data,
	const unsigned char sha256[DIGEST_SHA256_SIZE]);
/* Removes a cached block. Returns 0 or -errno. */
int block_file_drop(struct block_file *f, uint64_t block);

#endif
