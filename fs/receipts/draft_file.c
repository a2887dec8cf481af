/* SPDX-License-Identifier: MIT */
/* Drafts as nodes of the tree: files, folders and links that behave as on any file system. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "clock.h"
#include "nodes.h"
#include "receipts.h"
#include "timespec.h"

static struct draft *draft_get(struct fs *fs, struct node n)
{
	return drafts_get(fs->drafts, n);
}

static int draft_gone(struct err *err)
{
	return err_set(err, ENOENT, "the file is gone");
}

/* --- drafts in a folder, also for the node_ops of region folders --- */

/* The draft whose status has this name: `.x` or `.x.snapshot` for `.x.status`. */
static struct draft *draft_of_status(struct fs *fs, struct node folder, const char *name)
{
	char stem[NAME_MAX + 1];
	struct draft *d;

	if (!receipts_strip(name, ".status", stem))
		return NULL;
	d = drafts_find(fs->drafts, folder, stem);
	if (!d && strlen(stem) + strlen(".snapshot") <= NAME_MAX)
		d = drafts_find(fs->drafts, folder, strcat(stem, ".snapshot"));
	return d;
}

int draft_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	struct draft *d = drafts_find(fs->drafts, folder, name);

	if (d && d->type == DRAFT_WHITEOUT)
		return -ENOENT;
	if (d) {
		*child = drafts_node(d);
		return 0;
	}
	d = receipt_kind_takes(folder) ? draft_of_status(fs, folder, name) : NULL;
	if (!d)
		return -ENOENT;
	*child = drafts_node(d);
	child->kind = NODE_DRAFT_STATUS;
	return 0;
}

bool draft_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct draft *d = drafts_next(fs->drafts, folder, pos);

	if (!d)
		return false;
	strcpy(out->name, d->name);
	out->node = drafts_node(d);
	return true;
}

static int draft_make(struct fs *fs, struct node folder, const char *name, enum draft_type type,
	mode_t mode, struct node *child, struct err *err)
{
	if (folder.kind == NODE_DRAFT_FOLDER && !draft_get(fs, folder))
		return draft_gone(err);
	return receipt_folder_make_draft(fs, folder, name, type, mode, child, err);
}

int draft_create(struct fs *fs, struct node folder, const char *name, mode_t mode, struct handle *h,
	struct node *child, struct err *err)
{
	int result = draft_make(fs, folder, name, DRAFT_FILE, mode, child, err);

	if (result == 0 && h) {
		drafts_open(draft_get(fs, *child));
		h->held = true;
	}
	return result;
}

bool draft_is_temporary(const struct handle *h, mode_t mode)
{
	return h && (h->flags & O_EXCL) && (h->flags & O_ACCMODE) == O_RDWR &&
	       (mode & 0777) == 0600;
}

int draft_mkdir(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err)
{
	return draft_make(fs, folder, name, DRAFT_FOLDER, mode, child, err);
}

int draft_symlink(struct fs *fs, struct node folder, const char *name, const char *target,
	struct node *child, struct err *err)
{
	int result = draft_make(fs, folder, name, DRAFT_LINK, 0777, child, err);

	return result < 0 ? result
			  : drafts_write(fs->drafts, draft_get(fs, *child), target, strlen(target),
				    0, err);
}

/* --- all types --- */

static int draft_attr(struct fs *fs, struct node n, struct stat *st)
{
	const struct draft *d = draft_get(fs, n);

	if (!d)
		return -ENOENT;
	st->st_mode = (st->st_mode & S_IFMT) | d->mode;
	st->st_uid = d->uid;
	st->st_gid = d->gid;
	st->st_size = (off_t)d->text.len;
	st->st_nlink = d->gone ? 0 : 1;
	st->st_mtim = st->st_ctim = st->st_atim = timespec_of_ns(d->mtime_ns);
	return 0;
}

static int draft_text(struct fs *fs, struct node n, struct buf *out)
{
	const struct draft *d = draft_get(fs, n);

	return d ? buf_add(out, buf_str(&d->text), d->text.len) : -ENOENT;
}

static int draft_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	struct draft *d = draft_get(fs, n);

	if (!d)
		return draft_gone(err);
	if (which & FUSE_SET_ATTR_MODE)
		d->mode = st->st_mode & 07777;
	if (which & FUSE_SET_ATTR_UID)
		d->uid = st->st_uid;
	if (which & FUSE_SET_ATTR_GID)
		d->gid = st->st_gid;
	if (which & FUSE_SET_ATTR_MTIME_NOW)
		d->mtime_ns = clock_wall_ms() * 1000000;
	else if (which & FUSE_SET_ATTR_MTIME)
		d->mtime_ns = timespec_ns(st->st_mtim);
	if (which & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW))
		d->mtime_set = true;
	return 0;
}

static void draft_remove(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct draft *d = draft_get(fs, n);

	if (!d || d->gone) {
		pending_reply_errno(reply, ENOENT);
	} else if (d->type == DRAFT_FOLDER && drafts_any(fs->drafts, n)) {
		pending_reply_errno(reply, ENOTEMPTY);
	} else {
		receipt_part_forget(fs, d);
		drafts_remove(fs->drafts, d);
		pending_reply_ok(reply);
	}
}

/* --- files --- */

static void draft_read(struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	const struct draft *d = draft_get(h->fs, h->node);

	if (d)
		handle_reply_text(&d->text, offset, size, reply);
	else
		pending_reply_errno(reply, ENOENT);
}

static int draft_open_read(struct handle *h, struct err *err)
{
	struct draft *d = draft_get(h->fs, h->node);

	(void)err;
	if (d)
		drafts_open(d);
	h->held = d != NULL;
	return 0;
}

static int draft_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	struct draft *d = draft_get(fs, n);

	if (!d)
		return draft_gone(err);
	drafts_open(d);
	h->held = true;
	return 0;
}

static int draft_write(
	struct handle *h, const char *data, size_t len, off_t offset, struct err *err)
{
	struct draft *d = draft_get(h->fs, h->node);

	if (!d)
		return draft_gone(err);
	h->dirty = true;
	receipt_folder_expect(h->fs, d);
	return drafts_write(h->fs->drafts, d, data, len, offset, err);
}

static int draft_truncate(
	struct fs *fs, struct node n, struct handle *h, off_t size, struct err *err)
{
	struct draft *d = draft_get(fs, n);

	if (!d)
		return draft_gone(err);
	if (h)
		h->dirty = true;
	receipt_folder_expect(fs, d);
	return drafts_truncate(fs->drafts, d, size, err);
}

/* Whether the draft is meant as the snapshot file of a receipt's folder; at_end: also without its
 * "...". */
static bool draft_is_text(const struct draft *d, bool at_end)
{
	return node_of(d->folder).kind == NODE_FOLDER && draft_asks(d, at_end);
}

/* A close() that waits until the request under way of its receipt's folder has ended. */
struct draft_turn {
	struct fs *fs;
	struct node draft;
	uid_t user;
	bool is_same;                /* the request is of the same file, by another opening */
	struct pending_reply *reply; /* NULL: no caller waits (interrupted, or the last close) */
};

static void draft_turn_come(void *arg, struct receipt *r, const struct err *err)
{
	struct draft_turn turn = *(struct draft_turn *)arg;
	struct draft *d = drafts_get(turn.fs->drafts, turn.draft);

	(void)r;
	free(arg);
	if (turn.reply)
		pending_reply_ignore_interrupt(turn.reply);
	if (d && !d->gone && !turn.is_same)
		draft_ask(turn.fs, d, turn.user, turn.reply);
	else if (turn.reply)
		pending_reply_err(turn.reply, err);
}

static void draft_turn_wait(
	struct draft_turn turn, struct receipt_work *w, struct pending_reply *reply)
{
	struct draft_turn *kept = malloc(sizeof(*kept));

	if (!kept || receipts_after(w, draft_turn_come, kept) < 0) {
		free(kept);
		if (reply)
			pending_reply_errno(reply, ENOMEM);
		return;
	}
	*kept = turn;
	kept->reply = reply;
	if (reply)
		pending_reply_detach_on_interrupt(&kept->reply);
}

/* Requests the draft's text, after the end of a request under way: a receipt's folder makes one
 * request at a time. If two openings wrote the same text to one file, both get the result of one
 * request. */
static void draft_ask_in_turn(struct handle *h, struct draft *d, struct pending_reply *reply)
{
	struct fs *fs = h->fs;
	struct receipt *r = receipts_get(fs->receipts, node_of(d->folder));
	bool same = r && r->file_name && !strcmp(r->file_name, d->name);

	if (r && r->state == RECEIPT_ASKING && (!same || !strcmp(r->text, buf_str(&d->text))))
		draft_turn_wait(
			(struct draft_turn){
				.fs = fs, .draft = drafts_node(d), .user = h->uid, .is_same = same},
			r->work, reply);
	else
		draft_ask(fs, d, h->uid, reply);
}

static void draft_take_effect(struct handle *h, struct draft *d, struct pending_reply *reply)
{
	if (draft_is_text(d, !reply))
		draft_ask_in_turn(h, d, reply);
	else
		receipt_part_commit(h->fs, d, h->uid, reply);
}

/* An empty text, and a snapshot file without its "...", take effect only at the last close, because
 * a shell closes the file once before it writes. */
static void draft_commit(struct handle *h, struct pending_reply *reply)
{
	struct draft *d = draft_get(h->fs, h->node);

	if (!d || d->gone || !h->dirty || !d->text.len || handle_is_shared(h, reply) ||
		(draft_is_text(d, true) && !draft_is_text(d, false))) {
		pending_reply_ok(reply);
		return;
	}
	h->dirty = false;
	h->committed = true;
	draft_take_effect(h, d, reply);
}

static void draft_closed(struct handle *h)
{
	struct draft *d = draft_get(h->fs, h->node);

	if (d && !d->gone && (h->dirty || (h->created && !h->committed)))
		draft_take_effect(h, d, NULL);
}

static void draft_release(struct handle *h)
{
	struct draft *d = draft_get(h->fs, h->node);

	if (d && h->held)
		drafts_close(h->fs->drafts, d);
}

/* --- the status of a draft that would request a copy under another name --- */

static int draft_status_text(struct fs *fs, struct node n, struct buf *out)
{
	const struct draft *d = draft_get(fs, n);

	if (!d)
		return -ENOENT;
	return buf_printf(out,
		"state: draft\nregion: %s\nhint: nothing is requested under %s; to request the "
		"%s, rename the file to a plain name\n",
		region_name(fs_region(fs, n)),
		*d->name == '.' ? "a name that begins with a dot" : "a temporary file's name",
		receipt_kind_noun(node_of(d->folder)));
}

const struct node_ops draft_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER,
	.attr = draft_attr,
	.text = draft_text,
	.read = draft_read,
	.open_read = draft_open_read,
	.release = draft_release,
	.open_write = draft_open_write,
	.write = draft_write,
	.truncate = draft_truncate,
	.commit = draft_commit,
	.closed = draft_closed,
	.set_attr = draft_set_attr,
	.remove = draft_remove,
};
const struct node_ops draft_folder_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_NEVER,
	.attr = draft_attr,
	.find = draft_find,
	.next = draft_next,
	.create = draft_create,
	.mkdir = draft_mkdir,
	.symlink = draft_symlink,
	.set_attr = draft_set_attr,
	.remove = draft_remove,
};
const struct node_ops draft_link_ops = {
	.type = S_IFLNK,
	.mode = 0777,
	.trust = TRUST_NEVER,
	.attr = draft_attr,
	.text = draft_text,
	.set_attr = draft_set_attr,
	.remove = draft_remove,
};
const struct node_ops draft_status_ops = {
	.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_NEVER,
	.text = draft_status_text,
};
