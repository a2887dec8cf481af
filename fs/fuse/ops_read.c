/* SPDX-License-Identifier: MIT */
/* FUSE operations that change nothing. */
#define FUSE_USE_VERSION 314
#include "ops.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/statvfs.h>

#include "clock.h"
#include "receipts.h"

/* Offsets in a folder, as the kernel gets them: 0 is the beginning; "." and ".." are 1 and 2; from
 * 3 on, the folder's own positions. */
#define OWN_FROM 3

/* --- names: from memory, or once the region has spoken --- */

/* What waits for the region. */
struct arrival {
	enum { ARRIVAL_LOOKUP, ARRIVAL_OPENDIR, ARRIVAL_READ } what;
	struct fs *fs;
	struct node folder;
	struct pending_reply *reply;
	struct region_waiter *waiter;
	struct fuse_file_info fi; /* opendir */
	size_t size;              /* reading a folder: the kernel's question */
	off_t offset;
	bool plus;
	char name[NAME_MAX + 1]; /* lookup */
};

static void reply_lookup(struct fs *fs, fuse_req_t req, struct node folder, const char *name)
{
	struct fuse_entry_param e;
	struct node child;
	int r = tree_find(fs, folder, name, &child);

	if (r == 0)
		r = ops_entry(fs, child, &e);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &e);
}

/* The kernel may keep its own listing of the folder from one opening to the next while it says the
 * same and the attributes that came with it still hold. Once they do not, a new listing brings all
 * of them at once; the kernel would ask for them one by one. */
static void reply_opendir(
	struct fs *fs, fuse_req_t req, struct node folder, struct fuse_file_info *fi)
{
	if (folder.kind == NODE_SNAPSHOTS) {
		struct region *region = fs_region(fs, folder);
		uint64_t version = catalogue_version(region_catalogue(region)) +
				   (receipts_version(fs->receipts) << 24) +
				   ((uint64_t)region_listed_at(region) << 40);

		fi->cache_readdir = 1;
		fi->keep_cache = fs->listed_version[folder.region] == version &&
				 region_valid_ms(region, clock_mono_ms()) > 0;
		fs->listed_version[folder.region] = version;
	}
	fuse_reply_open(req, fi);
}

static void reply_folder(
	struct fs *fs, fuse_req_t req, struct node folder, size_t size, off_t offset, bool plus);

static void arrived(void *arg, const struct err *err)
{
	struct arrival *w = arg;
	struct fuse_req *req = pending_reply_request(w->reply);
	struct node known;

	/* EC2 could not be asked whether it still is so: what was known is shown, old as it is. */
	if (err && !(err->retryable && *w->name &&
			   tree_find(w->fs, w->folder, w->name, &known) == 0)) {
		pending_reply_err(w->reply, err);
	} else {
		pending_reply_done(w->reply);
		if (w->what == ARRIVAL_LOOKUP)
			reply_lookup(w->fs, req, w->folder, w->name);
		else if (w->what == ARRIVAL_OPENDIR)
			reply_opendir(w->fs, req, w->folder, &w->fi);
		else
			reply_folder(w->fs, req, w->folder, w->size, w->offset, w->plus);
	}
	free(w);
}

static void arrival_interrupted(void *arg)
{
	struct arrival *w = arg;

	region_cancel(w->waiter);
	free(w);
}

/* True if the request now waits, or was answered with an error; false: go on from memory. */
static bool await(fuse_req_t req, const struct arrival *question)
{
	struct fs *fs = question->fs;
	const struct node_ops *ops = tree_ops(question->folder);
	bool ready = true;
	struct arrival *w = malloc(sizeof(*w));
	char what[OPS_WHAT_SIZE];

	if (!w) {
		fuse_reply_err(req, ENOMEM);
		return true;
	}
	*w = *question;
	if (w->what == ARRIVAL_READ)
		w->waiter = ops->ensure_next(fs, w->folder,
			w->offset >= OWN_FROM ? (uint64_t)w->offset - OWN_FROM : 0, arrived, w,
			&ready);
	else
		w->waiter = ops->ensure(fs, w->folder, w->what == ARRIVAL_LOOKUP ? w->name : NULL,
			arrived, w, &ready);
	if (!w->waiter) {
		free(w);
		if (!ready)
			fuse_reply_err(req, ENOMEM);
		return !ready;
	}
	w->reply = pending_reply_create(fs, req,
		w->what == ARRIVAL_LOOKUP ? ops_what(fs, "find", w->folder, w->name, what)
					  : ops_what(fs, "list", w->folder, NULL, what));
	if (!w->reply) {
		region_cancel(w->waiter);
		free(w);
		fuse_reply_err(req, ENOMEM);
		return true;
	}
	pending_reply_on_interrupt(w->reply, arrival_interrupted, w);
	return true;
}

void ops_lookup(const struct ops_args *args)
{
	fuse_req_t req = args->req;
	struct fs *fs = ops_fs(req);
	struct node folder = node_of(args->ino);
	const char *name = args->name;
	struct arrival question = {.what = ARRIVAL_LOOKUP, .fs = fs, .folder = folder};
	struct err err;

	/* No other operation gets a longer name: the kernel looks each name up first. */
	if (strlen(name) > NAME_MAX) {
		err_set(&err, ENAMETOOLONG, "a file's name has at most %d bytes", NAME_MAX);
		ops_refuse(req, "find", folder, name, &err);
		return;
	}
	strcpy(question.name, name);
	if (!tree_ops(folder)->ensure || !await(req, &question))
		reply_lookup(fs, req, folder, name);
}

void ops_opendir(const struct ops_args *args)
{
	struct fs *fs = ops_fs(args->req);
	struct node folder = node_of(args->ino);
	const struct arrival question = {
		.what = ARRIVAL_OPENDIR, .fs = fs, .folder = folder, .fi = *args->fi};

	if (!tree_ops(folder)->ensure || !await(args->req, &question))
		reply_opendir(fs, args->req, folder, args->fi);
}

/* --- attributes --- */

void ops_getattr(const struct ops_args *args)
{
	ops_reply_attr(args->req, node_of(args->ino));
}

void ops_readlink(const struct ops_args *args)
{
	fuse_req_t req = args->req;
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct node n = node_of(args->ino);
	int r = S_ISLNK(tree_ops(n)->type) ? tree_ops(n)->text(ops_fs(req), n, &target) : -EINVAL;

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_readlink(req, buf_str(&target));
}

void ops_statfs(const struct ops_args *args)
{
	struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX};

	/* AWS has room: file managers refuse to copy into a full file system. No inodes at all
	 * means that they are not counted (df shows "-"), and no monitor finds them used up. */
	st.f_blocks = st.f_bfree = st.f_bavail = (fsblkcnt_t)1 << 38;
	fuse_reply_statfs(args->req, &st);
}

/* --- reading --- */

/* A text that changes on its own is generated for each read from its beginning, and stays the same
 * for the reads that follow. An opening that also writes reads what it has written so far. */
static bool is_read_anew(const struct handle *h, off_t offset)
{
	return !h->writing && tree_ops(h->node)->trust == TRUST_NEVER && (!offset || !h->told);
}

static void read_later(struct handle *h, fuse_req_t req, size_t size, off_t offset)
{
	char what[OPS_WHAT_SIZE];
	struct pending_reply *a =
		pending_reply_create(h->fs, req, ops_what(h->fs, "read", h->node, NULL, what));

	if (a)
		tree_ops(h->node)->read(h, offset, size, a);
	else
		fuse_reply_err(req, ENOMEM);
}

void ops_read(const struct ops_args *args)
{
	struct handle *h = ops_handle(args->fi);
	int r = 0;

	if (tree_ops(h->node)->read) {
		read_later(h, args->req, args->size, args->offset);
		return;
	}
	if (is_read_anew(h, args->offset)) {
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
static off_t lseek_text(const struct handle *h, off_t offset, int whence)
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
	off_t r = ops->lseek ? ops->lseek(h, args->offset, args->whence)
			     : lseek_text(h, args->offset, args->whence);

	if (r < 0)
		fuse_reply_err(args->req, (int)-r);
	else
		fuse_reply_lseek(args->req, r);
}

/* --- folders --- */

struct listing {
	char *data;
	size_t size, used;
};

static bool add_entry(struct fs *fs, fuse_req_t req, struct listing *l,
	const struct tree_entry *entry, off_t next, bool plus)
{
	size_t left = l->size - l->used, n;

	if (plus) {
		struct fuse_entry_param e;

		if (ops_entry(fs, entry->node, &e) < 0)
			return true; /* gone in between: not listed */
		n = fuse_add_direntry_plus(req, l->data + l->used, left, entry->name, &e, next);
	} else {
		struct stat st = {
			.st_ino = node_number(entry->node), .st_mode = tree_ops(entry->node)->type};

		n = fuse_add_direntry(req, l->data + l->used, left, entry->name, &st, next);
	}
	if (n > left)
		return false;
	l->used += n;
	return true;
}

/* "." and ".." carry no node of their own: with number 0 the kernel takes readdirplus's entry for a
 * name only. */
static bool add_dots(
	fuse_req_t req, struct listing *l, struct node folder, off_t *offset, bool plus)
{
	static const char *const names[] = {".", ".."};

	while (*offset < 2) {
		size_t left = l->size - l->used, n;
		struct fuse_entry_param e = {
			.attr = {.st_ino = node_number(folder), .st_mode = S_IFDIR}};

		if (plus)
			n = fuse_add_direntry_plus(
				req, l->data + l->used, left, names[*offset], &e, *offset + 1);
		else
			n = fuse_add_direntry(
				req, l->data + l->used, left, names[*offset], &e.attr, *offset + 1);
		if (n > left)
			return false;
		l->used += n;
		++*offset;
	}
	return true;
}

static void reply_folder(
	struct fs *fs, fuse_req_t req, struct node folder, size_t size, off_t offset, bool plus)
{
	const struct node_ops *ops = tree_ops(folder);
	_cleanup_free_ char *data = malloc(size);
	struct listing l = {.data = data, .size = size};
	struct tree_entry entry;
	uint64_t pos;

	if (!data) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (add_dots(req, &l, folder, &offset, plus)) {
		pos = offset >= OWN_FROM ? (uint64_t)offset - OWN_FROM : 0;
		while (ops->next(fs, folder, &pos, &entry))
			if (!add_entry(fs, req, &l, &entry, (off_t)(pos + OWN_FROM), plus))
				break;
		offset = (off_t)(pos + OWN_FROM);
	}
	/* An empty answer would be the folder's end, which may not have come yet. */
	if (!l.used && ops->ensure_next &&
		await(req, &(struct arrival){.what = ARRIVAL_READ,
				   .fs = fs,
				   .folder = folder,
				   .size = size,
				   .offset = offset,
				   .plus = plus}))
		return;
	fuse_reply_buf(req, l.data, l.used);
}

void ops_readdir(const struct ops_args *args)
{
	reply_folder(
		ops_fs(args->req), args->req, node_of(args->ino), args->size, args->offset, false);
}

void ops_readdirplus(const struct ops_args *args)
{
	reply_folder(
		ops_fs(args->req), args->req, node_of(args->ino), args->size, args->offset, true);
}
