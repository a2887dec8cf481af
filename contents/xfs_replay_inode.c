/* SPDX-License-Identifier: MIT */
/* XFS's log: inodes. The log has an inode's core in the machine's byte order, its forks in the
 * disk's form, and the root of a tree of extents in the form of the kernel's memory. */
#include "xfs_replay_inode.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define LOGGED_CORE   0x001u
#define LOGGED_LOCAL  0x002u /* the data fork's contents, */
#define LOGGED_LIST   0x004u /* its extents, */
#define LOGGED_ROOT   0x008u /* or the root of its tree */
#define LOGGED_DEVICE 0x010u
#define LOGGED_OWNER  0x200u /* the extents are those of another inode, exchanged */

/* Two layouts of the description: that of 64-bit kernels, and that of 32-bit ones. */
#define INODE_ITEM_64 56u
#define INODE_ITEM_32 52u

int xfs_replay_inode_parse(const struct xfs_log_item *item, struct xfs_replay_inode *out)
{
	const struct xfs_log_region *head = &item->regions[0];
	const uint8_t *p = head->data;
	unsigned pad = head->len >= INODE_ITEM_64 ? 4 : 0;

	if (head->len < INODE_ITEM_32 || item->count < 2)
		return -EIO;
	*out = (struct xfs_replay_inode){
		.number = bytes_le64(p + 12 + pad),
		.sector = bytes_le64(p + 36 + pad),
		.sectors = bytes_le32(p + 44 + pad),
		.offset = bytes_le32(p + 48 + pad),
		.fields = bytes_le32(p + 4),
		.device = bytes_le32(p + 20 + pad),
	};
	return 0;
}

/* The numbers of a core: place and size. The times are included only in their newer form. */
static const struct {
	uint8_t at, size;
} core_numbers[] = {
	{0, 2},
	{2, 2},
	{6, 2},
	{8, 4},
	{12, 4},
	{16, 4},
	{20, 2},
	{22, 2},
	{56, 8},
	{64, 8},
	{72, 4},
	{76, 4},
	{80, 2},
	{84, 4},
	{88, 2},
	{90, 2},
	{92, 4},
	{104, 8},
	{120, 8},
	{128, 4},
	{152, 8},
};
static const uint8_t core_times[] = {32, 40, 48, 144};

static void core_number(uint8_t *out, const uint8_t *in, unsigned at, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		out[at + i] = in[at + size - 1 - i];
}

/* Converts a logged core to the disk's form. */
static void core_convert(uint8_t *core, const uint8_t *in)
{
	uint64_t flags2 = bytes_le64(in + XFS_INODE_FLAGS2);

	memcpy(core, in, XFS_INODE_V3);
	for (size_t i = 0; i < ARRAY_LEN(core_numbers); i++)
		core_number(core, in, core_numbers[i].at, core_numbers[i].size);
	if (flags2 & XFS_FLAGS2_NREXT64)
		core_number(core, in, 24, 8);
	for (size_t i = 0; i < ARRAY_LEN(core_times); i++) {
		if (flags2 & XFS_FLAGS2_BIGTIME) {
			core_number(core, in, core_times[i], 8);
		} else {
			core_number(core, in, core_times[i], 4);
			core_number(core, in, core_times[i] + 4u, 4);
		}
	}
}

/* Converts the root of an extent tree to its form in an inode. The log has the kernel's form in
 * memory: a whole block, with room for another number of keys, so the pointers begin elsewhere. */
static int root_convert(
	const struct xfs *fs, uint8_t *fork, unsigned fork_size, const struct xfs_log_region *root)
{
	unsigned header = fs->v5 ? 72 : 24;
	unsigned n, most_there, most;

	if (root->len < header || fork_size < 4)
		return -EIO;
	n = bytes_be16(root->data + 6);
	most_there = (root->len - header) / 16;
	most = (fork_size - 4) / 16;
	if (n > most_there || n > most)
		return -EIO;
	memcpy(fork, root->data + 4, 4);
	memcpy(fork + 4, root->data + header, 8 * (size_t)n);
	memcpy(fork + 4 + 8 * most, root->data + header + 8 * most_there, 8 * (size_t)n);
	return 0;
}

/* Converts the data fork of an inode: its logged bytes are written to `fork`, which has room for
 * `size`. *len: the number of new bytes; 0: none were logged. */
static int fork_convert(const struct xfs *fs, const struct xfs_replay_inode *inode,
	const struct xfs_log_item *item, uint8_t *fork, unsigned size, unsigned *len)
{
	const struct xfs_log_region *region = item->count > 2 ? &item->regions[2] : NULL;

	*len = 0;
	if (inode->fields & LOGGED_DEVICE) {
		bytes_put_be32(fork, inode->device);
		*len = 4;
	}
	if (!(inode->fields & (LOGGED_LOCAL | LOGGED_LIST | LOGGED_ROOT)))
		return 0;
	if (!region)
		return -EIO;
	if (inode->fields & LOGGED_ROOT) {
		*len = size;
		return root_convert(fs, fork, size, region);
	}
	if (region->len > size)
		return -EIO;
	memcpy(fork, region->data, region->len);
	*len = region->len;
	return 0;
}

int xfs_replay_inode(
	struct xfs *fs, const struct xfs_replay_inode *inode, const struct xfs_log_item *item)
{
	const struct xfs_log_region *core = &item->regions[1];
	uint64_t where = inode->sector * SECTOR_SIZE + inode->offset;
	uint8_t raw[XFS_INODE_MAX] = {0};
	unsigned offset, size, len;
	int r;

	if (inode->sector > INT64_MAX / SECTOR_SIZE || core->len < XFS_INODE_V3 ||
		bytes_le16(core->data) != XFS_INODE_MAGIC || core->data[4] != 3 ||
		where != xfs_inode_offset(fs, inode->number))
		return -EIO;
	core_convert(raw, core->data);
	if (!xfs_inode_fork(fs, raw, &offset, &size))
		return -EIO;
	r = fork_convert(fs, inode, item, raw + offset, size, &len);
	if (!r && inode->fields & LOGGED_OWNER)
		r = sector_map_set(&fs->exchanged, inode->number, 1);
	if (r)
		return r;
	len = (offset + len + OVERLAY_UNIT - 1) / OVERLAY_UNIT * OVERLAY_UNIT;
	return overlay_write(&fs->overlay, where, raw, len);
}
