/* SPDX-License-Identifier: MIT */
/* Opening, attributes, and the extents of files. */
#include "fat_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"

#define BOOT_LABEL_16 43u
#define BOOT_LABEL_32 71u
#define LABEL_LENGTH  11u

static bool is_power_of_2(uint32_t n)
{
	return n && !(n & (n - 1));
}

bool fat_is_boot_sector(const uint8_t *sector)
{
	uint32_t size = bytes_le16(sector + 11), media = sector[21];

	return sector[510] == 0x55 && sector[511] == 0xaa && is_power_of_2(size) && size >= 512 &&
	       size <= 4096 && is_power_of_2(sector[13]) && bytes_le16(sector + 14) && sector[16] &&
	       (media >= 0xf8 || media == 0xf0) &&
	       (bytes_le16(sector + 22) || bytes_le32(sector + 36)) &&
	       (bytes_le16(sector + 19) || bytes_le32(sector + 32));
}

static void label_copy(const uint8_t *from, char *out)
{
	size_t len = LABEL_LENGTH;

	memcpy(out, from, len);
	while (len && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

void fat_boot_label(const uint8_t *sector, char *out)
{
	const uint8_t *label = sector + (bytes_le16(sector + 22) ? BOOT_LABEL_16 : BOOT_LABEL_32);

	label_copy(label, out);
	if (label[-5] != 0x29 || !strcmp(out, "NO NAME"))
		out[0] = '\0';
}

/* Finds the cluster with the number `index` of a chain. *cluster: 0 past the end. */
static int chain_seek(struct fat *fat, uint32_t first, uint32_t index, uint32_t *cluster)
{
	uint32_t at = 0;

	*cluster = first;
	if (fat->last.first == first && fat->last.index <= index) {
		at = fat->last.index;
		*cluster = fat->last.cluster;
	}
	for (; at < index && *cluster; at++) {
		int r = fat_next(fat, *cluster, cluster);

		if (r)
			return r;
	}
	if (*cluster) {
		fat->last.first = first;
		fat->last.index = index;
		fat->last.cluster = *cluster;
	}
	return 0;
}

/* Finds the first cluster of a regular file; 0 if the file has none. */
static int file_read(struct fat *fat, uint64_t inode, uint32_t *cluster, uint64_t *size)
{
	uint8_t slot[FAT_SLOT];
	int r = inode == FAT_ROOT ? 0 : fat_slot(fat, inode, slot);

	if (r)
		return r;
	if (inode == FAT_ROOT || slot[11] & FAT_DIRECTORY)
		return filesystem_fail(
			&fat->base, EISDIR, "inode %llu is a directory", (unsigned long long)inode);
	*size = bytes_le32(slot + 28);
	*cluster = fat_slot_cluster(fat, slot);
	if (*size && (*cluster < FAT_FIRST_CLUSTER || *cluster >= fat->end_cluster))
		return fat_fail(fat, inode);
	return 0;
}

/* Extends the extent by the clusters that are adjacent on the disk, up to `most` bytes. *cluster
 * becomes the next cluster, 0 at the end. */
static int extent_extend(
	struct fat *fat, struct filesystem_extent *extent, uint64_t most, uint32_t *cluster)
{
	uint32_t next = *cluster;
	int r = 0;

	do {
		*cluster = next;
		if (extent->length >= most)
			break;
		r = fat_next(fat, *cluster, &next);
		if (r || next != *cluster + 1)
			break;
		extent->length += fat->cluster_size;
	} while (true);
	if (extent->length > most)
		extent->length = most;
	*cluster = next;
	return r;
}

static int fat_map(struct filesystem *base, uint64_t inode, uint64_t offset, uint64_t length,
	struct filesystem_extent *extents, unsigned *n)
{
	struct fat *fat = fat_of(base);
	unsigned most = *n;
	uint32_t first = 0, cluster;
	uint64_t size = 0, end;
	int r = file_read(fat, inode, &first, &size);

	*n = 0;
	if (r || offset >= size)
		return r;
	end = length < size - offset ? offset + length : size;
	while (!r && offset < end && *n < most) {
		uint32_t skip = (uint32_t)(offset % fat->cluster_size);

		r = chain_seek(fat, first, (uint32_t)(offset / fat->cluster_size), &cluster);
		if (!r && !cluster)
			r = filesystem_fail(base, EIO,
				"inode %llu is damaged: it ends before its size",
				(unsigned long long)inode);
		if (r)
			break;
		extents[*n] = (struct filesystem_extent){.offset = offset,
			.length = fat->cluster_size - skip,
			.kind = FILESYSTEM_DISK,
			.disk = fat_cluster_offset(fat, cluster) + skip};
		r = extent_extend(fat, &extents[*n], end - offset, &cluster);
		offset += extents[(*n)++].length;
	}
	return *n ? 0 : r;
}

static int fat_readlink(struct filesystem *base, uint64_t inode, struct buf *target)
{
	return filesystem_fail(base, EINVAL, "FAT has no symbolic links");
}

/* Returns FAT's date and time in seconds since 1970, taken as UTC. Values that do not exist are
 * handled by the kernel's rules. */
static struct timespec fat_time(uint16_t date, uint16_t time, unsigned hundredths)
{
	static const int days_before[16] = {
		0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 0, 0, 0};
	unsigned year = date >> 9, month = date >> 5 & 0xf, day = date & 0x1f;
	int64_t days, leap = (year + 3) / 4;

	month = month ? month : 1;
	day = day ? day - 1 : 0;
	if (year > 120)
		leap--; /* 2100 is not a leap year */
	if (year % 4 == 0 && year != 120 && month > 2)
		leap++;
	days = (int64_t)year * 365 + leap + days_before[month] + day + 3652;
	return (struct timespec){days * 86400 + (time >> 11) * 3600 + (time >> 5 & 0x3f) * 60 +
					 (time & 0x1f) * 2 + hundredths / 100,
		(long)(hundredths % 100) * 10000000};
}

/* A directory's size is that of its clusters, and its number of links is counted from its entries,
 * as in the kernel. */
static int directory_stat(struct fat *fat, uint64_t inode, struct filesystem_attributes *out)
{
	struct fat_directory directory;
	int r = fat_directory_read(fat, inode, &directory);

	if (r)
		return r;
	out->mode = S_IFDIR | 0755;
	out->size = directory.size;
	out->nlink = inode == FAT_ROOT ? 2 : 0;
	for (size_t at = 0; at < directory.size; at += FAT_SLOT) {
		const uint8_t *slot = directory.slots + at;

		if (slot[0] && slot[0] != FAT_DELETED && slot[11] & FAT_DIRECTORY &&
			!(slot[11] & FAT_VOLUME))
			out->nlink++;
	}
	fat_directory_finish(&directory);
	return 0;
}

static int fat_stat(struct filesystem *base, uint64_t inode, struct filesystem_attributes *out)
{
	struct fat *fat = fat_of(base);
	uint8_t slot[FAT_SLOT];
	int r = 0;

	*out = (struct filesystem_attributes){.inode = inode, .nlink = 1};
	if (inode != FAT_ROOT) {
		r = fat_slot(fat, inode, slot);
		if (r)
			return r;
		out->mode = S_IFREG | (slot[11] & FAT_READ_ONLY ? 0555 : 0755);
		out->size = bytes_le32(slot + 28);
		out->mtime = fat_time(bytes_le16(slot + 24), bytes_le16(slot + 22), 0);
		out->ctime = out->mtime;
		out->atime = fat_time(bytes_le16(slot + 18), 0, 0);
		out->birth = fat_time(bytes_le16(slot + 16), bytes_le16(slot + 14), slot[13]);
	}
	if (inode == FAT_ROOT || slot[11] & FAT_DIRECTORY)
		r = directory_stat(fat, inode, out);
	out->blocks = (out->size + fat->cluster_size - 1) / fat->cluster_size *
		      (fat->cluster_size / SECTOR_SIZE);
	return r;
}

/* Notes the slots of the inodes, and the clusters of the directories, from which the numbers of
 * links are counted. */
static void fat_want(struct filesystem *base, const uint64_t *inodes, unsigned n)
{
	struct fat *fat = fat_of(base);

	for (unsigned i = 0; i < n; i++)
		if (inodes[i] != FAT_ROOT && inodes[i] < INT64_MAX / FAT_SLOT &&
			!sectors_want(fat->base.disk, inodes[i] * FAT_SLOT, FAT_SLOT))
			return;
}

static void fat_destroy(struct filesystem *base)
{
	free(fat_of(base));
}

static const struct filesystem_ops fat_ops = {
	.destroy = fat_destroy,
	.stat = fat_stat,
	.readdir = fat_readdir,
	.lookup = fat_lookup,
	.readlink = fat_readlink,
	.map = fat_map,
	.want = fat_want,
};

struct filesystem *fat_open(
	struct sectors *disk, const struct filesystem_options *options, struct err *e)
{
	struct fat *fat = calloc(1, sizeof(*fat));
	uint8_t boot[SECTOR_SIZE];
	int r = fat ? sectors_read(disk, 0, boot, sizeof(boot)) : -ENOMEM;

	if (r) {
		err_set(e, -r, "cannot read the boot sector of FAT: %s", strerror(-r));
		free(fat);
		return NULL;
	}
	fat->base = (struct filesystem){
		.ops = &fat_ops, .disk = disk, .root = FAT_ROOT, .kind = "vfat"};
	fat_boot_label(boot, fat->base.label);
	r = fat_geometry(fat, boot);
	if (r)
		filesystem_fail(&fat->base, -r, "the boot sector of FAT is damaged");
	else
		r = fat_directory_label(fat, fat->base.label);
	if (r) {
		err_set(e, -r, "%s", fat->base.reason);
		free(fat);
		return NULL;
	}
	return &fat->base;
}
