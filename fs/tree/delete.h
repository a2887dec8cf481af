/* SPDX-License-Identifier: MIT */
/* Deletes in the account: only with -o delete, one object at a time, never for a recursive command.
 */
#ifndef EBSFS_DELETE_H
#define EBSFS_DELETE_H

#include "tree.h"

/* remove() of a snapshot's folder: DeleteSnapshot. */
void delete_snapshot(struct fs *fs, struct node n, struct pending_reply *a);
/* remove() of a tag's file: DeleteTags. */
void delete_tag(struct fs *fs, struct node n, struct pending_reply *a);

/* Returns whether DeleteSnapshot of this snapshot is in flight; such a snapshot must not become the
 * source of a copy. */
bool delete_under_way(const struct fs *fs, const char *region, const char *id);
/* Calls fn with the node of each deletion in flight. */
void delete_each(const struct fs *fs, void (*fn)(void *arg, struct node n), void *arg);
/* Frees all deletions in flight at unmount, without replies. */
void delete_forget_all(struct fs *fs);

/* Refuses a removal that is never permitted (of a file in a snapshot's folder) with EPERM, and bars
 * the process from deleting for GUARD_MS (guard.h): after the refusal `find -delete` and `rm -r`
 * try to remove the folder, which would be DeleteSnapshot. */
void delete_refuse(struct pending_reply *a, struct node n);

#endif
