/* SPDX-License-Identifier: MIT */
/* FUSE's requests, turned into questions to the tree. */
#ifndef EBSFS_OPS_H
#define EBSFS_OPS_H

struct fuse_lowlevel_ops;

/* For fuse_session_new(); the session's user data is the struct fs. */
extern const struct fuse_lowlevel_ops ops_table;

#endif
