/* SPDX-License-Identifier: MIT */
/* mv. */
#include "rename.h"

#include <errno.h>
#include <string.h>

#include "journal.h"
#include "names.h"
#include "receipt_folder.h"
#include "receipts.h"
#include "snapshot_file.h"
#include "tags.h"

static bool takes_receipts(struct node folder)
{
	return folder.kind == NODE_REGION || folder.kind == NODE_SNAPSHOTS;
}

/* A target that is there makes room only if its copy does not go on: it would lose its receipt.
 * NULL: nothing there. */
static int make_room(struct fs *fs, struct node to_folder, const char *to_name,
	const struct receipt *self, bool noreplace, struct receipt **old, struct err *err)
{
	struct node n;
	struct receipt *r;

	*old = NULL;
	if (receipts_find(fs->receipts, to_folder, to_name, &n) < 0 ||
		n.kind == NODE_RECEIPT_STATUS || n.kind == NODE_RECEIPT_WAIT)
		return receipts_check_name(fs->receipts, to_folder, to_name, self, err);
	r = receipts_get(fs->receipts, n);
	if (r == self)
		return 0;
	if (noreplace || receipts_is_fixed(fs, r))
		return err_set(err, EEXIST, "the receipt '%s' is there; rm it first if it is to go",
			to_name);
	*old = r;
	return 0;
}

static void rename_receipt(struct fs *fs, struct receipt *r, struct node to_folder,
	const char *to_name, bool noreplace, struct answer *a)
{
	struct receipt *old;
	char target[NAME_MAX + 1];
	struct err err;

	/* rsync ends a file: what its close did not say is said now. */
	if (r->work && r->work->has_refused && names_rsync_target(r->name, target) &&
		!strcmp(target, to_name)) {
		answer_err(a, &r->work->refused);
		return;
	}
	if (!takes_receipts(to_folder) || to_folder.region != r->region)
		err_set(&err, EPERM,
			"a receipt stays in its region, where its copy is; to copy there too, use "
			"cp");
	else if (make_room(fs, to_folder, to_name, r, noreplace, &old, &err) == 0) {
		if (old && old->id)
			journal_delete_receipt(fs->journal, old->id, NULL, NULL);
		if (old)
			receipts_drop(fs, old);
		if (receipts_move(fs, r, to_folder, to_name) == 0) {
			answer_ok(a);
			return;
		}
		err_set(&err, ENOMEM, "out of memory");
	}
	answer_err(a, &err);
}

static void move_snapshot(struct fs *fs, struct node snapshot, struct node to_folder,
	const char *to_name, struct answer *a)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct copy_request request = {0};
	struct catalogue_snapshot s;
	struct receipt *r;
	struct err err;

	snapshot.kind = NODE_SNAPSHOT_FILE;
	if (!takes_receipts(to_folder))
		err_set(&err, EPERM, "a snapshot can be moved into a region's folder only");
	else if (to_folder.region == snapshot.region)
		err_set(&err, EPERM, "the snapshot is in that region already");
	else if (!fs->options->delete_)
		err_set(&err, EPERM,
			"mv deletes the source once its copy has completed: that needs a mount "
			"with -o delete; cp only copies");
	else if (!catalogue_get(fs_catalogue(fs, snapshot), snapshot.slot, &s) ||
		 s.presence != CATALOGUE_LISTED)
		err_set(&err, EPERM, "only a snapshot of this account can be moved");
	else if (tree_ops(snapshot)->text(fs, snapshot, &text) < 0 ||
		 snapshot_file_parse(buf_str(&text), text.len, true, &request, &err) < 0)
		err_set(&err, ENOMEM, "out of memory");
	else if (receipts_check_name(fs->receipts, to_folder, to_name, NULL, &err) == 0) {
		r = receipts_add(fs, to_folder, to_name, 0644, false, &err);
		if (r) {
			r->has_file = true;
			buf_add(&r->work->draft, text.data, text.len);
			receipt_ask(fs, r, &request, true, answer_user(a), a);
			snapshot_file_finish(&request);
			return;
		}
	}
	snapshot_file_finish(&request);
	answer_err(a, &err);
}

void rename_node(struct fs *fs, struct node from_folder, const char *from_name,
	struct node to_folder, const char *to_name, bool noreplace, struct answer *a)
{
	bool same = node_number(from_folder) == node_number(to_folder);
	struct node from;
	struct err err;
	int r = tree_find(fs, from_folder, from_name, &from);

	if (r < 0) {
		answer_errno(a, -r);
		return;
	}
	switch (from.kind) {
	case NODE_RECEIPT:
		if (!takes_receipts(from_folder))
			break;
		/* fall through */
	case NODE_FOLDER:
		rename_receipt(
			fs, receipts_get(fs->receipts, from), to_folder, to_name, noreplace, a);
		return;
	case NODE_SNAPSHOT:
	case NODE_SNAPSHOT_FILE:
		r = fs->options->delete_ ? moving_begin(&fs->moving, from) : 0;
		if (r) {
			answer_errno(a, r > 0 ? ESTALE : -r);
			return;
		}
		move_snapshot(fs, from, to_folder, to_name, a);
		return;
	case NODE_TAG:
		if (!same)
			break;
		tags_rename(fs, from, to_name, a);
		return;
	default:
		break;
	}
	/* Within a receipt's folder, rsync gives what it wrote its real name. */
	if (same && (from_folder.kind == NODE_FOLDER || from_folder.kind == NODE_FOLDER_TAGS)) {
		r = receipt_folder_rename(fs, from, from_name, to_name, &err);
		answer_err(a, r < 0 ? &err : NULL);
		return;
	}
	err_set(&err, EPERM, "'%s' cannot be moved or renamed", from_name);
	answer_err(a, &err);
}
