/* SPDX-License-Identifier: MIT */
/* The file systems whose inodes are nodes of files/: each has a number, which is part of theirs. */
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
	uint64_t generation; /* of the number's use */
	struct node folder;  /* files/<id>/ as it was looked up; its slot may be used anew since */
	struct files_disk *disk;
	struct files_system *system;
	uint32_t partition; /* 0: the whole disk */
	unsigned holds;     /* requests under way, open files */
};

struct inode_spaces *inode_spaces_create(void); /* NULL on ENOMEM */
/* As the mount ends, before its files; NULL is permitted. */
void inode_spaces_destroy(struct inode_spaces *s);

/* Finds or makes the space of the i-th partition, and holds it. NULL with *err: ENOMEM, or ENFILE
 * if all numbers are in use. */
struct inode_space *inode_space_get(
	struct fs *fs, struct node folder, struct files_disk *disk, uint32_t i, struct err *err);
/* The space of a node that the kernel has. NULL: none, which the kernel never asks for. */
struct inode_space *inode_space_of(struct fs *fs, struct node n);
/* A space ends once it is not held and the kernel has no reference to any of its inodes. */
void inode_space_hold(struct inode_space *s);
void inode_space_release(struct inode_space *s);
/* For node_ops of NODE_FILESYSTEM. */
void inode_space_forgotten(struct fs *fs, struct node n);
uint64_t inode_space_generation(struct fs *fs, struct node n);

/* Attributes that were shown lately. The kernel asks for them again: after each reading of a file
 * or folder it knows no access time. */
void inode_space_keep(struct inode_space *s, const struct reader_attributes *a);
const struct reader_attributes *inode_space_kept(
	const struct inode_space *s, uint64_t inode); /* NULL: not kept */

/* The folder's name of a partition; size: INODE_SPACE_NAME. */
#define INODE_SPACE_NAME 12
const char *inode_space_name(uint32_t partition, char out[INODE_SPACE_NAME]);
/* Appends the path of the partition, and the inode's number. */
void inode_space_path(struct fs *fs, struct node n, struct buf *out);

#endif
