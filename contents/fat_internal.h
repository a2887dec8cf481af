/* SPDX-License-Identifier: MIT */
/* Shared by the files of the reader of FAT. */
#ifndef EBSFS_FAT_INTERNAL_H
#define EBSFS_FAT_INTERNAL_H

#include "fat.h"

#define FAT_SLOT          32u /* bytes of a directory's entry */
#define FAT_ROOT          1u
#define FAT_FIRST_CLUSTER 2u
#define FAT_READ_ONLY     0x01
#define FAT_VOLUME        0x08
#define FAT_DIRECTORY     0x10
#define FAT_LONG_NAME     0x0f
#define FAT_DELETED       0xe5

/* An inode's number is the place of its entry: bytes from the beginning of the partition, divided
 * by FAT_SLOT. The root has none, and the number FAT_ROOT. */
struct fat {
	struct filesystem base;
	unsigned bits; /* 12, 16 or 32 */
	uint32_t cluster_size;
	uint64_t table, root, data; /* where they begin, in bytes of the partition; root: of FAT12
				     * and FAT16 */
	uint32_t root_size;         /* size of the root of FAT12 and FAT16; 0: the root is a chain
				     * of clusters */
	uint32_t root_cluster;
	uint32_t end_cluster; /* the number after the last cluster's */
	/* A place in the chain that was followed last, because files are read in order. */
	struct {
		uint32_t first, index, cluster;
	} last;
};

static inline struct fat *fat_of(struct filesystem *base)
{
	return (struct fat *)base;
}

/* Fills in the geometry from the boot sector. Returns 0 or -EIO. */
int fat_geometry(struct fat *fat, const uint8_t *boot);
int fat_fail(struct fat *fat, uint64_t inode); /* sets the reason "is damaged"; returns -EIO */

/* Finds the cluster after this one; 0 at the end of a chain. Returns 0, -EIO for a number that is
 * not a cluster's, or the disk's error. */
int fat_next(struct fat *fat, uint32_t cluster, uint32_t *next);
uint64_t fat_cluster_offset(const struct fat *fat, uint32_t cluster);

/* The slots of a directory in memory. Its chain has at most FAT_DIRECTORY_MAX bytes. */
struct fat_directory {
	uint8_t *slots;
	uint32_t *clusters; /* NULL: the root of FAT12 and FAT16 */
	size_t size;
};

/* Reads a directory. Returns 0; the caller then calls fat_directory_finish(). */
int fat_directory_read(struct fat *fat, uint64_t inode, struct fat_directory *out);
void fat_directory_finish(struct fat_directory *directory);
/* Writes the label that the root directory has, if any. `out` has room for 12 bytes. Returns 0 or
 * -errno. */
int fat_directory_label(struct fat *fat, char *out);

int fat_readdir(struct filesystem *base, uint64_t directory, uint64_t position,
	filesystem_entry_fn *fn, void *arg);
/* Finds a long or short name, ignoring case. */
int fat_lookup(struct filesystem *base, uint64_t directory, const char *name, unsigned len,
	uint64_t *inode);

/* Reads the slot of an inode other than the root. Returns 0, -ESTALE if it is not in use, or
 * -errno. */
int fat_slot(struct fat *fat, uint64_t inode, uint8_t *slot);
uint32_t fat_slot_cluster(const struct fat *fat, const uint8_t *slot);

#endif
