/* SPDX-License-Identifier: MIT */
/* NAME.img in a region's disks/: a disk of another region, copied there by copy_file_range(). */
#ifndef EBSFS_DISK_COPY_H
#define EBSFS_DISK_COPY_H

#include "tree.h"

/* State of the handle that made the file; freed with the handle. */
struct disk_copy {
	struct node source; /* NODE_DISK; NODE_ROOT: none yet */
	int64_t covered;    /* bytes copied so far, from the beginning of the disk */
	int64_t size;       /* size of the source */
	bool refused;       /* a write, or a range that is not the next one: no copy is requested */
	char name[NAME_MAX + 1];
};

/* find() and next() of disks/: finds files that are being made, and links to the disks of copies.
 * The position is opaque. */
int disk_copy_find(struct fs *fs, struct node folder, const char *name, struct node *child);
bool disk_copy_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out);
/* create() of disks/: makes the file NAME.img. */
int disk_copy_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err);

#endif
