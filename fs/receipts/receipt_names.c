/* SPDX-License-Identifier: MIT */
/* Receipts by name in a region's folder: look-ups, listings, permitted names, new ones. */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "nodes.h"
#include "receipts.h"
#include "request_options.h"
#include "timespec.h"

static const struct {
	const char *suffix;
	enum node_kind kind;
} receipts_beside[] = {{".status", NODE_RECEIPT_STATUS}, {".wait", NODE_RECEIPT_WAIT},
	{".copy", NODE_RECEIPT_COPY}};

bool receipts_strip(const char *name, const char *suffix, char out[NAME_MAX + 1])
{
	size_t len = strlen(name), end = strlen(suffix);

	if (len <= end || len > NAME_MAX || strcmp(name + len - end, suffix) != 0)
		return false;
	memcpy(out, name, len - end);
	out[len - end] = '\0';
	return true;
}

size_t receipts_stem_len(const char *name)
{
	size_t len = strlen(name), end = strlen(".snapshot");

	return len > end && !strcmp(name + len - end, ".snapshot") ? len - end : len;
}

void receipts_stem(const char *name, char out[NAME_MAX + 1])
{
	snprintf(out, NAME_MAX + 1, "%.*s", (int)receipts_stem_len(name), name);
}

struct receipt *receipts_sibling(
	const struct receipts *rs, struct node folder, const char *name, const struct receipt *self)
{
	char stem[NAME_MAX + 1], other[NAME_MAX + sizeof(".snapshot")];
	struct receipt *r;

	receipts_stem(name, stem);
	snprintf(other, sizeof(other), "%s.snapshot", stem);
	r = receipts_by_name(rs, folder, strcmp(name, stem) != 0 ? stem : other);
	return r != self && r && receipts_stem_len(r->name) == strlen(stem) ? r : NULL;
}

/* Orders two receipts that share a status: the higher one's status is shown. */
static int receipts_rank(const struct receipt *r)
{
	if (!r)
		return -1;
	if (r->copy)
		return 3;
	return r->state == RECEIPT_ASKING ? 2 : r->work && r->work->has_refused;
}

/* The receipt whose status is shown as STEM.status. Two receipts, "A" and "A.snapshot", can have
 * the same stem; the one that has a copy is preferred. NULL: no receipt has the stem. */
static struct receipt *receipts_by_stem(
	const struct receipts *rs, struct node folder, const char *stem)
{
	char name[NAME_MAX + sizeof(".snapshot")];
	struct receipt *plain, *other;

	snprintf(name, sizeof(name), "%s.snapshot", stem);
	other = receipts_by_name(rs, folder, name);
	plain = receipts_stem_len(stem) == strlen(stem) ? receipts_by_name(rs, folder, stem) : NULL;
	return receipts_rank(plain) >= receipts_rank(other) ? plain : other;
}

static const char *receipt_copy_id(const struct fs *fs, const struct receipt *r)
{
	const struct copy *copy = receipts_copy(fs, r);

	return copy ? copy->row.copy_id : NULL;
}

/* Whether the status, .copy or .wait (kind) of the receipt exists now. */
static bool receipts_has_beside(const struct fs *fs, const struct receipt *r, enum node_kind kind)
{
	switch (kind) {
	case NODE_RECEIPT_STATUS:
		return !r->no_status;
	case NODE_RECEIPT_COPY:
		return !r->no_link && receipt_kind(receipts_folder(r)) == REQUEST_COPY &&
		       receipt_copy_id(fs, r);
	default:
		return true;
	}
}

int receipts_find(const struct fs *fs, struct node folder, const char *name, struct node *child)
{
	const struct receipts *rs = fs->receipts;
	struct receipt *r = receipts_by_name(rs, folder, name);
	char stem[NAME_MAX + 1];

	if (r) {
		*child = receipts_node(r);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(receipts_beside); i++) {
		if (!receipts_strip(name, receipts_beside[i].suffix, stem))
			continue;
		r = receipts_by_stem(rs, folder, stem);
		if (r && receipts_has_beside(fs, r, receipts_beside[i].kind)) {
			*child = receipts_node_of(r, receipts_beside[i].kind);
			return 0;
		}
	}
	return -ENOENT;
}

/* Whether a listing shows this node of the receipt, and if so, its name. The status of a stem is
 * shown once, the .copy link only for a receipt that is a folder. */
static bool receipts_lists(
	const struct fs *fs, const struct receipt *r, enum node_kind kind, char name[NAME_MAX + 1])
{
	const char *suffix = kind == NODE_RECEIPT_STATUS ? ".status" : ".copy";
	char stem[NAME_MAX + 1];

	receipts_stem(r->name, stem);
	if (receipts_by_stem(fs->receipts, receipts_folder(r), stem) != r ||
		!receipts_has_beside(fs, r, kind) || strlen(stem) + strlen(suffix) > NAME_MAX)
		return false;
	snprintf(name, NAME_MAX + 1, "%s%s", stem, suffix);
	return kind == NODE_RECEIPT_STATUS || r->is_folder;
}

/* Each receipt has three positions of the listing: itself, its status and its .copy link. */
bool receipts_next(const struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	static const enum node_kind beside[] = {NODE_RECEIPT_STATUS, NODE_RECEIPT_COPY};
	uint64_t end = 3 * (uint64_t)receipts_count(fs->receipts);

	while (*pos < end) {
		struct node at = {.slot = (uint32_t)(*pos / 3)};
		const struct receipt *r = receipts_get(fs->receipts, at);
		unsigned what = *pos % 3;

		++*pos;
		if (!r || node_number(receipts_folder(r)) != node_number(folder))
			continue;
		if (what == 0) {
			strcpy(out->name, r->name);
			out->node = receipts_node(r);
			return true;
		}
		if (receipts_lists(fs, r, beside[what - 1], out->name)) {
			out->node = receipts_node_of(r, beside[what - 1]);
			return true;
		}
	}
	return false;
}

/* --- the names beside a receipt --- */

void receipts_hide(struct fs *fs, struct receipt *r, enum node_kind kind)
{
	struct receipt *both[] = {
		r, receipts_sibling(fs->receipts, receipts_folder(r), r->name, r)};

	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		if (!both[i])
			continue;
		both[i]->no_status |= kind == NODE_RECEIPT_STATUS;
		both[i]->no_link |= kind == NODE_RECEIPT_COPY;
	}
	receipts_listed_anew(fs->receipts);
}

void receipts_unhide(struct fs *fs, struct receipt *r)
{
	struct receipt *both[] = {
		r, receipts_sibling(fs->receipts, receipts_folder(r), r->name, r)};

	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		if (!both[i] || (!both[i]->no_status && !both[i]->no_link))
			continue;
		both[i]->no_status = both[i]->no_link = false;
		receipts_listed_anew(fs->receipts);
	}
}

static int receipt_copy_text(struct fs *fs, struct node n, struct buf *out)
{
	const struct receipt *r = receipts_get(fs->receipts, n);
	const char *id = r ? receipt_copy_id(fs, r) : NULL;

	return id ? buf_printf(out, "%s%s", r->folder == NODE_SNAPSHOTS ? "" : "snapshots/", id)
		  : -ENOENT;
}

/* The link's mtime is the copy's start, so that rsync sees no change. */
static int receipt_copy_attr(struct fs *fs, struct node n, struct stat *st)
{
	const struct receipt *r = receipts_get(fs->receipts, n);
	const struct copy *copy = r ? receipts_copy(fs, r) : NULL;

	if (copy && copy->row.started_ms)
		st->st_mtim = st->st_ctim = timespec_of_ms(copy->row.started_ms);
	return 0;
}

static void receipt_copy_remove(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct receipt *r = receipts_get(fs->receipts, n);

	if (r)
		receipts_hide(fs, r, n.kind);
	pending_reply_errno(reply, r ? 0 : ENOENT);
}

const struct node_ops receipt_copy_ops = {
	.type = S_IFLNK,
	.mode = 0777,
	.trust = TRUST_NEVER,
	.attr = receipt_copy_attr,
	.text = receipt_copy_text,
	.set_attr = handle_ignore_attr,
	.remove = receipt_copy_remove,
};

/* --- new ones --- */

int receipts_check_sibling(const struct fs *fs, struct node folder, const char *name,
	const struct receipt *self, struct err *err)
{
	const struct receipt *other = receipts_sibling(fs->receipts, folder, name, self);

	if (!other || !self || !self->copy || !other->copy || self->copy == other->copy)
		return 0;
	return receipts_refuse_sibling(other, err);
}

int receipts_refuse_sibling(const struct receipt *other, struct err *err)
{
	char stem[NAME_MAX + 1];

	receipts_stem(other->name, stem);
	return err_set(err, EEXIST,
		"the receipt '%s' of another copy has the same status file, '%s.status'; choose "
		"another name for the new receipt, or rm '%s'",
		other->name, stem, other->name);
}

/* Names in a region's folder that ebsfs uses itself, or may use in a later version. */
static const char *const receipts_reserved[] = {"snapshots", "list", "list.json", "by", "filter",
	"shared", "disks", "files", "volumes", "images"};

static bool receipts_is_reserved(struct node folder, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(receipts_reserved); i++)
		if (!strcmp(name, receipts_reserved[i]))
			return folder.kind == NODE_REGION;
	return false;
}

int receipts_check_name(const struct fs *fs, struct node folder, const char *name,
	const struct receipt *self, struct err *err)
{
	char stem[NAME_MAX + 1];
	const struct receipt *r;

	if (receipts_is_reserved(folder, name) || !strcmp(name, ".wait") || !strcmp(name, "status"))
		return err_set(err, EINVAL,
			"ebsfs uses the name '%s' itself; give the receipt another name", name);
	for (size_t i = 0; i < ARRAY_LEN(receipts_beside); i++)
		if (receipts_strip(name, receipts_beside[i].suffix, stem))
			return err_set(err, EINVAL,
				"ebsfs uses names that end in %s itself, for the files beside a "
				"receipt; give the receipt '%s' another name",
				receipts_beside[i].suffix, name);
	receipts_stem(name, stem);
	if (strlen(stem) + strlen(".status") > NAME_MAX)
		return err_set(err, ENAMETOOLONG,
			"a receipt's name has at most %d bytes, so that NAME.status is a name too; "
			"give it a shorter one",
			(int)(NAME_MAX - strlen(".status")));
	/* A receipt that is moved keeps its image: cp -b calls it NAME~. */
	if (folder.kind == NODE_IMAGES && !self && request_image_check_name(name, err) < 0)
		return -err->errnum;
	if (folder.kind == NODE_SNAPSHOTS && ec2_is_snapshot_id(name)) {
		catalogue_slot slot = catalogue_find_shown(fs_catalogue(fs, folder), name);

		if (slot != CATALOGUE_NONE && catalogue_exists(fs_catalogue(fs, folder), slot))
			return err_set(err, EEXIST,
				"%s is a snapshot in this region; give the receipt another name",
				name);
	}
	r = receipts_by_name(fs->receipts, folder, name);
	if (r && r != self)
		return err_set(err, EEXIST,
			"the receipt '%s' exists already; choose another name for the new receipt, "
			"or rm '%s'",
			r->name, r->name);
	return receipts_check_sibling(fs, folder, name, self, err);
}

/* Renames the receipt to the first free name of NAME~1, NAME~2 and so on. */
static int receipts_rename_reserved(struct fs *fs, struct receipt *r)
{
	char name[32], old[32];
	struct err err = {.errnum = EEXIST};

	snprintf(old, sizeof(old), "%s", r->name);
	for (unsigned i = 1; err.errnum == EEXIST; i++) {
		snprintf(name, sizeof(name), "%s~%u", old, i);
		if (receipts_check_name(fs, receipts_folder(r), name, r, &err) < 0)
			continue;
		if (receipts_move(fs, r, receipts_folder(r), name) < 0)
			return -ENOMEM;
		log_info("the receipt %s/%s was renamed to %s, because ebsfs now uses the old name "
			 "itself",
			receipts_region(fs, r), old, name);
		return 0;
	}
	return -err.errnum;
}

int receipts_rename_all_reserved(struct fs *fs)
{
	for (uint32_t i = 0; i < receipts_count(fs->receipts); i++) {
		struct receipt *r = receipts_get(fs->receipts, (struct node){.slot = i});
		int result = 0;

		if (r && receipts_is_reserved(receipts_folder(r), r->name))
			result = receipts_rename_reserved(fs, r);
		if (result < 0)
			return result;
	}
	return 0;
}

int receipts_create_file(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	struct receipt *r;

	if (receipts_check_name(fs, folder, name, NULL, err) < 0)
		return -err->errnum;
	r = receipts_add(fs, folder, name, mode, false, err);
	if (!r)
		return -err->errnum;
	r->has_file = true;
	receipts_unhide(fs, r);
	if (h)
		r->work->writers++;
	*child = receipts_node(r);
	return 0;
}

int receipts_create_folder(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err)
{
	struct receipt *r;

	if (receipts_check_name(fs, folder, name, NULL, err) < 0)
		return -err->errnum;
	r = receipts_add(fs, folder, name, mode, true, err);
	if (!r)
		return -err->errnum;
	*child = receipts_node(r);
	return 0;
}
