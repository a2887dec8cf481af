/* SPDX-License-Identifier: MIT */
/* mv of drafts: a draft that gets a plain name requests the same copy as a file written under that
 * name, and the rename returns the result. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <utlist.h>

#include "journal.h"
#include "last_error.h"
#include "names.h"
#include "receipts.h"
#include "snapshot_file.h"
#include "tags.h"
#include "timespec.h"

/* One rename that waits for the journal or for EC2. */
struct renaming {
	struct fs *fs;
	struct node draft; /* the draft being renamed */
	struct node folder;
	char name[NAME_MAX + 1];
	uint32_t number;  /* of the receipt that requests the copy */
	bool is_new;      /* the rename made the receipt */
	bool is_new_file; /* the rename made the snapshot file in the receipt's folder */
	uid_t user;
	struct pending_reply *reply; /* NULL: no caller waits (interrupted, or the last close) */
};

static struct renaming *draft_renaming_create(const struct receipt_mv *mv, struct err *err)
{
	struct renaming *m = calloc(1, sizeof(*m));

	if (!m) {
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	m->fs = mv->fs;
	m->draft = mv->from;
	m->folder = mv->to_folder;
	snprintf(m->name, sizeof(m->name), "%s", mv->to_name);
	m->reply = mv->reply;
	m->user = mv->reply ? pending_reply_user(mv->reply) : 0;
	return m;
}

static void draft_renaming_end(struct renaming *m, const struct err *err)
{
	char path[NODE_PATH_SIZE], what[NODE_PATH_SIZE + 8];

	snprintf(what, sizeof(what), "write %s", node_path(m->fs, m->folder, m->name, path));
	if (m->reply)
		pending_reply_err(m->reply, err);
	else if (err)
		last_error_report(m->fs->last_error, m->user, what, err);
	free(m);
}

/* --- a draft requests a copy --- */

/* Makes the draft's openings for writing openings of the receipt. */
static void draft_renaming_pass_openings(struct fs *fs, struct draft *d, struct receipt *r)
{
	struct node n = drafts_node(d);
	struct handle *h;

	DL_FOREACH(fs->handles, h)
	{
		if (!h->writing || node_number(h->node) != node_number(n) || !receipts_work(r))
			continue;
		h->node = receipts_node_of(r, NODE_RECEIPT);
		h->held = false;
		r->work->writers++;
		drafts_close(fs->drafts, d);
	}
}

/* Copies mode, owner and times of the draft to the receipt. in_folder: the receipt is a folder,
 * whose row has the folder's mode and owner; only the file's mode and mtime are set. */
static void draft_renaming_set_attr(
	struct fs *fs, struct receipt *r, const struct draft *d, bool in_folder)
{
	struct stat st = {.st_mode = d->mode,
		.st_uid = d->uid,
		.st_gid = d->gid,
		.st_mtim = timespec_of_ns(d->mtime_ns)};
	int which = in_folder ? 0 : FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;

	if (in_folder)
		r->file_mode = d->mode & 0777;
	receipts_set_attr(fs, r, &st, which | (d->mtime_set ? FUSE_SET_ATTR_MTIME : 0));
}

/* Replaces the draft by the receipt. */
static void draft_renaming_take_place(struct renaming *m, struct receipt *r)
{
	struct fs *fs = m->fs;
	struct draft *d = drafts_get(fs->drafts, m->draft), *file;

	if (!d || d->gone)
		return;
	draft_renaming_set_attr(fs, r, d, m->folder.kind == NODE_FOLDER);
	if (d->type == DRAFT_FOLDER) {
		file = r->file_name ? drafts_find(fs->drafts, m->draft, r->file_name) : NULL;
		if (file)
			drafts_remove(fs->drafts, file);
		drafts_rename_all(fs->drafts, m->draft, receipts_node(r));
	} else {
		draft_renaming_pass_openings(fs, d, r);
	}
	receipt_part_forget(fs, d);
	drafts_remove(fs->drafts, d);
}

/* The request was refused: keeps the draft, and removes the receipt or file that the rename made.
 */
static void draft_renaming_undo(struct renaming *m, struct receipt *r)
{
	/* EC2 may have carried out the request: keeps the receipt, so that its status says so. */
	if (receipts_is_fixed(m->fs, r))
		return;
	if (m->is_new) {
		if (r->id)
			journal_delete_receipt(m->fs->journal, r->id, NULL, NULL);
		receipts_drop(m->fs, r);
	} else if (m->is_new_file) {
		r->has_file = false;
		free(steal(&r->file_name));
		if (r->work)
			buf_clear(&r->work->draft);
	}
}

static void draft_renaming_asked(void *arg, struct receipt *r, const struct err *err)
{
	struct renaming *m = arg;

	if (err && r)
		draft_renaming_undo(m, r);
	else if (r)
		draft_renaming_take_place(m, r);
	draft_renaming_end(m, err);
}

static int draft_renaming_put_request(struct renaming *m, struct receipt *r, const struct buf *text)
{
	buf_clear(&r->work->draft);
	if (buf_add(&r->work->draft, text->data, text->len) < 0) {
		r->work->draft.error = 0;
		return -ENOMEM;
	}
	return receipts_after(r->work, draft_renaming_asked, m);
}

/* Requests the copy of a text by the receipt. Returns 0 (draft_renaming_asked() follows) or -errno.
 */
static int draft_renaming_ask(
	struct renaming *m, struct receipt *r, const struct buf *text, struct err *err)
{
	struct copy_request request;
	int result = snapshot_file_parse_for(
		receipt_kind(receipts_folder(r)), buf_str(text), text->len, true, &request, err);

	m->number = r->number;
	if (result < 0) {
		err_context(err, "%s", m->name);
	} else if (!receipts_work(r) || draft_renaming_put_request(m, r, text) < 0) {
		result = err_set(err, ENOMEM, "out of memory");
	} else {
		if (m->reply)
			pending_reply_detach_on_interrupt(&m->reply);
		receipt_ask(m->fs, r, &request, false, m->user, NULL);
	}
	snapshot_file_finish(&request);
	return result;
}

/* Checks that the receipt has no request or removal under way. 0 or -EBUSY with *err. */
static int draft_renaming_check_idle(const struct receipt *r, struct err *err)
{
	if (r->state != RECEIPT_ASKING && r->state != RECEIPT_REMOVING)
		return 0;
	return err_set(err, EBUSY,
		"the receipt '%s' is busy: its copy is being requested, or it is being removed; "
		"try again",
		r->name);
}

/* The receipt of the new name that will request the copy, created if necessary. NULL with *err. */
static struct receipt *draft_renaming_receipt(
	const struct receipt_mv *mv, bool folder, struct renaming *m, struct err *err)
{
	struct fs *fs = mv->fs;
	struct node n;
	struct receipt *r = NULL;

	if (receipts_find(fs, mv->to_folder, mv->to_name, &n) == 0 &&
		(n.kind == NODE_RECEIPT || n.kind == NODE_FOLDER))
		r = receipts_get(fs->receipts, n);
	if (r && (mv->noreplace || folder)) {
		err_set(err, EEXIST, "the receipt '%s' exists already; to replace it, rm it first",
			mv->to_name);
		return NULL;
	}
	if (r && draft_renaming_check_idle(r, err) < 0)
		return NULL;
	if (r)
		return r;
	if (receipts_check_name(fs, mv->to_folder, mv->to_name, NULL, err) < 0)
		return NULL;
	r = receipts_add(fs, mv->to_folder, mv->to_name, folder ? 0755 : 0644, folder, err);
	m->is_new = r != NULL;
	return r;
}

/* A draft file gets a plain name in a region's folder, or that of the snapshot file in a receipt's
 * folder. */
static int draft_renaming_file(
	const struct receipt_mv *mv, struct draft *d, struct renaming *m, struct err *err)
{
	struct fs *fs = mv->fs;
	struct receipt *r;
	int result;

	if (mv->to_folder.kind == NODE_FOLDER) {
		r = receipts_get(fs->receipts, mv->to_folder);
		if (r && draft_renaming_check_idle(r, err) < 0)
			return -err->errnum;
		if (r && r->has_file && strcmp(r->file_name, mv->to_name) != 0)
			return err_set(err, EPERM,
				"the folder '%s' requests one copy, by its file %s; to request "
				"another copy, write a file beside the folder",
				r->name, r->file_name);
		m->is_new_file = r && !r->has_file;
		if (m->is_new_file && !(r->file_name = strdup(mv->to_name)))
			return err_set(err, ENOMEM, "out of memory");
	} else {
		r = draft_renaming_receipt(mv, false, m, err);
		if (!r)
			return -err->errnum;
	}
	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	r->has_file = true;
	if (!d->text.len && (m->is_new || m->is_new_file)) {
		draft_renaming_take_place(m, r); /* an empty text requests nothing */
		draft_renaming_end(m, NULL);
		return 0;
	}
	result = draft_renaming_ask(m, r, &d->text, err);
	if (result < 0)
		draft_renaming_undo(m, r);
	return result;
}

/* --- a file of a receipt's folder turns out to be its snapshot file --- */

/* Whether a text that cannot be parsed is meant as a snapshot file: it has a region, a snapshot and
 * "...". A status has a region and a snapshot, too, but no "...". */
static bool draft_means_to_ask(const struct buf *text)
{
	bool region = false, snapshot = false, end = false;
	const char *line = buf_str(text), *next;

	for (; line && *line; line = next ? next + 1 : NULL) {
		next = strchr(line, '\n');
		region |= !strncmp(line, "region:", strlen("region:"));
		snapshot |= !strncmp(line, "snapshot:", strlen("snapshot:"));
		end |= !strncmp(line, "...", strlen("..."));
	}
	return region && snapshot && end;
}

bool draft_asks(const struct draft *d, bool at_end)
{
	struct copy_request request;
	struct err err;
	bool asks;

	if (d->type != DRAFT_FILE || *d->name == '.' || receipt_folder_keeps(d->name))
		return false;
	if (snapshot_file_parse(d->text.data, d->text.len, at_end, &request, &err) == 0)
		asks = at_end ? d->text.len > 0 : request.complete;
	else
		asks = draft_means_to_ask(&d->text);
	snapshot_file_finish(&request);
	return asks;
}

void draft_ask(struct fs *fs, struct draft *d, uid_t user, struct pending_reply *reply)
{
	struct receipt_mv mv = {.fs = fs,
		.from = drafts_node(d),
		.to_folder = node_of(d->folder),
		.to_name = d->name,
		.reply = reply};
	struct err err;
	struct renaming *m = draft_renaming_create(&mv, &err);

	if (m)
		m->user = user;
	if (m && draft_renaming_file(&mv, d, m, &err) < 0)
		draft_renaming_end(m, &err);
	else if (!m && reply)
		pending_reply_err(reply, &err);
}

/* --- a draft folder becomes a receipt's folder --- */

static void draft_renaming_saved(void *arg, const struct err *err)
{
	struct renaming *m = arg;
	struct receipt *r = receipts_get(m->fs->receipts, (struct node){.slot = m->number});

	if (r)
		draft_renaming_asked(m, r, err);
	else
		draft_renaming_end(m, err);
}

static int draft_renaming_add_tags(
	struct fs *fs, struct receipt *r, struct node tags, struct err *err)
{
	struct buf *text;
	struct draft *d;
	uint64_t pos = 0;

	while ((d = drafts_next(fs->drafts, tags, &pos))) {
		char key[NAME_MAX + 1];
		_cleanup_free_ char *value = NULL;
		size_t len = d->text.len;

		if (d->type != DRAFT_FILE || names_is_scratch(d->name))
			continue;
		text = &d->text;
		len -= len && text->data[len - 1] == '\n';
		value = strndup(buf_str(text), len);
		if (!value)
			return err_set(err, ENOMEM, "out of memory");
		if (tags_parse_name(d->name, key, err) < 0 || tags_check_value(value, len, err) < 0)
			return -err->errnum;
		if (!names_is_reserved(key) && receipt_tags_set(r, key, value) < 0)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* Sets the receipt's description and tags from the draft folder's files. *file: the folder's
 * snapshot file; NULL: none. 0 or -errno with *err. */
static int draft_renaming_scan(
	struct fs *fs, struct receipt *r, struct node folder, struct draft **file, struct err *err)
{
	struct node to = receipts_node(r);
	struct draft *d;
	uint64_t pos = 0;
	size_t len;

	*file = NULL;
	while ((d = drafts_next(fs->drafts, folder, &pos))) {
		if (receipt_folder_check(fs, to, d->name, d->type, err) < 0)
			return -err->errnum;
		if (!strcmp(d->name, "tags") &&
			draft_renaming_add_tags(fs, r, drafts_node(d), err) < 0)
			return -err->errnum;
		len = d->text.len;
		len -= len && d->text.data[len - 1] == '\n';
		if (!strcmp(d->name, "description") && d->type == DRAFT_FILE &&
			!(r->description = strndup(buf_str(&d->text), len)))
			return err_set(err, ENOMEM, "out of memory");
		if (!draft_asks(d, true))
			continue;
		if (*file)
			return err_set(err, EPERM,
				"a receipt's folder requests one copy, but two files in this one "
				"are requests: %s and %s; move one of them out",
				(*file)->name, d->name);
		*file = d;
	}
	return 0;
}

static int draft_renaming_folder(const struct receipt_mv *mv, struct renaming *m, struct err *err)
{
	struct fs *fs = mv->fs;
	struct receipt *r = draft_renaming_receipt(mv, true, m, err);
	char in[RECEIPT_FOLDER_SIZE];
	struct journal_receipt row;
	struct draft *file;
	int result;

	if (!r)
		return -err->errnum;
	r->filled = true;
	m->number = r->number;
	result = draft_renaming_scan(fs, r, mv->from, &file, err);
	if (result == 0 && file) {
		r->has_file = true;
		r->file_name = strdup(file->name);
		result = r->file_name ? draft_renaming_ask(m, r, &file->text, err)
				      : err_set(err, ENOMEM, "out of memory");
	} else if (result == 0) {
		r->id = journal_next_receipt_id(fs->journal);
		row = receipts_row(fs, r, in);
		result = journal_put_receipt(fs->journal, &row, draft_renaming_saved, m);
		if (result < 0)
			err_set(err, ENOMEM, "out of memory");
	}
	if (result < 0)
		draft_renaming_undo(m, r);
	return result;
}

/* --- renames to a draft's name, and to a name in a receipt's folder --- */

/* Renames the draft itself, after receipt_part_take() has applied its text under the new name. */
static int draft_renaming_move_draft(struct renaming *m, struct err *err)
{
	struct fs *fs = m->fs;
	struct draft *d = drafts_get(fs->drafts, m->draft);

	if (!d || d->gone)
		return err_set(
			err, ENOENT, "the file was removed in the meantime; nothing was renamed");
	receipt_part_forget(fs, d);
	if (drafts_rename(fs->drafts, d, m->folder, m->name) < 0)
		return err_set(err, ENOMEM, "out of memory");
	receipt_folder_expect(fs, d);
	return 0;
}

static void draft_renaming_part_taken(void *arg, const struct err *err)
{
	struct renaming *m = arg;
	struct err mine;

	if (!err && draft_renaming_move_draft(m, &mine) < 0)
		err = &mine;
	draft_renaming_end(m, err);
}

static int draft_renaming_draft(
	const struct receipt_mv *mv, struct draft *d, struct renaming *m, struct err *err)
{
	struct fs *fs = mv->fs;
	struct draft *old = drafts_find(fs->drafts, mv->to_folder, mv->to_name);
	int result;

	if (old == d) {
		draft_renaming_end(m, NULL);
		return 0;
	}
	if (old && mv->noreplace)
		return err_set(err, EEXIST, "'%s' is there", mv->to_name);
	if (old && old->type == DRAFT_FOLDER && drafts_any(fs->drafts, drafts_node(old)))
		return err_set(err, ENOTEMPTY, "cannot replace the folder '%s': it is not empty",
			mv->to_name);
	if (receipt_folder_check(fs, mv->to_folder, mv->to_name, d->type, err) < 0)
		return -err->errnum;
	if (d->type == DRAFT_FOLDER && mv->to_folder.kind == NODE_FOLDER && *mv->to_name != '.' &&
		drafts_any(fs->drafts, mv->from))
		return err_set(err, EPERM,
			"a folder cannot be renamed to the tags/ of a receipt's folder: mkdir "
			"tags, then write one file for each tag");
	result = d->type == DRAFT_FILE ? receipt_part_take(fs, &d->text, mv->to_folder, mv->to_name,
						 draft_renaming_part_taken, m, err)
				       : 0;
	if (result == 1)
		pending_reply_detach_on_interrupt(&m->reply);
	else if (result == 0 && (result = draft_renaming_move_draft(m, err)) == 0)
		draft_renaming_end(m, NULL);
	return result < 0 ? result : 0;
}

/* --- the choice --- */

static int draft_renaming_choose(
	const struct receipt_mv *mv, struct draft *d, struct renaming *m, struct err *err)
{
	if (!d || d->gone)
		return err_set(
			err, ENOENT, "the file was removed in the meantime; nothing was renamed");
	if (receipt_mv_keeps(mv))
		return draft_renaming_draft(mv, d, m, err);
	if (d->type == DRAFT_LINK ||
		!(receipt_kind_takes(mv->to_folder) ||
			(mv->to_folder.kind == NODE_FOLDER && d->type == DRAFT_FILE)))
		return err_set(err, EPERM,
			"'%s' can become a receipt in a region's folder or its snapshots/, or a "
			"file of a receipt's folder",
			d->name);
	if (d->type != DRAFT_FILE && receipt_kind(mv->to_folder) != REQUEST_COPY)
		return err_set(err, EPERM, "a folder cannot request a %s: write one file instead",
			receipt_kind_noun(mv->to_folder));
	return d->type == DRAFT_FILE ? draft_renaming_file(mv, d, m, err)
				     : draft_renaming_folder(mv, m, err);
}

void draft_rename(const struct receipt_mv *mv)
{
	struct err err;
	struct renaming *m = draft_renaming_create(mv, &err);

	if (!m || draft_renaming_choose(mv, drafts_get(mv->fs->drafts, mv->from), m, &err) < 0) {
		free(m);
		pending_reply_err(mv->reply, &err);
	}
}
