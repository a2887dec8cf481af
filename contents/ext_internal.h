/* SPDX-License-Identifier: MIT */
/* Shared by the files of the reader of ext2, ext3 and ext4. */
#ifndef EBSFS_EXT_INTERNAL_H
#define EBSFS_EXT_INTERNAL_H

#include "ext_io.h"
#include "filesystem.h"

struct ext {
	struct filesystem base;
	struct ext_io io;
	ext2_filsys fs;
	bool skip_checksums;
	uint8_t *block; /* one block */
};

static inline struct ext *ext_of(struct filesystem *base)
{
	return (struct ext *)base;
}

/* Reads an inode. Returns 0, -ESTALE if it is not in use, or -EIO. */
int ext_inode_read(struct ext *ext, uint64_t number, struct ext2_inode_large *inode);
int ext_inode_stat(struct filesystem *base, uint64_t number, struct filesystem_attributes *out);
void ext_inode_want(struct filesystem *base, const uint64_t *inodes, unsigned n);
int ext_link_read(struct filesystem *base, uint64_t number, struct buf *target);
/* Appends data that are stored in the inode itself. */
int ext_inode_inline(struct ext *ext, uint64_t number, struct buf *out);
/* Returns an errno for an error of libext2fs, and sets the reason; what: the object that was read.
 */
int ext_fail(struct ext *ext, errcode_t error, const char *what, uint64_t number);

int ext_dir_read(struct filesystem *base, uint64_t directory, uint64_t position,
	filesystem_entry_fn *fn, void *arg);

/* A run of adjacent blocks of a file; block 0: a hole. */
struct ext_run {
	uint64_t block, count;
};

/* Returns the first run from the file's block `from` on, with at most `most` blocks. Returns 0 or
 * -EIO. */
int ext_map_run(struct ext *ext, uint64_t number, struct ext2_inode_large *inode, uint64_t from,
	uint64_t most, struct ext_run *out);
int ext_map_extents(struct filesystem *base, uint64_t number, uint64_t offset, uint64_t length,
	struct filesystem_extent *extents, unsigned *n);
int ext_map_read(struct filesystem *base, uint64_t number, uint64_t offset, void *out, size_t len);

#endif
