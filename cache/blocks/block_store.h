/* SPDX-License-Identifier: MIT */
/* The cache of disks' blocks on this machine's file system, so that no block is bought twice: the
 * cache's folder, its size, and the eviction of snapshots. block_file.h has the blocks of one
 * snapshot. Every function may block on file I/O, so it must run on a worker's thread (workers.h).
 */
#ifndef EBSFS_BLOCK_STORE_H
#define EBSFS_BLOCK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct block_store;

/* Opens the cache below `dir`, created if missing, for `scope`: one account at one endpoint, fit
 * for a file's name. max_bytes 0: 20 GiB, or a tenth of the file system if that is less. */
int block_store_open(const char *dir, const char *scope, int64_t max_bytes,
	struct block_store **out, struct err *err);
void block_store_close(struct block_store *store); /* after its files are closed; NULL is permitted
						    */

int64_t block_store_used(const struct block_store *store); /* bytes of data, on disk */
int64_t block_store_max(const struct block_store *store);
/* Removes the files of the snapshot that was used longest ago and that no process has open. Returns
 * the bytes that were freed; 0: there is no such snapshot. */
int64_t block_store_evict(struct block_store *store);

/* For block_file.c: the store's folder, and a change of the number of used bytes. */
const char *block_store_dir(const struct block_store *store);
void block_store_add_used(struct block_store *store, int64_t bytes);
/* A snapshot's data are in at most this many files. path: of these files, without their suffix. */
#define BLOCK_FILES_MAX 64
int64_t block_store_bytes(const char *path); /* of its data files */
/* Calls fn for each snapshot in a region's folder. */
typedef void block_index_fn(void *arg, const char *path);
void block_store_each_in(const char *folder, block_index_fn *fn, void *arg);

#endif
