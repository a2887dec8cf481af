/* SPDX-License-Identifier: MIT */
/* A snapshot's tags as files: reading, and writing as CreateTags. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "delete.h"
#include "draft.h"
#include "last_error.h"
#include "names.h"
#include "nodes.h"
#include "snapshot_folder.h"
#include "tags.h"
#include "utf8.h"

static struct node tag_node(struct node folder, uint32_t key)
{
	return (struct node){
		.kind = NODE_TAG, .region = folder.region, .slot = folder.slot, .sub = key};
}

static int tags_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	struct catalogue *c = fs_catalogue(fs, folder);
	char key[NAME_MAX + 1];
	uint32_t number;

	if (drafts_find(fs->drafts, folder, name))
		return draft_find(fs, folder, name, child);
	if (!names_unescape(name, key) || !catalogue_tag_value(c, folder.slot, key))
		return -ENOENT;
	number = catalogue_key_number(c, key);
	if (number > NODE_SUB_MAX)
		return -ENOMEM;
	*child = tag_node(folder, number);
	return 0;
}

/* From this position on the scratch files follow. */
#define SCRATCH_FROM ((uint64_t)1 << 32)

static bool tags_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct catalogue *c = fs_catalogue(fs, folder);
	struct ec2_tag tag;
	uint64_t at;

	while (*pos < SCRATCH_FROM && catalogue_tag(c, folder.slot, (unsigned)*pos, &tag)) {
		uint32_t number = catalogue_key_number(c, tag.key);

		++*pos;
		/* A key that is too long for a file name appears in metadata.json only. */
		if (number > NODE_SUB_MAX || !names_escape(tag.key, out->name) ||
			drafts_find(fs->drafts, folder, out->name))
			continue;
		out->node = tag_node(folder, number);
		return true;
	}
	at = *pos < SCRATCH_FROM ? 0 : *pos - SCRATCH_FROM;
	if (!draft_next(fs, folder, &at, out))
		return false;
	*pos = SCRATCH_FROM + at;
	return true;
}

static const char *tag_value(struct fs *fs, struct node n)
{
	struct catalogue *c = fs_catalogue(fs, n);
	const char *key = catalogue_key_text(c, n.sub);

	return key ? catalogue_tag_value(c, n.slot, key) : NULL;
}

static int tag_attr(struct fs *fs, struct node n, struct stat *st)
{
	int r = snapshot_child_attr(fs, n, st);
	const char *key = catalogue_key_text(fs_catalogue(fs, n), n.sub), *value = tag_value(fs, n);

	if (r < 0)
		return r;
	if (!key)
		return -ENOENT;
	if (names_is_reserved(key))
		st->st_mode &= ~(mode_t)0222;
	/* A new tag has no value until the first close(). */
	st->st_size = value ? (off_t)strlen(value) + 1 : 0;
	return 0;
}

static int tag_text(struct fs *fs, struct node n, struct buf *out)
{
	const char *value = tag_value(fs, n);

	return value ? buf_printf(out, "%s\n", value) : -ENOENT;
}

static int tag_check_key(const struct fs *fs, struct node n, const char *key, struct err *err)
{
	if (fs_check_own(fs, n, err) < 0)
		return -err->errnum;
	if (names_is_reserved(key))
		return err_set(err, EPERM,
			"tags that begin with aws: or ebsfs: are AWS's and ebsfs's own, and "
			"read-only; choose another key");
	return 0;
}

int tags_parse_name(const char *name, char key[NAME_MAX + 1], struct err *err)
{
	ssize_t characters;

	if (utf8_count(name, strlen(name)) < 0)
		return err_set(err, EINVAL,
			"the tag's key is not UTF-8, which EC2 needs; convert it (iconv)");
	if (!names_unescape(name, key))
		return err_set(err, EINVAL,
			"this is not the name of a tag: write '/' as %%2F, '%%' as %%25, the dots "
			"of a key "
			"that is only dots as %%2E, and the bytes of control characters likewise");
	characters = utf8_count(key, strlen(key));
	if (characters < 0 || characters > EC2_TAG_KEY_MAX)
		return err_set(err, EINVAL,
			"the tag's key has %zd characters, and EC2 permits %d; shorten it",
			characters, EC2_TAG_KEY_MAX);
	return 0;
}

static void tags_unhide(struct fs *fs, struct node folder, const char *name)
{
	struct draft *hidden = drafts_find(fs->drafts, folder, name);

	if (hidden)
		drafts_remove(fs->drafts, hidden);
}

static int tags_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	char key[NAME_MAX + 1];
	uint32_t number;
	int result;

	if (fs_check_own(fs, folder, err) < 0)
		return -err->errnum;
	if (names_is_scratch(name) || draft_is_temporary(h, mode)) {
		result = draft_create(fs, folder, name, mode, h, child, err);
		if (result == 0)
			drafts_expire(fs->drafts, drafts_get(fs->drafts, *child));
		return result;
	}
	if (tags_parse_name(name, key, err) < 0 || tag_check_key(fs, folder, key, err) < 0)
		return -err->errnum;
	number = catalogue_key_number(fs_catalogue(fs, folder), key);
	if (number > NODE_SUB_MAX)
		return err_set(err, ENOMEM, "out of memory");
	tags_unhide(fs, folder, name);
	*child = tag_node(folder, number);
	return 0;
}

/* Accepts the link .#NAME, by which emacs locks a file. */
static int tags_symlink(struct fs *fs, struct node folder, const char *name, const char *target,
	struct node *child, struct err *err)
{
	int result;

	if (!names_is_scratch(name))
		return err_set(err, EPERM, "a tag is a file: echo VALUE > tags/KEY");
	result = draft_symlink(fs, folder, name, target, child, err);
	if (result == 0)
		drafts_expire(fs->drafts, drafts_get(fs->drafts, *child));
	return result;
}

static int tag_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	const char *key = catalogue_key_text(fs_catalogue(fs, n), n.sub);

	(void)h;
	return key ? tag_check_key(fs, n, key, err)
		   : err_set(err, ENOENT, "the tag no longer exists");
}

/* One CreateTags in flight; for mv of a tag, followed by the DeleteTags of its old key. */
struct tagging {
	struct tagging *prev, *next; /* in fs->taggings, while it is in flight */
	struct fs *fs;
	struct node node;
	struct pending_reply *reply; /* NULL after the last close() or an interrupt */
	uid_t user;
	char key[NAME_MAX + 1];
	struct buf value;
	char old_key[NAME_MAX + 1]; /* the key that mv deletes; "": none */
	struct node scratch;        /* NODE_DRAFT: the scratch file that becomes the tag and then
				     * disappears */
};

/* Reports an error that occurred after the last close(), which could not return it. */
static void tag_report(struct fs *fs, struct node n, uid_t user, const struct err *err)
{
	char path[NODE_PATH_SIZE], what[NODE_PATH_SIZE + 8];

	snprintf(what, sizeof(what), "write %s", node_path(fs, n, NULL, path));
	last_error_report(fs->last_error, user, what, err);
}

static void tagging_end(struct tagging *t, const struct err *err)
{
	if (t->reply)
		pending_reply_err(t->reply, err);
	else if (err)
		tag_report(t->fs, t->node, t->user, err);
	DL_DELETE(t->fs->taggings, t);
	buf_finish(&t->value);
	free(t);
}

static void tagging_old_deleted(void *arg, const struct err *err)
{
	struct tagging *t = arg;

	if (!err)
		catalogue_override_tag(fs_catalogue(t->fs, t->node), t->node.slot, t->old_key, NULL,
			clock_mono_ms());
	tagging_end(t, err);
}

static void tagging_drop_scratch(struct tagging *t)
{
	struct draft *d = drafts_get(t->fs->drafts, t->scratch);
	struct node folder = t->node;
	char name[NAME_MAX + 1];

	folder.kind = NODE_TAGS;
	folder.sub = 0;
	if (names_escape(t->key, name))
		tags_unhide(t->fs, folder, name);
	if (d && !d->gone)
		drafts_remove(t->fs->drafts, d);
}

static void tagging_created(void *arg, const struct err *err)
{
	struct tagging *t = arg;
	struct catalogue *c = fs_catalogue(t->fs, t->node);
	struct err none;

	if (!err)
		catalogue_override_tag(
			c, t->node.slot, t->key, buf_str(&t->value), clock_mono_ms());
	if (!err && t->scratch.kind == NODE_DRAFT)
		tagging_drop_scratch(t);
	if (err || !*t->old_key) {
		tagging_end(t, err);
	} else if (!ec2_delete_tag(t->fs->aws, region_name(fs_region(t->fs, t->node)),
			   catalogue_id(c, t->node.slot), t->old_key, tagging_old_deleted, t)) {
		err_set(&none, ENOMEM, "out of memory");
		tagging_end(t, &none);
	}
}

/* Sends the CreateTags of `t`, which it owns from now on; `a` may be NULL. */
static void tagging_send(struct tagging *t, struct pending_reply *a)
{
	struct fs *fs = t->fs;
	struct ec2_tag tag = {t->key, buf_str(&t->value)};

	DL_PREPEND(fs->taggings, t);
	t->reply = a;
	if (!ec2_create_tags(fs->aws, region_name(fs_region(fs, t->node)),
		    catalogue_id(fs_catalogue(fs, t->node), t->node.slot), &tag, 1, tagging_created,
		    t)) {
		struct err err;

		err_set(&err, ENOMEM, "out of memory");
		tagging_end(t, &err);
	} else if (a) {
		pending_reply_detach_on_interrupt(&t->reply);
	}
}

void tags_each_change(const struct fs *fs, void (*fn)(void *arg, struct node n), void *arg)
{
	for (const struct tagging *t = fs->taggings; t; t = t->next)
		fn(arg, t->node);
}

static struct tagging *tagging_create(struct fs *fs, struct node n, const char *key, uid_t user)
{
	struct tagging *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fs = fs;
	t->node = n;
	t->user = user;
	snprintf(t->key, sizeof(t->key), "%s", key);
	return t;
}

static void tag_write(struct handle *h, struct pending_reply *a)
{
	struct tagging *t = tagging_create(h->fs, h->node,
		catalogue_key_text(fs_catalogue(h->fs, h->node), h->node.sub), h->uid);

	h->dirty = false;
	h->committed = true;
	if (t && handle_line(h, &t->value) == 0) {
		tagging_send(t, a);
		return;
	}
	free(t);
	if (a)
		pending_reply_errno(a, ENOMEM);
}

/* Hides the tag, and keeps its value as the scratch file `name`. */
static int tags_hide(struct fs *fs, struct node folder, const char *old_key, const char *value,
	const char *name, struct err *err)
{
	char old_name[NAME_MAX + 1];
	struct draft *d, *hidden;
	int result;

	if (tag_check_key(fs, folder, old_key, err) < 0)
		return -err->errnum;
	tags_unhide(fs, folder, name); /* replaces a hidden tag or a scratch file of this name */
	d = drafts_make(fs, folder, name, DRAFT_FILE, 0644, err);
	if (!d)
		return -err->errnum;
	drafts_expire(fs->drafts, d);
	result = names_escape(old_key, old_name) ? drafts_write_line(fs->drafts, d, value, err)
						 : err_set(err, ENOMEM, "out of memory");
	hidden = result < 0 ? NULL : drafts_make(fs, folder, old_name, DRAFT_WHITEOUT, 0, err);
	if (!hidden) {
		drafts_remove(fs->drafts, d);
		return -err->errnum;
	}
	drafts_expire(fs->drafts, hidden);
	return 0;
}

/* Checks the new name of a tag that is renamed, and writes its key. */
static int tags_check_target(struct fs *fs, struct node folder, const char *name, bool noreplace,
	char key[NAME_MAX + 1], struct err *err)
{
	struct node there;

	if (tags_parse_name(name, key, err) < 0 || tag_check_key(fs, folder, key, err) < 0)
		return -err->errnum;
	if (noreplace && tags_find(fs, folder, name, &there) == 0)
		return err_set(err, EEXIST, "the tag '%s' exists already", name);
	return 0;
}

void tags_rename(struct fs *fs, struct node n, struct node folder, const char *name, bool noreplace,
	struct pending_reply *a)
{
	const char *old_key = catalogue_key_text(fs_catalogue(fs, n), n.sub),
		   *value = tag_value(fs, n);
	char key[NAME_MAX + 1];
	struct tagging *t;
	struct err err;

	if (!old_key || !value) {
		pending_reply_errno(a, ENOENT);
		return;
	}
	if (names_is_scratch(name)) {
		int result = tags_hide(fs, folder, old_key, value, name, &err);

		pending_reply_err(a, result < 0 ? &err : NULL);
		return;
	}
	if (tags_check_target(fs, folder, name, noreplace, key, &err) == 0 &&
		tag_check_key(fs, folder, old_key, &err) == 0) {
		t = tagging_create(fs, n, key, pending_reply_user(a));
		if (t && buf_puts(&t->value, value) == 0) {
			if (strcmp(key, old_key) != 0)
				snprintf(t->old_key, sizeof(t->old_key), "%s", old_key);
			tagging_send(t, a);
			return;
		}
		free(t);
		err_set(&err, ENOMEM, "out of memory");
	}
	pending_reply_err(a, &err);
}

/* Writes the scratch file's text as the tag. */
static int tags_write_scratch(struct fs *fs, const struct draft *d, struct node folder,
	const char *key, struct pending_reply *a, struct err *err)
{
	size_t len = d->text.len;
	const char *old;
	struct tagging *t;

	len -= len && d->text.data[len - 1] == '\n';
	if (tags_check_value(buf_str(&d->text), len, err) < 0)
		return -err->errnum;
	t = tagging_create(fs,
		tag_node(folder, catalogue_key_number(fs_catalogue(fs, folder), key)), key,
		pending_reply_user(a));
	if (!t || buf_add(&t->value, buf_str(&d->text), len) < 0) {
		free(t);
		return err_set(err, ENOMEM, "out of memory");
	}
	t->scratch = drafts_node(d);
	old = catalogue_tag_value(fs_catalogue(fs, folder), folder.slot, key);
	if (old && !strcmp(old, buf_str(&t->value))) { /* an editor restores its backup */
		tagging_drop_scratch(t);
		buf_finish(&t->value);
		free(t);
		pending_reply_ok(a);
	} else {
		tagging_send(t, a);
	}
	return 0;
}

void tags_rename_scratch(struct fs *fs, struct node file, struct node folder, const char *name,
	bool noreplace, struct pending_reply *a)
{
	struct draft *d = drafts_get(fs->drafts, file);
	char key[NAME_MAX + 1];
	struct err err;
	int result;

	if (!d || d->gone)
		result = err_set(&err, ENOENT, "the file no longer exists");
	else if (names_is_scratch(name))
		result = drafts_rename(fs->drafts, d, folder, name) < 0
				 ? err_set(&err, ENOMEM, "out of memory")
				 : 0;
	else if (d->type != DRAFT_FILE)
		result = err_set(&err, EPERM, "a tag is a file: echo VALUE > tags/KEY");
	else if (tags_check_target(fs, folder, name, noreplace, key, &err) < 0 ||
		 tags_write_scratch(fs, d, folder, key, a, &err) < 0)
		result = -err.errnum;
	else
		return;
	pending_reply_err(a, result < 0 ? &err : NULL);
}

int tags_check_value(const char *value, size_t len, struct err *err)
{
	ssize_t characters = utf8_count(value, len);

	if (characters < 0 || memchr(value, '\0', len))
		return err_set(err, EINVAL,
			"the tag's value is not text in UTF-8, which EC2 needs; convert it "
			"(iconv)");
	if (characters > EC2_TAG_VALUE_MAX)
		return err_set(err, EINVAL,
			"the tag's value has %zd characters, and EC2 permits %d; shorten it",
			characters, EC2_TAG_VALUE_MAX);
	return 0;
}

static int tag_check_text(const struct handle *h, struct err *err)
{
	size_t len = h->text.len;

	len -= len && h->text.data[len - 1] == '\n';
	return tags_check_value(buf_str(&h->text), len, err);
}

/* Writes the tag. An empty text is written only at the last close: a shell closes once between open
 * and write (`echo v > k` duplicates the descriptor). */
static void tag_commit(struct handle *h, struct pending_reply *a)
{
	struct err err;

	if (!h->dirty || !h->text.len || handle_is_shared(h, a)) {
		pending_reply_ok(a);
		return;
	}
	if (tag_check_text(h, &err) < 0) {
		h->dirty = false;
		h->committed = true;
		pending_reply_err(a, &err);
		return;
	}
	tag_write(h, a);
}

static void tag_closed(struct handle *h)
{
	struct err err;

	if (h->text.len ? !h->dirty : h->committed || !(h->dirty || h->created))
		return;
	if (tag_check_text(h, &err) == 0)
		tag_write(h, NULL);
	else
		tag_report(h->fs, h->node, h->uid, &err);
}

/* Accepts times and modes for `touch` and `cp -p`, without keeping them. */
static int tag_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	(void)st;
	(void)which;
	return tag_open_write(fs, n, NULL, err);
}

const struct node_ops tags_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_LISTING,
	.counted = NODE_SNAPSHOT,
	.instead = "a tag is a file: echo VALUE > tags/KEY",
	.attr = snapshot_child_attr,
	.find = tags_find,
	.next = tags_next,
	.create = tags_create,
	.symlink = tags_symlink,
};
const struct node_ops tag_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER, /* other tools change tags too, and tags are rarely read */
	.counted = NODE_SNAPSHOT,
	.attr = tag_attr,
	.text = tag_text,
	.open_write = tag_open_write,
	.write = handle_write,
	.truncate = handle_truncate,
	.commit = tag_commit,
	.closed = tag_closed,
	.set_attr = tag_set_attr,
	.remove = delete_tag,
};
