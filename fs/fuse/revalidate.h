/* SPDX-License-Identifier: MIT */
/* Asks EC2 about a snapshot that is known from disk only, before an operation writes back what it
 * read there: it may have changed in the meantime. */
#ifndef EBSFS_REVALIDATE_H
#define EBSFS_REVALIDATE_H

#include "fs.h"

struct fuse_req;

/* Whether the node belongs to a snapshot that is known from disk only. */
bool revalidate_is_due(const struct fs *fs, struct node n);
/* Asks EC2 about the node's snapshot, then calls done(arg, confirmed) once. confirmed: the caller
 * owns req again. Otherwise req has been replied to (an error, an interrupt); `operation` names it
 * in last-error. */
void revalidate(struct fs *fs, struct fuse_req *req, struct node n, const char *operation,
	void (*done)(void *arg, bool confirmed), void *arg);

#endif
