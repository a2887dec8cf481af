/* SPDX-License-Identifier: MIT */
/* Shared by the files of the XFS reader. Numbers on the disk are big-endian. */
#ifndef EBSFS_XFS_INTERNAL_H
#define EBSFS_XFS_INTERNAL_H

#include "overlay.h"
#include "sector_map.h"
#include "xfs.h"

#define XFS_UUID_SIZE 16
#define XFS_OUTSIDE   UINT64_MAX /* the offset of a block that is outside the file system */

/* Bits of xfs.incompat. */
#define XFS_INCOMPAT_FTYPE       (1u << 0)
#define XFS_INCOMPAT_META_UUID   (1u << 2)
#define XFS_INCOMPAT_NEEDSREPAIR (1u << 4)
#define XFS_INCOMPAT_KNOWN       0x1ffu

struct xfs {
	struct filesystem base;
	struct overlay overlay; /* the replayed log */
	bool skip_checksums;
	bool v5, has_ftype;
	uint32_t block_size, dir_block_size, inode_size, sector_size;
	unsigned block_log, inode_per_block_log, ag_block_log;
	unsigned inode_cluster_sectors; /* in one buffer */
	uint32_t ag_blocks, ag_count;
	uint64_t data_blocks;
	uint64_t log_start; /* a file system block; 0: the log is on another device */
	uint32_t log_blocks;
	uint32_t incompat, log_incompat;
	uint8_t uuid[XFS_UUID_SIZE]; /* the UUID in the metadata */
	uint8_t *block;              /* dir_block_size bytes: the last directory block read */
	/* Inodes whose tree of extents was exchanged with that of another inode: the tree's blocks
	 * still have that other inode as owner. */
	struct sector_map exchanged;
	/* Inodes whose extents an unfinished operation was changing: their data are refused. */
	struct sector_map unfinished;
};

static inline struct xfs *xfs_of(struct filesystem *fs)
{
	return (struct xfs *)fs;
}

/* The superblock: xfs_superblock.c */

/* Reads the superblock; called again after the log has changed it. Returns 0 or -errno. */
int xfs_superblock_read(struct xfs *fs);
/* Returns the offset of a file system block in the partition, in bytes, or XFS_OUTSIDE. */
uint64_t xfs_block_offset(const struct xfs *fs, uint64_t block);

/* Metadata: xfs_metadata.c */

/* Reads bytes with the log replayed. Returns as sectors_read(). */
int xfs_metadata_read(struct xfs *fs, uint64_t offset, void *out, size_t len);
/* The fields of a kind of metadata block that prove that the block is not stale or misplaced; in
 * version 5 only. */
struct xfs_identity {
	unsigned crc, block_number, uuid, owner; /* offsets; block_number and owner: 0: none */
};
/* Returns whether the block's checksum (unless the log has replaced a part of the block) and
 * identity are right. `where` is the block's place in the partition, `owner` the inode that it
 * belongs to. */
bool xfs_metadata_is_right(const struct xfs *fs, const uint8_t *data, size_t len,
	const struct xfs_identity *identity, uint64_t where, uint64_t owner);

/* Inodes: xfs_inode.c */

enum xfs_inode_format {
	XFS_FORMAT_DEV,
	XFS_FORMAT_LOCAL,
	XFS_FORMAT_EXTENTS,
	XFS_FORMAT_BTREE,
	XFS_FORMAT_UUID, /* was never used */
	XFS_FORMAT_RMAP, /* of metadata files, which no directory names */
};

#define XFS_INODE_MAGIC      0x494e
#define XFS_INODE_MAX        2048
#define XFS_INODE_V2         100 /* the sizes of the core */
#define XFS_INODE_V3         176
#define XFS_INODE_FORKOFF    82
#define XFS_INODE_GENERATION 92
#define XFS_INODE_FLAGS2     120
#define XFS_INODE_NUMBER     152
#define XFS_INODE_UUID       160
#define XFS_FLAGS2_BIGTIME   (1u << 3)
#define XFS_FLAGS2_NREXT64   (1u << 4)

struct xfs_inode {
	uint64_t number;
	uint8_t raw[XFS_INODE_MAX];
	uint16_t mode;
	uint8_t format;
	uint64_t size;
	uint64_t extents;
	const uint8_t *fork; /* the data fork, within raw */
	unsigned fork_size;
	bool realtime;
};

/* Returns the offset of an inode in the partition, in bytes, or XFS_OUTSIDE. */
uint64_t xfs_inode_offset(const struct xfs *fs, uint64_t number);
int xfs_inode_read(struct xfs *fs, uint64_t number, struct xfs_inode *inode);
int xfs_inode_stat(struct filesystem *base, uint64_t number, struct filesystem_attributes *out);
void xfs_inode_want(struct filesystem *base, const uint64_t *numbers, unsigned n);
/* Finds the beginning and the length of an inode's data fork. Returns false if the inode's fields
 * are impossible. */
bool xfs_inode_fork(const struct xfs *fs, const uint8_t *raw, unsigned *offset, unsigned *size);

/* Extents: xfs_extent.c */

struct xfs_extent {
	uint64_t offset, block, count; /* in blocks: of the file, of the file system */
	bool unwritten;
};

/* Called for each extent. Returns whether to continue. */
typedef bool xfs_extent_fn(void *arg, const struct xfs_extent *extent);

/* Calls fn for the extents that end after the file's block `from`, in order; each extent is within
 * one allocation group. Returns 0 or -errno. */
int xfs_extents(
	struct xfs *fs, const struct xfs_inode *inode, uint64_t from, xfs_extent_fn *fn, void *arg);
/* Reads blocks of a file's metadata; a hole counts as damage. *where: the offset of the first block
 * in the partition. Returns 0 or -errno. */
int xfs_extent_read(struct xfs *fs, const struct xfs_inode *inode, uint64_t from, unsigned count,
	uint8_t *out, uint64_t *where);

/* The contents of files: xfs_file.c */

int xfs_file_map(struct filesystem *base, uint64_t number, uint64_t offset, uint64_t length,
	struct filesystem_extent *extents, unsigned *n);

/* Directories and symbolic links: xfs_dir.c, xfs_link.c */

int xfs_dir_read(struct filesystem *base, uint64_t directory, uint64_t position,
	filesystem_entry_fn *fn, void *arg);
int xfs_link_read(struct filesystem *base, uint64_t number, struct buf *target);

/* The log: xfs_log.c */

/* Replays the log, if it is dirty, into the overlay, and writes base.note. Returns 0, or -errno
 * with the reason in base.reason. */
int xfs_log_replay(struct xfs *fs);

#endif
