/* SPDX-License-Identifier: MIT */
/* Functions for the files in a snapshot's folder. */
#ifndef EBSFS_SNAPSHOT_FOLDER_H
#define EBSFS_SNAPSHOT_FOLDER_H

#include "tree.h"

/* The attr() of a file or folder in a snapshot's folder: sets the snapshot's times, and clears the
 * write bits if the snapshot belongs to another account. Returns 0, or -ENOENT if the snapshot no
 * longer exists. */
int snapshot_child_attr(struct fs *fs, struct node n, struct stat *st);

/* Finds a snapshot that is shown in the folder's region, by its id. Writes a node of this kind with
 * the snapshot's slot. Returns 0 or -ENOENT. */
int snapshot_find_shown(
	struct fs *fs, struct node folder, const char *id, enum node_kind kind, struct node *child);

#endif
