/* SPDX-License-Identifier: MIT */
/* XFS: directories. A lookup scans the names, like a listing: the blocks with the hashes of the
 * names are never read, so their changes in the log need no replay. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "xfs_internal.h"

#define DIR_DATA_END       ((uint64_t)1 << 35) /* the names lie below, the hashes above */
#define DIR_FREE_TAG       0xffff
#define DIR_ENTRY_ALIGN    8u
#define DIR_HEADER_V5      64u
#define DIR_HEADER_V4      16u
#define DIR_TAIL           8u          /* of a single block: the number of its hashes */
#define DIR_HASH           8u          /* a hash in it */
#define DIR_MAGIC_BLOCK_V4 0x58443242u /* XD2B */
#define DIR_MAGIC_DATA_V4  0x58443244u /* XD2D */
#define DIR_MAGIC_BLOCK_V5 0x58444233u /* XDB3 */
#define DIR_MAGIC_DATA_V5  0x58444433u /* XDD3 */

struct dir_walk {
	struct xfs *fs;
	struct xfs_inode inode;
	uint64_t position; /* position in the directory, in bytes: entries before it are left out */
	uint64_t
		next_block; /* file system blocks of the directory before this one have been read */
	uint64_t blocks_read;
	filesystem_entry_fn *fn;
	void *arg;
	bool stopped;
	int error;
};

static int dir_damaged(struct dir_walk *walk)
{
	return filesystem_fail(&walk->fs->base, EIO, "the directory with inode %llu is damaged",
		(unsigned long long)walk->inode.number);
}

static int dir_entry(
	struct dir_walk *walk, const uint8_t *name, unsigned len, uint64_t inode, uint64_t next)
{
	struct filesystem_entry entry = {(const char *)name, len, inode, next};

	if ((len == 1 || len == 2) && !memcmp(name, "..", len))
		return 0;
	if (!filesystem_name_is_valid(entry.name, len) || !inode ||
		xfs_inode_offset(walk->fs, inode) == XFS_OUTSIDE)
		return dir_damaged(walk);
	walk->stopped = !walk->fn(walk->arg, &entry);
	return 0;
}

/* Reads a directory that is stored in its inode. A position is the number of entries before it. */
static int dir_short_form(struct dir_walk *walk)
{
	const uint8_t *p = walk->inode.fork, *end = p + walk->inode.size;
	unsigned n, number_size;

	if (walk->inode.size > walk->inode.fork_size || walk->inode.size < 6)
		return dir_damaged(walk);
	n = p[0];
	number_size = p[1] ? 8 : 4;
	p += 2 + number_size;
	for (unsigned i = 0; i < n && !walk->stopped; i++) {
		unsigned len, size;
		const uint8_t *number;
		int r;

		if (end - p < 3)
			return dir_damaged(walk);
		len = p[0];
		size = 3 + len + walk->fs->has_ftype + number_size;
		if (end - p < (ptrdiff_t)size)
			return dir_damaged(walk);
		number = p + size - number_size;
		if (i >= walk->position) {
			r = dir_entry(walk, p + 3, len,
				number_size == 8 ? bytes_be64(number) : bytes_be32(number), i + 1);
			if (r)
				return r;
		}
		p += size;
	}
	return 0;
}

/* Checks the header of a block of names. Returns the end of the names, 0 for damage. */
static unsigned dir_block_end(struct dir_walk *walk, const uint8_t *block, uint64_t where)
{
	static const struct xfs_identity identity = {
		.crc = 4, .block_number = 8, .uuid = 24, .owner = 40};
	const struct xfs *fs = walk->fs;
	uint32_t magic = bytes_be32(block), hashes;
	bool single = magic == (fs->v5 ? DIR_MAGIC_BLOCK_V5 : DIR_MAGIC_BLOCK_V4);

	if (!single && magic != (fs->v5 ? DIR_MAGIC_DATA_V5 : DIR_MAGIC_DATA_V4))
		return 0;
	if (!xfs_metadata_is_right(
		    fs, block, fs->dir_block_size, &identity, where, walk->inode.number))
		return 0;
	if (!single)
		return fs->dir_block_size;
	hashes = bytes_be32(block + fs->dir_block_size - DIR_TAIL);
	if (hashes > (fs->dir_block_size - DIR_HEADER_V5 - DIR_TAIL) / DIR_HASH)
		return 0;
	return fs->dir_block_size - DIR_TAIL - DIR_HASH * hashes;
}

/* Returns the size of the name or free place at `at`, 0 for damage. Each ends with its own
 * position. A free place has at least 8 bytes, a name 16. */
static unsigned dir_place_size(
	const struct xfs *fs, const uint8_t *block, unsigned at, unsigned end)
{
	const uint8_t *p = block + at;
	unsigned size;

	if (end - at < DIR_ENTRY_ALIGN)
		return 0;
	if (bytes_be16(p) == DIR_FREE_TAG) {
		size = bytes_be16(p + 2);
	} else {
		if (end - at < 2 * DIR_ENTRY_ALIGN)
			return 0;
		size = 9u + p[8] + fs->has_ftype + 2;
		size = (size + DIR_ENTRY_ALIGN - 1) & ~(DIR_ENTRY_ALIGN - 1);
	}
	if (!size || size % DIR_ENTRY_ALIGN || size > end - at || bytes_be16(p + size - 2) != at)
		return 0;
	return size;
}

/* Reads the names of one block, which begins at the byte `base` of the directory. */
static int dir_block_walk(struct dir_walk *walk, uint64_t base, uint64_t where)
{
	struct xfs *fs = walk->fs;
	const uint8_t *block = fs->block;
	unsigned end = dir_block_end(walk, block, where), size;

	if (!end)
		return dir_damaged(walk);
	for (unsigned at = fs->v5 ? DIR_HEADER_V5 : DIR_HEADER_V4; at < end && !walk->stopped;
		at += size) {
		const uint8_t *p = block + at;
		int r = 0;

		size = dir_place_size(fs, block, at, end);
		if (!size)
			return dir_damaged(walk);
		if (bytes_be16(p) != DIR_FREE_TAG && base + at >= walk->position)
			r = dir_entry(walk, p + 9, p[8], bytes_be64(p), base + at + size);
		if (r)
			return r;
	}
	return 0;
}

/* Reads the directory's blocks that begin in this extent; a block may continue in the next extents.
 */
static bool dir_extent(void *arg, const struct xfs_extent *extent)
{
	struct dir_walk *walk = arg;
	struct xfs *fs = walk->fs;
	unsigned per_block = fs->dir_block_size >> fs->block_log;
	uint64_t end = extent->offset + extent->count;
	uint64_t next = extent->offset > walk->next_block ? extent->offset : walk->next_block;

	next -= next % per_block;
	for (; next < end && !walk->stopped && !walk->error; next += per_block) {
		uint64_t where;

		if (next >= DIR_DATA_END >> fs->block_log)
			return false;
		/* More blocks were read than the file system has, so extents overlap. */
		walk->blocks_read += per_block;
		walk->error =
			walk->blocks_read > fs->data_blocks + per_block ? dir_damaged(walk) : 0;
		if (!walk->error)
			walk->error = xfs_extent_read(
				fs, &walk->inode, next, per_block, fs->block, &where);
		if (!walk->error)
			walk->error = dir_block_walk(walk, next << fs->block_log, where);
		walk->next_block = next + per_block;
	}
	return !walk->stopped && !walk->error;
}

/* Notes the blocks of an extent to be read ahead. */
static bool dir_want(void *arg, const struct xfs_extent *extent)
{
	struct dir_walk *walk = arg;
	struct xfs *fs = walk->fs;
	uint64_t skip = extent->offset < walk->next_block ? walk->next_block - extent->offset : 0;

	return extent->offset < DIR_DATA_END >> fs->block_log &&
	       sectors_want(fs->base.disk, xfs_block_offset(fs, extent->block + skip),
		       (extent->count - skip) << fs->block_log);
}

int xfs_dir_read(struct filesystem *base, uint64_t directory, uint64_t position,
	filesystem_entry_fn *fn, void *arg)
{
	struct xfs *fs = xfs_of(base);
	struct dir_walk walk = {.fs = fs, .position = position, .fn = fn, .arg = arg};
	int r = xfs_inode_read(fs, directory, &walk.inode);

	if (r)
		return r;
	if (!S_ISDIR(walk.inode.mode))
		return filesystem_fail(
			base, ENOTDIR, "inode %llu is no directory", (unsigned long long)directory);
	if (walk.inode.format == XFS_FORMAT_LOCAL)
		return dir_short_form(&walk);
	if (walk.inode.realtime)
		return dir_damaged(&walk);
	walk.next_block = position / fs->dir_block_size * (fs->dir_block_size >> fs->block_log);
	r = xfs_extents(fs, &walk.inode, walk.next_block, dir_want, &walk);
	if (!r)
		r = xfs_extents(fs, &walk.inode, walk.next_block, dir_extent, &walk);
	return r ? r : walk.error;
}
