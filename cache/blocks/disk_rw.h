/* SPDX-License-Identifier: MIT */
/* A disk that can be written: the written bytes stay on this machine (disk_overlay.h), all readers
 * of the disk that use these functions share them, and they are lost when the disks are destroyed.
 */
#ifndef EBSFS_DISK_RW_H
#define EBSFS_DISK_RW_H

#include "disk.h"

/* Like disk_read(), but returns written bytes where there are any. Reading local bytes costs no
 * money. */
struct disk_rw_read;
struct disk_rw_read *disk_rw_read(struct disk_reader *r, int64_t offset, size_t size,
	disk_read_done *done, void *arg, bool *ready);
void disk_rw_read_cancel(struct disk_rw_read *read);

/* Like disk_seek(), for written bytes and the snapshot's. A block of written zeros may count as
 * data. */
struct disk_rw_seek;
struct disk_rw_seek *disk_rw_seek(struct disk_reader *r, int64_t offset, bool hole,
	disk_seek_done *done, void *arg, bool *ready);
void disk_rw_seek_cancel(struct disk_rw_seek *seek);

/* Writes bytes (copied), or zeros of any length, within the disk. The writes of a disk run one at a
 * time, in the order of the calls. done is called once, on the loop, possibly before this returns;
 * err NULL: later reads return the bytes. err: ENOSPC beyond the limit, or of the file system; or
 * the error of a read, if the write covers a sector partly. Returns 0; -ENOMEM: done is not called.
 */
typedef void disk_write_done(void *arg, const struct err *err);
int disk_rw_write(struct disk_reader *r, const void *data, size_t len, int64_t offset,
	disk_write_done *done, void *arg);
int disk_rw_zero(
	struct disk_reader *r, int64_t offset, int64_t len, disk_write_done *done, void *arg);

/* The bytes written into a disk so far. */
struct disk_rw_sums {
	int64_t bytes;   /* the space that the bytes need on this machine */
	int64_t last_ms; /* wall-clock time of the last write; 0: none */
};
struct disk_rw_sums disk_rw_sums(const struct disks *d, const char *region, const char *snapshot);

#endif
