/* SPDX-License-Identifier: MIT */
/* Requests of the kernel that need a disk's partition table. */
#ifndef EBSFS_FILES_TABLE_H
#define EBSFS_FILES_TABLE_H

#include "files.h"
#include "pending_reply.h"

/* Called when the table is known (files_table()): must reply. The disk is open during the call. */
typedef void files_table_got(void *arg, struct files_disk *disk, struct pending_reply *reply);
/* Gets the partition table of a snapshot's disk, then calls got() with a copy of the argument;
 * replies itself to errors and interrupts. */
#define FILES_TABLE_ARG_MAX 64
void files_table_get(struct fs *fs, struct node n, files_table_got *got, const void *arg,
	size_t arg_size, struct pending_reply *reply);

#endif
