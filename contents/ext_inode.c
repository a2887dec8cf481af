/* SPDX-License-Identifier: MIT */
/* ext2, ext3 and ext4: inodes. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ext_internal.h"

int ext_fail(struct ext *ext, errcode_t error, const char *what, uint64_t number)
{
	/* libext2fs returns errnos below 256, from the disk, and its own codes above. */
	int errnum = error == EXT2_ET_NO_MEMORY ? ENOMEM : error < 256 ? (int)error : EIO;

	if (errnum == EIO)
		return filesystem_fail(&ext->base, EIO, "%s of inode %llu is damaged", what,
			(unsigned long long)number);
	return filesystem_fail(&ext->base, errnum, "cannot read %s of inode %llu: %s", what,
		(unsigned long long)number, strerror(errnum));
}

int ext_inode_read(struct ext *ext, uint64_t number, struct ext2_inode_large *inode)
{
	errcode_t error;

	memset(inode, 0, sizeof(*inode));
	if (!number || number > ext->fs->super->s_inodes_count)
		return filesystem_fail(&ext->base, EIO, "inode %llu is outside the file system",
			(unsigned long long)number);
	error = ext2fs_read_inode_full(
		ext->fs, (ext2_ino_t)number, EXT2_INODE(inode), sizeof(*inode));
	if (error)
		return ext_fail(ext, error, "the record", number);
	if (!inode->i_links_count || !inode->i_mode)
		return filesystem_fail(
			&ext->base, ESTALE, "inode %llu is not in use", (unsigned long long)number);
	return 0;
}

/* Returns a time with its extra bits: two more for the seconds, and nanoseconds. has: the inode has
 * them. */
static struct timespec inode_time(uint32_t seconds, uint32_t extra, bool has)
{
	struct timespec t = {(int32_t)seconds, 0};

	if (has) {
		t.tv_sec += (int64_t)(extra & 3) << 32;
		t.tv_nsec = extra >> 2;
	}
	return t;
}

static bool inode_has(const struct ext *ext, const struct ext2_inode_large *inode, size_t end)
{
	return EXT2_INODE_SIZE(ext->fs->super) > EXT2_GOOD_OLD_INODE_SIZE &&
	       EXT2_GOOD_OLD_INODE_SIZE + (size_t)inode->i_extra_isize >= end;
}

#define INODE_HAS(ext, inode, field)                                                               \
	inode_has(ext, inode, offsetof(struct ext2_inode_large, field) + sizeof((inode)->field))

/* Reads a device's number: in the old form in the first block, or in the new form in the second. */
static void inode_device(const struct ext2_inode_large *inode, struct filesystem_attributes *out)
{
	uint32_t old = ext2fs_le32_to_cpu(inode->i_block[0]);
	uint32_t device = ext2fs_le32_to_cpu(inode->i_block[1]);

	if (old) {
		out->major = old >> 8 & 0xff;
		out->minor = old & 0xff;
	} else {
		out->major = (device & 0xfff00) >> 8;
		out->minor = (device & 0xff) | (device >> 12 & 0xfff00);
	}
}

int ext_inode_stat(struct filesystem *base, uint64_t number, struct filesystem_attributes *out)
{
	struct ext *ext = ext_of(base);
	struct ext2_inode_large inode;
	int r = ext_inode_read(ext, number, &inode);

	if (r)
		return r;
	*out = (struct filesystem_attributes){
		.inode = number,
		.mode = inode.i_mode,
		.nlink = inode.i_links_count,
		.uid = inode_uid(inode),
		.gid = inode_gid(inode),
		.size = EXT2_I_SIZE(&inode),
		.blocks = ext2fs_get_stat_i_blocks(ext->fs, EXT2_INODE(&inode)),
		.atime = inode_time(
			inode.i_atime, inode.i_atime_extra, INODE_HAS(ext, &inode, i_atime_extra)),
		.mtime = inode_time(
			inode.i_mtime, inode.i_mtime_extra, INODE_HAS(ext, &inode, i_mtime_extra)),
		.ctime = inode_time(
			inode.i_ctime, inode.i_ctime_extra, INODE_HAS(ext, &inode, i_ctime_extra)),
	};
	if (inode.i_flags & EXT4_INLINE_DATA_FL && S_ISREG(out->mode))
		out->blocks +=
			(out->size + 511) / 512; /* the kernel counts the blocks in the same way */
	if (INODE_HAS(ext, &inode, i_crtime))
		out->birth = inode_time(inode.i_crtime, inode.i_crtime_extra,
			INODE_HAS(ext, &inode, i_crtime_extra));
	if (S_ISCHR(out->mode) || S_ISBLK(out->mode))
		inode_device(&inode, out);
	if (out->size > INT64_MAX)
		return ext_fail(ext, EIO, "the size", number);
	return 0;
}

int ext_inode_inline(struct ext *ext, uint64_t number, struct buf *out)
{
	/* Room for the largest inode, 64 KiB, and its attributes, which have one block. */
	_cleanup_free_ char *data = malloc(2 * (size_t)65536);
	size_t size = 0;
	errcode_t error;

	if (!data)
		return filesystem_fail(&ext->base, ENOMEM, "out of memory");
	error = ext2fs_inline_data_size(ext->fs, (ext2_ino_t)number, &size);
	if (!error && size > 2 * (size_t)65536)
		error = EIO;
	if (!error)
		error = ext2fs_inline_data_get(ext->fs, (ext2_ino_t)number, NULL, data, &size);
	if (error)
		return ext_fail(ext, error, "the data", number);
	return buf_add(out, data, size);
}

void ext_inode_want(struct filesystem *base, const uint64_t *inodes, unsigned n)
{
	struct ext *ext = ext_of(base);
	const struct ext2_super_block *sb = ext->fs->super;

	for (unsigned i = 0; i < n; i++) {
		uint64_t index = inodes[i] - 1, group = index / sb->s_inodes_per_group;
		uint64_t byte = index % sb->s_inodes_per_group * EXT2_INODE_SIZE(sb);
		uint64_t table;

		if (!inodes[i] || inodes[i] > sb->s_inodes_count)
			continue;
		table = ext2fs_inode_table_loc(ext->fs, (dgrp_t)group);
		if (!ext_io_want(&ext->io, table + byte / ext->io.block_size))
			return;
	}
}
