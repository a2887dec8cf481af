/* SPDX-License-Identifier: MIT */
/* Folders with a fixed list of children: find and list them by a table of names. */
#ifndef EBSFS_FOLDERS_H
#define EBSFS_FOLDERS_H

#include "tree.h"

struct fixed_child {
	const char *name;
	enum node_kind kind;
	bool unlisted;
};

/* Finds the child of this name, in the same region and slot as the folder. Returns 0 or -ENOENT. */
int folders_find(const struct fixed_child *children, size_t n, struct node folder, const char *name,
	struct node *child);
/* Writes the next listed child from index *pos on, and advances *pos. Returns false after the last
 * child; *pos is then n. */
bool folders_next(const struct fixed_child *children, size_t n, struct node folder, uint64_t *pos,
	struct tree_entry *out);

#endif
