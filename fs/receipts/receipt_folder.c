/* SPDX-License-Identifier: MIT */
/* A receipt that is a folder, as cp -r makes it. Its snapshot file requests the copy, with the
 * description and the tags beside that file. */
#include <errno.h>
#include <string.h>

#include "folders.h"
#include "names.h"
#include "nodes.h"
#include "receipts.h"

/* description, metadata.json and tags/ can be written; status is the copy's. Text that a recursive
 * copy writes into metadata.json and status belongs to the source, not to this copy: it is dropped.
 */
static const struct fixed_child children[] = {
	{"description", NODE_FOLDER_DESCRIPTION, false},
	{"metadata.json", NODE_FOLDER_METADATA, false},
	{"tags", NODE_FOLDER_TAGS, false},
	{"copy", NODE_FOLDER_COPY, false},
	{"status", NODE_RECEIPT_STATUS, false},
	{".wait", NODE_RECEIPT_WAIT, true},
};

static struct receipt *receipt_folder_get(struct fs *fs, struct node n)
{
	return receipts_get(fs->receipts, n);
}

static const char *receipt_folder_copy_id(struct fs *fs, const struct receipt *r)
{
	const struct copy *copy = receipts_copy(fs, r);

	return copy ? copy->row.copy_id : NULL;
}

static unsigned receipt_folder_bit(enum node_kind kind)
{
	return 1u << (kind - NODE_FOLDER);
}

/* Whether the folder has this fixed child now. cp -r and tar create each file with O_EXCL, and tar
 * removes a file of that name first: so a child appears late, and disappears when removed. */
static bool receipt_folder_has_child(struct fs *fs, const struct receipt *r, enum node_kind kind)
{
	const struct receipt_work *w = r->work;

	if (kind == NODE_FOLDER_TAGS)
		return w && w->has_tags;
	if (w && (w->created | w->removed) & receipt_folder_bit(kind))
		return w->created & receipt_folder_bit(kind);
	switch (kind) {
	case NODE_FOLDER_DESCRIPTION:
		return r->copy != 0;
	case NODE_FOLDER_COPY:
		return receipt_folder_copy_id(fs, r) != NULL;
	case NODE_FOLDER_METADATA:
		return false;
	default:
		return r->has_file || r->copy;
	}
}

/* Creates or removes a fixed child. Removal (by rm -r, or by tar before it creates the file) does
 * not affect the copy. */
static int receipt_folder_set_child(struct receipt *r, enum node_kind kind, bool there)
{
	struct receipt_work *w = receipts_work(r);

	if (!w)
		return -ENOMEM;
	w->created = there ? w->created | receipt_folder_bit(kind)
			   : w->created & ~receipt_folder_bit(kind);
	w->removed = there ? w->removed & ~receipt_folder_bit(kind)
			   : w->removed | receipt_folder_bit(kind);
	if (!there && kind == NODE_FOLDER_DESCRIPTION)
		buf_finish(&w->description);
	return 0;
}

static int receipt_folder_find(
	struct fs *fs, struct node folder, const char *name, struct node *child)
{
	struct receipt *r = receipt_folder_get(fs, folder);
	char target[NAME_MAX + 1];

	if (!r)
		return -ENOENT;
	if (r->has_file && !strcmp(name, r->file_name)) {
		*child =
			(struct node){.kind = NODE_RECEIPT, .region = r->region, .slot = r->number};
		return 0;
	}
	if (folders_find(children, ARRAY_LEN(children), folder, name, child) == 0)
		return receipt_folder_has_child(fs, r, child->kind) ? 0 : -ENOENT;
	/* rsync's temporary name for a fixed child stands for that child. */
	if (r->work && r->work->temporary && !strcmp(name, r->work->temporary) &&
		names_rsync_target(name, target))
		return folders_find(children, ARRAY_LEN(children), folder, target, child);
	return -ENOENT;
}

static bool receipt_folder_next(
	struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct receipt *r = receipt_folder_get(fs, folder);

	if (!r)
		return false;
	while (folders_next(children, ARRAY_LEN(children), folder, pos, out))
		if (receipt_folder_has_child(fs, r, out->node.kind))
			return true;
	if (*pos > ARRAY_LEN(children) || !r->has_file)
		return false;
	++*pos;
	snprintf(out->name, sizeof(out->name), "%s", r->file_name);
	out->node = (struct node){.kind = NODE_RECEIPT, .region = r->region, .slot = r->number};
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

static int receipt_folder_create_file(struct fs *fs, struct receipt *r, const char *name,
	struct handle *h, struct node *child, struct err *err)
{
	if (receipts_check_writable(fs, r, err) < 0)
		return -err->errnum;
	if (!receipts_work(r))
		return err_set(err, ENOMEM, "out of memory");
	if (r->has_file)
		return err_set(err, EPERM,
			"'%s' asks for one copy, by its file %s; to ask for another, write a file "
			"of another name beside the folder",
			r->name, r->file_name);
	free(r->file_name);
	r->file_name = strdup(name);
	if (!r->file_name)
		return err_set(err, ENOMEM, "out of memory");
	r->has_file = true;
	r->work->writers += h != NULL;
	child->kind = NODE_RECEIPT;
	return 0;
}

static int receipt_folder_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	struct receipt *r = receipt_folder_get(fs, folder);
	char target[NAME_MAX + 1];
	struct receipt_work *w;

	(void)mode;
	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	if (!names_rsync_target(name, target))
		strcpy(target, name);
	if (folders_find(children, ARRAY_LEN(children), folder, target, child) < 0) {
		*child = folder;
		return receipt_folder_create_file(fs, r, name, h, child, err);
	}
	if (child->kind != NODE_FOLDER_DESCRIPTION && child->kind != NODE_FOLDER_METADATA &&
		child->kind != NODE_RECEIPT_STATUS)
		return err_set(
			err, EINVAL, "the name '%s' is ebsfs's own in a receipt's folder", name);
	if (receipt_folder_set_child(r, child->kind, true) < 0)
		return err_set(err, ENOMEM, "out of memory");
	w = r->work;
	if (strcmp(name, target) != 0) {
		free(w->temporary);
		w->temporary = strdup(name);
		if (!w->temporary)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

static int receipt_folder_mkdir(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err)
{
	struct receipt *r = receipt_folder_get(fs, folder);
	struct receipt_work *w;

	(void)mode;
	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	if (strcmp(name, "tags") != 0)
		return err_set(err, EPERM,
			"a receipt's folder has no folder but tags/; make a folder for another "
			"copy beside it");
	w = receipts_work(r);
	if (!w)
		return err_set(err, ENOMEM, "out of memory");
	if (w->has_tags)
		return err_set(err, EEXIST, "tags/ is there");
	w->has_tags = true;
	*child = folder;
	child->kind = NODE_FOLDER_TAGS;
	return 0;
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
	else if (r->has_file)
		pending_reply_errno(reply, ENOTEMPTY);
	else
		receipt_remove(fs, r, reply);
}

void receipt_folder_remove_child(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct receipt *r = receipt_folder_get(fs, n);

	pending_reply_errno(reply, !r ? ENOENT : -receipt_folder_set_child(r, n.kind, false));
}

/* A recursive copy of a receipt's folder brings its link `copy`, whatever it points to: the link is
 * there from now on, and leads to this receipt's own copy. */
static int receipt_folder_symlink(
	struct fs *fs, struct node folder, const char *name, struct node *child, struct err *err)
{
	struct receipt *r = receipt_folder_get(fs, folder);

	if (strcmp(name, "copy") != 0)
		return err_set(err, EPERM, "no link can be made here; to ask for a copy use cp");
	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	*child = folder;
	child->kind = NODE_FOLDER_COPY;
	return receipt_folder_set_child(r, child->kind, true) < 0
		       ? err_set(err, ENOMEM, "out of memory")
		       : 0;
}

static int receipt_folder_description_text(struct fs *fs, struct node n, struct buf *out)
{
	struct receipt *r = receipt_folder_get(fs, n);
	const struct copy *copy = r ? receipts_copy(fs, r) : NULL;

	if (!r)
		return -ENOENT;
	if (r->work && r->work->description.len)
		return buf_printf(out, "%s\n", r->work->description.data);
	return copy && copy->row.description ? buf_printf(out, "%s\n", copy->row.description) : 0;
}

static int receipt_folder_metadata_text(struct fs *fs, struct node n, struct buf *out)
{
	(void)fs;
	(void)n;
	(void)out;
	return 0;
}

static int receipt_folder_open_write(
	struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	(void)h;
	struct receipt *r = receipt_folder_get(fs, n);

	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	return receipts_work(r) ? 0 : err_set(err, ENOMEM, "out of memory");
}

static void receipt_folder_description_commit(struct handle *h, struct pending_reply *reply)
{
	struct receipt *r = receipt_folder_get(h->fs, h->node);

	receipt_tags_commit_line(h, NULL, r ? &r->work->description : NULL, reply);
}

static int receipt_folder_copy_target(struct fs *fs, struct node n, struct buf *out)
{
	struct receipt *r = receipt_folder_get(fs, n);
	const char *id = r ? receipt_folder_copy_id(fs, r) : NULL;

	if (!r)
		return -ENOENT;
	if (!id)
		return buf_puts(out, "not-copied-yet");
	return buf_printf(out, "%s%s", r->in_snapshots ? "../" : "../snapshots/", id);
}

int receipt_folder_rename(
	struct fs *fs, struct node n, const char *old_name, const char *name, struct err *err)
{
	struct receipt *r = receipt_folder_get(fs, n);
	struct node other;
	char target[NAME_MAX + 1];
	bool written = names_rsync_target(old_name, target) && !strcmp(target, name);
	char *file_name;

	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	if (n.kind == NODE_FOLDER_TAG)
		return receipt_tags_rename(fs, n, name, err);
	if (n.kind == NODE_RECEIPT &&
		folders_find(children, ARRAY_LEN(children), n, name, &other) < 0) {
		file_name = strdup(name);
		if (!file_name)
			return err_set(err, ENOMEM, "out of memory");
		free(r->file_name);
		r->file_name = file_name;
		receipts_save(fs, r);
		return 0;
	}
	if (!written)
		return err_set(err, EPERM,
			"'%s' has its name from ebsfs; here only tags and the snapshot file can "
			"be renamed",
			old_name);
	if (r->work)
		free(steal(&r->work->temporary));
	return 0;
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
const struct node_ops folder_description_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER,
	.text = receipt_folder_description_text,
	.open_write = receipt_folder_open_write,
	.write = handle_write,
	.truncate = handle_truncate,
	.commit = receipt_folder_description_commit,
	.set_attr = handle_ignore_attr,
	.remove = receipt_folder_remove_child,
};
const struct node_ops folder_metadata_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER,
	.text = receipt_folder_metadata_text,
	.open_write = receipt_folder_open_write,
	.write = handle_write,
	.truncate = handle_truncate,
	.commit = handle_drop,
	.set_attr = handle_ignore_attr,
	.remove = receipt_folder_remove_child,
};
const struct node_ops folder_copy_ops = {.type = S_IFLNK,
	.mode = 0777,
	.trust = TRUST_NEVER,
	.text = receipt_folder_copy_target,
	.set_attr = handle_ignore_attr,
	.remove = receipt_folder_remove_child};
