/* SPDX-License-Identifier: MIT */
/* XFS: symbolic links. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "xfs_internal.h"

#define LINK_MAGIC  0x58534c4du /* XSLM */
#define LINK_HEADER 56u
#define LINK_SIZE   1024u /* the kernel's limit for a target */

static int link_damaged(struct xfs *fs, uint64_t number)
{
	return filesystem_fail(&fs->base, EIO, "the symbolic link with inode %llu is damaged",
		(unsigned long long)number);
}

/* Reads a target that is stored in blocks, each of which has a header in version 5. */
static int link_blocks(struct xfs *fs, const struct xfs_inode *inode, struct buf *target)
{
	static const struct xfs_identity identity = {
		.crc = 12, .uuid = 16, .owner = 32, .block_number = 40};
	unsigned header = fs->v5 ? LINK_HEADER : 0;
	uint64_t left = inode->size;
	uint8_t *block = fs->block;

	for (uint64_t i = 0; left; i++) {
		uint64_t where, n = fs->block_size - header;
		int r = xfs_extent_read(fs, inode, i, 1, block, &where);

		if (r)
			return r;
		if (n > left)
			n = left;
		if (fs->v5 && (bytes_be32(block) != LINK_MAGIC ||
				      bytes_be32(block + 4) != inode->size - left ||
				      bytes_be32(block + 8) != n))
			return link_damaged(fs, inode->number);
		if (!xfs_metadata_is_right(
			    fs, block, fs->block_size, &identity, where, inode->number))
			return link_damaged(fs, inode->number);
		r = buf_add(target, block + header, n);
		if (r)
			return filesystem_fail(&fs->base, -r, "out of memory");
		left -= n;
	}
	return 0;
}

int xfs_link_read(struct filesystem *base, uint64_t number, struct buf *target)
{
	struct xfs *fs = xfs_of(base);
	struct xfs_inode inode;
	int r = xfs_inode_read(fs, number, &inode);

	if (r)
		return r;
	if (!S_ISLNK(inode.mode))
		return filesystem_fail(
			base, EINVAL, "inode %llu is no symbolic link", (unsigned long long)number);
	if (!inode.size || inode.size > LINK_SIZE ||
		(inode.format == XFS_FORMAT_LOCAL && inode.size > inode.fork_size))
		return link_damaged(fs, number);
	if (inode.format == XFS_FORMAT_LOCAL)
		r = buf_add(target, inode.fork, inode.size);
	else
		r = link_blocks(fs, &inode, target);
	if (!r && memchr(buf_str(target), 0, target->len))
		r = link_damaged(fs, number);
	return r;
}
