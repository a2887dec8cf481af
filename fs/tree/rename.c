/* SPDX-License-Identifier: MIT */
/* mv of snapshots to another region, and the checks which other nodes can be moved. */
#include "rename.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "pages.h"
#include "receipts.h"
#include "snapshot_file.h"
#include "tags.h"
#include "view.h"

static bool takes_receipts(struct node folder)
{
	return folder.kind == NODE_REGION || folder.kind == NODE_SNAPSHOTS;
}

/* --- mv of a snapshot to another region --- */

struct move {
	struct fs *fs;
	struct node snapshot, to_folder;
	char to_name[NAME_MAX + 1];
	bool noreplace;
	struct pending_reply *reply;
	/* The request that asks EC2 for the snapshot's owner. */
	struct pages *question;
	struct ec2_describe_snapshots query;
	struct ec2_filter filter;
	char id[80];
	const char *value;
	bool own;
};

/* Returns the receipt of the new name: a new receipt, or an existing one, which may be of the same
 * copy. NULL with *err. */
static struct receipt *move_receipt(const struct move *m, struct err *err)
{
	struct fs *fs = m->fs;
	struct receipt *r = receipts_by_name(fs->receipts, m->to_folder, m->to_name);

	if (*m->to_name == '.')
		err_set(err, EPERM,
			"a name that begins with a dot is a draft's, which requests no copy; mv to "
			"another name");
	else if (r && r->state == RECEIPT_ASKING)
		err_set(err, EBUSY,
			"cannot replace the receipt '%s': its request is being sent to EC2; try "
			"again",
			r->name);
	else if (r && !r->is_folder && !m->noreplace && receipts_check_writable(r, err) == 0 &&
		 receipts_work(r))
		return r;
	else if (receipts_check_name(fs, m->to_folder, m->to_name, NULL, err) == 0) {
		r = receipts_add(fs, m->to_folder, m->to_name, 0644, false, err);
		if (r)
			r->has_file = true;
		return r;
	}
	return NULL;
}

/* Requests the copy of the account's own snapshot. Frees m. */
static void move_start(struct move *m)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct copy_request request = {0};
	struct fs *fs = m->fs;
	struct receipt *r = NULL;
	struct err err;

	if (tree_ops(m->snapshot)->text(fs, m->snapshot, &text) < 0 ||
		snapshot_file_parse(buf_str(&text), text.len, true, &request, &err) < 0)
		err_set(&err, ENOMEM, "out of memory");
	else
		r = move_receipt(m, &err);
	if (r) {
		buf_clear(&r->work->draft);
		buf_add(&r->work->draft, text.data, text.len);
		receipt_ask(fs, r, &request, true, pending_reply_user(m->reply), m->reply);
	} else {
		pending_reply_err(m->reply, &err);
	}
	snapshot_file_finish(&request);
	free(m);
}

static void move_refuse(struct move *m, const struct err *err)
{
	pending_reply_err(m->reply, err);
	free(m);
}

static void move_forbid(struct move *m, const char *owner)
{
	struct err err;

	err_set(&err, EPERM,
		"the snapshot belongs to %s%s: mv would delete it, and only the owner may; cp "
		"copies it",
		*owner ? "account " : "another account", owner);
	move_refuse(m, &err);
}

static int owner_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct move *m = arg;

	(void)ends;
	for (size_t i = 0; i < page->n_snapshots; i++) {
		const struct ec2_snapshot *s = &page->snapshots[i];

		if (strcmp(s->id, m->id) != 0)
			continue;
		m->own = true;
		if (catalogue_put(fs_catalogue(m->fs, m->snapshot), s, clock_mono_ms()) ==
			CATALOGUE_NONE)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

static void owner_done(void *arg, const struct err *err)
{
	struct move *m = arg;

	if (err)
		move_refuse(m, err);
	else if (m->own)
		move_start(m);
	else
		move_forbid(m, "");
}

static void owner_interrupted(void *arg)
{
	struct move *m = arg;

	pages_cancel(m->question);
	free(m);
}

/* Asks EC2 whether the snapshot is the account's own. */
static void move_ask_owner(struct move *m)
{
	struct err err;

	snprintf(m->id, sizeof(m->id), "%s",
		catalogue_id(fs_catalogue(m->fs, m->snapshot), m->snapshot.slot));
	m->value = m->id;
	m->filter = (struct ec2_filter){.name = "snapshot-id", .values = &m->value, .n_values = 1};
	m->query = (struct ec2_describe_snapshots){
		.region = region_name(fs_region(m->fs, m->snapshot)),
		.owners = ec2_owner_self,
		.filters = &m->filter,
		.n_filters = 1};
	m->question = pages_start(m->fs->aws, &m->query, owner_page, owner_done, m);
	if (m->question) {
		pending_reply_on_interrupt(m->reply, owner_interrupted, m);
		return;
	}
	err_set(&err, ENOMEM, "out of memory");
	move_refuse(m, &err);
}

/* Determines the owner. A snapshot that is not listed may still be the account's own: an id can be
 * opened in a region that was never listed, at an endpoint that does not return the account's
 * number. */
static void move_check_owner(struct move *m)
{
	struct fs *fs = m->fs;
	struct catalogue_snapshot s;

	if (!catalogue_get(fs_catalogue(fs, m->snapshot), m->snapshot.slot, &s) || !s.exists)
		move_refuse(m, &(struct err){.errnum = ENOENT, .message = "the snapshot is gone"});
	else if (view_has(region_own(fs_region(fs, m->snapshot)), m->snapshot.slot))
		move_start(m);
	else if (*fs->account && *s.owner_id && strcmp(fs->account, s.owner_id) != 0)
		move_forbid(m, s.owner_id);
	else
		move_ask_owner(m);
}

static void move_snapshot(struct fs *fs, struct node snapshot, struct node to_folder,
	const char *to_name, bool noreplace, struct pending_reply *a)
{
	char path[NODE_PATH_SIZE];
	struct move *m;
	struct err err;

	snapshot.kind = NODE_SNAPSHOT;
	node_path(fs, snapshot, NULL, path);
	if (receipt_kind(to_folder) != REQUEST_COPY)
		err_set(&err, EPERM,
			"mv deletes its source, and %s needs its snapshot: use cp, which keeps it",
			to_folder.kind == NODE_ZONE ? "a new volume" : "an image");
	else if (to_folder.region == snapshot.region && to_folder.kind >= NODE_REGION)
		err_set(&err, EPERM,
			"EC2 cannot change a snapshot's id; to give it a name, write %s/tags/Name",
			path);
	else if (!takes_receipts(to_folder))
		err_set(&err, EPERM,
			"a snapshot can be moved only into another region, regions/REGION/ or its "
			"snapshots/");
	else if (!fs->options->delete_)
		err_set(&err, EPERM,
			"mv deletes the source once its copy has completed: that needs a mount "
			"with -o delete; cp only copies");
	else {
		m = calloc(1, sizeof(*m));
		if (m) {
			snapshot.kind = NODE_SNAPSHOT_FILE;
			m->fs = fs;
			m->snapshot = snapshot;
			m->to_folder = to_folder;
			m->noreplace = noreplace;
			m->reply = a;
			snprintf(m->to_name, sizeof(m->to_name), "%s", to_name);
			move_check_owner(m);
			return;
		}
		err_set(&err, ENOMEM, "out of memory");
	}
	pending_reply_err(a, &err);
}

/* --- a receipt whose request is being sent keeps its name until EC2 has responded --- */

struct rename_turn {
	struct fs *fs;
	struct node from_folder, to_folder;
	bool noreplace;
	char from_name[NAME_MAX + 1], to_name[NAME_MAX + 1];
};

static void rename_turn_come(void *arg, struct pending_reply *reply)
{
	_cleanup_free_ struct rename_turn *turn = arg;

	if (reply)
		rename_node(turn->fs, turn->from_folder, turn->from_name, turn->to_folder,
			turn->to_name, turn->noreplace, reply);
}

/* Returns the receipt of this name; NULL: none. */
static struct receipt *rename_receipt(struct fs *fs, struct node folder, const char *name)
{
	struct node n;

	return tree_find(fs, folder, name, &n) == 0 &&
			       (n.kind == NODE_RECEIPT || n.kind == NODE_FOLDER)
		       ? receipts_get(fs->receipts, n)
		       : NULL;
}

/* Returns whether the rename must wait for the request of a receipt that it names. */
static bool rename_waits(struct fs *fs, struct node from_folder, const char *from_name,
	struct node to_folder, const char *to_name, bool noreplace, struct pending_reply *reply)
{
	struct receipt *from = rename_receipt(fs, from_folder, from_name),
		       *to = rename_receipt(fs, to_folder, to_name),
		       *r = from && from->state == RECEIPT_ASKING ? from : to;
	struct rename_turn *turn;

	if (!r || r->state != RECEIPT_ASKING)
		return false;
	turn = malloc(sizeof(*turn));
	if (turn) {
		*turn = (struct rename_turn){.fs = fs,
			.from_folder = from_folder,
			.to_folder = to_folder,
			.noreplace = noreplace};
		snprintf(turn->from_name, sizeof(turn->from_name), "%s", from_name);
		snprintf(turn->to_name, sizeof(turn->to_name), "%s", to_name);
	}
	if (!turn || receipts_turn(r->work, rename_turn_come, turn, reply) < 0) {
		free(turn);
		pending_reply_errno(reply, ENOMEM);
	}
	return true;
}

/* Renames the node that the old name refers to. */
static void rename_found(
	struct node from_folder, const char *from_name, const struct receipt_mv *mv)
{
	struct fs *fs = mv->fs;
	struct err err;
	int r;

	switch (mv->from.kind) {
	case NODE_RECEIPT:
	case NODE_FOLDER:
		/* The name then belongs to another node, but the kernel keeps the name with the old
		 * node. */
		r = receipt_mv_drops(mv) ? tree_uncache_name(fs, mv->from) : 0;
		if (r)
			pending_reply_errno(mv->reply, r > 0 ? ESTALE : -r);
		else
			receipt_rename(mv);
		return;
	case NODE_DRAFT:
	case NODE_DRAFT_FOLDER:
	case NODE_DRAFT_LINK:
		if (from_folder.kind != NODE_TAGS)
			draft_rename(mv);
		else if (mv->same)
			tags_rename_scratch(
				fs, mv->from, mv->to_folder, mv->to_name, mv->noreplace, mv->reply);
		else
			break;
		return;
	case NODE_SNAPSHOT:
	case NODE_SNAPSHOT_FILE:
		r = fs->options->delete_ ? tree_uncache_name(fs, mv->from) : 0;
		if (r)
			pending_reply_errno(mv->reply, r > 0 ? ESTALE : -r);
		else
			move_snapshot(
				fs, mv->from, mv->to_folder, mv->to_name, mv->noreplace, mv->reply);
		return;
	case NODE_TAG:
		if (!mv->same)
			break;
		tags_rename(fs, mv->from, from_folder, mv->to_name, mv->noreplace, mv->reply);
		return;
	default:
		break;
	}
	err_set(&err, EPERM,
		"ebsfs sets the name and place of '%s'; only receipts, tags and, to another "
		"region, snapshots can be moved",
		from_name);
	pending_reply_err(mv->reply, &err);
}

void rename_node(struct fs *fs, struct node from_folder, const char *from_name,
	struct node to_folder, const char *to_name, bool noreplace, struct pending_reply *a)
{
	struct receipt_mv mv = {.fs = fs,
		.to_folder = to_folder,
		.to_name = to_name,
		.same = node_number(from_folder) == node_number(to_folder),
		.noreplace = noreplace,
		.reply = a};
	int r = tree_find(fs, from_folder, from_name, &mv.from);

	if (r < 0)
		pending_reply_errno(a, -r);
	else if (!rename_waits(fs, from_folder, from_name, to_folder, to_name, noreplace, a))
		rename_found(from_folder, from_name, &mv);
}
