/* SPDX-License-Identifier: MIT */
/* FUSE's requests that change nothing. */
#ifndef EBSFS_OPS_READ_H
#define EBSFS_OPS_READ_H

#include <fuse_lowlevel.h>

#include "tree.h"

void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_readlink(fuse_req_t req, fuse_ino_t ino);
void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_readdir(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void ops_readdirplus(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void ops_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);
void ops_statfs(fuse_req_t req, fuse_ino_t ino);
void ops_poll(
	fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph);

static inline struct fs *ops_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline struct handle *ops_handle(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

/* What a lookup answers of a node: its number, attributes, and how long both hold. 0 or -errno. */
int ops_entry(struct fs *fs, struct node n, struct fuse_entry_param *e);

#endif
