/* SPDX-License-Identifier: MIT */
/* A receipt's file, whose text requests the copy when the writing program closes the file; and the
 * text of a receipt's status. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "aws_error.h"
#include "clock.h"
#include "copies_report.h"
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
	receipts_attr(fs, r, st);
	if (r->is_folder)
		st->st_mode = S_IFREG | r->file_mode; /* the folder's own mode is in the row */
	/* With allow_other the kernel checks permissions. cp gives the receipt its source's mode,
	 * which may be read-only, and the same cp again opens the receipt for writing. */
	if (fs->options->allow_other)
		st->st_mode |= S_IWUSR;
	return 0;
}

/* A receipt that has a copy shows the text that requested the copy, until the request of another
 * text is accepted. */
static int receipt_file_text(struct fs *fs, struct node n, struct buf *out)
{
	struct receipt *r = receipt_file_get(fs, n);
	const char *text;

	if (!r)
		return -ENOENT;
	text = r->state == RECEIPT_ASKING && r->work->before.text ? r->work->before.text : r->text;
	if (text)
		return buf_puts(out, text);
	return r->work ? buf_add(out, r->work->draft.data, r->work->draft.len) : 0;
}

/* Reads the present text, so that a reader sees what another opening wrote. */
static void receipt_file_read(
	struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	handle_read_anew(h, receipt_file_text, offset, size, reply);
}

static int receipt_file_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	struct receipt *r = receipt_file_get(fs, n);
	struct receipt_work *w;

	(void)h;
	if (receipts_check_writable(r, err) < 0)
		return -err->errnum;
	w = receipts_work(r);
	/* Without O_TRUNC a program changes parts of the present text, so the draft starts with it.
	 */
	if (!w || (!w->writers && !w->draft.len && r->text && buf_puts(&w->draft, r->text) < 0))
		return err_set(err, ENOMEM, "out of memory");
	w->writers++;
	return 0;
}

static int receipt_file_too_long(struct receipt *r, int result, struct err *err)
{
	/* Keeps the draft so far, but `spoilt` prevents a request for it. */
	r->work->draft.error = 0;
	r->work->spoilt = true;
	return err_set(err, -result,
		"%s: the text of a request has at most %zu bytes, so this is not a snapshot file; "
		"copy a snapshot's NAME.snapshot instead",
		r->name, REQUEST_TEXT_MAX);
}

static void receipt_file_touch(struct receipt *r)
{
	r->work->dirty = true;
	r->work->cut = !r->work->draft.len;
	if (r->state == RECEIPT_DRAFT)
		r->mtime_ns = clock_wall_ms() * 1000000;
}

/* Checks that this opening may write: an earlier close() of it has not requested a copy yet. 0 or
 * -EINVAL with *err. */
static int receipt_file_check_sent(const struct handle *h, const struct receipt *r, struct err *err)
{
	if (!h || !h->committed || !receipts_is_fixed(h->fs, r))
		return 0;
	return err_set(err, EINVAL,
		"'%s' cannot be written any more: its text was requested when the file was closed "
		"the first time; write a whole text before the first close, or write to another "
		"name",
		r->name);
}

static int receipt_file_truncate(
	struct fs *fs, struct node n, struct handle *h, off_t size, struct err *err)
{
	struct receipt *r = receipt_file_get(fs, n);
	int result;

	if (receipts_check_writable(r, err) < 0)
		return -err->errnum;
	if (!receipts_work(r))
		return err_set(err, ENOMEM, "out of memory");
	if (!size)
		r->work->spoilt = false;
	if (h && (size_t)size == r->work->draft.len)
		return 0;
	if (receipt_file_check_sent(h, r, err) < 0)
		return -err->errnum;
	if (!h && r->state != RECEIPT_DRAFT)
		return err_set(err, EEXIST,
			"the text of the receipt '%s' cannot be truncated, because its copy was "
			"requested already; write a whole text to it, or rm it",
			r->name);
	result = buf_resize(&r->work->draft, (size_t)size);
	if (result < 0)
		return receipt_file_too_long(r, result, err);
	receipt_file_touch(r);
	return 0;
}

static int receipt_file_write(
	struct handle *h, const char *data, size_t len, off_t offset, struct err *err)
{
	struct receipt *r = receipt_file_get(h->fs, h->node);
	int result;

	if (receipts_check_writable(r, err) < 0 || receipt_file_check_sent(h, r, err) < 0)
		return -err->errnum;
	/* For O_APPEND the kernel's offset is the end of the shown text, not of the draft. */
	result = buf_write_at(
		&r->work->draft, h->append ? r->work->draft.len : (size_t)offset, data, len);
	if (result < 0)
		return receipt_file_too_long(r, result, err);
	receipt_file_touch(r);
	h->dirty = true;
	return 0;
}

/* Whether the text has changed since it was last parsed, and a copy may be requested for it. */
static bool receipt_file_is_changed(const struct receipt *r)
{
	const struct receipt_work *w = r ? r->work : NULL;

	return w && w->dirty && !w->spoilt && w->draft.len;
}

static void receipt_file_report(struct fs *fs, const struct receipt *r, uid_t user,
	struct pending_reply *reply, const struct err *err)
{
	char path[NODE_PATH_SIZE], what[NODE_PATH_SIZE + 8];

	if (reply) {
		pending_reply_err(reply, err);
		return;
	}
	node_path(fs, receipts_node_of(r, NODE_RECEIPT), NULL, path);
	snprintf(what, sizeof(what), "close %s", path);
	last_error_report(fs->last_error, user, what, err);
}

/* A close() that waits until the request of another text has ended. */
struct receipt_next {
	struct fs *fs;
	uid_t user;
	struct pending_reply *reply; /* NULL: no caller waits */
};

static bool receipt_file_ask(
	struct fs *fs, struct receipt *r, bool at_end, uid_t user, struct pending_reply *reply);

static void receipt_file_ask_next(void *arg, struct receipt *r, const struct err *err)
{
	struct receipt_next next = *(struct receipt_next *)arg;
	struct err gone;

	(void)err;
	free(arg);
	if (receipts_check_writable(r, &gone) == 0)
		receipt_file_ask(next.fs, r, true, next.user, next.reply);
	else if (next.reply)
		pending_reply_err(next.reply, &gone);
}

static int receipt_file_defer(
	struct fs *fs, struct receipt *r, uid_t user, struct pending_reply *reply)
{
	struct receipt_next *next = calloc(1, sizeof(*next));

	if (!next || receipts_after(r->work, receipt_file_ask_next, next) < 0) {
		free(next);
		return -ENOMEM;
	}
	*next = (struct receipt_next){.fs = fs, .user = user, .reply = reply};
	if (reply)
		pending_reply_detach_on_interrupt(&next->reply);
	return 0;
}

/* Replies with the result of the request under way if the draft is its text. Another text is
 * requested once that request has ended. */
static void receipt_file_join(
	struct fs *fs, struct receipt *r, uid_t user, struct pending_reply *reply)
{
	struct err err;

	if (strcmp(r->text, buf_str(&r->work->draft)) != 0) {
		if (receipt_file_defer(fs, r, user, reply) == 0)
			return;
		err_set(&err, ENOMEM, "out of memory");
		receipt_file_report(fs, r, user, reply, &err);
	} else if (reply) {
		receipts_wait(r->work, reply);
	}
}

/* Parses the draft and, if the text is complete, requests its copy and returns true. at_end: the
 * file was closed for the last time, so the text is complete without "...". reply NULL: no caller
 * waits; an error goes to last-error only. */
static bool receipt_file_ask(
	struct fs *fs, struct receipt *r, bool at_end, uid_t user, struct pending_reply *reply)
{
	struct receipt_work *w = r->work;
	struct copy_request request;
	struct err err;
	int result = snapshot_file_parse_for(receipt_kind(receipts_folder(r)), w->draft.data,
		w->draft.len, at_end, &request, &err);
	bool ends = result == 0 && (request.complete || at_end);

	if (result == 0)
		result = receipts_check_writable(r, &err);
	if (ends || result < 0)
		w->dirty = false; /* reported once: the last close does not parse it again */
	if (result < 0) {
		err_context(&err, "%s", r->name);
		if (r->state == RECEIPT_DRAFT)
			receipts_work_refuse(w, &err);
		receipt_file_report(fs, r, user, reply, &err);
	} else if (!ends) {
		pending_reply_ok(reply);
	} else if (r->state == RECEIPT_ASKING) {
		receipt_file_join(fs, r, user, reply);
	} else {
		receipt_ask(fs, r, &request, false, user, reply);
	}
	snapshot_file_finish(&request);
	return ends;
}

/* Whether the process that closes the file is the one that opened it. A close by another process
 * that inherited the file does not end the text. A process of another PID namespace has no visible
 * pid: then only the last close requests the copy. */
static bool receipt_file_is_opener(const struct handle *h, const struct pending_reply *reply)
{
	pid_t thread = fuse_req_ctx(pending_reply_request(reply))->pid;

	return h->process && thread && handle_process(thread) == h->process;
}

static void receipt_file_refuse_gone(struct pending_reply *reply)
{
	struct err err;

	err_set(&err, ENOENT,
		"the file was removed before it was closed, so nothing was requested; to make the "
		"request, write the file again");
	pending_reply_err(reply, &err);
}

static void receipt_file_commit(struct handle *h, struct pending_reply *reply)
{
	struct receipt *r = receipt_file_get(h->fs, h->node);

	if (!r && h->dirty && !h->committed)
		receipt_file_refuse_gone(reply);
	else if (!r || !receipt_file_is_opener(h, reply))
		pending_reply_ok(reply);
	else if (receipt_file_is_changed(r))
		h->committed |= receipt_file_ask(h->fs, r, false, h->uid, reply);
	else if (r->state == RECEIPT_ASKING)
		receipts_wait(r->work, reply);
	else
		pending_reply_ok(reply);
}

/* Reports that truncating the receipt to an empty text has no effect. */
static void receipt_file_report_cut(const struct handle *h, const struct receipt *r)
{
	struct err err;

	err_set(&err, EEXIST,
		"an empty text requests nothing, so the receipt '%s' keeps the text that requested "
		"its copy; to remove the receipt, use rm",
		r->name);
	receipt_file_report(h->fs, r, h->uid, NULL, &err);
}

/* At the last close, a text without "..." requests its copy, too. */
static void receipt_file_closed(struct handle *h)
{
	struct receipt *r = receipts_get(h->fs->receipts, h->node);

	if (!r || --r->work->writers)
		return;
	if (r->has_file && receipt_file_is_changed(r))
		receipt_file_ask(h->fs, r, true, h->uid, NULL);
	else if (r->has_file && r->work->cut && r->state != RECEIPT_DRAFT)
		receipt_file_report_cut(h, r);
	r = receipts_get(h->fs->receipts, h->node);
	if (r)
		receipts_work_shed(r);
}

void receipts_write(struct fs *fs, struct node folder, const char *name, const struct buf *text,
	uid_t user, struct pending_reply *reply)
{
	struct receipt *r = receipts_by_name(fs->receipts, folder, name);
	struct node n;
	struct err err;
	int result = 0;

	if (!r) {
		result = receipts_create_file(fs, folder, name, 0644, NULL, &n, &err);
		r = result == 0 ? receipts_get(fs->receipts, n) : NULL;
	} else if (r->is_folder) {
		result = err_set(&err, EISDIR,
			"the receipt '%s' exists already and is a folder; choose another name",
			name);
	} else {
		result = receipts_check_writable(r, &err);
	}
	if (result == 0 && !receipts_work(r))
		result = err_set(&err, ENOMEM, "out of memory");
	if (result < 0) {
		pending_reply_err(reply, &err);
		return;
	}
	buf_clear(&r->work->draft);
	buf_add(&r->work->draft, text->data, text->len);
	receipt_file_ask(fs, r, true, user, reply);
	r = receipts_by_name(fs->receipts, folder, name);
	if (r)
		receipts_work_shed(r);
}

static int receipt_file_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	struct receipt *r = receipt_file_get(fs, n);

	if (!r)
		return err_set(err, ENOENT, "the receipt is gone");
	/* The row of a receipt that is a folder has the folder's mode and owner, so the file has
	 * file_mode. Folder and file share one mtime, as a snapshot's folder and file do. */
	if (r->is_folder && (which & FUSE_SET_ATTR_MODE))
		r->file_mode = st->st_mode & 0777;
	if (r->is_folder)
		which &= FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW;
	receipts_set_attr(fs, r, st, which);
	return 0;
}

static void receipt_file_remove(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct receipt *r = receipt_file_get(fs, n);

	if (!r)
		pending_reply_errno(reply, ENOENT);
	else if (r->is_folder)
		receipt_remove_file(fs, r, reply);
	else
		receipt_remove(fs, r, reply);
}

/* --- the text of its status --- */

static int receipt_refusal_text(const char *region, const struct err *err, struct buf *out)
{
	buf_printf(out, "state: failed\nregion: %s\n", region);
	if (err->code[0])
		buf_printf(out, "code: %s\n", err->code);
	buf_printf(out, "message: %s\n", err->message);
	copies_text_line(out, "hint", aws_error_advice_for(err));
	return err->request_id[0] ? buf_printf(out, "request-id: %s\n", err->request_id)
				  : -out->error;
}

int receipt_status(struct fs *fs, const struct receipt *r, struct buf *out)
{
	const struct copy *copy = receipts_copy(fs, r);
	const char *region = receipts_region(fs, r);

	if (copy)
		return copies_status(fs->copies, copy, clock_wall_ms(), out);
	if (r->state == RECEIPT_ASKING)
		return buf_printf(out, "state: submitting\nregion: %s\n", region);
	if (r->work && r->work->has_refused)
		return receipt_refusal_text(region, &r->work->refused, out);
	if (r->copy)
		return buf_printf(out,
			"state: unknown\nregion: %s\nmessage: the journal no longer has its copy\n",
			region);
	return buf_printf(out,
		"state: unfinished\nregion: %s\nhint: no %s was requested yet, because the text "
		"has no '...' line: add it as the last line\n",
		region, receipt_kind_noun(receipts_folder(r)));
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
