/* SPDX-License-Identifier: MIT */
/* ext2, ext3 and ext4: symbolic links. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ext_internal.h"

/* Appends the target of a link that is stored in a block. */
static int link_block(struct ext *ext, uint64_t number, struct ext2_inode_large *inode,
	uint64_t size, struct buf *target)
{
	struct ext_run run;
	int r = ext_map_run(ext, number, inode, 0, 1, &run);

	if (r)
		return r;
	if (!run.block || size > ext->io.block_size ||
		ext_io_read(&ext->io, run.block * ext->io.block_size, ext->block, size))
		return ext_fail(ext, EIO, "the target", number);
	return buf_add(target, ext->block, size);
}

int ext_link_read(struct filesystem *base, uint64_t number, struct buf *target)
{
	struct ext *ext = ext_of(base);
	struct ext2_inode_large inode;
	uint64_t size;
	int r = ext_inode_read(ext, number, &inode);

	if (r)
		return r;
	size = EXT2_I_SIZE(&inode);
	if (!S_ISLNK(inode.i_mode))
		return filesystem_fail(
			base, EINVAL, "inode %llu is no symbolic link", (unsigned long long)number);
	if (inode.i_flags & EXT4_ENCRYPT_FL)
		return filesystem_fail(base, ENOKEY,
			"the target of inode %llu is encrypted (fscrypt)",
			(unsigned long long)number);
	if (!size || size > FILESYSTEM_LINK_MAX)
		return ext_fail(ext, EIO, "the target", number);
	if (inode.i_flags & EXT4_INLINE_DATA_FL)
		r = ext_inode_inline(ext, number, target);
	else if (size < sizeof(inode.i_block) && !(inode.i_flags & EXT4_EXTENTS_FL))
		r = buf_add(target, inode.i_block, size);
	else
		r = link_block(ext, number, &inode, size, target);
	if (!r && (target->len < size || memchr(target->data, 0, size)))
		r = ext_fail(ext, EIO, "the target", number);
	return r ? r : buf_resize(target, size);
}
