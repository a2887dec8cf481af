/* SPDX-License-Identifier: MIT */
/* FUSE operations that open files and change the tree. */
#define FUSE_USE_VERSION 314
#include "ops.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "delete.h"
#include "rename.h"
#include "view.h"

/* Sets EPERM with a message: why, and, if the node's kind has advice, what the user can do instead.
 * Returns -EPERM. */
static int ops_forbid(struct node n, const char *why, struct err *err)
{
	const char *instead = tree_ops(n)->instead;

	return err_set(err, EPERM, "%s%s%s", why, instead ? "; " : "", instead ? instead : "");
}

/* --- opening --- */

static struct handle *handle_create(
	fuse_req_t req, struct node n, bool writing, struct fuse_file_info *fi)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->fs = ops_fs(req);
	h->process = fuse_req_ctx(req)->pid;
	if (writing)
		h->process = handle_process(h->process);
	h->uid = fuse_req_ctx(req)->uid;
	DL_PREPEND(h->fs->handles, h);
	h->node = n;
	h->writing = writing;
	h->append = fi->flags & O_APPEND;
	h->flags = fi->flags;
	if (writing)
		buf_init(&h->text, HANDLE_TEXT_MAX);
	fi->fh = (uintptr_t)h;
	/* Direct I/O bypasses the page cache. A written text is applied at close and need not read
	 * back the same; the size of a text that changes on its own is not reliable. */
	fi->direct_io = (writing && !tree_ops(n)->cached) || tree_ops(n)->trust == TRUST_NEVER;
	fi->nonseekable = tree_ops(n)->stream;
	fi->noflush = !writing; /* a handle that only reads has nothing to flush at close */
	return h;
}

static void handle_destroy(struct handle *h)
{
	DL_DELETE(h->fs->handles, h);
	if (tree_ops(h->node)->release)
		tree_ops(h->node)->release(h);
	buf_finish(&h->text);
	free(h);
}

static void handle_release(struct handle *h, bool asks)
{
	if (asks && h->writing && tree_ops(h->node)->closed)
		tree_ops(h->node)->closed(h);
	handle_destroy(h);
}

void ops_release_all(struct fs *fs, bool ask)
{
	while (fs->handles)
		handle_release(fs->handles, ask);
}

static int ops_open_writing(
	struct fs *fs, struct node n, struct handle *h, int flags, struct err *err)
{
	const struct node_ops *ops = tree_ops(n);
	int r;

	if (!ops->open_write)
		return ops_forbid(n, "the file is read-only", err);
	r = ops->open_write(fs, n, h, err);
	if (r < 0)
		return r;
	if (flags & O_TRUNC)
		r = ops->truncate(fs, n, h, 0, err);
	else if (!ops->read && (r = ops->text(fs, n, &h->text)) < 0 && r != -ENOENT)
		err_set(err, -r, "cannot read the present text");
	if (r == -ENOENT || r >= 0)
		return 0;
	if (ops->closed)
		ops->closed(h);
	return r;
}

static bool ops_open_writes(const struct ops_args *args)
{
	return (args->fi->flags & O_ACCMODE) != O_RDONLY;
}

static void open_reply(const struct ops_args *args)
{
	fuse_req_t req = args->req;
	struct fuse_file_info *fi = args->fi;
	struct fs *fs = ops_fs(req);
	struct node n = node_of(args->ino);
	const struct node_ops *ops = tree_ops(n);
	bool writing = ops_open_writes(args);
	struct handle *h;
	struct err err;
	int r = 0;

	h = handle_create(req, n, writing, fi);
	if (!h) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (writing) {
		r = ops_open_writing(fs, n, h, fi->flags, &err);
		if (r < 0)
			ops_refuse(req, "open for writing", n, NULL, &err);
	} else if (ops->text && ops->trust != TRUST_NEVER) {
		r = ops->text(fs, n, &h->text);
		if (r < 0)
			fuse_reply_err(req, -r);
	}
	if (r == 0 && !writing && ops->open_read) {
		r = ops->open_read(h, &err);
		if (r < 0)
			ops_refuse(req, "open", n, NULL, &err);
	}
	if (r < 0) {
		handle_destroy(h);
		return;
	}
	fi->keep_cache = fi->cache_readdir = ops->cached;
	fuse_reply_open(req, fi);
}

void ops_open(const struct ops_args *args)
{
	if (ops_open_writes(args) || !ops_wait(args, open_reply))
		open_reply(args);
}

void ops_create(const struct ops_args *args)
{
	fuse_req_t req = args->req;
	struct fs *fs = ops_fs(req);
	struct node folder = node_of(args->ino), n;
	const char *name = args->name;
	const struct node_ops *ops = tree_ops(folder);
	struct fuse_entry_param e;
	struct handle *h;
	struct err err;

	if (!ops->create) {
		ops_forbid(folder, "no file can be made here", &err);
		ops_refuse(req, "create", folder, name, &err);
		return;
	}
	h = handle_create(req, folder, true, args->fi);
	if (!h) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	h->created = true;
	if (ops->create(fs, folder, name, args->mode, h, &n, &err) < 0) {
		ops_refuse(req, "create", folder, name, &err);
		handle_destroy(h);
		return;
	}
	h->node = n;
	ops_entry(fs, n, &e); /* never fails for a new node */
	if (fuse_reply_create(req, &e, args->fi) == 0)
		kernel_refs_add(fs, n);
}

/* --- writing, closing --- */

/* Creates a pending reply to an operation on an open file. NULL: ENOMEM was replied. */
static struct pending_reply *ops_pending(const struct ops_args *args, const char *operation)
{
	struct handle *h = ops_handle(args->fi);
	char what[OPS_WHAT_SIZE];
	struct pending_reply *reply = pending_reply_create(
		h->fs, args->req, ops_what(h->fs, operation, h->node, NULL, what));

	if (!reply)
		fuse_reply_err(args->req, ENOMEM);
	return reply;
}

void ops_write(const struct ops_args *args)
{
	struct handle *h = ops_handle(args->fi);
	const struct node_ops *ops = tree_ops(h->node);
	struct pending_reply *reply;
	struct err err;

	if (ops->write_later) {
		reply = ops_pending(args, "write");
		if (reply)
			ops->write_later(h, args->data, args->size, args->offset, reply);
	} else if (ops->write(h, args->data, args->size, args->offset, &err) < 0)
		ops_refuse(args->req, "write", h->node, NULL, &err);
	else
		fuse_reply_write(args->req, args->size);
}

void ops_flush(const struct ops_args *args)
{
	struct handle *h = ops_handle(args->fi);
	struct pending_reply *reply;

	if (!h->writing) {
		fuse_reply_err(args->req, 0);
		return;
	}
	reply = ops_pending(args, "close");
	if (reply)
		tree_ops(h->node)->commit(h, reply);
}

void ops_fallocate(const struct ops_args *args)
{
	struct handle *h = ops_handle(args->fi);
	const struct node_ops *ops = tree_ops(h->node);
	struct pending_reply *reply;

	if (!ops->fallocate) {
		fuse_reply_err(args->req, EOPNOTSUPP);
		return;
	}
	reply = ops_pending(args, "fallocate");
	if (reply)
		ops->fallocate(h, args->mode_of_space, args->offset, (off_t)args->size, reply);
}

/* Other files refuse it: then the program reads and writes the text, and its write requests the
 * copy. */
void ops_copy_range(const struct ops_args *args)
{
	struct handle *h = ops_handle(args->fi);
	const struct node_ops *ops = tree_ops(h->node);
	struct pending_reply *reply;

	if (!ops->copy_range) {
		fuse_reply_err(args->req, EOPNOTSUPP);
		return;
	}
	reply = ops_pending(args, "copy into");
	if (reply)
		ops->copy_range(ops_handle(args->fi_from), args->offset_from, h, args->offset,
			args->size, reply);
}

/* Does nothing: requests are sent at close, and they are on disk before close returns. Bytes that
 * were written into a disk do not survive the mount, so a crash may lose them. */
void ops_fsync(const struct ops_args *args)
{
	fuse_reply_err(args->req, 0);
}

void ops_release(const struct ops_args *args)
{
	handle_release(ops_handle(args->fi), true);
	fuse_reply_err(args->req, 0);
}

/* --- attributes --- */

struct touching {
	struct fs *fs;
	struct node node;
	struct pending_reply *reply;
	struct region_waiter *waiter;
};

static void touch_done(void *arg, const struct err *err)
{
	struct touching *t = arg;
	struct fuse_req *req = pending_reply_request(t->reply);

	if (err) {
		pending_reply_err(t->reply, err);
	} else {
		pending_reply_done(t->reply);
		ops_reply_attr(req, t->node);
	}
	free(t);
}

static void touch_interrupted(void *arg)
{
	struct touching *t = arg;

	region_cancel(t->waiter);
	free(t);
}

/* `touch snapshots` lists the region again now, and replies when the listing has arrived. */
static void touch_start(struct fs *fs, fuse_req_t req, struct node n)
{
	struct touching *t = calloc(1, sizeof(*t));
	char what[OPS_WHAT_SIZE];
	bool ready;

	if (t) {
		t->fs = fs;
		t->node = n;
		t->reply = pending_reply_create(fs, req, ops_what(fs, "touch", n, NULL, what));
	}
	if (t && t->reply) {
		t->waiter = view_ensure(region_own(fs_region(fs, n)), true, touch_done, t, &ready);
		if (t->waiter) {
			pending_reply_on_interrupt(t->reply, touch_interrupted, t);
			return;
		}
		pending_reply_done(t->reply);
	}
	free(t);
	fuse_reply_err(req, ENOMEM);
}

void ops_setattr(const struct ops_args *args)
{
	fuse_req_t req = args->req;
	struct fs *fs = ops_fs(req);
	struct node n = node_of(args->ino);
	const struct node_ops *ops = tree_ops(n);
	struct handle *h = args->fi ? ops_handle(args->fi) : NULL;
	int which = args->which, r = 0;
	struct err err;

	if (which & FUSE_SET_ATTR_SIZE) {
		if (!ops->truncate)
			r = ops_forbid(n, "the file is read-only", &err);
		else
			r = ops->truncate(
				fs, n, h && h->writing ? h : NULL, args->st->st_size, &err);
		which &= ~FUSE_SET_ATTR_SIZE;
	}
	if (r == 0 && which)
		r = ops->set_attr
			    ? ops->set_attr(fs, n, args->st, which, &err)
			    : err_set(&err, EPERM,
				      "cannot set mode, owner or times: here they come from EC2 "
				      "or from ebsfs; only receipts keep them, and touch of a "
				      "region's snapshots/ lists the region again");
	if (r < 0)
		ops_refuse(req, "change attributes of", n, NULL, &err);
	else if (n.kind == NODE_SNAPSHOTS)
		touch_start(fs, req, n);
	else
		ops_reply_attr(req, n);
}

/* --- names --- */

void ops_mknod(const struct ops_args *args)
{
	struct err err;

	err_set(&err, EPERM, "there are only files and folders here, no devices, pipes or sockets");
	ops_refuse(args->req, "mknod", node_of(args->ino), args->name, &err);
}

void ops_mkdir(const struct ops_args *args)
{
	struct fs *fs = ops_fs(args->req);
	struct node folder = node_of(args->ino), n;
	const struct node_ops *ops = tree_ops(folder);
	struct fuse_entry_param e;
	struct err err;

	if (!ops->mkdir)
		ops_forbid(folder, "no folder can be made here", &err);
	else if (ops->mkdir(fs, folder, args->name, args->mode, &n, &err) == 0) {
		ops_entry(fs, n, &e);
		ops_reply_entry(args->req, &e);
		return;
	}
	ops_refuse(args->req, "mkdir", folder, args->name, &err);
}

void ops_symlink(const struct ops_args *args)
{
	struct fs *fs = ops_fs(args->req);
	struct node folder = node_of(args->ino), n;
	const struct node_ops *ops = tree_ops(folder);
	struct fuse_entry_param e;
	struct err err;

	if (!ops->symlink)
		err_set(&err, EPERM, "no link can be made here; to request a copy use cp");
	else if (ops->symlink(fs, folder, args->name, args->data, &n, &err) == 0) {
		ops_entry(fs, n, &e); /* never fails for a new node */
		ops_reply_entry(args->req, &e);
		return;
	}
	ops_refuse(args->req, "ln -s", folder, args->name, &err);
}

void ops_link(const struct ops_args *args)
{
	struct err err;

	err_set(&err, EPERM, "no link can be made here; to request a copy use cp");
	ops_refuse(args->req, "ln", node_of(args->new_parent), args->new_name, &err);
}

/* Refuses to change names in a folder whose kind looks names up itself (a folder on a disk, which
 * ebsfs-reader reads). Returns whether it has refused. */
static bool ops_changes_nothing(
	const struct ops_args *args, const char *operation, struct node folder)
{
	struct err err;

	if (!tree_ops(folder)->lookup)
		return false;
	ops_forbid(folder, "nothing here can be changed", &err);
	ops_refuse(args->req, operation, folder, args->name, &err);
	return true;
}

static void ops_remove(const struct ops_args *args, bool folder_wanted)
{
	const char *operation = folder_wanted ? "rmdir" : "rm";
	fuse_req_t req = args->req;
	struct fs *fs = ops_fs(req);
	struct node folder = node_of(args->ino), n;
	int r = tree_find(fs, folder, args->name, &n);
	char what[OPS_WHAT_SIZE];
	struct pending_reply *reply;

	if (ops_changes_nothing(args, operation, folder))
		return;
	if (r == 0 && S_ISDIR(tree_ops(n)->type) != folder_wanted)
		r = folder_wanted ? -ENOTDIR : -EISDIR;
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	reply = pending_reply_create(fs, req, ops_what(fs, operation, folder, args->name, what));
	if (!reply)
		fuse_reply_err(req, ENOMEM);
	else if (tree_ops(n)->remove)
		tree_ops(n)->remove(fs, n, reply);
	else
		delete_refuse(reply, n);
}

void ops_unlink(const struct ops_args *args)
{
	ops_remove(args, false);
}

void ops_rmdir(const struct ops_args *args)
{
	ops_remove(args, true);
}

void ops_rename(const struct ops_args *args)
{
	struct node from = node_of(args->ino), to = node_of(args->new_parent);
	char old_path[NODE_PATH_SIZE], new_path[NODE_PATH_SIZE], what[2 * NODE_PATH_SIZE + 8];
	struct fs *fs = ops_fs(args->req);
	struct pending_reply *reply;
	struct err err;

	if (ops_changes_nothing(args, "mv", from) || ops_changes_nothing(args, "mv to", to))
		return;
	if (args->flags & ~(unsigned)RENAME_NOREPLACE) {
		err_set(&err, EINVAL, "two names cannot be exchanged here; mv one after the other");
		ops_refuse(args->req, "mv", from, args->name, &err);
		return;
	}
	snprintf(what, sizeof(what), "mv %s to %s", node_path(fs, from, args->name, old_path),
		node_path(fs, to, args->new_name, new_path));
	reply = pending_reply_create(fs, args->req, what);
	if (reply)
		rename_node(fs, from, args->name, to, args->new_name,
			args->flags & RENAME_NOREPLACE, reply);
	else
		fuse_reply_err(args->req, ENOMEM);
}
