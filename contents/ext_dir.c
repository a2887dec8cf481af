/* SPDX-License-Identifier: MIT */
/* ext2, ext3 and ext4: directories. The blocks of a hash tree look like blocks without names, so
 * every directory is read block after block. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "ext_internal.h"

#define ENTRY_HEADER      8u
#define INLINE_PARENT     4u /* bytes before the names in an inode */
#define INLINE_FIRST      EXT4_MIN_INLINE_DATA_SIZE
#define READ_AHEAD_BLOCKS 256u

struct dir_walk {
	struct ext *ext;
	uint64_t number, position;
	filesystem_entry_fn *fn;
	void *arg;
	bool stopped;
};

/* Reads the names in `len` bytes, which begin at the byte `base` of the directory. */
static int names_walk(struct dir_walk *walk, const char *p, unsigned len, uint64_t base)
{
	unsigned at = 0;

	while (at < len && !walk->stopped) {
		const struct ext2_dir_entry *entry = (const void *)(p + at);
		uint32_t inode = len - at < ENTRY_HEADER ? 0 : bytes_le32(p + at);
		unsigned size = 0, name_len;

		if (len - at >= ENTRY_HEADER)
			ext2fs_get_rec_len(walk->ext->fs, (struct ext2_dir_entry *)entry, &size);
		if (size < ENTRY_HEADER || size % 4 || size > len - at)
			return ext_fail(walk->ext, EIO, "the directory", walk->number);
		name_len = (uint8_t)p[at + 6];
		if (inode && base + at >= walk->position) {
			struct filesystem_entry found = {
				p + at + ENTRY_HEADER, name_len, inode, base + at + size};
			bool dots =
				name_len && name_len <= 2 && !memcmp(found.name, "..", name_len);

			if (name_len > size - ENTRY_HEADER ||
				(!dots && !filesystem_name_is_valid(found.name, name_len)))
				return ext_fail(walk->ext, EIO, "the directory", walk->number);
			if (!dots)
				walk->stopped = !walk->fn(walk->arg, &found);
		}
		at += size;
	}
	return 0;
}

/* A directory within its inode: the parent's number, names, and after byte 60 more names. */
static int dir_inline(struct dir_walk *walk)
{
	_cleanup_buf_ struct buf data = BUF_INIT;
	int r = ext_inode_inline(walk->ext, walk->number, &data);

	if (r)
		return r;
	if (data.len < INLINE_FIRST)
		return ext_fail(walk->ext, EIO, "the directory", walk->number);
	r = names_walk(
		walk, data.data + INLINE_PARENT, INLINE_FIRST - INLINE_PARENT, INLINE_PARENT);
	if (!r && data.len > INLINE_FIRST)
		r = names_walk(walk, data.data + INLINE_FIRST, (unsigned)(data.len - INLINE_FIRST),
			INLINE_FIRST);
	return r;
}

static int dir_blocks(struct dir_walk *walk, struct ext2_inode_large *inode)
{
	struct ext *ext = walk->ext;
	uint64_t size = ext->io.block_size, blocks = EXT2_I_SIZE(inode) / size;
	struct ext_run run = {0};
	int r = 0;

	if (blocks > ext2fs_blocks_count(ext->fs->super))
		return ext_fail(ext, EIO, "the directory", walk->number);
	for (uint64_t i = walk->position / size; i < blocks && !walk->stopped && !r; i++) {
		errcode_t error;

		if (!run.count) {
			r = ext_map_run(ext, walk->number, inode, i, blocks - i, &run);
			for (uint64_t k = 0; !r && run.block && k < run.count; k++)
				if (k == READ_AHEAD_BLOCKS || !ext_io_want(&ext->io, run.block + k))
					break;
			if (r)
				break;
		}
		if (!run.block) { /* a hole */
			i += run.count - 1;
			run.count = 0;
			continue;
		}
		error = ext2fs_read_dir_block4(
			ext->fs, run.block, ext->block, 0, (ext2_ino_t)walk->number);
		if (error)
			r = ext_fail(ext, error, "the directory", walk->number);
		else
			r = names_walk(walk, (char *)ext->block, (unsigned)size, i * size);
		run.block++;
		run.count--;
	}
	return r;
}

int ext_dir_read(struct filesystem *base, uint64_t directory, uint64_t position,
	filesystem_entry_fn *fn, void *arg)
{
	struct ext *ext = ext_of(base);
	struct dir_walk walk = {ext, directory, position, fn, arg, false};
	struct ext2_inode_large inode;
	int r = ext_inode_read(ext, directory, &inode);

	if (r)
		return r;
	if (!S_ISDIR(inode.i_mode))
		return filesystem_fail(
			base, ENOTDIR, "inode %llu is no directory", (unsigned long long)directory);
	if (inode.i_flags & EXT4_ENCRYPT_FL)
		return filesystem_fail(base, ENOKEY,
			"the names in the directory %llu are encrypted (fscrypt)",
			(unsigned long long)directory);
	return inode.i_flags & EXT4_INLINE_DATA_FL ? dir_inline(&walk) : dir_blocks(&walk, &inode);
}
