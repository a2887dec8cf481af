/* SPDX-License-Identifier: MIT */
/* XFS: finds the blocks of a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "xfs_internal.h"

#define BMAP_MAGIC        0x424d4150u /* BMAP */
#define BMAP_CRC_MAGIC    0x424d4133u /* BMA3 */
#define BMAP_HEADER_V4    24u
#define BMAP_HEADER_V5    72u
#define BMAP_LEVELS       12 /* the kernel's limit is 9 */
#define BMAP_NO_SIBLING   UINT64_MAX
#define EXTENT_SIZE       16u
#define BMAP_ROOT_HEADER  4u
#define EXTENT_BLOCKS_MAX 0x1fffffu
#define FILE_MAX          ((uint64_t)1 << 63) /* bytes */

static struct xfs_extent extent_unpack(const uint8_t *p)
{
	uint64_t high = bytes_be64(p), low = bytes_be64(p + 8);

	return (struct xfs_extent){
		.offset = high << 1 >> 10,
		.block = (high & 0x1ff) << 43 | low >> 21,
		.count = low & EXTENT_BLOCKS_MAX,
		.unwritten = high >> 63,
	};
}

static int extents_damaged(struct xfs *fs, const struct xfs_inode *inode)
{
	return filesystem_fail(&fs->base, EIO, "the list of extents of inode %llu is damaged",
		(unsigned long long)inode->number);
}

struct extent_walk {
	struct xfs *fs;
	const struct xfs_inode *inode;
	uint64_t from, expected; /* the next extent must begin here or later */
	xfs_extent_fn *fn;
	void *arg;
	bool stopped;
};

static bool xfs_extent_is_valid(const struct extent_walk *walk, const struct xfs_extent *extent)
{
	const struct xfs *fs = walk->fs;
	uint64_t last = extent->block + extent->count - 1;

	if (!extent->count || extent->offset < walk->expected ||
		extent->offset + extent->count > FILE_MAX >> fs->block_log)
		return false;
	if (walk->inode->realtime)
		return true;
	return extent->block >> fs->ag_block_log == last >> fs->ag_block_log &&
	       xfs_block_offset(fs, extent->block) != XFS_OUTSIDE &&
	       xfs_block_offset(fs, last) != XFS_OUTSIDE;
}

/* Calls fn for the packed extents that end after walk->from. */
static int records_walk(struct extent_walk *walk, const uint8_t *p, unsigned n)
{
	for (; n && !walk->stopped; n--, p += EXTENT_SIZE) {
		struct xfs_extent extent = extent_unpack(p);

		if (!xfs_extent_is_valid(walk, &extent))
			return extents_damaged(walk->fs, walk->inode);
		walk->expected = extent.offset + extent.count;
		if (walk->expected > walk->from)
			walk->stopped = !walk->fn(walk->arg, &extent);
	}
	return 0;
}

/* Reads and checks a block of the tree. */
static int node_read(
	struct extent_walk *walk, uint64_t block, unsigned level, uint8_t *out, unsigned *header)
{
	static const struct xfs_identity identity = {
		.crc = 64, .block_number = 24, .uuid = 40, .owner = 56};
	struct xfs *fs = walk->fs;
	uint64_t where = xfs_block_offset(fs, block), owner = walk->inode->number, any;
	unsigned n;
	int r;

	if (where == XFS_OUTSIDE)
		return extents_damaged(fs, walk->inode);
	r = xfs_metadata_read(fs, where, out, fs->block_size);
	if (r)
		return filesystem_fail(&fs->base, -r, "cannot read the extents of inode %llu: %s",
			(unsigned long long)walk->inode->number, strerror(-r));
	*header = fs->v5 ? BMAP_HEADER_V5 : BMAP_HEADER_V4;
	n = bytes_be16(out + 6);
	if (bytes_be32(out) != (fs->v5 ? BMAP_CRC_MAGIC : BMAP_MAGIC) ||
		bytes_be16(out + 4) != level || !n || n > (fs->block_size - *header) / EXTENT_SIZE)
		return extents_damaged(fs, walk->inode);
	if (sector_map_get(&fs->exchanged, owner, &any))
		owner = 0;
	if (!xfs_metadata_is_right(fs, out, fs->block_size, &identity, where, owner))
		return extents_damaged(fs, walk->inode);
	return 0;
}

/* Returns the child for walk->from among n keys. */
static uint64_t node_child(
	const struct extent_walk *walk, const uint8_t *keys, const uint8_t *children, unsigned n)
{
	unsigned i = 1;

	while (i < n && bytes_be64(keys + 8 * i) <= walk->from)
		i++;
	return bytes_be64(children + 8 * (i - 1));
}

/* Goes down to the leaf for walk->from, then from leaf to leaf. Extents ascend, and each leaf has
 * at least one, so a loop of siblings is detected in its second round. */
static int tree_walk(struct extent_walk *walk, uint8_t *node)
{
	struct xfs *fs = walk->fs;
	const uint8_t *root = walk->inode->fork;
	unsigned level = bytes_be16(root), n = bytes_be16(root + 2), header;
	unsigned most = (walk->inode->fork_size - BMAP_ROOT_HEADER) / EXTENT_SIZE;
	uint64_t block;
	int r;

	if (!level || level > BMAP_LEVELS || !n || n > most)
		return extents_damaged(fs, walk->inode);
	block = node_child(walk, root + BMAP_ROOT_HEADER, root + BMAP_ROOT_HEADER + 8 * most, n);
	while (--level) {
		r = node_read(walk, block, level, node, &header);
		if (r)
			return r;
		most = (fs->block_size - header) / EXTENT_SIZE;
		block = node_child(
			walk, node + header, node + header + 8 * most, bytes_be16(node + 6));
	}
	while (block != BMAP_NO_SIBLING && !walk->stopped) {
		r = node_read(walk, block, 0, node, &header);
		if (!r)
			r = records_walk(walk, node + header, bytes_be16(node + 6));
		if (r)
			return r;
		block = bytes_be64(node + 16);
	}
	return 0;
}

int xfs_extents(
	struct xfs *fs, const struct xfs_inode *inode, uint64_t from, xfs_extent_fn *fn, void *arg)
{
	struct extent_walk walk = {fs, inode, from, 0, fn, arg, false};
	_cleanup_free_ uint8_t *node = NULL;

	if (inode->format == XFS_FORMAT_EXTENTS) {
		if (inode->extents > inode->fork_size / EXTENT_SIZE)
			return extents_damaged(fs, inode);
		return records_walk(&walk, inode->fork, (unsigned)inode->extents);
	}
	if (inode->format != XFS_FORMAT_BTREE)
		return extents_damaged(fs, inode);
	node = malloc(fs->block_size);
	if (!node)
		return filesystem_fail(&fs->base, ENOMEM, "out of memory");
	return tree_walk(&walk, node);
}

struct extent_reading {
	struct xfs *fs;
	uint64_t next; /* blocks of the file, */
	unsigned count;
	uint8_t *out;
	uint64_t where;
	bool first;
	int error;
};

static bool extent_read_one(void *arg, const struct xfs_extent *extent)
{
	struct extent_reading *reading = arg;
	struct xfs *fs = reading->fs;
	uint64_t skip, n, where;

	if (extent->offset > reading->next || extent->unwritten) {
		reading->error = -EIO;
		return false;
	}
	skip = reading->next - extent->offset;
	n = extent->count - skip < reading->count ? extent->count - skip : reading->count;
	where = xfs_block_offset(fs, extent->block + skip);
	if (reading->first)
		reading->where = where;
	reading->first = false;
	reading->error = xfs_metadata_read(fs, where, reading->out, (size_t)n << fs->block_log);
	reading->out += n << fs->block_log;
	reading->next += n;
	reading->count -= (unsigned)n;
	return !reading->error && reading->count;
}

int xfs_extent_read(struct xfs *fs, const struct xfs_inode *inode, uint64_t from, unsigned count,
	uint8_t *out, uint64_t *where)
{
	struct extent_reading reading = {fs, from, count, out, 0, true, 0};
	int r = inode->realtime ? extents_damaged(fs, inode)
				: xfs_extents(fs, inode, from, extent_read_one, &reading);

	if (!r && (reading.error || reading.count))
		r = filesystem_fail(&fs->base, reading.error ? -reading.error : EIO,
			"blocks of inode %llu are missing", (unsigned long long)inode->number);
	*where = reading.where;
	return r;
}
