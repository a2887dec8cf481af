/* SPDX-License-Identifier: MIT */
/* The table of the folders below filter/, and those of shared/: their terms, their views, and which
 * of both nobody needs any more. */
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

/*
 * A folder is made by the lookup of its name, and stays while the kernel knows it. Its view is
 * opened when it is read. A view that no folder has looked at for VIEW_OLD_TTLS ttls, when its
 * listing would not be shown at once any more, is closed. The next look opens it again.
 *
 * A folder that would list the world has no view. For a snapshot's id below it, a hidden folder is
 * made that has the id as one more term.
 */
struct filter_folder {
	UT_hash_handle hh;
	uint32_t index; /* in the table */
	uint32_t region;
	struct filter_folder *parent; /* NULL: filter/, or the region's folder */
	unsigned depth;               /* terms */
	unsigned children;            /* folders that have this one as parent */
	bool world, hidden;
	struct view *view; /* NULL: not open */
	int64_t looked_ms; /* monotonic */
	const char *term;  /* the last part of key; "": shared/ */
	char key[];        /* "REGION/PARENT/TERM" */
};

struct filters *filter_folders_create(struct fs *fs); /* NULL on ENOMEM */
/* The views stay: they belong to their regions. NULL is permitted. */
void filter_folders_destroy(struct filters *f);

/* The folder of a node (NODE_FILTER_FOLDER; NODE_SHARED, made if need be); NULL if it is gone, or
 * on ENOMEM. */
struct filter_folder *filter_folders_get(struct fs *fs, struct node n);
/* The node of a folder below filter/. */
struct node filter_folders_node(const struct filters *f, const struct filter_folder *folder);
/* The folder of a term below parent (NULL: filter/), made if need be. Returns 0 or -errno with
 * *err. */
int filter_folders_need(struct filters *f, uint32_t region, struct filter_folder *parent,
	const char *term, struct filter_folder **out, struct err *err);
/* The kernel is told of the folder. */
void filter_folders_show(struct filters *f, struct filter_folder *folder);
/* Appends "/filter/TERM/TERM" or "/shared". Results as buf_add. */
int filter_folders_path(struct fs *fs, struct node n, struct buf *out);
/* The folder whose view knows whether an id is in `folder`. NULL on ENOMEM. */
struct filter_folder *filter_folders_for_id(
	struct filters *f, struct filter_folder *folder, const char *id);
/* The view of a folder, opened if need be. NULL on ENOMEM. */
struct view *filter_folders_look(struct filters *f, struct filter_folder *folder);

#endif
