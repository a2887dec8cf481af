/* SPDX-License-Identifier: MIT */
/* The file systems whose inodes are nodes of files/. Each has a number, which is part of its nodes'
 * numbers. */
#ifndef EBSFS_INODE_SPACE_H
#define EBSFS_INODE_SPACE_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "files.h"
#include "fs.h"

struct inode_spaces;

struct inode_space {
	struct fs *fs;
	uint32_t number;     /* 1 to NODE_FILESYSTEM_MAX */
	uint64_t generation; /* tells apart the file systems that have had this number */
	struct node folder; /* files/<id>/ at the time of the lookup; its slot may belong to another
			     * snapshot now */
	struct files_disk *disk;
	struct files_system *system;
	uint32_t partition; /* 0: the whole disk */
	unsigned holds;     /* number of requests in progress and open files */
};

struct inode_spaces *inode_spaces_create(void); /* NULL on ENOMEM */
/* Frees all spaces when the mount ends, before its files are freed; NULL is permitted. */
void inode_spaces_destroy(struct inode_spaces *s);

/* Returns the space of the i-th partition, and makes it if necessary; the caller holds it. NULL
 * with *err: ENOMEM, or ENFILE if all numbers are in use. */
struct inode_space *inode_space_get(
	struct fs *fs, struct node folder, struct files_disk *disk, uint32_t i, struct err *err);
/* Returns the space of a node that the kernel knows. NULL: there is none; the kernel never names
 * such a node. */
struct inode_space *inode_space_of(struct fs *fs, struct node n);
/* Adds or drops a hold. A space is freed once it is not held and the kernel has no reference to any
 * of its inodes. */
void inode_space_hold(struct inode_space *s);
void inode_space_release(struct inode_space *s);
/* Implements node_ops.forgotten of NODE_FILESYSTEM. */
void inode_space_forgotten(struct fs *fs, struct node n);
uint64_t inode_space_generation(struct fs *fs, struct node n);

/* Keeps attributes that were replied. The kernel requests them again soon: after each read of a
 * file or folder its cached access time is invalid. */
void inode_space_keep(struct inode_space *s, const struct reader_attributes *a);
const struct reader_attributes *inode_space_kept(
	const struct inode_space *s, uint64_t inode); /* NULL: not kept */

/* Writes the name of a partition's folder; size: INODE_SPACE_NAME. */
#define INODE_SPACE_NAME 12
const char *inode_space_name(uint32_t partition, char out[INODE_SPACE_NAME]);
/* Appends the path of the partition, and the inode's number. */
void inode_space_path(struct fs *fs, struct node n, struct buf *out);

#endif
