/* SPDX-License-Identifier: MIT */
/* FAT12, FAT16 and FAT32 with long names, shown as the kernel's vfat does. */
#ifndef EBSFS_FAT_H
#define EBSFS_FAT_H

#include "err.h"
#include "filesystem.h"
#include "sectors.h"

/* As detect_filesystem(). */
struct filesystem *fat_open(
	struct sectors *disk, const struct filesystem_options *options, struct err *e);

/* Whether a partition's first sector is that of a FAT. */
bool fat_is_boot_sector(const uint8_t *sector);
/* The label in that sector, "" if there is none. `out` has room for 12 bytes. */
void fat_boot_label(const uint8_t *sector, char *out);

#endif
