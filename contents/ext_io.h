/* SPDX-License-Identifier: MIT */
/* libext2fs's way to the sectors: its io_manager, under which the journal's copies of blocks take
 * the places of the blocks. */
#ifndef EBSFS_EXT_IO_H
#define EBSFS_EXT_IO_H

#include <ext2fs/ext2fs.h>

#include "sector_map.h"
#include "sectors.h"

struct ext_io {
	struct sectors *disk;
	uint32_t block_size; /* of the map's blocks */
	/* Block -> the block of the journal that has its contents, times two, plus one if the
	 * journal had to change the first bytes (ext_journal.c). */
	struct sector_map journaled;
};

/* Opens the file system over io, which must outlive it. */
errcode_t ext_io_open(struct ext_io *io, int flags, ext2_filsys *fs);
/* Reads bytes of the partition as they are after the journal. Returns 0 or -errno. */
int ext_io_read(struct ext_io *io, uint64_t offset, void *out, size_t len);

/* sectors_want() for a block, wherever the journal has put it. */
bool ext_io_want(struct ext_io *io, uint64_t block);

#endif
