/* SPDX-License-Identifier: MIT */
/* A receipt's file: written as a text, checked at each close, then fixed. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "clock.h"
#include "last_error.h"
#include "nodes.h"
#include "receipts.h"
#include "snapshot_file.h"

static struct receipt *receipt_file_get(struct fs *fs, struct node n)
{
	struct receipt *r = receipts_get(fs->receipts, n);

	return r && r->has_file ? r : NULL;
}

static int receipt_file_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct receipt *r = receipt_file_get(fs, n);

	if (!r)
		return -ENOENT;
	receipts_attr(r, st);
	if (r->is_folder)
		st->st_mode =
			(st->st_mode & S_IFMT) | 0644; /* the folder's own mode is in the row */
	return 0;
}

static int receipt_file_text(struct fs *fs, struct node n, struct buf *out)
{
	struct receipt *r = receipt_file_get(fs, n);

	if (!r)
		return -ENOENT;
	if (r->work && r->work->draft.len)
		return buf_add(out, r->work->draft.data, r->work->draft.len);
	return buf_puts(out, r->text ? r->text : "");
}

/* Reads the text as it is now, also if another opening wrote it. */
static void receipt_file_read(
	struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	handle_read_anew(h, receipt_file_text, offset, size, reply);
}

/* Whether another copy for this receipt would be a second one. */
static bool receipt_file_has_copied(const struct fs *fs, const struct receipt *r)
{
	const struct copy *copy = receipts_copy(fs, r);

	return receipts_is_fixed(fs, r) &&
	       !(copy && (copy->state == COPY_QUEUED || copy->state == COPY_ERROR ||
				 copy->state == COPY_CANCELLED));
}

static int receipt_file_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	struct receipt *r = receipt_file_get(fs, n);
	struct receipt_work *w;

	if (receipts_check_writable(fs, r, err) < 0) {
		if (r && receipt_file_has_copied(fs, r))
			guard_overwrite_begun(&fs->overwrite, OVERWRITE_REFUSED, h->pid,
				node_number(receipts_folder(r)), r->name, clock_mono_ms());
		return -err->errnum;
	}
	w = receipts_work(r);
	/* A text that was refused is corrected, not written anew. */
	if (!w || (!w->draft.len && r->text && buf_puts(&w->draft, r->text) < 0))
		return err_set(err, ENOMEM, "out of memory");
	w->writers++;
	return 0;
}

static int receipt_file_too_long(struct receipt *r, int result, struct err *err)
{
	/* The text written so far stays as it is; no copy is requested for it. */
	r->work->draft.error = 0;
	r->work->spoilt = true;
	return err_set(err, -result,
		"%s: a copy's text has at most %zu bytes; this is no snapshot file", r->name,
		REQUEST_TEXT_MAX);
}

static void receipt_file_touch(struct receipt *r)
{
	r->work->dirty = true;
	r->mtime_ns = clock_wall_ms() * 1000000;
}

static int receipt_file_truncate(
	struct fs *fs, struct node n, struct handle *h, off_t size, struct err *err)
{
	struct receipt *r = receipt_file_get(fs, n);
	int result;

	(void)h;
	if (receipts_check_writable(fs, r, err) < 0)
		return -err->errnum;
	if (!receipts_work(r))
		return err_set(err, ENOMEM, "out of memory");
	result = buf_resize(&r->work->draft, (size_t)size);
	if (result < 0)
		return receipt_file_too_long(r, result, err);
	if (!size) {
		r->work->spoilt = false;
		free(steal(&r->text));
	}
	receipt_file_touch(r);
	return 0;
}

static int receipt_file_write(
	struct handle *h, const char *data, size_t len, off_t offset, struct err *err)
{
	struct receipt *r = receipt_file_get(h->fs, h->node);
	int result;

	if (r && receipts_is_fixed(h->fs, r))
		return err_set(err, EINVAL,
			"nothing may come after the text that asked for the copy, which was sent; "
			"write further lines before its last line '...'");
	if (receipts_check_writable(h->fs, r, err) < 0)
		return -err->errnum;
	result = buf_write_at(&r->work->draft, (size_t)offset, data, len);
	if (result < 0)
		return receipt_file_too_long(r, result, err);
	receipt_file_touch(r);
	return 0;
}

/* Whether the text has changed since it was last parsed, and a copy may be requested for it. */
static bool receipt_file_is_changed(const struct handle *h, const struct receipt *r)
{
	const struct receipt_work *w = r ? r->work : NULL;

	return w && w->dirty && !w->spoilt && w->draft.len && !receipts_is_fixed(h->fs, r);
}

static void receipt_file_commit(struct handle *h, struct pending_reply *reply)
{
	struct receipt *r = receipt_file_get(h->fs, h->node);
	struct copy_request request;
	struct err err;

	if (r && r->state == RECEIPT_ASKING) {
		receipts_work_wait(r->work, reply);
		return;
	}
	if (!receipt_file_is_changed(h, r)) {
		pending_reply_ok(reply);
		return;
	}
	if (snapshot_file_parse(r->work->draft.data, r->work->draft.len, false, &request, &err) <
		0) {
		err_context(&err, "%s", r->name);
		receipts_work_refuse(r->work, &err);
		r->work->dirty = false; /* reported once: the last close does not parse it again */
		pending_reply_err(reply, &err);
	} else if (request.complete) {
		r->work->dirty = false;
		receipt_ask(h->fs, r, &request, false, h->uid, reply);
	} else {
		pending_reply_ok(reply);
	}
	snapshot_file_finish(&request);
}

/* The last close requests the copy for a text without "..." too. No caller waits for the result: an
 * error goes to last-error only. */
static void receipt_file_closed(struct handle *h)
{
	struct receipt *r = receipt_file_get(h->fs, h->node);
	char path[NODE_PATH_SIZE], what[NODE_PATH_SIZE + 8];
	struct copy_request request;
	struct err err;

	if (!r || --r->work->writers)
		return;
	if (!receipt_file_is_changed(h, r)) {
		receipts_work_shed(r);
		return;
	}
	r->work->dirty = false;
	if (snapshot_file_parse(r->work->draft.data, r->work->draft.len, true, &request, &err) <
		0) {
		err_context(&err, "%s", r->name);
		receipts_work_refuse(r->work, &err);
		snprintf(what, sizeof(what), "close %s", node_path(h->fs, h->node, NULL, path));
		last_error_report(h->fs->last_error, h->uid, what, &err);
	} else {
		receipt_ask(h->fs, r, &request, false, h->uid, NULL);
	}
	snapshot_file_finish(&request);
}

static int receipt_file_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	struct receipt *r = receipt_file_get(fs, n);

	if (!r)
		return err_set(err, ENOENT, "the receipt is gone");
	/* In a folder, mode and owner in the row are the folder's. The time is shared by the folder
	 * and its file, as it is by a snapshot's folder and its file. */
	if (r->is_folder)
		which &= FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW;
	receipts_set_attr(fs, r, st, which);
	return 0;
}

static void receipt_file_remove(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct receipt *r = receipt_file_get(fs, n);
	pid_t pid = fuse_req_ctx(pending_reply_request(reply))->pid;
	struct err err;
	uint64_t folder;

	if (!r) {
		pending_reply_errno(reply, ENOENT);
		return;
	}
	folder = node_number(receipts_folder(r));
	if (receipt_file_has_copied(fs, r) &&
		guard_overwrite_goes_on(
			&fs->overwrite, OVERWRITE_REFUSED, pid, folder, r->name, clock_mono_ms())) {
		err_set(&err, EEXIST,
			"the receipt '%s' stays: this command was refused to write it, and would "
			"now start a second copy, as cp -f does; to copy again rm it first, by "
			"a command of its own",
			r->name);
		pending_reply_err(reply, &err);
		return;
	}
	if (receipt_file_has_copied(fs, r))
		guard_overwrite_begun(
			&fs->overwrite, OVERWRITE_REMOVED, pid, folder, r->name, clock_mono_ms());
	if (r->is_folder)
		receipt_remove_file(fs, r, reply);
	else
		receipt_remove(fs, r, reply);
}

const struct node_ops receipt_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_LISTING,
	.attr = receipt_file_attr,
	.text = receipt_file_text,
	.read = receipt_file_read,
	.open_write = receipt_file_open_write,
	.write = receipt_file_write,
	.truncate = receipt_file_truncate,
	.commit = receipt_file_commit,
	.closed = receipt_file_closed,
	.set_attr = receipt_file_set_attr,
	.remove = receipt_file_remove,
};
