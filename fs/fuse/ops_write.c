/* SPDX-License-Identifier: MIT */
/* FUSE's requests that open files and change the tree. */
#define FUSE_USE_VERSION 314
#include "ops_write.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "delete.h"
#include "last_error.h"
#include "offline.h"
#include "ops_read.h"
#include "receipt_folder.h"
#include "rename.h"
#include "revalidate.h"

/* "OPERATION PATH" for last-error; name: as tree_path(). Returns out. */
#define WHAT_SIZE (TREE_PATH_SIZE + 40)
static const char *name_what(
	struct fs *fs, const char *operation, struct node n, const char *name, char out[WHAT_SIZE])
{
	char path[TREE_PATH_SIZE];

	snprintf(out, WHAT_SIZE, "%s %s", operation, tree_path(fs, n, name, path));
	return out;
}

/* Answers an error that has a reason: EPERM and its like are told apart in .ebsfs/last-error. */
static void refuse(fuse_req_t req, const char *operation, struct node n, const char *name,
	const struct err *err)
{
	struct fs *fs = ops_fs(req);
	char what[WHAT_SIZE];

	fuse_reply_err(req, last_error_report(fs->last_error, fuse_req_ctx(req)->uid,
				    name_what(fs, operation, n, name, what), err));
}

/* What cannot be done with a node of this kind, and what to do instead. Returns -EPERM. */
static int forbid(struct node n, const char *why, struct err *err)
{
	const char *instead = tree_ops(n)->instead;

	return err_set(err, EPERM, "%s%s%s", why, instead ? "; " : "", instead ? instead : "");
}

/* While the mount is offline nothing can be changed. True: the request was answered so. */
static bool is_offline(fuse_req_t req, const char *operation, struct node n, const char *name)
{
	struct err err;

	if (!offline_refuses(ops_fs(req), &err))
		return false;
	refuse(req, operation, n, name, &err);
	return true;
}

/* --- opening --- */

static struct handle *handle_create(
	fuse_req_t req, struct node n, bool writing, struct fuse_file_info *fi)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->fs = ops_fs(req);
	h->pid = fuse_req_ctx(req)->pid;
	h->uid = fuse_req_ctx(req)->uid;
	DL_PREPEND(h->fs->handles, h);
	h->node = n;
	h->writing = writing;
	if (writing)
		buf_init(&h->text, HANDLE_TEXT_MAX);
	fi->fh = (uintptr_t)h;
	/* Past the page cache: what is written means something at close and need not read back the
	 * same; what changes on its own has no size that holds. */
	fi->direct_io = writing || tree_ops(n)->trust == TRUST_NEVER;
	fi->nonseekable = tree_ops(n)->stream;
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

static void release(struct handle *h, bool asks)
{
	if (asks && h->writing && tree_ops(h->node)->closed)
		tree_ops(h->node)->closed(h);
	handle_destroy(h);
}

void ops_release_all(struct fs *fs, bool ask)
{
	while (fs->handles)
		release(fs->handles, ask);
}

static int open_writing(struct fs *fs, struct node n, struct handle *h, int flags, struct err *err)
{
	const struct node_ops *ops = tree_ops(n);
	int r;

	if (!ops->open_write)
		return forbid(n, "the file is read-only", err);
	if (offline_refuses(fs, err))
		return -err->errnum;
	r = ops->open_write(fs, n, h, err);
	if (r < 0)
		return r;
	r = flags & O_TRUNC ? ops->truncate(fs, n, h, 0, err) : ops->text(fs, n, &h->text);
	if (r < 0 && r != -ENOENT && ops->closed)
		ops->closed(h);
	return r == -ENOENT || r >= 0 ? 0 : err_set(err, -r, "cannot read the present text");
}

void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = ops_fs(req);
	struct node n = node_of(ino);
	const struct node_ops *ops = tree_ops(n);
	bool writing = (fi->flags & O_ACCMODE) != O_RDONLY;
	struct handle *h;
	struct err err;
	int r = 0;

	if (revalidate_open(fs, req, ino, fi))
		return;
	h = handle_create(req, n, writing, fi);
	if (!h) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (writing) {
		r = open_writing(fs, n, h, fi->flags, &err);
		if (r < 0)
			refuse(req, "open for writing", n, NULL, &err);
	} else if (ops->trust != TRUST_NEVER) {
		r = ops->text(fs, n, &h->text);
		if (r < 0)
			fuse_reply_err(req, -r);
	}
	if (r < 0) {
		handle_destroy(h);
		return;
	}
	if (!writing && ops->open_read)
		ops->open_read(h);
	fuse_reply_open(req, fi);
}

void ops_create(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fs *fs = ops_fs(req);
	struct node folder = node_of(parent), n;
	const struct node_ops *ops = tree_ops(folder);
	struct fuse_entry_param e;
	struct handle *h;
	struct err err;

	if (!ops->create) {
		forbid(folder, "no file can be made here", &err);
		refuse(req, "create", folder, name, &err);
		return;
	}
	if (is_offline(req, "create", folder, name))
		return;
	h = handle_create(req, folder, true, fi);
	if (!h) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	h->created = true;
	if (ops->create(fs, folder, name, mode, h, &n, &err) < 0) {
		refuse(req, "create", folder, name, &err);
		handle_destroy(h);
		return;
	}
	h->node = n;
	ops_entry(fs, n, &e); /* never fails for what was just made */
	fuse_reply_create(req, &e, fi);
}

/* --- writing, closing --- */

void ops_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	struct handle *h = ops_handle(fi);
	struct err err;

	(void)ino;
	if (tree_ops(h->node)->write(h, data, size, offset, &err) < 0)
		refuse(req, "write", h->node, NULL, &err);
	else
		fuse_reply_write(req, size);
}

void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *h = ops_handle(fi);
	char what[WHAT_SIZE];
	struct pending_reply *a;

	(void)ino;
	if (!h->writing) {
		fuse_reply_err(req, 0);
		return;
	}
	a = pending_reply_create(h->fs, req, name_what(h->fs, "close", h->node, NULL, what));
	if (a)
		tree_ops(h->node)->commit(h, a);
	else
		fuse_reply_err(req, ENOMEM);
}

/* What is asked of EC2 is asked at close; what was asked is on disk. */
void ops_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req, 0);
}

void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	release(ops_handle(fi), true);
	fuse_reply_err(req, 0);
}

/* --- attributes --- */

struct touching {
	struct fs *fs;
	struct node node;
	struct pending_reply *reply;
	struct region_waiter *waiter;
};

static void reply_attr(struct fs *fs, fuse_req_t req, struct node n)
{
	struct stat st;
	int r = tree_attr(fs, n, &st);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, tree_attr_seconds(fs, n));
}

static void touched(void *arg, const struct err *err)
{
	struct touching *t = arg;
	struct fuse_req *req = pending_reply_request(t->reply);

	if (err) {
		pending_reply_err(t->reply, err);
	} else {
		pending_reply_done(t->reply);
		reply_attr(t->fs, req, t->node);
	}
	free(t);
}

static void touch_interrupted(void *arg)
{
	struct touching *t = arg;

	region_cancel(t->waiter);
	free(t);
}

/* `touch snapshots`: the region is read again, now. */
static void touch(struct fs *fs, fuse_req_t req, struct node n)
{
	struct touching *t = calloc(1, sizeof(*t));
	char what[WHAT_SIZE];
	bool ready;

	if (t) {
		t->fs = fs;
		t->node = n;
		t->reply = pending_reply_create(fs, req, name_what(fs, "touch", n, NULL, what));
	}
	if (t && t->reply) {
		t->waiter = region_ensure(fs_region(fs, n), true, touched, t, &ready);
		if (t->waiter) {
			pending_reply_on_interrupt(t->reply, touch_interrupted, t);
			return;
		}
		pending_reply_done(t->reply);
	}
	free(t);
	fuse_reply_err(req, ENOMEM);
}

void ops_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *st, int which, struct fuse_file_info *fi)
{
	struct fs *fs = ops_fs(req);
	struct node n = node_of(ino);
	const struct node_ops *ops = tree_ops(n);
	struct handle *h = fi ? ops_handle(fi) : NULL;
	struct err err;
	int r = 0;

	if (n.kind != NODE_SNAPSHOTS && is_offline(req, "change attributes of", n, NULL))
		return;
	if (which & FUSE_SET_ATTR_SIZE) {
		if (!ops->truncate)
			r = forbid(n, "the file is read-only", &err);
		else
			r = ops->truncate(fs, n, h && h->writing ? h : NULL, st->st_size, &err);
		which &= ~FUSE_SET_ATTR_SIZE;
	}
	if (r == 0 && which)
		r = ops->set_attr
			    ? ops->set_attr(fs, n, st, which, &err)
			    : err_set(&err, EPERM,
				      "mode, owner and times of this are EC2's facts or ebsfs's "
				      "own; only receipts keep what is set, and touch of a "
				      "region's snapshots/ reads the region again");
	if (r < 0)
		refuse(req, "change attributes of", n, NULL, &err);
	else if (n.kind == NODE_SNAPSHOTS)
		touch(fs, req, n);
	else
		reply_attr(fs, req, n);
}

/* --- names --- */

void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	struct err err;

	(void)mode;
	(void)dev;
	err_set(&err, EPERM, "there are only files and folders here, no devices, pipes or sockets");
	refuse(req, "mknod", node_of(parent), name, &err);
}

void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fs *fs = ops_fs(req);
	struct node folder = node_of(parent), n;
	const struct node_ops *ops = tree_ops(folder);
	struct fuse_entry_param e;
	struct err err;

	if (ops->mkdir && is_offline(req, "mkdir", folder, name))
		return;
	if (!ops->mkdir)
		forbid(folder, "no folder can be made here", &err);
	else if (ops->mkdir(fs, folder, name, mode, &n, &err) == 0) {
		ops_entry(fs, n, &e);
		fuse_reply_entry(req, &e);
		return;
	}
	refuse(req, "mkdir", folder, name, &err);
}

void ops_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct fs *fs = ops_fs(req);
	struct fuse_entry_param e;
	struct node n;
	struct err err;

	(void)target;
	if (receipt_folder_symlink(fs, node_of(parent), name, &n, &err) < 0) {
		refuse(req, "ln -s", node_of(parent), name, &err);
		return;
	}
	ops_entry(fs, n, &e); /* never fails for what was just made */
	fuse_reply_entry(req, &e);
}

void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct err err;

	(void)ino;
	err_set(&err, EPERM, "no link can be made here; to ask for a copy use cp");
	refuse(req, "ln", node_of(parent), name, &err);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, bool folder_wanted)
{
	const char *operation = folder_wanted ? "rmdir" : "rm";
	struct fs *fs = ops_fs(req);
	struct node folder = node_of(parent), n;
	int r = tree_find(fs, folder, name, &n);
	char what[WHAT_SIZE];
	struct pending_reply *a;

	if (r == 0 && S_ISDIR(tree_ops(n)->type) != folder_wanted)
		r = folder_wanted ? -ENOTDIR : -EISDIR;
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	if (tree_ops(n)->remove && is_offline(req, operation, folder, name))
		return;
	a = pending_reply_create(fs, req, name_what(fs, operation, folder, name, what));
	if (!a)
		fuse_reply_err(req, ENOMEM);
	else if (tree_ops(n)->remove)
		tree_ops(n)->remove(fs, n, a);
	else
		delete_refuse(a, n);
}

void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, false);
}

void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, true);
}

void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	struct node from = node_of(parent), to = node_of(new_parent);
	char old_path[TREE_PATH_SIZE], new_path[TREE_PATH_SIZE], what[2 * TREE_PATH_SIZE + 8];
	struct fs *fs = ops_fs(req);
	struct pending_reply *a;
	struct err err;

	if (flags & ~(unsigned)RENAME_NOREPLACE) {
		err_set(&err, EINVAL, "two names cannot be exchanged here; mv one after the other");
		refuse(req, "mv", from, name, &err);
		return;
	}
	if (is_offline(req, "mv", from, name) ||
		revalidate_rename(fs, req, parent, name, new_parent, new_name, flags))
		return;
	snprintf(what, sizeof(what), "mv %s to %s", tree_path(fs, from, name, old_path),
		tree_path(fs, to, new_name, new_path));
	a = pending_reply_create(fs, req, what);
	if (a)
		rename_node(fs, from, name, to, new_name, flags & RENAME_NOREPLACE, a);
	else
		fuse_reply_err(req, ENOMEM);
}
