/* SPDX-License-Identifier: MIT */
/* FUSE operations that change nothing. */
#define FUSE_USE_VERSION 314
#include "ops.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/statvfs.h>

#include "clock.h"
#include "dir_reply.h"
#include "receipts.h"
#include "view.h"

/* Creates a pending reply to the operation. NULL on ENOMEM, which has been replied. */
static struct pending_reply *ops_pending(const struct ops_args *args, const char *operation)
{
	struct fs *fs = ops_fs(args->req);
	char what[OPS_WHAT_SIZE];
	struct pending_reply *reply = pending_reply_create(
		fs, args->req, ops_what(fs, operation, node_of(args->ino), args->name, what));

	if (!reply)
		fuse_reply_err(args->req, ENOMEM);
	return reply;
}

/* --- waiting for a region --- */

/* An operation that waits for a region to be listed. */
struct region_wait {
	struct ops_saved saved;
	void (*run)(const struct ops_args *args); /* replies from memory */
	struct pending_reply *reply;
	struct region_waiter *waiter;
};

static void region_wait_done(void *arg, const struct err *err)
{
	struct region_wait *w = arg;
	const struct ops_args *args = &w->saved.args;
	struct node known;

	/* If EC2 cannot be reached, a lookup uses the stale entry. */
	if (err && !(err->retryable && args->name &&
			   tree_find(ops_fs(args->req), node_of(args->ino), args->name, &known) ==
				   0)) {
		pending_reply_err(w->reply, err);
	} else {
		pending_reply_done(w->reply);
		w->run(args);
	}
	free(w);
}

static void region_wait_interrupted(void *arg)
{
	struct region_wait *w = arg;

	region_cancel(w->waiter);
	free(w);
}

/* Requests the data that the operation needs from the folder's kind. Returns w->waiter; NULL: as
 * view_ensure(). */
static struct region_waiter *region_wait_ensure(struct region_wait *w, bool next, bool *ready)
{
	const struct ops_args *args = &w->saved.args;
	struct node folder = node_of(args->ino);
	const struct node_ops *ops = tree_ops(folder);
	struct fs *fs = ops_fs(args->req);

	if (next)
		return ops->ensure_next(fs, folder,
			args->offset >= DIR_REPLY_OWN_FROM
				? (uint64_t)args->offset - DIR_REPLY_OWN_FROM
				: 0,
			region_wait_done, w, ready);
	return ops->ensure(fs, folder, args->name, region_wait_done, w, ready);
}

/* Lets the operation wait until the name, the folder, its entry at args->offset (`next`), or the
 * file is known. Returns true if run(args) will be called later, or an error was replied; false if
 * nothing is missing. */
static bool region_wait(
	const struct ops_args *args, bool next, void (*run)(const struct ops_args *args))
{
	struct region_wait *w = malloc(sizeof(*w));
	struct fs *fs = ops_fs(args->req);
	bool folder = S_ISDIR(tree_ops(node_of(args->ino))->type);
	const char *operation = args->name ? "find" : folder ? "list" : "read";
	char what[OPS_WHAT_SIZE];
	bool ready = true;

	if (!w) {
		fuse_reply_err(args->req, ENOMEM);
		return true;
	}
	ops_save(args, &w->saved);
	w->run = run;
	w->reply = NULL;
	w->waiter = region_wait_ensure(w, next, &ready);
	if (!w->waiter) {
		free(w);
		if (!ready)
			fuse_reply_err(args->req, ENOMEM);
		return !ready;
	}
	w->reply = pending_reply_create(
		fs, args->req, ops_what(fs, operation, node_of(args->ino), args->name, what));
	if (!w->reply) {
		region_cancel(w->waiter);
		free(w);
		fuse_reply_err(args->req, ENOMEM);
		return true;
	}
	pending_reply_on_interrupt(w->reply, region_wait_interrupted, w);
	return true;
}

bool ops_wait(const struct ops_args *args, void (*run)(const struct ops_args *args))
{
	return tree_ops(node_of(args->ino))->ensure && region_wait(args, false, run);
}

/* --- names --- */

static void lookup_reply(const struct ops_args *args)
{
	struct fs *fs = ops_fs(args->req);
	struct fuse_entry_param e;
	struct node child;
	int r = tree_find(fs, node_of(args->ino), args->name, &child);

	if (r == 0)
		r = ops_entry(fs, child, &e);
	if (r < 0)
		fuse_reply_err(args->req, -r);
	else
		ops_reply_entry(args->req, &e);
}

/* Returns true, after it has replied with an error, if the folder refuses the name or must not be
 * opened. */
static bool ops_refuses(const struct ops_args *args, const char *operation)
{
	struct node folder = node_of(args->ino);
	const struct node_ops *ops = tree_ops(folder);
	struct err err;

	if (!ops->refuses || ops->refuses(ops_fs(args->req), folder, args->name, &err) == 0)
		return false;
	ops_refuse(args->req, operation, folder, args->name, &err);
	return true;
}

static void ops_lookup_later(const struct ops_args *args)
{
	struct node folder = node_of(args->ino);
	struct pending_reply *reply = ops_pending(args, "find");

	if (reply)
		tree_ops(folder)->lookup(ops_fs(args->req), folder, args->name, reply);
}

void ops_lookup(const struct ops_args *args)
{
	struct node folder = node_of(args->ino);
	struct err err;

	/* Only lookup checks the length: the kernel looks each name up before another operation
	 * gets it. */
	if (strlen(args->name) > NAME_MAX) {
		err_set(&err, ENAMETOOLONG, "a file's name has at most %d bytes", NAME_MAX);
		ops_refuse(args->req, "find", folder, args->name, &err);
		return;
	}
	if (tree_ops(folder)->lookup)
		ops_lookup_later(args);
	else if (!ops_refuses(args, "find") && !ops_wait(args, lookup_reply))
		lookup_reply(args);
}

/* Lets the kernel keep its listing of the folder from one opening to the next while the folder is
 * unchanged and the attributes that came with the listing are valid. After that, a new listing
 * brings all attributes at once; otherwise the kernel would request them one by one. */
static void opendir_reply(const struct ops_args *args)
{
	struct fs *fs = ops_fs(args->req);
	struct node folder = node_of(args->ino);

	if (folder.kind == NODE_SNAPSHOTS) {
		struct region *region = fs_region(fs, folder);
		uint64_t version =
			view_version(region_own(region)) +
			((receipts_version(fs->receipts) + drafts_version(fs->drafts)) << 24) +
			((uint64_t)view_listed_at(region_own(region)) << 40);

		args->fi->cache_readdir = 1;
		args->fi->keep_cache = fs->listed_version[folder.region] == version &&
				       view_valid_ms(region_own(region), clock_mono_ms()) > 0;
		fs->listed_version[folder.region] = version;
	}
	fuse_reply_open(args->req, args->fi);
}

void ops_opendir(const struct ops_args *args)
{
	if (!ops_refuses(args, "list") && !ops_wait(args, opendir_reply))
		opendir_reply(args);
}

/* --- attributes --- */

void ops_getattr(const struct ops_args *args)
{
	struct node n = node_of(args->ino);
	struct pending_reply *reply;

	if (!tree_ops(n)->getattr) {
		ops_reply_attr(args->req, n);
		return;
	}
	reply = ops_pending(args, "stat");
	if (reply)
		tree_ops(n)->getattr(ops_fs(args->req), n, reply);
}

void ops_readlink(const struct ops_args *args)
{
	fuse_req_t req = args->req;
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct node n = node_of(args->ino);
	struct pending_reply *reply;
	int r;

	if (tree_ops(n)->readlink) {
		reply = ops_pending(args, "read the link");
		if (reply)
			tree_ops(n)->readlink(ops_fs(req), n, reply);
		return;
	}
	r = S_ISLNK(tree_ops(n)->type) ? tree_ops(n)->text(ops_fs(req), n, &target) : -EINVAL;
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_readlink(req, buf_str(&target));
}

void ops_statfs(const struct ops_args *args)
{
	struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX};

	/* Shows a large size and no inodes: file managers refuse to copy into a full file system,
	 * and with zero inodes df shows "-" and no monitor reports them as used up. */
	st.f_blocks = st.f_bfree = st.f_bavail = (fsblkcnt_t)1 << 38;
	fuse_reply_statfs(args->req, &st);
}

/* --- reading --- */

/* Returns whether the text is generated for this read. A text that changes on its own is generated
 * for each read from its beginning, and stays the same for the reads that follow. A handle that
 * also writes reads its own written text. */
static bool ops_read_is_anew(const struct handle *h, off_t offset)
{
	return !h->writing && tree_ops(h->node)->trust == TRUST_NEVER && (!offset || !h->told);
}

void ops_read(const struct ops_args *args)
{
	struct handle *h = ops_handle(args->fi);
	struct pending_reply *reply;
	int r = 0;

	if (tree_ops(h->node)->read) {
		reply = ops_pending(args, "read");
		if (reply)
			tree_ops(h->node)->read(h, args->offset, args->size, reply);
		return;
	}
	if (ops_read_is_anew(h, args->offset)) {
		buf_clear(&h->text);
		h->told = true;
		h->changed = false;
		r = tree_ops(h->node)->text(h->fs, h->node, &h->text);
	}
	if (r < 0)
		fuse_reply_err(args->req, -r);
	else
		handle_reply(h, args->req, args->size, args->offset);
}

void ops_poll(const struct ops_args *args)
{
	struct handle *h = ops_handle(args->fi);
	const struct node_ops *ops = tree_ops(h->node);

	if (!ops->poll || h->writing) {
		if (args->ph)
			fuse_pollhandle_destroy(args->ph);
		fuse_reply_poll(args->req, POLLIN | POLLOUT);
		return;
	}
	fuse_reply_poll(args->req, ops->poll(h, args->ph) ? POLLIN | POLLPRI : 0);
}

/* A text has no holes: SEEK_DATA stays where it is, SEEK_HOLE goes to the end. */
static off_t ops_lseek_text(const struct handle *h, off_t offset, int whence)
{
	struct stat st;
	int r = tree_attr(h->fs, h->node, &st);

	if (r < 0)
		return r;
	if (offset < 0 || offset >= st.st_size)
		return -ENXIO;
	return whence == SEEK_HOLE ? st.st_size : offset;
}

void ops_lseek(const struct ops_args *args)
{
	struct handle *h = ops_handle(args->fi);
	const struct node_ops *ops = tree_ops(h->node);
	struct pending_reply *reply;
	off_t r;

	if (ops->lseek) {
		reply = ops_pending(args, "seek in");
		if (reply)
			ops->lseek(h, args->offset, args->whence, reply);
		return;
	}
	r = ops_lseek_text(h, args->offset, args->whence);
	if (r < 0)
		fuse_reply_err(args->req, (int)-r);
	else
		fuse_reply_lseek(args->req, r);
}

/* --- folders --- */

static bool readdir_add(
	struct fs *fs, struct dir_reply *d, const struct tree_entry *entry, uint64_t position)
{
	struct fuse_entry_param e = {.attr = {.st_ino = node_number(entry->node),
					     .st_mode = tree_ops(entry->node)->type}};

	if (d->plus && ops_entry(fs, entry->node, &e) < 0)
		return true; /* the node is gone in the meantime: it is not listed */
	return dir_reply_add(d, entry->name, &e, position);
}

static void readdir_fill(struct fs *fs, struct dir_reply *d)
{
	const struct node_ops *ops = tree_ops(d->folder);
	struct tree_entry entry;
	uint64_t pos;

	if (!dir_reply_add_dots(d))
		return;
	pos = dir_reply_position(d);
	while (ops->next(fs, d->folder, &pos, &entry))
		if (!readdir_add(fs, d, &entry, pos))
			return;
	d->offset = (off_t)(pos + DIR_REPLY_OWN_FROM);
}

static void readdir_reply(const struct ops_args *args, bool plus)
{
	struct fs *fs = ops_fs(args->req);
	struct node folder = node_of(args->ino);
	struct ops_args rest = *args;
	struct pending_reply *reply;
	struct dir_reply d;

	if (tree_ops(folder)->readdir) {
		reply = ops_pending(args, "list");
		if (reply)
			tree_ops(folder)->readdir(
				ops_handle(args->fi), args->offset, args->size, plus, reply);
		return;
	}
	if (dir_reply_begin(&d, args->req, folder, args->offset, args->size, plus) < 0) {
		fuse_reply_err(args->req, ENOMEM);
		return;
	}
	readdir_fill(fs, &d);
	rest.offset = d.offset;
	/* An empty reply would mean the end of the folder, but more entries may still arrive. */
	if (d.used || !tree_ops(folder)->ensure_next ||
		!region_wait(&rest, true, plus ? ops_readdirplus : ops_readdir))
		dir_reply_send(&d);
	dir_reply_finish(&d);
}

void ops_readdir(const struct ops_args *args)
{
	readdir_reply(args, false);
}

void ops_readdirplus(const struct ops_args *args)
{
	readdir_reply(args, true);
}
