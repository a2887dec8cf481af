/* SPDX-License-Identifier: MIT */
/* XFS: opening. */
#include "xfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "xfs_internal.h"

static void xfs_destroy(struct filesystem *base)
{
	struct xfs *fs = xfs_of(base);

	overlay_finish(&fs->overlay);
	sector_map_finish(&fs->exchanged);
	sector_map_finish(&fs->unfinished);
	free(fs->block);
	free(fs);
}

/* XFS stores no file's data inline, so map() returns no FILESYSTEM_BYTES, and read() is not needed.
 */
static const struct filesystem_ops xfs_ops = {
	.destroy = xfs_destroy,
	.stat = xfs_inode_stat,
	.readdir = xfs_dir_read,
	.readlink = xfs_link_read,
	.map = xfs_file_map,
	.want = xfs_inode_want,
};

/* Notes that the file system needs repair. The kernel does not mount such a file system;
 * ebsfs-reader shows it with this note. */
static void xfs_note_repair(struct xfs *fs)
{
	size_t len = strlen(fs->base.note);

	if (fs->incompat & XFS_INCOMPAT_NEEDSREPAIR)
		snprintf(fs->base.note + len, sizeof(fs->base.note) - len,
			"%sit needs xfs_repair: parts of it may be wrong", len ? "; " : "");
}

static int xfs_load(struct xfs *fs, const struct filesystem_options *options)
{
	struct filesystem_attributes root;
	int r = xfs_superblock_read(fs);

	if (!r && !options->skip_log)
		r = xfs_log_replay(fs);
	if (r)
		return r;
	xfs_note_repair(fs);
	fs->block = malloc(fs->dir_block_size);
	if (!fs->block)
		return filesystem_fail(&fs->base, ENOMEM, "out of memory");
	r = xfs_inode_stat(&fs->base, fs->base.root, &root);
	if (!r && !S_ISDIR(root.mode))
		r = -EIO;
	if (r == -EIO || r == -ESTALE)
		return filesystem_fail(&fs->base, EIO, "the root directory of XFS is damaged");
	return r;
}

struct filesystem *xfs_open(
	struct sectors *disk, const struct filesystem_options *options, struct err *e)
{
	struct xfs *fs = calloc(1, sizeof(*fs));
	int r;

	if (!fs) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	fs->base.ops = &xfs_ops;
	fs->base.disk = disk;
	strcpy(fs->base.kind, "xfs");
	fs->skip_checksums = options->skip_checksums;
	r = xfs_load(fs, options);
	if (r) {
		err_set(e, -r, "%s", fs->base.reason);
		xfs_destroy(&fs->base);
		return NULL;
	}
	return &fs->base;
}
