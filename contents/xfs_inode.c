/* SPDX-License-Identifier: MIT */
/* XFS: inodes. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "xfs_internal.h"

#define DIFLAG_REALTIME 1u
#define BIGTIME_EPOCH   ((int64_t)1 << 31) /* seconds before 1970 at which bigtime begins */
#define NS_PER_SECOND   1000000000u

uint64_t xfs_inode_offset(const struct xfs *fs, uint64_t number)
{
	uint64_t index = number & ((1u << fs->inode_per_block_log) - 1);
	uint64_t offset = xfs_block_offset(fs, number >> fs->inode_per_block_log);

	return offset == XFS_OUTSIDE ? XFS_OUTSIDE : offset + index * fs->inode_size;
}

bool xfs_inode_fork(const struct xfs *fs, const uint8_t *raw, unsigned *offset, unsigned *size)
{
	unsigned attributes = raw[XFS_INODE_FORKOFF] * 8u;

	*offset = raw[4] >= 3 ? XFS_INODE_V3 : XFS_INODE_V2;
	if (attributes > fs->inode_size - *offset)
		return false;
	*size = attributes ? attributes : fs->inode_size - *offset;
	return true;
}

static int inode_damaged(struct xfs *fs, uint64_t number, const char *how)
{
	return filesystem_fail(
		&fs->base, EIO, "inode %llu is damaged: %s", (unsigned long long)number, how);
}

/* Checks that the inode that was read is the requested one. */
static int inode_check(struct xfs *fs, const struct xfs_inode *inode, uint64_t where)
{
	static const struct xfs_identity identity = {
		.crc = 100, .uuid = XFS_INODE_UUID, .owner = XFS_INODE_NUMBER};
	const uint8_t *raw = inode->raw;

	if (bytes_be16(raw) != XFS_INODE_MAGIC)
		return filesystem_fail(
			&fs->base, ESTALE, "%llu is no inode", (unsigned long long)inode->number);
	if (fs->v5 ? raw[4] != 3 : raw[4] != 1 && raw[4] != 2)
		return inode_damaged(fs, inode->number, "its version is unknown");
	if (!xfs_metadata_is_right(fs, raw, fs->inode_size, &identity, where, inode->number))
		return inode_damaged(fs, inode->number, "its checksum or number is wrong");
	if (!bytes_be16(raw + 2))
		return filesystem_fail(&fs->base, ESTALE, "inode %llu is not in use",
			(unsigned long long)inode->number);
	return 0;
}

static uint64_t inode_flags2(const struct xfs_inode *inode)
{
	return inode->raw[4] >= 3 ? bytes_be64(inode->raw + XFS_INODE_FLAGS2) : 0;
}

int xfs_inode_read(struct xfs *fs, uint64_t number, struct xfs_inode *inode)
{
	uint64_t where = xfs_inode_offset(fs, number);
	unsigned offset, size;
	int r;

	if (where == XFS_OUTSIDE || !number)
		return filesystem_fail(&fs->base, EIO, "inode %llu is outside the file system",
			(unsigned long long)number);
	r = xfs_metadata_read(fs, where, inode->raw, fs->inode_size);
	if (r)
		return filesystem_fail(&fs->base, -r, "cannot read inode %llu: %s",
			(unsigned long long)number, strerror(-r));
	inode->number = number;
	r = inode_check(fs, inode, where);
	if (r)
		return r;
	if (!xfs_inode_fork(fs, inode->raw, &offset, &size))
		return inode_damaged(fs, number, "its forks do not fit");
	inode->mode = bytes_be16(inode->raw + 2);
	inode->format = inode->raw[5];
	inode->size = bytes_be64(inode->raw + 56);
	inode->extents = inode_flags2(inode) & XFS_FLAGS2_NREXT64 ? bytes_be64(inode->raw + 24)
								  : bytes_be32(inode->raw + 76);
	inode->fork = inode->raw + offset;
	inode->fork_size = size;
	inode->realtime = bytes_be16(inode->raw + 90) & DIFLAG_REALTIME;
	if (inode->size > INT64_MAX || inode->format > XFS_FORMAT_RMAP ||
		!filesystem_mode_is_valid(inode->mode))
		return inode_damaged(fs, number, "its size, format or type is impossible");
	return 0;
}

static struct timespec xfs_inode_time(const uint8_t *p, bool bigtime)
{
	if (bigtime) {
		uint64_t ns = bytes_be64(p);

		return (struct timespec){
			(int64_t)(ns / NS_PER_SECOND) - BIGTIME_EPOCH, (long)(ns % NS_PER_SECOND)};
	}
	return (struct timespec){(int32_t)bytes_be32(p), bytes_be32(p + 4) % NS_PER_SECOND};
}

int xfs_inode_stat(struct filesystem *base, uint64_t number, struct filesystem_attributes *out)
{
	struct xfs *fs = xfs_of(base);
	struct xfs_inode inode;
	const uint8_t *raw = inode.raw;
	int r = xfs_inode_read(fs, number, &inode);
	bool bigtime;

	if (r)
		return r;
	bigtime = inode_flags2(&inode) & XFS_FLAGS2_BIGTIME;
	*out = (struct filesystem_attributes){
		.inode = number,
		.mode = inode.mode,
		.nlink = raw[4] == 1 ? bytes_be16(raw + 6) : bytes_be32(raw + 16),
		.uid = bytes_be32(raw + 8),
		.gid = bytes_be32(raw + 12),
		.size = inode.size,
		.blocks = bytes_be64(raw + 64) << (fs->block_log - 9),
		.atime = xfs_inode_time(raw + 32, bigtime),
		.mtime = xfs_inode_time(raw + 40, bigtime),
		.ctime = xfs_inode_time(raw + 48, bigtime),
	};
	if (raw[4] >= 3)
		out->birth = xfs_inode_time(raw + 144, bigtime);
	if ((S_ISCHR(inode.mode) || S_ISBLK(inode.mode)) && inode.format == XFS_FORMAT_DEV) {
		uint32_t device = bytes_be32(inode.fork);

		out->major = device >> 18;
		out->minor = device & 0x3ffff;
	}
	return 0;
}

void xfs_inode_want(struct filesystem *base, const uint64_t *numbers, unsigned n)
{
	struct xfs *fs = xfs_of(base);

	for (unsigned i = 0; i < n; i++) {
		uint64_t where = xfs_inode_offset(fs, numbers[i]);

		if (where != XFS_OUTSIDE && !sectors_want(base->disk, where, fs->inode_size))
			return;
	}
}
