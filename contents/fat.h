/* SPDX-License-Identifier: MIT */
/* FAT12, FAT16 and FAT32 with long names, shown as the kernel's vfat does. */
#ifndef EBSFS_FAT_H
#define EBSFS_FAT_H

#include "err.h"
#include "filesystem.h"
#include "sectors.h"

/* Opens a FAT. Parameters and result as for detect_filesystem(). */
struct filesystem *fat_open(
	struct sectors *disk, const struct filesystem_options *options, struct err *e);

/* Returns whether a partition's first sector is a FAT's. */
bool fat_is_boot_sector(const uint8_t *sector);
/* Writes the label in that sector, "" if there is none. `out` has room for 12 bytes. */
void fat_boot_label(const uint8_t *sector, char *out);

#endif
