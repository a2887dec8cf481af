/* SPDX-License-Identifier: MIT */
/* Gives libext2fs access to the sectors: an io_manager, in which the journal's copies of blocks
 * replace the blocks. */
#ifndef EBSFS_EXT_IO_H
#define EBSFS_EXT_IO_H

#include <ext2fs/ext2fs.h>

#include "sector_map.h"
#include "sectors.h"

struct ext_io {
	struct sectors *disk;
	uint32_t block_size; /* block size of the map, in bytes */
	/* Maps a block to the block of the journal with its contents, times two, plus one if the
	 * journal had to change the first bytes (ext_journal.c). */
	struct sector_map journaled;
};

/* Opens the file system over io, which must outlive it. */
errcode_t ext_io_open(struct ext_io *io, int flags, ext2_filsys *fs);
/* Reads bytes of the partition, with the journal replayed. Returns 0 or -errno. */
int ext_io_read(struct ext_io *io, uint64_t offset, void *out, size_t len);

/* Calls sectors_want() for a block, which may be in the journal. */
bool ext_io_want(struct ext_io *io, uint64_t block);

#endif
