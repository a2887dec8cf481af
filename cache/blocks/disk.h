/* SPDX-License-Identifier: MIT */
/* The contents of snapshots, as disks: read in blocks by EBS direct APIs, verified, cached on this
 * machine, and paid for out of a budget. */
#ifndef EBSFS_DISK_H
#define EBSFS_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <uv.h>

#include "budget.h"
#include "ebs.h"
#include "err.h"

struct disks;
struct disk;
struct disk_reader;

struct disks_options {
	uv_loop_t *loop; /* all pointers are borrowed and must outlive the disks */
	struct ebs *ebs;
	struct workers *workers; /* threads for disks only */
	struct budget *budget;   /* its ready() calls disks_resume() */
	/* The folder of the cache of blocks (block_store_open()), which is opened with the first
	 * disk. cache_dir NULL: no cache. */
	const char *cache_dir, *cache_scope;
	int64_t cache_bytes; /* 0: the default */
	/* For disk_rw.h: the folder for bytes that are written into disks, and the most bytes for
	 * one disk. */
	const char *overlay_dir;
	int64_t overlay_bytes;
};

struct disks *disks_create(const struct disks_options *options); /* NULL on ENOMEM */
/* Destroys the disks, after all readers are closed. Cancels the calls in flight. Jobs that run keep
 * the loop alive, and the rest is freed when they end. NULL is permitted. */
void disks_destroy(struct disks *d);
void disks_resume(struct disks *d); /* the budget has room again */

/* Counters since the start, for metrics. */
struct disks_stats {
	uint64_t bought; /* blocks that GetSnapshotBlock returned */
	uint64_t lists;  /* pages of lists */
	uint64_t cached; /* blocks read from this machine's cache */
	uint64_t
		shared; /* of the cached blocks, those copied from another snapshot of the volume */
	uint64_t mismatches;           /* blocks in the cache that were damaged */
	uint64_t ahead;                /* GetSnapshotBlock requests that were sent to read ahead */
	int64_t cache_used, cache_max; /* bytes; 0: no cache is open */
	unsigned in_flight;            /* GetSnapshotBlock requests in flight */
};
struct disks_stats disks_stats(const struct disks *d);

/* --- one disk --- */

/* The snapshot, as EC2 describes it. Strings are copied. */
struct disk_facts {
	const char *region, *snapshot;
	const char *volume; /* "": unknown, or the placeholder of a copy: then no other snapshot
			     * counts as of the same volume */
	int64_t start_ms;
	uint32_t volume_gib;
};

/* Opens a disk for reading; sends no request. reader: the name of the reading program, which the
 * log gives with the costs. Readers of one snapshot share its blocks. Returns 0 or -errno. */
int disk_open(struct disks *d, const struct disk_facts *facts, const char *reader,
	struct disk_reader **out);
void disk_close(struct disk_reader *r); /* cancels its reads without calling them */
/* Switches off reading ahead: for a reader that requests all bytes that it needs at once. */
void disk_read_exactly(struct disk_reader *r);
int64_t disk_size(const struct disk_reader *r); /* bytes */

/* The bytes of a read: in order, without gaps. The memory is valid during the call of done. */
#define DISK_PARTS_MAX 3
struct disk_data {
	struct iovec parts[DISK_PARTS_MAX];
	int n_parts;
	size_t len;
};
/* Longest read, in bytes. */
#define DISK_READ_MAX ((size_t)1 << 20)

/* Reads up to `size` bytes from `offset`; fewer only at the disk's end. Blocks that were never
 * written are zeros. done is called once, on the loop, possibly before this returns: then the
 * result is NULL, and *ready is true. NULL with *ready false: ENOMEM. err: EDQUOT if the budget is
 * spent; EIO if AWS sent a block that does not match its digest; otherwise AWS's error. */
struct disk_read;
typedef void disk_read_done(void *arg, const struct disk_data *data, const struct err *err);
struct disk_read *disk_read(struct disk_reader *r, int64_t offset, size_t size,
	disk_read_done *done, void *arg, bool *ready);
void disk_read_cancel(struct disk_read *read); /* done is not called */

/* Finds the next data (hole false) or the next hole at or after `offset`, like lseek()'s SEEK_DATA
 * and SEEK_HOLE, in units of blocks. found: -1 if no data follow. done, *ready and ENOMEM as for
 * disk_read(). The seek must have ended before disk_close(). */
typedef void disk_seek_done(void *arg, int64_t found, const struct err *err);
struct disk_seek *disk_seek(struct disk_reader *r, int64_t offset, bool hole, disk_seek_done *done,
	void *arg, bool *ready);
void disk_seek_cancel(struct disk_seek *seek);

#endif
