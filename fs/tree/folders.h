/* SPDX-License-Identifier: MIT */
/* Folders whose contents are fixed: a table of names. */
#ifndef EBSFS_FOLDERS_H
#define EBSFS_FOLDERS_H

#include "tree.h"

struct fixed_child {
	const char *name;
	enum node_kind kind;
	bool unlisted;
};

/* The child of this name, in the same region and slot as the folder. 0 or -ENOENT. */
int folders_find(const struct fixed_child *children, size_t n, struct node folder, const char *name,
	struct node *child);
/* The next listed child from *pos on, which counts children. False: no more; *pos is then n. */
bool folders_next(const struct fixed_child *children, size_t n, struct node folder, uint64_t *pos,
	struct tree_entry *out);

#endif
