/* SPDX-License-Identifier: MIT */
/* ext2, ext3 and ext4: finds the blocks of a file. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ext_internal.h"

#define INDIRECT_RUN_MAX                                                                           \
	4096u /* blocks that are looked up for one run of a file without extents                   \
	       */
#define INDIRECT_CALL_MAX 16384u /* the same for one call */

static bool run_is_inside(const struct ext *ext, uint64_t block, uint64_t count)
{
	uint64_t blocks = ext2fs_blocks_count(ext->fs->super);

	return block && block < blocks && count <= blocks - block;
}

/* Finds the extent at or after `from`. *found: whether there is one. */
static errcode_t extent_find(
	ext2_extent_handle_t handle, uint64_t from, struct ext2fs_extent *extent, bool *found)
{
	errcode_t error = ext2fs_extent_goto2(handle, 0, from);

	*found = false;
	if (error && error != EXT2_ET_EXTENT_NOT_FOUND)
		return error;
	error = ext2fs_extent_get(handle, EXT2_EXTENT_CURRENT, extent);
	/* Before a hole libext2fs returns the extent before it. */
	while (!error && (!(extent->e_flags & EXT2_EXTENT_FLAGS_LEAF) ||
				 extent->e_lblk + extent->e_len <= from)) {
		uint64_t before = extent->e_lblk;
		bool leaf = extent->e_flags & EXT2_EXTENT_FLAGS_LEAF;

		error = ext2fs_extent_get(handle, EXT2_EXTENT_NEXT_LEAF, extent);
		if (!error && leaf && extent->e_lblk <= before)
			return EXT2_ET_EXTENT_HEADER_BAD; /* extents must ascend */
	}
	if (error == EXT2_ET_EXTENT_NO_NEXT || error == EXT2_ET_NO_CURRENT_NODE)
		return 0;
	*found = !error;
	return error;
}

static int run_of_extents(struct ext *ext, uint64_t number, struct ext2_inode_large *inode,
	uint64_t from, uint64_t most, struct ext_run *out)
{
	struct ext2fs_extent extent;
	ext2_extent_handle_t handle;
	errcode_t error;
	bool found = false;
	uint64_t skip;

	error = ext2fs_extent_open2(ext->fs, (ext2_ino_t)number, EXT2_INODE(inode), &handle);
	if (error)
		return ext_fail(ext, error, "the list of extents", number);
	error = extent_find(handle, from, &extent, &found);
	ext2fs_extent_free(handle);
	if (error)
		return ext_fail(ext, error, "the list of extents", number);
	*out = (struct ext_run){0, most};
	if (!found)
		return 0;
	if (extent.e_lblk > from) {
		if (extent.e_lblk - from < most)
			out->count = extent.e_lblk - from;
		return 0;
	}
	skip = from - extent.e_lblk;
	if (extent.e_len - skip < most)
		out->count = extent.e_len - skip;
	if (extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT)
		return 0;
	out->block = extent.e_pblk + skip;
	return run_is_inside(ext, out->block, out->count)
		       ? 0
		       : ext_fail(ext, EIO, "the list of extents", number);
}

static int run_of_blocks(struct ext *ext, uint64_t number, struct ext2_inode_large *inode,
	uint64_t from, uint64_t most, struct ext_run *out)
{
	*out = (struct ext_run){0};
	if (most > INDIRECT_RUN_MAX)
		most = INDIRECT_RUN_MAX;
	while (out->count < most) {
		blk64_t block = 0;
		errcode_t error = ext2fs_bmap2(ext->fs, (ext2_ino_t)number, EXT2_INODE(inode), NULL,
			0, from + out->count, NULL, &block);

		if (error)
			return ext_fail(ext, error, "the list of blocks", number);
		if (!out->count)
			out->block = block;
		else if (block != (out->block ? out->block + out->count : 0))
			break;
		out->count++;
	}
	return !out->block || run_is_inside(ext, out->block, out->count)
		       ? 0
		       : ext_fail(ext, EIO, "the list of blocks", number);
}

int ext_map_run(struct ext *ext, uint64_t number, struct ext2_inode_large *inode, uint64_t from,
	uint64_t most, struct ext_run *out)
{
	if (inode->i_flags & EXT4_EXTENTS_FL)
		return run_of_extents(ext, number, inode, from, most, out);
	return run_of_blocks(ext, number, inode, from, most, out);
}

/* Finds the place of the run's first block, in the journal or on the disk, and how many of the next
 * blocks are adjacent there. */
static void run_place(const struct ext *ext, struct ext_run *run, struct filesystem_extent *out)
{
	uint64_t size = ext->io.block_size, place = 0, other, n = 1;
	bool journaled = sector_map_get(&ext->io.journaled, run->block, &place);

	if (!run->block || !ext->io.journaled.count)
		n = run->count;
	else if (!journaled)
		while (n < run->count &&
			!sector_map_get(&ext->io.journaled, run->block + n, &other))
			n++;
	run->count = n;
	out->kind = !run->block              ? FILESYSTEM_HOLE
		    : journaled && place & 1 ? FILESYSTEM_BYTES
					     : FILESYSTEM_DISK;
	if (out->kind == FILESYSTEM_DISK)
		out->disk = (journaled ? place >> 1 : run->block) * size;
}

/* Returns the errno for a file whose data cannot be read, and sets the reason; 0: the data can be
 * read. */
static int data_is_refused(struct ext *ext, uint64_t number, const struct ext2_inode_large *inode)
{
	if (!S_ISREG(inode->i_mode))
		return filesystem_fail(&ext->base, S_ISDIR(inode->i_mode) ? EISDIR : EINVAL,
			"inode %llu is no file", (unsigned long long)number);
	if (inode->i_flags & EXT4_ENCRYPT_FL)
		return filesystem_fail(&ext->base, ENOKEY, "inode %llu is encrypted (fscrypt)",
			(unsigned long long)number);
	return 0;
}

int ext_map_extents(struct filesystem *base, uint64_t number, uint64_t offset, uint64_t length,
	struct filesystem_extent *extents, unsigned *n)
{
	struct ext *ext = ext_of(base);
	uint64_t size = ext->io.block_size, end;
	struct ext2_inode_large inode;
	unsigned most = *n;
	int r = ext_inode_read(ext, number, &inode);

	*n = 0;
	if (!r)
		r = data_is_refused(ext, number, &inode);
	if (r || offset >= EXT2_I_SIZE(&inode))
		return r;
	end = EXT2_I_SIZE(&inode);
	if (length < end - offset)
		end = offset + length;
	if (inode.i_flags & EXT4_INLINE_DATA_FL) {
		extents[(*n)++] =
			(struct filesystem_extent){offset, end - offset, FILESYSTEM_BYTES, 0};
		return 0;
	}
	for (uint64_t looked_up = 0; offset < end && *n < most;) {
		struct filesystem_extent *extent = &extents[*n];
		uint64_t from = offset / size, skip = offset % size;
		struct ext_run run;

		r = ext_map_run(ext, number, &inode, from, (end - 1) / size - from + 1, &run);
		if (r)
			return r;
		*extent = (struct filesystem_extent){.offset = offset};
		run_place(ext, &run, extent);
		extent->length = run.count * size - skip;
		if (extent->kind == FILESYSTEM_DISK)
			extent->disk += skip;
		if (extent->length > end - offset)
			extent->length = end - offset;
		offset += extent->length;
		(*n)++;
		looked_up += run.count;
		if (!(inode.i_flags & EXT4_EXTENTS_FL) && looked_up >= INDIRECT_CALL_MAX)
			break;
	}
	return 0;
}

static int read_inline(struct ext *ext, uint64_t number, uint64_t offset, void *out, size_t len)
{
	_cleanup_buf_ struct buf data = BUF_INIT;
	int r = ext_inode_inline(ext, number, &data);

	if (r)
		return r;
	/* A file may end in a hole. */
	memset(out, 0, len);
	if (offset < data.len)
		memcpy(out, data.data + offset, len < data.len - offset ? len : data.len - offset);
	return 0;
}

int ext_map_read(struct filesystem *base, uint64_t number, uint64_t offset, void *out, size_t len)
{
	struct ext *ext = ext_of(base);
	uint64_t size = ext->io.block_size;
	struct ext2_inode_large inode;
	uint8_t *p = out;
	int r = ext_inode_read(ext, number, &inode);

	if (!r)
		r = data_is_refused(ext, number, &inode);
	if (!r && inode.i_flags & EXT4_INLINE_DATA_FL)
		return read_inline(ext, number, offset, out, len);
	while (!r && len) {
		uint64_t at = offset % size;
		size_t n = len < size - at ? len : (size_t)(size - at);
		struct ext_run run;

		r = ext_map_run(ext, number, &inode, offset / size, 1, &run);
		if (!r && run.block)
			r = ext_io_read(&ext->io, run.block * size + at, p, n);
		else if (!r)
			memset(p, 0, n);
		p += n;
		offset += n;
		len -= n;
	}
	return r;
}
