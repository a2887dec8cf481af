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
	struct workers *workers; /* of the disks alone */
	struct budget *budget;   /* its ready() calls disks_resume() */
	/* Where blocks are kept (block_store_open()); it is opened at the first disk. cache_dir
	 * NULL: nowhere. */
	const char *cache_dir, *cache_scope;
	int64_t cache_bytes; /* 0: the default */
	/* For disk_rw.h: the folder of what is written into disks, and its limit for one disk. */
	const char *overlay_dir;
	int64_t overlay_bytes;
};

struct disks *disks_create(const struct disks_options *options); /* NULL on ENOMEM */
/* After all readers are closed. Cancels what is in flight; work that runs keeps the loop alive, and
 * is freed when it ends. NULL is permitted. */
void disks_destroy(struct disks *d);
void disks_resume(struct disks *d); /* the budget has room again */

/* For metrics; since the start. */
struct disks_stats {
	uint64_t bought;     /* blocks that GetSnapshotBlock sent */
	uint64_t lists;      /* pages of lists */
	uint64_t cached;     /* blocks read from this machine's cache */
	uint64_t shared;     /* of them, taken over from another snapshot of the volume */
	uint64_t mismatches; /* blocks in the cache that were not as they had been written */
	uint64_t ahead;      /* GetSnapshotBlock sent to read ahead */
	int64_t cache_used, cache_max; /* bytes; 0: none is open */
	unsigned in_flight;            /* GetSnapshotBlock now */
};
struct disks_stats disks_stats(const struct disks *d);

/* --- one disk --- */

/* The snapshot, as EC2 describes it. Strings are copied. */
struct disk_facts {
	const char *region, *snapshot;
	const char *volume; /* "": unknown, or a copy's placeholder: then no other snapshot is of
			       the same volume */
	int64_t start_ms;
	uint32_t volume_gib;
};

/* Opens a disk for reading; sends nothing. reader: named in the log beside what it costs (a
 * program's name). Readers of one snapshot share its blocks. Returns 0 or -errno. */
int disk_open(struct disks *d, const struct disk_facts *facts, const char *reader,
	struct disk_reader **out);
void disk_close(struct disk_reader *r); /* cancels its reads without calling them */
/* From now on nothing is read ahead: for a reader that asks for all that it needs at once. */
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

/* Reads up to `size` bytes from `offset`; less only at the disk's end. Blocks that were never
 * written are zeros. done is called once, on the loop, possibly before this returns: then the
 * result is NULL, and *ready is true. NULL with *ready false: ENOMEM. err: EDQUOT past the budget;
 * EIO for a block that AWS does not send as it should; otherwise AWS's. */
struct disk_read;
typedef void disk_read_done(void *arg, const struct disk_data *data, const struct err *err);
struct disk_read *disk_read(struct disk_reader *r, int64_t offset, size_t size,
	disk_read_done *done, void *arg, bool *ready);
void disk_read_cancel(struct disk_read *read); /* done is not called */

/* Finds the next data (hole false) or the next hole at or after `offset`, as lseek()'s SEEK_DATA
 * and SEEK_HOLE do, in blocks. found: -1 if no data follow. Conventions as disk_read(); it must
 * have ended before disk_close(). */
typedef void disk_seek_done(void *arg, int64_t found, const struct err *err);
struct disk_seek *disk_seek(struct disk_reader *r, int64_t offset, bool hole, disk_seek_done *done,
	void *arg, bool *ready);
void disk_seek_cancel(struct disk_seek *seek);

#endif
