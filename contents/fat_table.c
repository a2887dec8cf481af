/* SPDX-License-Identifier: MIT */
/* Where things lie: the boot sector's numbers, the table of clusters, and the slots of inodes. */
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "fat_internal.h"

#define FAT12_CLUSTERS_MAX 4084u

int fat_fail(struct fat *fat, uint64_t inode)
{
	return filesystem_fail(
		&fat->base, EIO, "inode %llu of FAT is damaged", (unsigned long long)inode);
}

uint64_t fat_cluster_offset(const struct fat *fat, uint32_t cluster)
{
	return fat->data + (uint64_t)(cluster - FAT_FIRST_CLUSTER) * fat->cluster_size;
}

int fat_next(struct fat *fat, uint32_t cluster, uint32_t *next)
{
	uint64_t at = fat->table + (fat->bits == 12 ? cluster + cluster / 2
						    : (uint64_t)cluster * (fat->bits / 8));
	uint32_t none = fat->bits == 12 ? 0xff7 : fat->bits == 16 ? 0xfff7 : 0x0ffffff7;
	uint8_t bytes[4] = {0};
	int r = sectors_read(fat->base.disk, at, bytes, fat->bits == 32 ? 4 : 2);

	if (r)
		return filesystem_fail(&fat->base, -r, "cannot read the table of FAT");
	*next = bytes_le32(bytes);
	if (fat->bits == 12)
		*next = cluster & 1 ? *next >> 4 : *next & 0xfff;
	*next &= 0x0fffffff;
	if (*next >= none) {
		*next = 0;
		return 0;
	}
	if (*next < FAT_FIRST_CLUSTER || *next >= fat->end_cluster)
		return filesystem_fail(&fat->base, EIO,
			"the table of FAT is damaged: cluster %u leads to %u", cluster, *next);
	return 0;
}

uint32_t fat_slot_cluster(const struct fat *fat, const uint8_t *slot)
{
	uint32_t high = fat->bits == 32 ? bytes_le16(slot + 20) : 0;

	return high << 16 | bytes_le16(slot + 26);
}

int fat_slot(struct fat *fat, uint64_t inode, uint8_t *slot)
{
	uint64_t least = fat->root_size ? fat->root : fat->data;
	int r;

	if (inode < least / FAT_SLOT || inode > INT64_MAX / FAT_SLOT)
		return filesystem_fail(
			&fat->base, ESTALE, "inode %llu is not in use", (unsigned long long)inode);
	r = sectors_read(fat->base.disk, inode * FAT_SLOT, slot, FAT_SLOT);
	if (r)
		return filesystem_fail(&fat->base, -r, "cannot read the entry of inode %llu",
			(unsigned long long)inode);
	if (!slot[0] || slot[0] == FAT_DELETED || slot[11] & FAT_VOLUME)
		return filesystem_fail(
			&fat->base, ESTALE, "inode %llu is not in use", (unsigned long long)inode);
	return 0;
}

/* Determines the geometry. As in the kernel, the number of clusters and the place of the table's
 * length decide the kind. */
int fat_geometry(struct fat *fat, const uint8_t *boot)
{
	uint64_t sector = bytes_le16(boot + 11), total = bytes_le16(boot + 19);
	uint64_t table_size = bytes_le16(boot + 22), clusters, most;
	bool is_32 = !table_size;

	if (is_32)
		table_size = bytes_le32(boot + 36);
	if (!total)
		total = bytes_le32(boot + 32);
	total *= sector;
	table_size *= sector;
	fat->cluster_size = (uint32_t)(sector * boot[13]);
	fat->table = bytes_le16(boot + 14) * sector;
	fat->root = fat->table + boot[16] * table_size;
	fat->root_size = is_32 ? 0 : bytes_le16(boot + 17) * FAT_SLOT;
	fat->data = fat->root + bytes_le16(boot + 17) * FAT_SLOT;
	fat->root_cluster = is_32 ? bytes_le32(boot + 44) : 0;
	if (bytes_le16(boot + 17) * FAT_SLOT % sector || (!is_32 && !fat->root_size) ||
		fat->data >= total)
		return -EIO;
	clusters = (total - fat->data) / fat->cluster_size;
	fat->bits = is_32 ? 32 : clusters > FAT12_CLUSTERS_MAX ? 16 : 12;
	most = table_size * 8 / fat->bits;
	if (most <= FAT_FIRST_CLUSTER || !clusters)
		return -EIO;
	if (clusters > most - FAT_FIRST_CLUSTER)
		clusters = most - FAT_FIRST_CLUSTER;
	if (clusters > 0x0ffffff4)
		return -EIO;
	fat->end_cluster = (uint32_t)clusters + FAT_FIRST_CLUSTER;
	if (is_32 &&
		(fat->root_cluster < FAT_FIRST_CLUSTER || fat->root_cluster >= fat->end_cluster))
		return -EIO;
	return 0;
}
