/* SPDX-License-Identifier: MIT */
/* Operations that all folders of receipts share. */
#ifndef EBSFS_REGION_FOLDER_H
#define EBSFS_REGION_FOLDER_H

#include "tree.h"

/* node_ops.next: the receipts of the folder and its drafts. */
bool region_folder_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out);
/* node_ops.create: makes a receipt, or, for a name that begins with a dot, a draft. */
int region_folder_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err);
/* node_ops.set_attr: accepts times, and does not keep them. */
int region_folder_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err);

#endif
