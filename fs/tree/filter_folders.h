/* SPDX-License-Identifier: MIT */
/* The table of the folders below filter/, and those of shared/: their terms and views, and the
 * removal of those that are not used any more. */
#ifndef EBSFS_FILTER_FOLDERS_H
#define EBSFS_FILTER_FOLDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "hash.h"
#include "node.h"
#include "view.h"

struct filters;
struct fs;

/* A folder is made by the lookup of its name, and exists while the kernel has a reference to it.
 * Its view is opened when the folder is read. A view that no folder has used for VIEW_OLD_TTLS ttls
 * is closed: by then its listing is too old to be shown at once. The next use opens it again.
 *
 * A folder whose query would list all public snapshots has no view. For a snapshot's id in it, a
 * hidden folder is made, which has the id as one more term. */
struct filter_folder {
	UT_hash_handle hh;
	uint32_t index; /* index in the table */
	uint32_t region;
	struct filter_folder *parent; /* NULL: filter/, or the region's folder */
	unsigned depth;               /* number of terms */
	unsigned children;            /* folders that have this one as parent */
	bool world, hidden;
	struct view *view; /* NULL: not open */
	int64_t looked_ms; /* time of the last use, on the monotonic clock */
	const char *term;  /* the last part of key; "" for shared/ */
	char key[];        /* "REGION/PARENT/TERM" */
};

struct filters *filter_folders_create(struct fs *fs); /* NULL on ENOMEM */
/* Frees the table. The views belong to their regions and are not freed. NULL is permitted. */
void filter_folders_destroy(struct filters *f);

/* Returns the folder of a node (NODE_FILTER_FOLDER; NODE_SHARED, whose folder is made if
 * necessary); NULL if it no longer exists, or on ENOMEM. */
struct filter_folder *filter_folders_get(struct fs *fs, struct node n);
/* Returns the node of a folder below filter/. */
struct node filter_folders_node(const struct filters *f, const struct filter_folder *folder);
/* Finds the folder of a term below parent (NULL: filter/), and makes it if necessary. Returns 0 or
 * -errno with *err. */
int filter_folders_need(struct filters *f, uint32_t region, struct filter_folder *parent,
	const char *term, struct filter_folder **out, struct err *err);
/* Notes that the kernel has a reference to the folder. */
void filter_folders_show(struct filters *f, struct filter_folder *folder);
/* Appends "/filter/TERM/TERM" or "/shared". Results as buf_add. */
int filter_folders_path(struct fs *fs, struct node n, struct buf *out);
/* Returns the folder whose view decides whether an id is in `folder`. NULL on ENOMEM. */
struct filter_folder *filter_folders_for_id(
	struct filters *f, struct filter_folder *folder, const char *id);
/* Returns the view of a folder, and opens it if necessary. NULL on ENOMEM. */
struct view *filter_folders_look(struct filters *f, struct filter_folder *folder);

#endif
