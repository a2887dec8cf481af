/* SPDX-License-Identifier: MIT */
/* XFS: the superblock, and the geometry in it. */
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "xfs_internal.h"

#define SUPERBLOCK_SIZE     512   /* its fields lie in the first sector, */
#define SUPERBLOCK_MAX      32768 /* its checksum covers one of the file system's sectors */
#define SUPERBLOCK_UUID     32
#define SUPERBLOCK_META     248 /* the UUID in the metadata, with XFS_INCOMPAT_META_UUID */
#define SUPERBLOCK_BUSY     126 /* mkfs has not finished */
#define SUPERBLOCK_LABEL    108
#define SUPERBLOCK_LABEL_SZ 12
#define CLUSTER_SIZE        8192u

/* Bits of the version number and of features2, in version 4. */
#define VERSION_NUMBER  0x000f
#define VERSION_DIRV2   0x2000
#define VERSION_MORE    0x8000
#define FEATURES2_FTYPE 0x0200
#define FEATURES2_KNOWN 0x02fau

uint64_t xfs_block_offset(const struct xfs *fs, uint64_t block)
{
	uint64_t ag = block >> fs->ag_block_log;
	uint64_t in_ag = block & ((1ull << fs->ag_block_log) - 1);

	if (ag >= fs->ag_count || in_ag >= fs->ag_blocks ||
		ag * fs->ag_blocks + in_ag >= fs->data_blocks)
		return XFS_OUTSIDE;
	return (ag * fs->ag_blocks + in_ag) << fs->block_log;
}

/* Reads the features that decide how the rest is read; version 4 has other names for them. */
static int superblock_features(struct xfs *fs, const uint8_t *sb)
{
	unsigned bits = bytes_be16(sb + 100), version = bits & VERSION_NUMBER;
	uint32_t features2 = bits & VERSION_MORE ? bytes_be32(sb + 200) : 0, unknown;

	fs->v5 = version == 5;
	if (version != 4 && version != 5)
		return filesystem_fail(
			&fs->base, EOPNOTSUPP, "XFS version %u is not supported", version);
	if (version == 4) {
		if (!(bits & VERSION_DIRV2))
			return filesystem_fail(&fs->base, EOPNOTSUPP,
				"XFS with directories of version 1 is not supported");
		if (features2 & ~FEATURES2_KNOWN)
			return filesystem_fail(&fs->base, EOPNOTSUPP,
				"XFS has an unknown feature (features2 0x%x)", features2);
		fs->has_ftype = features2 & FEATURES2_FTYPE;
		return 0;
	}
	fs->incompat = bytes_be32(sb + 216);
	fs->log_incompat = bytes_be32(sb + 220);
	unknown = fs->incompat & ~XFS_INCOMPAT_KNOWN;
	if (unknown)
		return filesystem_fail(&fs->base, EOPNOTSUPP,
			"XFS has an incompatible feature (bit %d) that is newer than this ebsfs",
			ffs((int)unknown) - 1);
	fs->has_ftype = fs->incompat & XFS_INCOMPAT_FTYPE;
	return 0;
}

/* Returns the size of an inode buffer, chosen as in the kernel: 8 KiB; in version 5 larger in
 * proportion to the inodes, if they are aligned to it. */
static unsigned superblock_cluster_sectors(const struct xfs *fs, const uint8_t *sb)
{
	uint32_t size = CLUSTER_SIZE, larger = CLUSTER_SIZE * (fs->inode_size / 256);

	if (fs->v5 && bytes_be32(sb + 180) >= larger >> fs->block_log)
		size = larger;
	return (size > fs->block_size ? size : fs->block_size) / SECTOR_SIZE;
}

/* Checks the fields that later code uses to shift, divide or allocate, and stores the values that
 * are derived from them. */
static bool superblock_geometry(struct xfs *fs, const uint8_t *sb)
{
	unsigned block_log = sb[120], sector_log = sb[121], inode_log = sb[122],
		 inode_per_block_log = sb[123], ag_log = sb[124], dir_log = sb[192];

	if (block_log < 9 || block_log > 16 || sector_log < 9 || sector_log > 15 ||
		sector_log > block_log || inode_log < (fs->v5 ? 9u : 8u) || inode_log > 11 ||
		inode_log > block_log || inode_per_block_log != block_log - inode_log ||
		ag_log > 31 || dir_log + block_log > 16)
		return false;
	if (fs->block_size != 1u << block_log || fs->inode_size != 1u << inode_log ||
		fs->sector_size != 1u << sector_log)
		return false;
	if (!fs->ag_blocks || fs->ag_blocks > 1ull << ag_log || !fs->ag_count)
		return false;
	fs->block_log = block_log;
	fs->inode_per_block_log = inode_per_block_log;
	fs->ag_block_log = ag_log;
	fs->dir_block_size = fs->block_size << dir_log;
	fs->inode_cluster_sectors = superblock_cluster_sectors(fs, sb);
	return fs->data_blocks && fs->data_blocks <= (uint64_t)fs->ag_blocks * fs->ag_count &&
	       fs->data_blocks <= sectors_size(fs->base.disk) >> block_log;
}

static void superblock_fields(struct xfs *fs, const uint8_t *sb)
{
	fs->block_size = bytes_be32(sb + 4);
	fs->data_blocks = bytes_be64(sb + 8);
	fs->log_start = bytes_be64(sb + 48);
	fs->base.root = bytes_be64(sb + 56);
	fs->ag_blocks = bytes_be32(sb + 84);
	fs->ag_count = bytes_be32(sb + 88);
	fs->log_blocks = bytes_be32(sb + 96);
	fs->sector_size = bytes_be16(sb + 102);
	fs->inode_size = bytes_be16(sb + 104);
	memcpy(fs->base.label, sb + SUPERBLOCK_LABEL, SUPERBLOCK_LABEL_SZ);
	memcpy(fs->uuid,
		sb + (fs->incompat & XFS_INCOMPAT_META_UUID ? SUPERBLOCK_META : SUPERBLOCK_UUID),
		XFS_UUID_SIZE);
}

int xfs_superblock_read(struct xfs *fs)
{
	uint8_t sb[SUPERBLOCK_MAX];
	struct xfs_identity identity = {.crc = 224};
	int r = xfs_metadata_read(fs, 0, sb, SUPERBLOCK_SIZE);

	if (r)
		return filesystem_fail(
			&fs->base, -r, "cannot read the superblock of XFS: %s", strerror(-r));
	r = superblock_features(fs, sb);
	if (r)
		return r;
	if (sb[SUPERBLOCK_BUSY])
		return filesystem_fail(&fs->base, EIO, "mkfs.xfs was not finished");
	superblock_fields(fs, sb);
	identity.uuid = fs->incompat & XFS_INCOMPAT_META_UUID ? SUPERBLOCK_META : SUPERBLOCK_UUID;
	if (!superblock_geometry(fs, sb))
		return filesystem_fail(&fs->base, EIO,
			"the superblock of XFS is damaged, or the partition is smaller than it");
	r = xfs_metadata_read(fs, 0, sb, fs->sector_size);
	if (r || !xfs_metadata_is_right(fs, sb, fs->sector_size, &identity, 0, 0))
		return filesystem_fail(&fs->base, r ? -r : EIO,
			"the superblock of XFS is damaged: its checksum is wrong");
	return 0;
}
