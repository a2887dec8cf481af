/* SPDX-License-Identifier: MIT */
/* XFS: finds the contents of files on the disk. */
#include <errno.h>
#include <sys/stat.h>

#include "xfs_internal.h"

struct file_mapping {
	struct xfs *fs;
	struct filesystem_extent *out;
	unsigned n, most;
	uint64_t next, end; /* bytes of the file */
};

static void file_map_add(
	struct file_mapping *m, uint64_t end, enum filesystem_extent_kind kind, uint64_t disk)
{
	struct filesystem_extent *last = m->n ? &m->out[m->n - 1] : NULL;

	if (end > m->end)
		end = m->end;
	if (end <= m->next)
		return;
	if (last && last->kind == kind &&
		(kind == FILESYSTEM_HOLE || last->disk + last->length == disk))
		last->length += end - m->next;
	else if (m->n < m->most)
		m->out[m->n++] = (struct filesystem_extent){m->next, end - m->next, kind, disk};
	else
		end = m->end = m->next; /* no room: the caller must call again for the rest */
	m->next = end;
}

static bool file_map_extent(void *arg, const struct xfs_extent *extent)
{
	struct file_mapping *m = arg;
	unsigned shift = m->fs->block_log;
	uint64_t begin = extent->offset << shift, end = begin + (extent->count << shift);

	if (begin > m->next)
		file_map_add(m, begin, FILESYSTEM_HOLE, 0);
	if (m->next >= m->end || end <= m->next)
		return m->next < m->end;
	if (extent->unwritten)
		file_map_add(m, end, FILESYSTEM_HOLE, 0);
	else
		file_map_add(m, end, FILESYSTEM_DISK,
			xfs_block_offset(m->fs, extent->block) + (m->next - begin));
	return m->next < m->end;
}

/* Returns 0 if the data of an inode can be read, else -errno with the reason. */
static int file_data_refused(struct xfs *fs, const struct xfs_inode *inode)
{
	uint64_t any;

	if (!S_ISREG(inode->mode))
		return filesystem_fail(&fs->base, S_ISDIR(inode->mode) ? EISDIR : EINVAL,
			"inode %llu is no file", (unsigned long long)inode->number);
	if (inode->realtime)
		return filesystem_fail(&fs->base, EIO,
			"inode %llu lies on the realtime device, which is not read",
			(unsigned long long)inode->number);
	if (sector_map_get(&fs->unfinished, inode->number, &any))
		return filesystem_fail(&fs->base, EIO,
			"a change of the extents of inode %llu was not finished: its contents can "
			"be read from a disk (.rw) that the kernel has mounted",
			(unsigned long long)inode->number);
	return 0;
}

int xfs_file_map(struct filesystem *base, uint64_t number, uint64_t offset, uint64_t length,
	struct filesystem_extent *extents, unsigned *n)
{
	struct xfs *fs = xfs_of(base);
	struct xfs_inode inode;
	struct file_mapping m = {.fs = fs, .out = extents, .most = *n, .next = offset};
	int r = xfs_inode_read(fs, number, &inode);

	*n = 0;
	if (!r)
		r = file_data_refused(fs, &inode);
	if (r || offset >= inode.size)
		return r;
	m.end = length < inode.size - offset ? offset + length : inode.size;
	r = xfs_extents(fs, &inode, offset >> fs->block_log, file_map_extent, &m);
	if (!r)
		file_map_add(&m, m.end, FILESYSTEM_HOLE, 0);
	*n = m.n;
	return r;
}
