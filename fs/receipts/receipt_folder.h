/* SPDX-License-Identifier: MIT */
/* Renaming within a receipt's folder. */
#ifndef EBSFS_RECEIPT_FOLDER_H
#define EBSFS_RECEIPT_FOLDER_H

#include "fs.h"

/* The node gets another name in the folder that it is in, if it has one of its own. 0 or -errno
 * with *err. */
int receipt_folder_rename(
	struct fs *fs, struct node n, const char *old_name, const char *name, struct err *err);

#endif
