/* SPDX-License-Identifier: MIT */
/* The table of FUSE operations, with the conditions that each needs to run. */
#define FUSE_USE_VERSION 314
#include "ops.h"

#include <errno.h>

#include "offline.h"
#include "revalidate.h"

enum operation {
	OP_LOOKUP,
	OP_GETATTR,
	OP_SETATTR,
	OP_READLINK,
	OP_MKNOD,
	OP_MKDIR,
	OP_UNLINK,
	OP_RMDIR,
	OP_SYMLINK,
	OP_RENAME,
	OP_LINK,
	OP_OPEN,
	OP_READ,
	OP_WRITE,
	OP_FLUSH,
	OP_RELEASE,
	OP_FSYNC,
	OP_OPENDIR,
	OP_READDIR,
	OP_READDIRPLUS,
	OP_STATFS,
	OP_CREATE,
	OP_POLL,
	OP_LSEEK,
	OP_FALLOCATE,
	OP_COPY_RANGE,
	OPERATIONS
};

/* --- whether an operation needs AWS: whether it changes data on this machine or at EC2 --- */

/* These functions return false for an operation that the node's kind does not support: it is
 * refused for that reason, whether AWS can be reached or not. */

static bool is_writing(const struct ops_args *args)
{
	const struct node_ops *ops = tree_ops(node_of(args->ino));

	return (args->fi->flags & O_ACCMODE) != O_RDONLY && ops->open_write && !ops->local;
}

static bool is_creating(const struct ops_args *args)
{
	return tree_ops(node_of(args->ino))->create != NULL;
}

static bool is_making_folder(const struct ops_args *args)
{
	return tree_ops(node_of(args->ino))->mkdir != NULL;
}

static bool is_removing(const struct ops_args *args, bool folder)
{
	struct node n;

	return tree_find(ops_fs(args->req), node_of(args->ino), args->name, &n) == 0 &&
	       S_ISDIR(tree_ops(n)->type) == folder && tree_ops(n)->remove;
}

static bool is_removing_file(const struct ops_args *args)
{
	return is_removing(args, false);
}

static bool is_removing_folder(const struct ops_args *args)
{
	return is_removing(args, true);
}

static bool is_renaming(const struct ops_args *args)
{
	return !(args->flags & ~(unsigned)RENAME_NOREPLACE);
}

/* `touch snapshots` lists the region again, so it needs AWS. */
static bool is_setting_attr(const struct ops_args *args)
{
	return node_of(args->ino).kind != NODE_SNAPSHOTS;
}

/* --- the node whose text or tags an operation reads and then writes back --- */

/* A tag that is opened for writing, unless open() truncates its text. */
static bool opened_node(const struct ops_args *args, struct node *n)
{
	*n = node_of(args->ino);
	return is_writing(args) && !(args->fi->flags & O_TRUNC);
}

/* mv of a tag gives the new name the old value; mv of a snapshot copies the snapshot. */
static bool renamed_node(const struct ops_args *args, struct node *n)
{
	return is_renaming(args) &&
	       tree_find(ops_fs(args->req), node_of(args->ino), args->name, n) == 0;
}

/* --- the table --- */

static const struct {
	void (*run)(const struct ops_args *args);
	/* The operation shows data of the account: it fails with EACCES once AWS says that the
	 * user's credentials belong to another account than the mount shows. */
	bool shows_account;
	/* Returns whether the operation needs AWS; it is then refused while the mount is offline.
	 * NULL: never. */
	bool (*changes)(const struct ops_args *args);
	/* Returns whether EC2 must first confirm the node's snapshot if the snapshot is known only
	 * from disk. */
	bool (*writes_back)(const struct ops_args *args, struct node *n);
	const char *name; /* the operation's name in last-error */
} operations[OPERATIONS] = {
	[OP_LOOKUP] = {ops_lookup, true, NULL, NULL, "find"},
	[OP_GETATTR] = {ops_getattr, true, NULL, NULL, NULL},
	[OP_SETATTR] = {ops_setattr, true, is_setting_attr, NULL, "change attributes of"},
	[OP_READLINK] = {ops_readlink, true, NULL, NULL, NULL},
	[OP_MKNOD] = {ops_mknod, false, NULL, NULL, NULL},
	[OP_MKDIR] = {ops_mkdir, false, is_making_folder, NULL, "mkdir"},
	[OP_UNLINK] = {ops_unlink, false, is_removing_file, NULL, "rm"},
	[OP_RMDIR] = {ops_rmdir, false, is_removing_folder, NULL, "rmdir"},
	[OP_SYMLINK] = {ops_symlink, false, NULL, NULL, NULL},
	[OP_RENAME] = {ops_rename, false, is_renaming, renamed_node, "mv"},
	[OP_LINK] = {ops_link, false, NULL, NULL, NULL},
	[OP_OPEN] = {ops_open, true, is_writing, opened_node, "open for writing"},
	[OP_READ] = {ops_read, true, NULL, NULL, NULL},
	[OP_WRITE] = {ops_write, false, NULL, NULL, NULL},
	[OP_FLUSH] = {ops_flush, true, NULL, NULL, NULL},
	[OP_RELEASE] = {ops_release, false, NULL, NULL, NULL},
	[OP_FSYNC] = {ops_fsync, false, NULL, NULL, NULL},
	[OP_OPENDIR] = {ops_opendir, true, NULL, NULL, NULL},
	[OP_READDIR] = {ops_readdir, true, NULL, NULL, NULL},
	[OP_READDIRPLUS] = {ops_readdirplus, true, NULL, NULL, NULL},
	[OP_STATFS] = {ops_statfs, false, NULL, NULL, NULL},
	[OP_CREATE] = {ops_create, false, is_creating, NULL, "create"},
	[OP_POLL] = {ops_poll, false, NULL, NULL, NULL},
	[OP_LSEEK] = {ops_lseek, true, NULL, NULL, NULL},
	[OP_FALLOCATE] = {ops_fallocate, false, NULL, NULL, NULL},
	[OP_COPY_RANGE] = {ops_copy_range, true, NULL, NULL, NULL},
};

/* --- running an operation --- */

/* Returns whether the node shows data of the account, rather than of the mount itself. */
static bool belongs_to_account(struct node n)
{
	return n.kind == NODE_COPIES || n.kind == NODE_COPIES_JSON || n.kind >= NODE_REGIONS;
}

/* An operation that waits for EC2's confirmation. */
struct ops_deferred {
	enum operation op;
	struct ops_saved saved;
};

static void ops_run(enum operation op, const struct ops_args *args);

static void ops_resume(void *arg, bool confirmed)
{
	struct ops_deferred *d = arg;

	if (confirmed)
		ops_run(d->op, &d->saved.args);
	free(d);
}

static void ops_defer(enum operation op, const struct ops_args *args, struct node n)
{
	struct ops_deferred *d = calloc(1, sizeof(*d));

	if (!d) {
		fuse_reply_err(args->req, ENOMEM);
		return;
	}
	d->op = op;
	ops_save(args, &d->saved);
	revalidate(ops_fs(args->req), args->req, n, operations[op].name, ops_resume, d);
}

static void ops_run(enum operation op, const struct ops_args *args)
{
	struct fs *fs = ops_fs(args->req);
	struct node n = node_of(args->ino), source;
	struct err err;

	fs->caller = fuse_req_ctx(args->req)->uid;
	if (operations[op].shows_account && offline_bars(fs) && belongs_to_account(n))
		fuse_reply_err(args->req, EACCES);
	else if (operations[op].changes && offline_refuses(fs, &err) &&
		 operations[op].changes(args))
		ops_refuse(args->req, operations[op].name, n, args->name, &err);
	else if (operations[op].writes_back && operations[op].writes_back(args, &source) &&
		 revalidate_is_due(fs, source))
		ops_defer(op, args, source);
	else
		operations[op].run(args);
}

/* --- libfuse's calls --- */

static void call_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;

	/* Use readdirplus always: in its `auto` form the kernel requests the attributes of a large
	 * folder one by one. */
	conn->want |= FUSE_CAP_READDIRPLUS;
	conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ |
				  FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	/* A lookup or listing that waits for EC2 must not block other requests in the same folder.
	 */
	conn->want |= conn->capable & FUSE_CAP_PARALLEL_DIROPS;
	fs->several_at_once = conn->capable & FUSE_CAP_PARALLEL_DIROPS;
	conn->time_gran = 1;
}

#define CALL(call, OP, parameters, ...)                                                            \
	static void call parameters                                                                \
	{                                                                                          \
		ops_run(OP, &(struct ops_args){.req = req, .ino = ino, ##__VA_ARGS__});            \
	}
#define REQ fuse_req_t req, fuse_ino_t ino
#define FI  struct fuse_file_info *fi

CALL(call_lookup, OP_LOOKUP, (REQ, const char *name), .name = name)
CALL(call_getattr, OP_GETATTR, (REQ, FI), .fi = fi)
CALL(call_setattr, OP_SETATTR, (REQ, struct stat *st, int which, FI), .st = st, .which = which,
	.fi = fi)
CALL(call_readlink, OP_READLINK, (REQ))
CALL(call_mkdir, OP_MKDIR, (REQ, const char *name, mode_t mode), .name = name, .mode = mode)
CALL(call_unlink, OP_UNLINK, (REQ, const char *name), .name = name)
CALL(call_rmdir, OP_RMDIR, (REQ, const char *name), .name = name)
CALL(call_rename, OP_RENAME,
	(REQ, const char *name, fuse_ino_t new_parent, const char *new_name, unsigned flags),
	.name = name, .new_parent = new_parent, .new_name = new_name, .flags = flags)
CALL(call_link, OP_LINK, (REQ, fuse_ino_t new_parent, const char *new_name),
	.new_parent = new_parent, .new_name = new_name)
CALL(call_open, OP_OPEN, (REQ, FI), .fi = fi)
CALL(call_read, OP_READ, (REQ, size_t size, off_t offset, FI), .size = size, .offset = offset,
	.fi = fi)
CALL(call_write, OP_WRITE, (REQ, const char *data, size_t size, off_t offset, FI), .data = data,
	.size = size, .offset = offset, .fi = fi)
CALL(call_flush, OP_FLUSH, (REQ, FI), .fi = fi)
CALL(call_release, OP_RELEASE, (REQ, FI), .fi = fi)
CALL(call_readdir, OP_READDIR, (REQ, size_t size, off_t offset, FI), .size = size, .offset = offset,
	.fi = fi)
CALL(call_readdirplus, OP_READDIRPLUS, (REQ, size_t size, off_t offset, FI), .size = size,
	.offset = offset, .fi = fi)
/* An open folder has a handle, like a file, only if its kind lists it itself (node_ops.readdir). */

static void call_opendir(REQ, FI)
{
	ops_run(tree_ops(node_of(ino))->readdir ? OP_OPEN : OP_OPENDIR,
		&(struct ops_args){.req = req, .ino = ino, .fi = fi});
}

static void call_releasedir(REQ, FI)
{
	if (fi->fh)
		ops_run(OP_RELEASE, &(struct ops_args){.req = req, .ino = ino, .fi = fi});
	else
		fuse_reply_err(req, 0);
}

CALL(call_statfs, OP_STATFS, (REQ))
CALL(call_create, OP_CREATE, (REQ, const char *name, mode_t mode, FI), .name = name, .mode = mode,
	.fi = fi)
CALL(call_poll, OP_POLL, (REQ, FI, struct fuse_pollhandle *ph), .fi = fi, .ph = ph)
CALL(call_lseek, OP_LSEEK, (REQ, off_t offset, int whence, FI), .offset = offset, .whence = whence,
	.fi = fi)

static void call_mknod(REQ, const char *name, mode_t mode, dev_t device)
{
	(void)device;
	ops_run(OP_MKNOD, &(struct ops_args){.req = req, .ino = ino, .name = name, .mode = mode});
}

static void call_symlink(fuse_req_t req, const char *target, fuse_ino_t ino, const char *name)
{
	ops_run(OP_SYMLINK,
		&(struct ops_args){.req = req, .ino = ino, .name = name, .data = target});
}

static void call_fsync(REQ, int datasync, FI)
{
	(void)datasync;
	ops_run(OP_FSYNC, &(struct ops_args){.req = req, .ino = ino, .fi = fi});
}

static void call_fallocate(REQ, int mode, off_t offset, off_t len, FI)
{
	ops_run(OP_FALLOCATE, &(struct ops_args){.req = req,
				      .ino = ino,
				      .mode_of_space = mode,
				      .offset = offset,
				      .size = (size_t)len,
				      .fi = fi});
}

static void call_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t offset_from,
	struct fuse_file_info *fi_from, fuse_ino_t ino, off_t offset, FI, size_t len, int flags)
{
	(void)from;
	(void)flags;
	ops_run(OP_COPY_RANGE, &(struct ops_args){.req = req,
				       .ino = ino,
				       .fi_from = fi_from,
				       .offset_from = offset_from,
				       .fi = fi,
				       .offset = offset,
				       .size = len});
}

/* FORGET: the kernel drops references to nodes. Neither request has a reply. */

static void call_forget(REQ, uint64_t count)
{
	kernel_refs_forget(ops_fs(req), node_of(ino), count);
	fuse_reply_none(req);
}

static void call_forget_multi(fuse_req_t req, size_t n, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < n; i++)
		kernel_refs_forget(ops_fs(req), node_of(forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

/* Operations that are missing here end in ENOSYS, after which the kernel never sends them again:
 * extended attributes, for example (`ls -l` would request three an entry). */
const struct fuse_lowlevel_ops ops_table = {
	.init = call_init,
	.lookup = call_lookup,
	.forget = call_forget,
	.forget_multi = call_forget_multi,
	.getattr = call_getattr,
	.setattr = call_setattr,
	.readlink = call_readlink,
	.mknod = call_mknod,
	.mkdir = call_mkdir,
	.unlink = call_unlink,
	.rmdir = call_rmdir,
	.symlink = call_symlink,
	.rename = call_rename,
	.link = call_link,
	.open = call_open,
	.read = call_read,
	.write = call_write,
	.flush = call_flush,
	.release = call_release,
	.fsync = call_fsync,
	.opendir = call_opendir,
	.readdir = call_readdir,
	.readdirplus = call_readdirplus,
	.releasedir = call_releasedir,
	.statfs = call_statfs,
	.create = call_create,
	.poll = call_poll,
	.lseek = call_lseek,
	.fallocate = call_fallocate,
	.copy_file_range = call_copy_file_range,
};
