/* SPDX-License-Identifier: MIT */
/* A receipt that is a folder, as cp -r makes it. Its snapshot file requests the copy. All other
 * files are kept as written (draft.h). Of these, the file description and the files in tags/ set
 * the copy's description and tags, in whatever order they arrive. */
#include <errno.h>
#include <string.h>

#include "names.h"
#include "nodes.h"
#include "receipts.h"
#include "status.h"
#include "tags.h"

/* --- restoring from the journal --- */

static struct draft *receipt_folder_put(struct fs *fs, const struct receipt *r, struct node folder,
	const char *name, enum draft_type type, const char *value)
{
	struct err err;
	struct draft *d = drafts_add(fs->drafts, folder, name, type, true, &err);

	if (!d)
		return NULL;
	d->mode = type == DRAFT_FOLDER ? 0755 : 0644;
	d->uid = r->uid;
	d->gid = r->gid;
	if (value && *value && drafts_write_line(fs->drafts, d, value, &err) < 0)
		return NULL;
	d->mtime_ns = r->mtime_ns;
	return d;
}

struct receipt_filling {
	struct fs *fs;
	const struct receipt *r;
	struct node tags;
};

static int receipt_folder_put_tag(void *arg, const char *key, const char *value)
{
	struct receipt_filling *f = arg;
	char name[NAME_MAX + 1];

	return names_escape(key, name) && !receipt_folder_put(f->fs, f->r, f->tags, name,
						  DRAFT_FILE, *value ? value : NULL)
		       ? -ENOMEM
		       : 0;
}

static void receipt_folder_fill(struct fs *fs, struct receipt *r)
{
	struct receipt_filling filling = {.fs = fs, .r = r};
	struct draft *tags;

	if (r->filled)
		return;
	r->filled = true;
	if (r->description)
		receipt_folder_put(
			fs, r, receipts_node(r), "description", DRAFT_FILE, r->description);
	tags = r->tags ? receipt_folder_put(fs, r, receipts_node(r), "tags", DRAFT_FOLDER, NULL)
		       : NULL;
	if (tags) {
		filling.tags = drafts_node(tags);
		receipt_tags_each(r, receipt_folder_put_tag, &filling);
	}
}

static struct receipt *receipt_folder_get(struct fs *fs, struct node n)
{
	struct receipt *r = receipts_get(fs->receipts, n);

	if (r)
		receipt_folder_fill(fs, r);
	return r;
}

/* --- names --- */

static struct node receipt_folder_file(const struct receipt *r)
{
	return receipts_node_of(r, NODE_RECEIPT);
}

static int receipt_folder_find(
	struct fs *fs, struct node folder, const char *name, struct node *child)
{
	struct receipt *r = receipt_folder_get(fs, folder);
	struct draft *d = r ? drafts_find(fs->drafts, folder, name) : NULL;

	if (r && r->has_file && !strcmp(name, r->file_name))
		*child = receipt_folder_file(r);
	else if (d)
		*child = drafts_node(d);
	else
		return -ENOENT;
	return 0;
}

/* Positions of the listing: drafts have those of drafts_next(); the snapshot file comes last, at
 * FILE_POSITION. */
#define FILE_POSITION ((uint64_t)1 << 60)

static bool receipt_folder_next(
	struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct receipt *r = receipt_folder_get(fs, folder);
	struct draft *d = r && *pos < FILE_POSITION ? drafts_next(fs->drafts, folder, pos) : NULL;

	if (d) {
		strcpy(out->name, d->name);
		out->node = drafts_node(d);
		return true;
	}
	if (!r || *pos >= FILE_POSITION || !r->has_file)
		return false;
	*pos = FILE_POSITION;
	snprintf(out->name, sizeof(out->name), "%s", r->file_name);
	out->node = receipt_folder_file(r);
	return true;
}

static int receipt_folder_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct receipt *r = receipt_folder_get(fs, n);

	if (!r)
		return -ENOENT;
	receipts_attr(fs, r, st);
	return 0;
}

struct receipt *receipt_folder_of(struct fs *fs, const struct draft *d)
{
	struct node folder = node_of(d->folder);

	while (folder.kind == NODE_DRAFT_FOLDER) {
		d = drafts_get(fs->drafts, folder);
		if (!d)
			return NULL;
		folder = node_of(d->folder);
	}
	return folder.kind == NODE_FOLDER ? receipt_folder_get(fs, folder) : NULL;
}

bool receipt_folder_is_tags(struct fs *fs, struct node folder)
{
	const struct draft *d =
		folder.kind == NODE_DRAFT_FOLDER ? drafts_get(fs->drafts, folder) : NULL;

	return d && node_of(d->folder).kind == NODE_FOLDER && !strcmp(d->name, "tags");
}

/* See receipts.h: names of files that are not the snapshot file. */
bool receipt_folder_keeps(const char *name)
{
	static const char *const names[] = {"description", "metadata.json", "status", "copy"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return *name == '.';
}

int receipt_folder_check(
	struct fs *fs, struct node folder, const char *name, enum draft_type type, struct err *err)
{
	char key[NAME_MAX + 1];

	if (receipt_folder_is_tags(fs, folder)) {
		if (names_is_scratch(name))
			return 0;
		if (type == DRAFT_FILE)
			return tags_parse_name(name, key, err);
		return err_set(err, EPERM,
			"tags/ has only files, one for each tag; to set a tag: echo VALUE > "
			"tags/KEY");
	}
	if (folder.kind != NODE_FOLDER || *name == '.')
		return 0;
	if (type == DRAFT_FOLDER && strcmp(name, "tags") != 0)
		return err_set(err, EPERM,
			"a receipt's folder has no other folder than tags/; to request another "
			"copy, make a folder beside this one");
	if (type == DRAFT_LINK && !receipt_folder_keeps(name))
		return err_set(err, EPERM,
			"a receipt's folder can have no link of this name; to request a copy, use "
			"cp");
	if (type == DRAFT_FILE && !strcmp(name, "tags"))
		return err_set(err, EPERM,
			"tags cannot be a file in a receipt's folder: mkdir tags, then write one "
			"file for each tag");
	return 0;
}

void receipt_folder_expect(struct fs *fs, const struct draft *d)
{
	struct receipt *r = receipt_folder_of(fs, d);
	struct copy *copy = r ? receipts_copy(fs, r) : NULL;

	if (copy && copy->state == COPY_QUEUED)
		copies_expect_description(fs->copies, copy);
}

int receipt_folder_make_draft(struct fs *fs, struct node folder, const char *name,
	enum draft_type type, mode_t mode, struct node *child, struct err *err)
{
	struct draft *d;

	if (receipt_folder_check(fs, folder, name, type, err) < 0)
		return -err->errnum;
	d = drafts_make(fs, folder, name, type, mode, err);
	if (!d)
		return -err->errnum;
	*child = drafts_node(d);
	receipt_folder_expect(fs, d);
	return 0;
}

static int receipt_folder_make(struct fs *fs, struct node folder, const char *name,
	enum draft_type type, mode_t mode, struct node *child, struct err *err)
{
	if (!receipt_folder_get(fs, folder))
		return err_set(err, ENOENT, "the folder is gone");
	return receipt_folder_make_draft(fs, folder, name, type, mode, child, err);
}

static int receipt_folder_create_file(struct receipt *r, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	if (r->has_file)
		return err_set(err, EPERM,
			"the folder '%s' requests one copy, by its file %s; to request another "
			"copy, write a file beside the folder",
			r->name, r->file_name);
	if (!receipts_work(r))
		return err_set(err, ENOMEM, "out of memory");
	free(r->file_name);
	r->file_name = strdup(name);
	if (!r->file_name)
		return err_set(err, ENOMEM, "out of memory");
	r->has_file = true;
	r->file_mode = mode & 0777;
	r->work->writers += h != NULL;
	*child = receipt_folder_file(r);
	return 0;
}

static int receipt_folder_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	struct receipt *r = receipt_folder_get(fs, folder);
	int result;

	/* NAME.snapshot is the snapshot file at once. A file of another name becomes the snapshot
	 * file once its text is one (draft_ask()). */
	if (r && !receipt_folder_keeps(name) && receipts_stem_len(name) != strlen(name))
		return receipt_folder_create_file(r, name, mode, h, child, err);
	result = receipt_folder_make(fs, folder, name, DRAFT_FILE, mode, child, err);
	if (result == 0 && h) {
		drafts_open(drafts_get(fs->drafts, *child));
		h->held = true;
	}
	return result;
}

static int receipt_folder_mkdir(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err)
{
	return receipt_folder_make(fs, folder, name, DRAFT_FOLDER, mode, child, err);
}

static int receipt_folder_symlink(struct fs *fs, struct node folder, const char *name,
	const char *target, struct node *child, struct err *err)
{
	int result = receipt_folder_make(fs, folder, name, DRAFT_LINK, 0777, child, err);

	return result < 0 ? result
			  : drafts_write(fs->drafts, drafts_get(fs->drafts, *child), target,
				    strlen(target), 0, err);
}

static int receipt_folder_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	struct receipt *r = receipt_folder_get(fs, n);

	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	receipts_set_attr(fs, r, st, which);
	return 0;
}

static void receipt_folder_remove(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct receipt *r = receipt_folder_get(fs, n);

	if (!r)
		pending_reply_errno(reply, ENOENT);
	else if (r->has_file || drafts_any(fs->drafts, n))
		pending_reply_errno(reply, ENOTEMPTY);
	else
		receipt_remove(fs, r, reply);
}

/* --- the status that is written into the folder --- */

int receipt_status_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	const struct receipt *r = receipts_get(fs->receipts, n);

	(void)h;
	if (!r || !r->is_folder)
		return err_set(err, EPERM, "the file is read-only; " STATUS_INSTEAD);
	return 0;
}

int receipt_status_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	(void)st;
	(void)which;
	return receipt_status_open_write(fs, n, NULL, err);
}

void receipt_status_remove(struct fs *fs, struct node n, struct pending_reply *a)
{
	struct receipt *r = receipts_get(fs->receipts, n);

	if (r)
		receipts_hide(fs, r, n.kind);
	pending_reply_errno(a, r ? 0 : ENOENT);
}

const struct node_ops folder_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_NEVER,
	.attr = receipt_folder_attr,
	.find = receipt_folder_find,
	.next = receipt_folder_next,
	.create = receipt_folder_create,
	.mkdir = receipt_folder_mkdir,
	.symlink = receipt_folder_symlink,
	.set_attr = receipt_folder_set_attr,
	.remove = receipt_folder_remove,
};
