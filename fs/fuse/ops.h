/* SPDX-License-Identifier: MIT */
/* FUSE operations. Each runs through one table (ops.c), which has the conditions that the operation
 * needs. */
#ifndef EBSFS_OPS_H
#define EBSFS_OPS_H

#include <fuse_lowlevel.h>

#include "tree.h"

/* For fuse_session_new(); the session's user data is the struct fs. */
extern const struct fuse_lowlevel_ops ops_table;

/* Releases all open files, because the mount has ended and the kernel sends no more RELEASE. `ask`:
 * the unmount was a clean one, which closed every file before, so the requests of their last close
 * are sent. */
void ops_release_all(struct fs *fs, bool ask);

/* --- within ops*.c --- */

/* The arguments of one operation, as libfuse gives them; unused ones are 0. */
struct ops_args {
	fuse_req_t req;
	fuse_ino_t ino;   /* the operation's node; with a name: the folder */
	const char *name; /* NULL: none */
	fuse_ino_t new_parent;
	const char *new_name;
	mode_t mode;
	unsigned flags; /* of rename */
	struct fuse_file_info *fi;
	struct stat *st;
	int which;        /* FUSE_SET_ATTR_… */
	const char *data; /* bytes to be written, or a link's target */
	size_t size;
	off_t offset;
	int whence;
	int mode_of_space;              /* the mode of fallocate */
	struct fuse_file_info *fi_from; /* the source of copy_file_range; fi is its destination */
	off_t offset_from;
	struct fuse_pollhandle *ph;
};

/* A copy of the arguments that outlives libfuse's call; saved.args points into the struct. Has no
 * st, data, ph and fi_from. */
struct ops_saved {
	struct ops_args args;
	struct fuse_file_info fi;
	char name[NAME_MAX + 1], new_name[NAME_MAX + 1];
};

static inline struct fs *ops_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline struct handle *ops_handle(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

/* ops_reply.c */

void ops_save(const struct ops_args *args, struct ops_saved *out);
/* Fills in a node's number, its attributes, and how long the kernel may cache both. Returns 0 or
 * -errno. */
int ops_entry(struct fs *fs, struct node n, struct fuse_entry_param *e);
/* Replies with a node, to which the kernel then has a reference. */
void ops_reply_entry(fuse_req_t req, const struct fuse_entry_param *e);
/* Replies with the node's attributes. */
void ops_reply_attr(fuse_req_t req, struct node n);
/* Writes "OPERATION PATH" for last-error; name: as for node_path(). Returns out. */
#define OPS_WHAT_SIZE (NODE_PATH_SIZE + 40)
const char *ops_what(struct fs *fs, const char *operation, struct node n, const char *name,
	char out[OPS_WHAT_SIZE]);
/* Replies with *err and writes it to last-error, where the reason is more precise than the errno.
 * The other arguments: as for ops_what(). */
void ops_refuse(fuse_req_t req, const char *operation, struct node n, const char *name,
	const struct err *err);

/* ops_read.c */

/* Lets the operation wait until its node's ensure() has the data that the operation needs. Returns
 * true if run(args) will be called later, or an error was replied; false if the operation can run
 * now. */
bool ops_wait(const struct ops_args *args, void (*run)(const struct ops_args *args));

/* Operations that change nothing. Each replies to args->req, at once or later. */
void ops_lookup(const struct ops_args *args);
void ops_getattr(const struct ops_args *args);
void ops_readlink(const struct ops_args *args);
void ops_read(const struct ops_args *args);
void ops_opendir(const struct ops_args *args);
void ops_readdir(const struct ops_args *args);
void ops_readdirplus(const struct ops_args *args);
void ops_lseek(const struct ops_args *args);
void ops_statfs(const struct ops_args *args);
void ops_poll(const struct ops_args *args);

/* ops_write.c: operations that open files or change the tree. Each replies to args->req, at once or
 * later. */
void ops_open(const struct ops_args *args);
void ops_create(const struct ops_args *args);
void ops_write(const struct ops_args *args);
void ops_flush(const struct ops_args *args);
void ops_fsync(const struct ops_args *args);
void ops_fallocate(const struct ops_args *args);
void ops_copy_range(const struct ops_args *args);
void ops_release(const struct ops_args *args);
void ops_setattr(const struct ops_args *args);
void ops_mknod(const struct ops_args *args);
void ops_mkdir(const struct ops_args *args);
void ops_symlink(const struct ops_args *args);
void ops_link(const struct ops_args *args);
void ops_unlink(const struct ops_args *args);
void ops_rmdir(const struct ops_args *args);
void ops_rename(const struct ops_args *args);

#endif
