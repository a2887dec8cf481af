/* SPDX-License-Identifier: MIT */
/* mv: renames a receipt or a tag, or moves a snapshot to another region (copy, then delete). Never
 * fails with EXDEV, because mv would then copy and delete by itself. */
#ifndef EBSFS_RENAME_H
#define EBSFS_RENAME_H

#include "node.h"
#include "pending_reply.h"

/* Renames `from_name` in `from_folder` to `to_name` in `to_folder`. With noreplace an existing
 * target is EEXIST. */
void rename_node(struct fs *fs, struct node from_folder, const char *from_name,
	struct node to_folder, const char *to_name, bool noreplace, struct pending_reply *a);

#endif
