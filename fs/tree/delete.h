/* SPDX-License-Identifier: MIT */
/* Deleting in the account: only with -o delete, one thing at a time, never by a recursive command.
 */
#ifndef EBSFS_DELETE_H
#define EBSFS_DELETE_H

#include "tree.h"

/* remove() of a snapshot's folder: DeleteSnapshot. */
void delete_snapshot(struct fs *fs, struct node n, struct pending_reply *a);
/* remove() of a tag's file: DeleteTags. */
void delete_tag(struct fs *fs, struct node n, struct pending_reply *a);

/* Whether DeleteSnapshot of this snapshot is on its way: it is no copy's source any more. */
bool delete_under_way(const struct fs *fs, const char *region, const char *id);
/* The mount has ended; nothing is answered. */
void delete_forget_all(struct fs *fs);

/* A removal that is never permitted (a file in a snapshot's folder): EPERM. The process that tried
 * is a recursive one, and for GUARD_MS (guard.h) nothing is deleted for it: `find -delete` and `rm
 * -r` go on to the folder and the next file after a refusal. */
void delete_refuse(struct pending_reply *a, struct node n);

#endif
