/* SPDX-License-Identifier: MIT */
/* The tags/ of a receipt's folder: exactly these tags are asked for with the copy. */
#include <errno.h>
#include <string.h>

#include "names.h"
#include "nodes.h"
#include "receipts.h"
#include "tags.h"
#include "utf8.h"

static struct receipt *receipt_tags_get(struct fs *fs, struct node n)
{
	return receipts_get(fs->receipts, n);
}

/* Whether the requested copy has this value anyway, from its source: rsync writes tags/ after the
 * snapshot file. key NULL: the description. */
static bool receipt_tags_match_copy(
	struct fs *fs, const struct receipt *r, const char *key, const struct buf *value)
{
	const struct copy *copy = receipts_copy(fs, r);
	struct region *region = copy ? regions_get(fs->regions, copy->row.source_region) : NULL;
	const struct catalogue *c = region ? region_catalogue(region) : NULL;
	catalogue_slot slot = c ? catalogue_find(c, copy->row.source_id) : CATALOGUE_NONE;
	struct catalogue_snapshot s;
	const char *source;

	if (!key && copy && copy->row.description && !strcmp(copy->row.description, buf_str(value)))
		return true;
	if (slot == CATALOGUE_NONE || !catalogue_get(c, slot, &s))
		return false;
	source = key ? catalogue_tag_value(c, slot, key) : s.description;
	return source && !strcmp(source, buf_str(value));
}

void receipt_tags_commit_line(
	struct handle *h, const char *key, struct buf *to, struct pending_reply *reply)
{
	struct receipt *r = receipt_tags_get(h->fs, h->node);
	_cleanup_buf_ struct buf line = BUF_INIT;
	struct err err;

	if (!r || !h->dirty) {
		pending_reply_ok(reply);
		return;
	}
	h->dirty = false;
	if (handle_line(h, &line) < 0)
		err_set(&err, ENOMEM, "out of memory");
	else if (key && tags_check_value(buf_str(&line), line.len, &err) < 0)
		; /* err says why */
	else if (!key && utf8_count(buf_str(&line), line.len) < 0)
		err_set(&err, EINVAL,
			"the description is not UTF-8, which EC2 needs; convert it (iconv)");
	else if (receipts_is_fixed(h->fs, r) && !receipt_tags_match_copy(h->fs, r, key, &line))
		err_set(&err, EEXIST,
			"'%s' has asked for its copy already; write to the new snapshot's own "
			"tags, in '%s/copy/tags'",
			r->name, r->name);
	else {
		buf_finish(to);
		*to = line;
		line = BUF_INIT;
		pending_reply_ok(reply);
		return;
	}
	pending_reply_err(reply, &err);
}

static struct receipt_tag *receipt_tags_by_name(struct receipt *r, const char *name)
{
	struct receipt_work *w = r ? r->work : NULL;

	for (size_t i = 0; w && i < w->n_tags; i++)
		if (!w->tags[i].removed && !strcmp(w->tags[i].key, name))
			return &w->tags[i];
	return NULL;
}

static int receipt_tags_find(
	struct fs *fs, struct node folder, const char *name, struct node *child)
{
	struct receipt *r = receipt_tags_get(fs, folder);
	struct receipt_tag *tag = receipt_tags_by_name(r, name);

	if (!tag)
		return -ENOENT;
	*child = folder;
	child->kind = NODE_FOLDER_TAG;
	child->sub = (uint32_t)(tag - r->work->tags);
	return 0;
}

static bool receipt_tags_next(
	struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct receipt *r = receipt_tags_get(fs, folder);

	while (r && r->work && *pos < r->work->n_tags) {
		const struct receipt_tag *tag = &r->work->tags[(*pos)++];

		if (tag->removed)
			continue;
		strcpy(out->name, tag->key);
		out->node = folder;
		out->node.kind = NODE_FOLDER_TAG;
		out->node.sub = (uint32_t)(tag - r->work->tags);
		return true;
	}
	return false;
}

/* More than EC2 can take, for rsync's temporary names, and less than would matter. */
#define TAGS_MAX 512

/* A key that EC2 cannot take is refused when it is written, not left out of the copy. */
static int receipt_tags_check_name(const char *name, struct err *err)
{
	char target[NAME_MAX + 1], key[NAME_MAX + 1];

	return tags_parse_name(names_rsync_target(name, target) ? target : name, key, err);
}

static int receipt_tags_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	struct receipt *r = receipt_tags_get(fs, folder);
	struct receipt_work *w;
	struct receipt_tag *tags;
	char *key;

	(void)mode;
	(void)h;
	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	if (receipt_tags_check_name(name, err) < 0)
		return -err->errnum;
	w = receipts_work(r);
	if (w && w->n_tags == TAGS_MAX)
		return err_set(err, EDQUOT, "a snapshot bears at most %d tags", EC2_TAGS_MAX);
	tags = w ? realloc(w->tags, (w->n_tags + 1) * sizeof(*tags)) : NULL;
	if (tags)
		w->tags = tags;
	key = tags ? strdup(name) : NULL;
	if (!key)
		return err_set(err, ENOMEM, "out of memory");
	tags[w->n_tags] = (struct receipt_tag){.key = key};
	buf_init(&tags[w->n_tags].value, 4096);
	*child = folder;
	child->kind = NODE_FOLDER_TAG;
	child->sub = (uint32_t)w->n_tags++;
	return 0;
}

static struct receipt_tag *receipt_tag_get(struct fs *fs, struct node n)
{
	struct receipt *r = receipt_tags_get(fs, n);

	struct receipt_work *w = r ? r->work : NULL;

	return w && n.sub < w->n_tags && !w->tags[n.sub].removed ? &w->tags[n.sub] : NULL;
}

static int receipt_tag_text(struct fs *fs, struct node n, struct buf *out)
{
	const struct receipt_tag *tag = receipt_tag_get(fs, n);

	return tag ? buf_printf(out, "%s\n", buf_str(&tag->value)) : -ENOENT;
}

static void receipt_tag_commit(struct handle *h, struct pending_reply *reply)
{
	struct receipt_tag *tag = receipt_tag_get(h->fs, h->node);
	char name[NAME_MAX + 1], key[NAME_MAX + 1];

	if (!tag) {
		pending_reply_ok(reply);
		return;
	}
	if (!names_rsync_target(tag->key, name))
		strcpy(name, tag->key);
	if (!names_unescape(name, key))
		strcpy(key, name);
	receipt_tags_commit_line(h, key, &tag->value, reply);
}

static void receipt_tag_remove(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct receipt_tag *tag = receipt_tag_get(fs, n);

	if (tag)
		tag->removed = true;
	pending_reply_errno(reply, tag ? 0 : ENOENT);
}

static int receipt_tag_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	(void)h;
	return receipt_tags_get(fs, n) ? 0 : err_set(err, ENOENT, "the folder is gone");
}

static void receipt_tags_remove(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct receipt *r = receipt_tags_get(fs, n);
	struct tree_entry entry;
	uint64_t pos = 0;

	if (!r || !r->work || !r->work->has_tags) {
		pending_reply_errno(reply, ENOENT);
	} else if (receipt_tags_next(fs, n, &pos, &entry)) {
		pending_reply_errno(reply, ENOTEMPTY);
	} else {
		r->work->has_tags = false;
		pending_reply_ok(reply);
	}
}

int receipt_tags_rename(struct fs *fs, struct node n, const char *name, struct err *err)
{
	struct receipt_tag *old = receipt_tags_by_name(receipt_tags_get(fs, n), name),
			   *tag = receipt_tag_get(fs, n);
	char *key;

	if (!tag)
		return err_set(err, ENOENT, "the tag is gone");
	if (receipt_tags_check_name(name, err) < 0)
		return -err->errnum;
	key = strdup(name);
	if (!key)
		return err_set(err, ENOMEM, "out of memory");
	if (old && old != tag)
		old->removed = true;
	free(tag->key);
	tag->key = key;
	return 0;
}

const struct node_ops folder_tags_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_NEVER,
	.find = receipt_tags_find,
	.next = receipt_tags_next,
	.create = receipt_tags_create,
	.set_attr = handle_ignore_attr,
	.remove = receipt_tags_remove,
};
const struct node_ops folder_tag_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER,
	.text = receipt_tag_text,
	.open_write = receipt_tag_open_write,
	.write = handle_write,
	.truncate = handle_truncate,
	.commit = receipt_tag_commit,
	.set_attr = handle_ignore_attr,
	.remove = receipt_tag_remove,
};
