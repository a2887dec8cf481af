/* SPDX-License-Identifier: MIT */
/* mv of receipts: to another plain name of their region, or to a draft's name, which requests
 * nothing. */
#include <errno.h>
#include <string.h>

#include "journal.h"
#include "receipts.h"

bool receipt_mv_keeps(const struct receipt_mv *mv)
{
	struct node folder = mv->to_folder;

	if (folder.kind == NODE_FOLDER)
		return receipt_folder_keeps(mv->to_name) || !strcmp(mv->to_name, "tags");
	return folder.kind == NODE_DRAFT_FOLDER ||
	       (receipt_kind_takes(folder) && *mv->to_name == '.');
}

bool receipt_mv_drops(const struct receipt_mv *mv)
{
	return receipt_mv_keeps(mv) && !receipt_folder_is_tags(mv->fs, mv->to_folder) &&
	       (*mv->to_name == '.' || mv->to_folder.kind == NODE_DRAFT_FOLDER);
}

/* --- a receipt becomes a draft --- */

static struct draft *receipt_rename_make_draft(struct fs *fs, struct node folder, const char *name,
	enum draft_type type, const struct receipt *r, struct err *err)
{
	struct draft *d = drafts_find(fs->drafts, folder, name);

	if (d)
		drafts_remove(fs->drafts, d);
	d = drafts_make(fs, folder, name, type, r->mode, err);
	if (d) {
		d->uid = r->uid;
		d->gid = r->gid;
	}
	return d;
}

static int receipt_rename_put_text(
	struct fs *fs, struct draft *d, const struct receipt *r, struct err *err)
{
	const struct buf *text = r->work && r->work->draft.len ? &r->work->draft : NULL;
	const char *data = text ? text->data : r->text ? r->text : "";

	if (drafts_write(fs->drafts, d, data, text ? text->len : strlen(data), 0, err) < 0) {
		drafts_remove(fs->drafts, d);
		return -err->errnum;
	}
	d->mtime_ns = r->mtime_ns;
	return 0;
}

/* Replaces the receipt by a draft with its text. The copy continues, without this receipt. */
static int receipt_rename_to_draft(const struct receipt_mv *mv, struct receipt *r, struct err *err)
{
	struct fs *fs = mv->fs;
	bool whole = mv->from.kind == NODE_FOLDER || !r->is_folder;
	struct node to = mv->to_folder;
	const char *name = mv->to_name;
	struct draft *d;

	if (r->state == RECEIPT_ASKING || r->state == RECEIPT_REMOVING)
		return err_set(err, EBUSY,
			"the receipt '%s' is busy: its copy is being requested, or it is being "
			"removed; try again",
			r->name);
	if (mv->from.kind == NODE_FOLDER) {
		d = receipt_rename_make_draft(fs, to, name, DRAFT_FOLDER, r, err);
		if (!d)
			return -err->errnum;
		to = drafts_node(d);
		name = r->file_name;
		drafts_rename_all(fs->drafts, mv->from, to);
	}
	if (r->has_file) {
		d = receipt_rename_make_draft(fs, to, name, DRAFT_FILE, r, err);
		if (!d || receipt_rename_put_text(fs, d, r, err) < 0)
			return -err->errnum;
		d->mode = whole && !r->is_folder ? d->mode : 0644;
	}
	if (whole) {
		if (r->id)
			journal_delete_receipt(fs->journal, r->id, NULL, NULL);
		r->copy = 0; /* so that receipts_drop() does not abandon the copy */
		receipts_drop(fs, r);
	} else {
		r->has_file = false;
		free(steal(&r->file_name));
		receipts_save(fs, r);
	}
	return 0;
}

/* --- among plain names --- */

/* Renames a receipt to another plain name of its region. A receipt of that name is replaced, unless
 * it is of another living copy. */
static int receipt_rename_receipt_to(
	const struct receipt_mv *mv, struct receipt *r, struct err *err)
{
	struct fs *fs = mv->fs;
	struct receipt *old = NULL;
	struct node n;

	if (mv->to_folder.region != r->region)
		return err_set(err, EPERM,
			"a receipt cannot be moved to another region, because its copy stays in "
			"this one; to request a copy there, too, use cp");
	if ((receipt_kind(mv->to_folder) != REQUEST_COPY ||
		    receipt_kind(receipts_folder(r)) != REQUEST_COPY) &&
		node_number(mv->to_folder) != node_number(receipts_folder(r)))
		return err_set(err, EPERM,
			"the receipt cannot be moved to another folder, because its folder decides "
			"where the %s is made; to request one elsewhere, use cp",
			receipt_kind_noun(receipts_folder(r)));
	if (receipts_find(fs, mv->to_folder, mv->to_name, &n) == 0 &&
		(n.kind == NODE_RECEIPT || n.kind == NODE_FOLDER))
		old = receipts_get(fs->receipts, n);
	if (old == r)
		old = NULL;
	else if (!old && receipts_check_name(fs, mv->to_folder, mv->to_name, r, err) < 0)
		return -err->errnum;
	if (old && old->is_folder && (old->has_file || drafts_any(fs->drafts, n)))
		return err_set(err, ENOTEMPTY, "the folder '%s' is not empty", mv->to_name);
	if (old && mv->noreplace)
		return err_set(err, EEXIST, "the receipt '%s' exists already", mv->to_name);
	/* Not EEXIST, because cp -b would then rename again without end. */
	if (old && receipts_is_fixed(fs, old) && !(old->copy && old->copy == r->copy))
		return err_set(err, EBUSY,
			"the receipt '%s' exists already and is of another copy; to replace it, rm "
			"it first",
			mv->to_name);
	if (old && receipts_check_sibling(fs, mv->to_folder, mv->to_name, r, err) < 0)
		return -err->errnum;
	if (old && old->id)
		journal_delete_receipt(fs->journal, old->id, NULL, NULL);
	if (old)
		receipts_drop(fs, old);
	if (receipts_move(fs, r, mv->to_folder, mv->to_name) < 0)
		return err_set(err, ENOMEM, "out of memory");
	return 0;
}

/* Renames the snapshot file within a receipt's folder. */
static int receipt_rename_file_in_folder(
	const struct receipt_mv *mv, struct receipt *r, struct err *err)
{
	char *name;

	if (receipt_folder_keeps(mv->to_name) || !strcmp(mv->to_name, "tags"))
		return err_set(err, EPERM,
			"'%s' is not a name for the snapshot file of a receipt's folder, because "
			"it has another meaning there; use another name",
			mv->to_name);
	name = strdup(mv->to_name);
	if (!name)
		return err_set(err, ENOMEM, "out of memory");
	free(r->file_name);
	r->file_name = name;
	receipts_save(mv->fs, r);
	return 0;
}

/* --- the choice --- */

static int receipt_rename_from_receipt(
	const struct receipt_mv *mv, struct receipt *r, struct err *err)
{
	bool in_folder;

	if (!r)
		return err_set(err, ENOENT,
			"the receipt was removed in the meantime; nothing was renamed");
	in_folder = mv->from.kind == NODE_RECEIPT && r->is_folder;
	if (receipt_mv_drops(mv))
		return receipt_rename_to_draft(mv, r, err);
	if (in_folder && mv->same)
		return receipt_rename_file_in_folder(mv, r, err);
	if (!in_folder && receipt_kind_takes(mv->to_folder))
		return receipt_rename_receipt_to(mv, r, err);
	return err_set(err, EPERM,
		"a receipt can be moved only between its region's folder and snapshots/; to "
		"request a copy elsewhere, use cp");
}

void receipt_rename(const struct receipt_mv *mv)
{
	struct err err;
	int result =
		receipt_rename_from_receipt(mv, receipts_get(mv->fs->receipts, mv->from), &err);

	pending_reply_err(mv->reply, result < 0 ? &err : NULL);
}
