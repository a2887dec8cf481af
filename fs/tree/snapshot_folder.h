/* SPDX-License-Identifier: MIT */
/* A snapshot's folder, as far as the files in it need it. */
#ifndef EBSFS_SNAPSHOT_FOLDER_H
#define EBSFS_SNAPSHOT_FOLDER_H

#include "tree.h"

/* The attr() of a file or folder in a snapshot's folder: sets the snapshot's times. 0, or -ENOENT
 * if the snapshot is gone. */
int snapshot_child_attr(struct fs *fs, struct node n, struct stat *st);

#endif
