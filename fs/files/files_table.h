/* SPDX-License-Identifier: MIT */
/* Requests of the kernel that need a disk's table of partitions. */
#ifndef EBSFS_FILES_TABLE_H
#define EBSFS_FILES_TABLE_H

#include "files.h"
#include "pending_reply.h"

/* Replies; the table is known (files_table()). The disk is open during the call. */
typedef void files_table_got(void *arg, struct files_disk *disk, struct pending_reply *reply);
/* Gets the table of the disk of a snapshot's node, then calls got() with a copy of the argument;
 * errors and interrupts are replied here. */
#define FILES_TABLE_ARG_MAX 64
void files_table_get(struct fs *fs, struct node n, files_table_got *got, const void *arg,
	size_t arg_size, struct pending_reply *reply);

#endif
