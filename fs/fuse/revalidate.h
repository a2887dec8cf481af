/* SPDX-License-Identifier: MIT */
/* EC2's word on a snapshot that is known from disk only, before a request goes on that would write
 * what it reads there. */
#ifndef EBSFS_REVALIDATE_H
#define EBSFS_REVALIDATE_H

#include "fs.h"

struct fuse_file_info;
struct fuse_req;

/* Each returns true if EC2 is asked first: then the request comes again through ops_write.h once it
 * has spoken, or was answered with an error. False: go on. */

/* Opening a tag for writing what is not cut away: it would be written again. */
bool revalidate_open(
	struct fs *fs, struct fuse_req *req, uint64_t ino, const struct fuse_file_info *fi);
/* mv: a tag's new name gets the value of the old one. */
bool revalidate_rename(struct fs *fs, struct fuse_req *req, uint64_t parent, const char *name,
	uint64_t new_parent, const char *new_name, unsigned flags);

#endif
