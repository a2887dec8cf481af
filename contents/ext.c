/* SPDX-License-Identifier: MIT */
/* ext2, ext3 and ext4: opening. */
#include "ext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ext_internal.h"
#include "ext_journal.h"
#include "recognise.h"

static void ext_close(struct ext *ext)
{
	if (ext->fs)
		ext2fs_free(ext->fs);
	ext->fs = NULL;
}

static void ext_destroy(struct filesystem *base)
{
	struct ext *ext = ext_of(base);

	ext_close(ext);
	sector_map_finish(&ext->io.journaled);
	free(ext->block);
	free(ext);
}

static const struct filesystem_ops ext_ops = {
	.destroy = ext_destroy,
	.stat = ext_inode_stat,
	.readdir = ext_dir_read,
	.readlink = ext_link_read,
	.map = ext_map_extents,
	.want = ext_inode_want,
	.read = ext_map_read,
};

/* Opens the file system over ext->io. `flags`: additional flags for ext2fs_open2(). */
static int ext_try_open(struct ext *ext, int flags)
{
	errcode_t error;

	if (ext->skip_checksums)
		flags |= EXT2_FLAG_IGNORE_CSUM_ERRORS;
	error = ext_io_open(&ext->io, flags | EXT2_FLAG_64BITS, &ext->fs);
	switch (error) {
	case 0:
		return 0;
	case EXT2_ET_UNSUPP_FEATURE:
	case EXT2_ET_RO_UNSUPP_FEATURE:
		return filesystem_fail(&ext->base, EOPNOTSUPP,
			"ext4 has a feature that this machine's libext2fs does not know: update "
			"e2fsprogs");
	case EXT2_ET_SB_CSUM_INVALID:
		return filesystem_fail(&ext->base, EIO,
			"the superblock of ext4 is damaged: its checksum is wrong");
	case EXT2_ET_NO_MEMORY:
		return filesystem_fail(&ext->base, ENOMEM, "out of memory");
	default:
		if (error > 0 && error < 256 && error != EIO)
			return filesystem_fail(&ext->base, (int)error,
				"cannot read the superblock of ext4: %s", strerror((int)error));
		return filesystem_fail(&ext->base, EIO, "the superblock of ext4 is damaged");
	}
}

static void ext_name(struct ext *ext)
{
	const struct ext2_super_block *sb = ext->fs->super;

	strcpy(ext->base.kind, recognise_ext(sb->s_feature_compat, sb->s_feature_incompat,
				       sb->s_feature_ro_compat));
	memcpy(ext->base.label, sb->s_volume_name, sizeof(sb->s_volume_name));
}

/* Opens the file system. With a dirty journal it is opened twice: first to find the journal, then
 * with the journal replayed. */
static int ext_load(struct ext *ext, const struct filesystem_options *options)
{
	struct filesystem_attributes root;
	int r = ext_try_open(ext, EXT2_FLAG_IGNORE_CSUM_ERRORS);
	bool dirty;

	if (r)
		return r;
	dirty = ext2fs_has_feature_journal_needs_recovery(ext->fs->super) && !options->skip_log;
	ext->io.block_size = ext->fs->blocksize;
	ext->block = malloc(ext->io.block_size);
	if (!ext->block)
		return filesystem_fail(&ext->base, ENOMEM, "out of memory");
	if (ext2fs_has_feature_journal_dev(ext->fs->super))
		return filesystem_fail(&ext->base, EOPNOTSUPP,
			"this is the journal of another file system, and has no files");
	if (dirty)
		r = ext_journal_replay(ext);
	ext_close(ext);
	if (!r)
		r = ext_try_open(ext, 0);
	if (r)
		return r;
	if (ext->fs->blocksize != ext->io.block_size)
		return filesystem_fail(&ext->base, EIO, "the superblock of ext4 is damaged");
	if (ext2fs_blocks_count(ext->fs->super) > sectors_size(ext->io.disk) / ext->io.block_size)
		return filesystem_fail(&ext->base, EIO,
			"the file system is larger than its partition: a member of a RAID, or cut "
			"off");
	ext_name(ext);
	ext->base.root = EXT2_ROOT_INO;
	r = ext_inode_stat(&ext->base, EXT2_ROOT_INO, &root);
	if (!r && !S_ISDIR(root.mode))
		r = filesystem_fail(&ext->base, EIO, "the root directory of ext4 is damaged");
	return r;
}

struct filesystem *ext_open(
	struct sectors *disk, const struct filesystem_options *options, struct err *e)
{
	struct ext *ext = calloc(1, sizeof(*ext));
	int r;

	if (!ext) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	ext->base.ops = &ext_ops;
	ext->base.disk = disk;
	ext->io.disk = disk;
	ext->skip_checksums = options->skip_checksums;
	r = ext_load(ext, options);
	if (r) {
		err_set(e, -r, "%s", ext->base.reason);
		ext_destroy(&ext->base);
		return NULL;
	}
	return &ext->base;
}
