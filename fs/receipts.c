/* SPDX-License-Identifier: MIT */
/* The receipts of a mount: found by their names, numbered by their age. */
#define FUSE_USE_VERSION 314
#include "receipts.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "clock.h"
#include "journal.h"
#include "names.h"
#include "status.h"

struct receipts {
	struct fs *fs;
	struct receipt **all; /* by number; NULL: gone */
	uint32_t n, cap;
	uint64_t version;
	struct receipt *by_key;
};

struct receipts *receipts_create(struct fs *fs)
{
	struct receipts *rs = calloc(1, sizeof(*rs));

	if (rs)
		rs->fs = fs;
	return rs;
}

static void receipt_free(struct receipt *r)
{
	for (size_t i = 0; i < r->n_tags; i++)
		buf_finish(&r->tags[i].value);
	free(r->tags);
	while (r->waiting) {
		struct answer_link *link = r->waiting;

		r->waiting = link->next;
		free(link);
	}
	buf_finish(&r->draft);
	buf_finish(&r->description);
	journal_receipt_finish(&r->row);
	free(r->key);
	free(r);
}

void receipts_destroy(struct receipts *rs)
{
	if (!rs)
		return;
	HASH_CLEAR(hh, rs->by_key);
	for (uint32_t i = 0; i < rs->n; i++)
		if (rs->all[i])
			receipt_free(rs->all[i]);
	free(rs->all);
	free(rs);
}

static const char *place(struct node folder)
{
	return folder.kind == NODE_SNAPSHOTS ? "snapshots" : "";
}

/* Two receipts with the same stem would have the same status file, so the stem is the key. */
static char *make_key(uint32_t region, const char *folder, const char *stem)
{
	char *key;

	return asprintf(&key, "%u/%s/%s", region, folder, stem) < 0 ? NULL : key;
}

static struct receipt *find_stem(const struct receipts *rs, struct node folder, const char *stem)
{
	_cleanup_free_ char *key = make_key(folder.region, place(folder), stem);
	struct receipt *r = NULL;

	if (key)
		HASH_FIND_STR(rs->by_key, key, r);
	return r;
}

uint64_t receipts_version(const struct receipts *rs)
{
	return rs->version;
}

bool receipts_asking(const struct receipts *rs)
{
	for (uint32_t i = 0; i < rs->n; i++)
		if (rs->all[i] && rs->all[i]->state == RECEIPT_ASKING)
			return true;
	return false;
}

struct receipt *receipts_get(const struct receipts *rs, struct node n)
{
	return n.slot < rs->n ? rs->all[n.slot] : NULL;
}

struct copy *receipts_copy(const struct fs *fs, const struct receipt *r)
{
	return r->row.copy ? copies_by_row(fs->copies, r->row.copy) : NULL;
}

bool receipts_is_fixed(const struct fs *fs, const struct receipt *r)
{
	const struct copy *copy;

	if (r->state != RECEIPT_ASKED)
		return r->state != RECEIPT_DRAFT;
	copy = receipts_copy(fs, r);
	/* Without a code EC2 never spoke: a request without an answer may still turn out to have
	 * been carried out. */
	return !copy || copy->state != COPY_FAILED || (copy->row.submitted && !copy->row.code);
}

int receipts_check_writable(const struct fs *fs, const struct receipt *r, struct err *err)
{
	if (!r)
		return err_set(err, ENOENT, "the receipt is gone");
	if (r->state == RECEIPT_REMOVING)
		return err_set(err, EBUSY, "the receipt '%s' is being removed", r->row.name);
	if (receipts_is_fixed(fs, r))
		return err_set(err, EEXIST,
			"the receipt '%s' has asked for its copy already, and nothing is copied "
			"twice; to copy again write to another name, "
			"or rm this one first",
			r->row.name);
	return 0;
}

struct node receipts_folder(const struct receipt *r)
{
	return (struct node){
		.kind = *r->row.folder ? NODE_SNAPSHOTS : NODE_REGION, .region = r->region};
}

static struct node node_in(const struct receipt *r, enum node_kind kind)
{
	return (struct node){.kind = kind, .region = r->region, .slot = r->number};
}

struct node receipts_node(const struct receipt *r)
{
	return node_in(r, r->row.is_folder ? NODE_FOLDER : NODE_RECEIPT);
}

int receipts_find(
	const struct receipts *rs, struct node folder, const char *name, struct node *child)
{
	static const struct {
		const char *suffix;
		enum node_kind kind;
	} beside[] = {{".status", NODE_RECEIPT_STATUS}, {".wait", NODE_RECEIPT_WAIT}};
	char stem[NAME_MAX + 1];
	struct receipt *r;

	names_stem(name, stem);
	r = find_stem(rs, folder, stem);
	if (r && !strcmp(r->row.name, name)) {
		*child = receipts_node(r);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
		if (!names_strip(name, beside[i].suffix, stem))
			continue;
		r = find_stem(rs, folder, stem);
		if (r && !r->row.is_folder) {
			*child = node_in(r, beside[i].kind);
			return 0;
		}
	}
	return -ENOENT;
}

/* Positions: two a receipt, itself and its status. */
bool receipts_next(
	const struct receipts *rs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	for (; *pos / 2 < rs->n; ++*pos) {
		const struct receipt *r = rs->all[*pos / 2];
		char stem[NAME_MAX + 1];

		if (!r || r->region != folder.region || strcmp(r->row.folder, place(folder)) != 0)
			continue;
		if (*pos % 2 == 0) {
			strcpy(out->name, r->row.name);
			out->node = receipts_node(r);
		} else {
			names_stem(r->row.name, stem);
			if (r->row.is_folder || strlen(stem) + strlen(".status") > NAME_MAX)
				continue;
			snprintf(out->name, sizeof(out->name), "%s.status", stem);
			out->node = node_in(r, NODE_RECEIPT_STATUS);
		}
		++*pos;
		return true;
	}
	return false;
}

int receipts_check_name(const struct receipts *rs, struct node folder, const char *name,
	const struct receipt *self, struct err *err)
{
	static const char *const reserved[] = {"snapshots", "images", "filter", ".wait", "status"};
	char stem[NAME_MAX + 1];
	const struct receipt *r;

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (!strcmp(name, reserved[i]))
			return err_set(err, EINVAL,
				"the name '%s' is ebsfs's own; give the receipt another", name);
	if (names_strip(name, ".status", stem) || names_strip(name, ".wait", stem))
		return err_set(err, EINVAL,
			"the name '%s' is that of a copy's status; give the receipt another", name);
	names_stem(name, stem);
	if (folder.kind == NODE_SNAPSHOTS && ec2_is_snapshot_id(name)) {
		catalogue_slot slot = catalogue_find_shown(fs_catalogue(rs->fs, folder), name);

		if (slot != CATALOGUE_NONE &&
			catalogue_presence(fs_catalogue(rs->fs, folder), slot) != CATALOGUE_GONE)
			return err_set(err, EEXIST, "%s is a snapshot in this region", name);
	}
	r = find_stem(rs, folder, stem);
	if (r && r != self)
		return err_set(err, EEXIST,
			"the receipt '%s' is there and has the same status file; give this one "
			"another name, or rm that one",
			r->row.name);
	if (names_rsync_target(name, stem)) {
		char target[NAME_MAX + 1];

		/* rsync without -t writes again what is there; its temporary name must not start a
		 * second copy. Not EEXIST: rsync would try a hundred other names. */
		names_stem(stem, target);
		r = find_stem(rs, folder, target);
		if (r && r != self && receipts_is_fixed(rs->fs, r))
			return err_set(err, EPERM,
				"the receipt '%s' is there already: its copy is not started a "
				"second time",
				r->row.name);
	}
	return 0;
}

static int index_add(struct receipts *rs, struct receipt *r)
{
	char stem[NAME_MAX + 1];

	names_stem(r->row.name, stem);
	r->key = make_key(r->region, r->row.folder, stem);
	if (!r->key)
		return -ENOMEM;
	HASH_ADD_KEYPTR(hh, rs->by_key, r->key, strlen(r->key), r);
	rs->version++;
	return 0;
}

/* Gives the receipt its number and its place. */
static int insert(struct receipts *rs, struct receipt *r)
{
	if (rs->n > NODE_SLOT_MAX)
		return -ENOSPC;
	if (rs->n == rs->cap) {
		uint32_t cap = rs->cap ? rs->cap * 2 : 64;
		struct receipt **all = realloc(rs->all, cap * sizeof(*all));

		if (!all)
			return -ENOMEM;
		rs->all = all;
		rs->cap = cap;
	}
	if (index_add(rs, r) < 0)
		return -ENOMEM;
	r->number = rs->n;
	rs->all[rs->n++] = r;
	return 0;
}

static char *copy_text(const char *s)
{
	return strdup(s ? s : "");
}

int receipts_load(void *arg, const struct journal_receipt *row)
{
	struct fs *fs = arg;
	int region = regions_index(fs->regions, row->region), result;
	struct receipt *r;

	if (region < 0)
		return 0;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->region = (uint32_t)region;
	r->state = RECEIPT_ASKED;
	r->row = *row;
	r->row.region = copy_text(row->region);
	r->row.folder = copy_text(row->folder);
	r->row.name = copy_text(row->name);
	r->row.file_name = row->file_name ? strdup(row->file_name) : NULL;
	r->row.text = copy_text(row->text);
	r->has_file = !row->is_folder || (row->file_name && *row->file_name);
	result = insert(fs->receipts, r);
	if (result < 0)
		receipt_free(r);
	return result;
}

static int64_t now_ns(void)
{
	return clock_wall_ms() * 1000000;
}

struct receipt *receipts_add(struct fs *fs, struct node folder, const char *name, mode_t mode,
	bool is_folder, struct err *err)
{
	struct receipt *r = calloc(1, sizeof(*r));

	if (!r) {
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	buf_init(&r->draft, REQUEST_TEXT_MAX);
	buf_init(&r->description, 4096);
	r->region = folder.region;
	r->row = (struct journal_receipt){
		.region = copy_text(region_name(fs_region(fs, folder))),
		.folder = copy_text(place(folder)),
		.name = copy_text(name),
		.is_folder = is_folder,
		.mode = mode & 07777,
		.uid = fs->uid,
		.gid = fs->gid,
		.mtime_ns = now_ns(),
	};
	if (!r->row.region || !r->row.folder || !r->row.name || insert(fs->receipts, r) < 0) {
		receipt_free(r);
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	return r;
}

int receipts_move(struct fs *fs, struct receipt *r, struct node folder, const char *name)
{
	char *new_name = strdup(name), *new_folder = strdup(place(folder)), *old_key = r->key;

	if (!new_name || !new_folder) {
		free(new_name);
		free(new_folder);
		return -ENOMEM;
	}
	HASH_DEL(fs->receipts->by_key, r);
	free(r->row.name);
	free(r->row.folder);
	r->row.name = new_name;
	r->row.folder = new_folder;
	if (index_add(fs->receipts, r) < 0) {
		/* Found no more by name in this mount; the journal has it. */
		r->key = old_key;
		HASH_ADD_KEYPTR(hh, fs->receipts->by_key, r->key, strlen(r->key), r);
		return -ENOMEM;
	}
	free(old_key);
	receipts_save(fs, r);
	return 0;
}

void receipts_drop(struct fs *fs, struct receipt *r)
{
	struct answer_link *waiting = steal(&r->waiting);

	HASH_DEL(fs->receipts->by_key, r);
	fs->receipts->all[r->number] = NULL;
	fs->receipts->version++;
	while (waiting) {
		struct answer_link *link = waiting;

		waiting = link->next;
		if (link->answer)
			answer_errno(link->answer, ENOENT);
		free(link);
	}
	status_receipt_changed(fs, r->number);
	receipt_free(r);
}

void receipts_save(struct fs *fs, struct receipt *r)
{
	if (r->state == RECEIPT_ASKING)
		r->save_again = true;
	else if (r->state == RECEIPT_ASKED && r->row.id)
		journal_put_receipt(fs->journal, &r->row, NULL, NULL);
}

void receipts_set_attr(struct fs *fs, struct receipt *r, const struct stat *st, int which)
{
	if (which & FUSE_SET_ATTR_MODE)
		r->row.mode = st->st_mode & 07777;
	if (which & FUSE_SET_ATTR_UID)
		r->row.uid = st->st_uid;
	if (which & FUSE_SET_ATTR_GID)
		r->row.gid = st->st_gid;
	if (which & FUSE_SET_ATTR_MTIME_NOW)
		r->row.mtime_ns = now_ns();
	else if (which & FUSE_SET_ATTR_MTIME)
		r->row.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	receipts_save(fs, r);
}

void receipts_attr(const struct receipt *r, struct stat *st)
{
	st->st_mode = (st->st_mode & S_IFMT) | r->row.mode;
	st->st_uid = r->row.uid;
	st->st_gid = r->row.gid;
	st->st_mtim = (struct timespec){r->row.mtime_ns / 1000000000, r->row.mtime_ns % 1000000000};
	st->st_atim = st->st_ctim = st->st_mtim;
}

int receipts_status(struct fs *fs, const struct receipt *r, struct buf *out)
{
	const struct copy *copy = receipts_copy(fs, r);

	if (copy)
		return copies_status(fs->copies, copy, clock_wall_ms(), out);
	if (r->state == RECEIPT_ASKING)
		return buf_printf(out, "state: submitting\nregion: %s\n", r->row.region);
	if (r->has_refused) {
		buf_printf(out, "state: failed\nregion: %s\n", r->row.region);
		if (r->refused.code[0])
			buf_printf(out, "code: %s\n", r->refused.code);
		buf_printf(out, "message: %s\n", r->refused.message);
		return r->refused.request_id[0]
			       ? buf_printf(out, "request-id: %s\n", r->refused.request_id)
			       : -out->error;
	}
	if (r->row.copy)
		return buf_printf(out,
			"state: unknown\nregion: %s\nmessage: the journal no longer has its copy\n",
			r->row.region);
	return buf_printf(out,
		"state: unfinished\nregion: %s\nhint: no copy was asked for yet: the text has no "
		"'...' line\n",
		r->row.region);
}

int receipts_create_file(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	struct receipt *r;

	if (receipts_check_name(fs->receipts, folder, name, NULL, err) < 0)
		return -err->errnum;
	r = receipts_add(fs, folder, name, mode, false, err);
	if (!r)
		return -err->errnum;
	r->has_file = true;
	if (h)
		r->writers++;
	*child = receipts_node(r);
	return 0;
}

int receipts_create_folder(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err)
{
	struct receipt *r;

	if (receipts_check_name(fs->receipts, folder, name, NULL, err) < 0)
		return -err->errnum;
	r = receipts_add(fs, folder, name, mode, true, err);
	if (!r)
		return -err->errnum;
	*child = receipts_node(r);
	return 0;
}
