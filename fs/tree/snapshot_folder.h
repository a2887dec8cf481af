/* SPDX-License-Identifier: MIT */
/* The parts of a snapshot's folder that the files in it need. */
#ifndef EBSFS_SNAPSHOT_FOLDER_H
#define EBSFS_SNAPSHOT_FOLDER_H

#include "tree.h"

/* The attr() of a file or folder in a snapshot's folder: sets the snapshot's times; the write bits
 * of another account's snapshot fall away. 0, or -ENOENT if the snapshot is gone. */
int snapshot_child_attr(struct fs *fs, struct node n, struct stat *st);

/* Finds a snapshot that is shown in the folder's region, by its id: a node of this kind with its
 * slot. 0 or -ENOENT. */
int snapshot_find_shown(
	struct fs *fs, struct node folder, const char *id, enum node_kind kind, struct node *child);

#endif
