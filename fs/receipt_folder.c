/* SPDX-License-Identifier: MIT */
/* A receipt that is a folder, as cp -r makes it: the snapshot file in it asks, with the description and the tags that stand beside it. */
#include "receipt_folder.h"

#include <errno.h>
#include <string.h>

#include "folders.h"
#include "names.h"
#include "nodes.h"
#include "receipts.h"

/* description, metadata.json and tags/ can be written; status is the copy's. What is copied into metadata.json and status by a recursive copy says
 * nothing about this copy and is dropped. */
static const struct fixed_child children[] = {
	{"description", NODE_FOLDER_DESCRIPTION, false},
	{"metadata.json", NODE_FOLDER_METADATA, false},
	{"tags", NODE_FOLDER_TAGS, false},
	{"copy", NODE_FOLDER_COPY, false},
	{"status", NODE_RECEIPT_STATUS, false},
	{".wait", NODE_RECEIPT_WAIT, true},
};

static struct receipt *get(struct fs *fs, struct node n)
{
	return receipts_get(fs->receipts, n);
}

static const char *copy_id(struct fs *fs, const struct receipt *r)
{
	const struct copy *copy = receipts_copy(fs, r);

	return copy ? copy->row.copy_id : NULL;
}

/* Whether the fixed child is there at this moment. cp -r makes each file of a new folder with O_EXCL: nothing may be there before its time. */
static bool present(struct fs *fs, const struct receipt *r, enum node_kind kind)
{
	switch (kind) {
	case NODE_FOLDER_DESCRIPTION:
		return r->description.len > 0 || r->description.cap > 0 || r->row.copy;
	case NODE_FOLDER_TAGS:
		return r->has_tags;
	case NODE_FOLDER_COPY:
		return copy_id(fs, r) != NULL;
	case NODE_FOLDER_METADATA:
		return r->has_metadata;
	default:
		return r->has_status || r->has_file || r->row.copy;
	}
}

static int folder_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	struct receipt *r = get(fs, folder);
	char target[NAME_MAX + 1];

	if (!r)
		return -ENOENT;
	if (r->has_file && !strcmp(name, r->row.file_name)) {
		*child = (struct node){.kind = NODE_RECEIPT, .region = r->region, .slot = r->number};
		return 0;
	}
	if (folders_find(children, ARRAY_LEN(children), folder, name, child) == 0)
		return present(fs, r, child->kind) ? 0 : -ENOENT;
	/* The name under which rsync is writing one of them is that file. */
	if (!strcmp(name, r->temporary) && names_rsync_target(name, target))
		return folders_find(children, ARRAY_LEN(children), folder, target, child);
	return -ENOENT;
}

static bool folder_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct receipt *r = get(fs, folder);

	if (!r)
		return false;
	while (folders_next(children, ARRAY_LEN(children), folder, pos, out))
		if (present(fs, r, out->node.kind))
			return true;
	if (*pos > ARRAY_LEN(children) || !r->has_file)
		return false;
	++*pos;
	snprintf(out->name, sizeof(out->name), "%s", r->row.file_name);
	out->node = (struct node){.kind = NODE_RECEIPT, .region = r->region, .slot = r->number};
	return true;
}

static int folder_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct receipt *r = get(fs, n);

	if (!r)
		return -ENOENT;
	receipts_attr(r, st);
	return 0;
}

static int create_file(struct fs *fs, struct receipt *r, const char *name, struct handle *h, struct node *child, struct err *err)
{
	if (receipts_check_writable(fs, r, err) < 0)
		return -err->errnum;
	if (r->has_file)
		return err_set(err, EPERM, "'%s' asks for one copy, by its file %s; a second file has no place in it", r->row.name,
			r->row.file_name);
	free(r->row.file_name);
	r->row.file_name = strdup(name);
	if (!r->row.file_name)
		return err_set(err, ENOMEM, "out of memory");
	r->has_file = true;
	r->writers += h != NULL;
	child->kind = NODE_RECEIPT;
	return 0;
}

static int folder_create(
	struct fs *fs, struct node folder, const char *name, mode_t mode, struct handle *h, struct node *child, struct err *err)
{
	struct receipt *r = get(fs, folder);
	char target[NAME_MAX + 1];

	(void)mode;
	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	if (!names_rsync_target(name, target))
		strcpy(target, name);
	if (folders_find(children, ARRAY_LEN(children), folder, target, child) < 0) {
		*child = folder;
		return create_file(fs, r, name, h, child, err);
	}
	if (child->kind == NODE_FOLDER_DESCRIPTION)
		buf_resize(&r->description, 0); /* there from now on, if empty */
	else if (child->kind == NODE_FOLDER_METADATA)
		r->has_metadata = true;
	else if (child->kind == NODE_RECEIPT_STATUS)
		r->has_status = true;
	else
		return err_set(err, EINVAL, "the name '%s' is ebsfs's own in a receipt's folder", name);
	if (strcmp(name, target) != 0)
		strcpy(r->temporary, name);
	return 0;
}

static int folder_mkdir(
	struct fs *fs, struct node folder, const char *name, mode_t mode, struct node *child, struct err *err)
{
	struct receipt *r = get(fs, folder);

	(void)mode;
	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	if (strcmp(name, "tags") != 0)
		return err_set(err, EPERM, "a receipt's folder has no folder but tags/");
	if (r->has_tags)
		return err_set(err, EEXIST, "tags/ is there");
	r->has_tags = true;
	*child = folder;
	child->kind = NODE_FOLDER_TAGS;
	return 0;
}

static int folder_set_attr(struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	struct receipt *r = get(fs, n);

	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	receipts_set_attr(fs, r, st, which);
	return 0;
}

/* Attributes of what stands in the folder are taken kindly, for cp -a, and not kept. */
static int ignore_attr(struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	(void)fs;
	(void)n;
	(void)st;
	(void)which;
	(void)err;
	return 0;
}

static void folder_remove(struct fs *fs, struct node n, struct answer *a)
{
	struct receipt *r = get(fs, n);

	if (!r)
		answer_errno(a, ENOENT);
	else if (r->has_file)
		answer_errno(a, ENOTEMPTY);
	else
		receipt_remove(fs, r, a);
}

/* rm -r of the folder takes these one by one; only the snapshot file means something. */
static void child_remove(struct fs *fs, struct node n, struct answer *a)
{
	struct receipt *r = get(fs, n);

	if (r && n.kind == NODE_FOLDER_TAGS)
		r->has_tags = false;
	if (r && n.kind == NODE_FOLDER_DESCRIPTION)
		buf_finish(&r->description);
	if (r && n.kind == NODE_FOLDER_METADATA)
		r->has_metadata = false;
	answer_ok(a);
}

static int description_text(struct fs *fs, struct node n, struct buf *out)
{
	struct receipt *r = get(fs, n);
	const struct copy *copy = r ? receipts_copy(fs, r) : NULL;

	if (!r)
		return -ENOENT;
	if (r->description.len)
		return buf_printf(out, "%s\n", r->description.data);
	return copy && copy->row.description ? buf_printf(out, "%s\n", copy->row.description) : 0;
}

static int metadata_text(struct fs *fs, struct node n, struct buf *out)
{
	(void)fs;
	(void)n;
	(void)out;
	return 0;
}

static int open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	(void)h;
	return get(fs, n) ? 0 : err_set(err, ENOENT, "the folder is gone");
}

/* Whether the copy, once asked for, says the same anyway: rsync writes tags/ after the snapshot file that asked, which took them from the source.
 * key NULL: the description. */
static bool says_the_same(struct fs *fs, const struct receipt *r, const char *key, const struct buf *value)
{
	const struct copy *copy = receipts_copy(fs, r);
	struct region *region = copy ? regions_get(fs->regions, copy->row.source_region) : NULL;
	const struct catalogue *c = region ? region_catalogue(region) : NULL;
	catalogue_slot slot = c ? catalogue_find(c, copy->row.source_id) : CATALOGUE_NONE;
	struct catalogue_snapshot s;
	const char *told;

	if (!key && copy && copy->row.description && !strcmp(copy->row.description, buf_str(value)))
		return true;
	if (slot == CATALOGUE_NONE || !catalogue_get(c, slot, &s))
		return false;
	told = key ? catalogue_tag_value(c, slot, key) : s.description;
	return told && !strcmp(told, buf_str(value));
}

/* What was written into `to`, or beside a copy that has been asked for. */
static void commit_line(struct handle *h, const char *key, struct buf *to, struct answer *a)
{
	struct receipt *r = get(h->fs, h->node);
	_cleanup_buf_ struct buf line = BUF_INIT;
	struct err err;

	if (!r || !h->dirty) {
		answer_ok(a);
		return;
	}
	h->dirty = false;
	if (handle_line(h, &line) < 0)
		err_set(&err, ENOMEM, "out of memory");
	else if (receipts_is_fixed(h->fs, r) && !says_the_same(h->fs, r, key, &line))
		err_set(&err, EEXIST, "'%s' has asked for its copy already; write to the new snapshot's own tags, in '%s/copy/tags'", r->row.name,
			r->row.name);
	else {
		buf_finish(to);
		*to = line;
		line = BUF_INIT;
		answer_ok(a);
		return;
	}
	answer_err(a, &err);
}

static void description_commit(struct handle *h, struct answer *a)
{
	struct receipt *r = get(h->fs, h->node);

	commit_line(h, NULL, r ? &r->description : NULL, a);
}

static void drop_commit(struct handle *h, struct answer *a)
{
	(void)h;
	answer_ok(a);
}

static int copy_target(struct fs *fs, struct node n, struct buf *out)
{
	struct receipt *r = get(fs, n);
	const char *id = r ? copy_id(fs, r) : NULL;

	if (!r)
		return -ENOENT;
	if (!id)
		return buf_puts(out, "not-copied-yet");
	return buf_printf(out, "%s%s", *r->row.folder ? "../" : "../snapshots/", id);
}

/* --- tags/ --- */

static struct receipt_tag *find_tag(struct receipt *r, const char *name)
{
	for (size_t i = 0; r && i < r->n_tags; i++)
		if (!r->tags[i].removed && !strcmp(r->tags[i].key, name))
			return &r->tags[i];
	return NULL;
}

static int tags_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	struct receipt *r = get(fs, folder);
	struct receipt_tag *tag = find_tag(r, name);

	if (!tag)
		return -ENOENT;
	*child = folder;
	child->kind = NODE_FOLDER_TAG;
	child->sub = (uint32_t)(tag - r->tags);
	return 0;
}

static bool tags_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct receipt *r = get(fs, folder);

	while (r && *pos < r->n_tags) {
		const struct receipt_tag *tag = &r->tags[(*pos)++];

		if (tag->removed)
			continue;
		strcpy(out->name, tag->key);
		out->node = folder;
		out->node.kind = NODE_FOLDER_TAG;
		out->node.sub = (uint32_t)(tag - r->tags);
		return true;
	}
	return false;
}

/* More than EC2 can take, for rsync's temporary names, and less than would matter. */
#define TAGS_MAX 512

static int tags_create(
	struct fs *fs, struct node folder, const char *name, mode_t mode, struct handle *h, struct node *child, struct err *err)
{
	struct receipt *r = get(fs, folder);
	struct receipt_tag *tags;

	(void)mode;
	(void)h;
	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	if (r->n_tags == TAGS_MAX)
		return err_set(err, EDQUOT, "a snapshot bears at most %d tags", EC2_TAGS_MAX);
	tags = realloc(r->tags, (r->n_tags + 1) * sizeof(*tags));
	if (!tags)
		return err_set(err, ENOMEM, "out of memory");
	r->tags = tags;
	tags[r->n_tags] = (struct receipt_tag){0};
	buf_init(&tags[r->n_tags].value, 4096);
	snprintf(tags[r->n_tags].key, sizeof(tags[r->n_tags].key), "%s", name);
	*child = folder;
	child->kind = NODE_FOLDER_TAG;
	child->sub = (uint32_t)r->n_tags++;
	return 0;
}

static struct receipt_tag *tag_of(struct fs *fs, struct node n)
{
	struct receipt *r = get(fs, n);

	return r && n.sub < r->n_tags && !r->tags[n.sub].removed ? &r->tags[n.sub] : NULL;
}

static int tag_text(struct fs *fs, struct node n, struct buf *out)
{
	const struct receipt_tag *tag = tag_of(fs, n);

	return tag ? buf_printf(out, "%s\n", buf_str(&tag->value)) : -ENOENT;
}

static void tag_commit(struct handle *h, struct answer *a)
{
	struct receipt_tag *tag = tag_of(h->fs, h->node);
	char name[NAME_MAX + 1], key[NAME_MAX + 1];

	if (!tag) {
		answer_ok(a);
		return;
	}
	if (!names_rsync_target(tag->key, name))
		strcpy(name, tag->key);
	if (!names_unescape(name, key))
		strcpy(key, name);
	commit_line(h, key, &tag->value, a);
}

static void tag_remove(struct fs *fs, struct node n, struct answer *a)
{
	struct receipt_tag *tag = tag_of(fs, n);

	if (tag)
		tag->removed = true;
	answer_ok(a);
}

int receipt_folder_rename(struct fs *fs, struct node n, const char *old_name, const char *name, struct err *err)
{
	struct receipt *r = get(fs, n);
	struct receipt_tag *tag, *old;
	struct node other;
	char target[NAME_MAX + 1];
	bool written = names_rsync_target(old_name, target) && !strcmp(target, name);
	char *file_name;

	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	if (n.kind == NODE_FOLDER_TAG) {
		tag = tag_of(fs, n);
		old = find_tag(r, name);
		if (old && old != tag)
			old->removed = true;
		snprintf(tag->key, sizeof(tag->key), "%s", name);
		return 0;
	}
	if (n.kind == NODE_RECEIPT && folders_find(children, ARRAY_LEN(children), n, name, &other) < 0) {
		file_name = strdup(name);
		if (!file_name)
			return err_set(err, ENOMEM, "out of memory");
		free(r->row.file_name);
		r->row.file_name = file_name;
		receipts_save(fs, r);
		return 0;
	}
	if (!written)
		return err_set(err, EPERM, "'%s' has its name from ebsfs", old_name);
	r->temporary[0] = '\0';
	return 0;
}

const struct node_ops folder_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_NEVER,
	.attr = folder_attr,
	.find = folder_find,
	.next = folder_next,
	.create = folder_create,
	.mkdir = folder_mkdir,
	.set_attr = folder_set_attr,
	.remove = folder_remove,
};
const struct node_ops folder_description_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER,
	.text = description_text,
	.open_write = open_write,
	.write = handle_write,
	.truncate = handle_truncate,
	.commit = description_commit,
	.set_attr = ignore_attr,
	.remove = child_remove,
};
const struct node_ops folder_metadata_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER,
	.text = metadata_text,
	.open_write = open_write,
	.write = handle_write,
	.truncate = handle_truncate,
	.commit = drop_commit,
	.set_attr = ignore_attr,
	.remove = child_remove,
};
const struct node_ops folder_tags_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_NEVER,
	.find = tags_find,
	.next = tags_next,
	.create = tags_create,
	.set_attr = ignore_attr,
	.remove = child_remove,
};
const struct node_ops folder_tag_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER,
	.text = tag_text,
	.open_write = open_write,
	.write = handle_write,
	.truncate = handle_truncate,
	.commit = tag_commit,
	.set_attr = ignore_attr,
	.remove = tag_remove,
};
const struct node_ops folder_copy_ops = {
	.type = S_IFLNK, .mode = 0777, .trust = TRUST_NEVER, .text = copy_target, .set_attr = ignore_attr, .remove = child_remove};
