/* SPDX-License-Identifier: MIT */
/* mv: a receipt's new name, or a snapshot's move to another region (copy, then delete). Never
 * EXDEV: mv would then copy and delete by itself. */
#ifndef EBSFS_RENAME_H
#define EBSFS_RENAME_H

#include "node.h"
#include "pending_reply.h"

/* `from_name` in `from_folder` becomes `to_name` in `to_folder`; noreplace: an existing target is
 * EEXIST. */
void rename_node(struct fs *fs, struct node from_folder, const char *from_name,
	struct node to_folder, const char *to_name, bool noreplace, struct pending_reply *a);

#endif
