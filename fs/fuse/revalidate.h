/* SPDX-License-Identifier: MIT */
/* Asks EC2 about a snapshot that is known only from disk, before an operation writes back data that
 * it read from there: the snapshot may have changed in the meantime. */
#ifndef EBSFS_REVALIDATE_H
#define EBSFS_REVALIDATE_H

#include "fs.h"

struct fuse_req;

/* Returns whether the node belongs to a snapshot that is known only from disk. */
bool revalidate_is_due(const struct fs *fs, struct node n);
/* Asks EC2 about the node's snapshot, then calls done(arg, confirmed) once. If confirmed is true,
 * the caller owns req again. Otherwise req has been replied to (an error, an interrupt), with
 * `operation` as its name in last-error. */
void revalidate(struct fs *fs, struct fuse_req *req, struct node n, const char *operation,
	void (*done)(void *arg, bool confirmed), void *arg);

#endif
