/* SPDX-License-Identifier: MIT */
/* A receipt's folder: what the tree asks of it beside its struct node_ops. */
#ifndef EBSFS_RECEIPT_FOLDER_H
#define EBSFS_RECEIPT_FOLDER_H

#include "fs.h"

/* The node gets another name in the folder that it is in, if it has one of its own. 0 or -errno
 * with *err. */
int receipt_folder_rename(
	struct fs *fs, struct node n, const char *old_name, const char *name, struct err *err);
/* unlink() of a fixed child: not shown until it is created again, or the mount is. */
void receipt_folder_remove_child(struct fs *fs, struct node n, struct pending_reply *a);

#endif
