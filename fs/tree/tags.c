/* SPDX-License-Identifier: MIT */
/* A snapshot's tags as files: reading, and writing as CreateTags. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "clock.h"
#include "delete.h"
#include "last_error.h"
#include "names.h"
#include "nodes.h"
#include "snapshot_folder.h"
#include "tags.h"
#include "utf8.h"

static bool tag_key_is_aws(const char *key)
{
	return !strncmp(key, "aws:", 4);
}

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

	if (!names_unescape(name, key) || !catalogue_tag_value(c, folder.slot, key))
		return -ENOENT;
	number = catalogue_key_number(c, key);
	if (number > NODE_SUB_MAX)
		return -ENOMEM;
	*child = tag_node(folder, number);
	return 0;
}

static bool tags_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct catalogue *c = fs_catalogue(fs, folder);
	struct ec2_tag tag;

	while (catalogue_tag(c, folder.slot, (unsigned)*pos, &tag)) {
		uint32_t number = catalogue_key_number(c, tag.key);

		++*pos;
		/* A key that is too long for a file name appears in metadata.json only. */
		if (number > NODE_SUB_MAX || !names_escape(tag.key, out->name))
			continue;
		out->node = tag_node(folder, number);
		return true;
	}
	return false;
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
	if (tag_key_is_aws(key))
		st->st_mode &= ~(mode_t)0222;
	/* A new tag has no value before the first close(). */
	st->st_size = value ? (off_t)strlen(value) + 1 : 0;
	return 0;
}

static int tag_text(struct fs *fs, struct node n, struct buf *out)
{
	const char *value = tag_value(fs, n);

	return value ? buf_printf(out, "%s\n", value) : -ENOENT;
}

static int tag_check_key(const char *key, struct err *err)
{
	if (tag_key_is_aws(key))
		return err_set(err, EPERM,
			"tags that begin with aws: are AWS's own and read-only; choose another "
			"key");
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
			"this is no tag's name: write '/' as %%2F, '%%' as %%25, the dots of a key "
			"that is only dots as %%2E, and the bytes of control characters likewise");
	characters = utf8_count(key, strlen(key));
	if (characters < 0 || characters > EC2_TAG_KEY_MAX)
		return err_set(err, EINVAL,
			"the tag's key has %zd characters, and EC2 permits %d; shorten it",
			characters, EC2_TAG_KEY_MAX);
	return 0;
}

static int tags_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	char key[NAME_MAX + 1];
	uint32_t number;

	(void)mode;
	(void)h;
	if (tags_parse_name(name, key, err) < 0 || tag_check_key(key, err) < 0)
		return -err->errnum;
	number = catalogue_key_number(fs_catalogue(fs, folder), key);
	if (number > NODE_SUB_MAX)
		return err_set(err, ENOMEM, "out of memory");
	*child = tag_node(folder, number);
	return 0;
}

static int tag_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	const char *key = catalogue_key_text(fs_catalogue(fs, n), n.sub);

	(void)h;
	return key ? tag_check_key(key, err) : err_set(err, ENOENT, "the tag is gone");
}

/* One CreateTags in flight; for mv of a tag, followed by the DeleteTags of its old key. */
struct tagging {
	struct fs *fs;
	struct node node;
	struct pending_reply *reply; /* NULL after the last close() or an interrupt */
	uid_t user;
	char key[NAME_MAX + 1];
	struct buf value;
	char old_key[NAME_MAX + 1]; /* "": none */
};

/* Reports an error after the last close(), which could not return it. */
static void tagging_report(const struct tagging *t, const struct err *err)
{
	char path[NODE_PATH_SIZE], what[NODE_PATH_SIZE + 8];

	snprintf(what, sizeof(what), "write %s", node_path(t->fs, t->node, NULL, path));
	last_error_report(t->fs->last_error, t->user, what, err);
}

static void tagging_end(struct tagging *t, const struct err *err)
{
	if (t->reply)
		pending_reply_err(t->reply, err);
	else if (err)
		tagging_report(t, err);
	t->fs->tagging--;
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

static void tagging_created(void *arg, const struct err *err)
{
	struct tagging *t = arg;
	struct catalogue *c = fs_catalogue(t->fs, t->node);
	struct err none;

	if (!err)
		catalogue_override_tag(
			c, t->node.slot, t->key, buf_str(&t->value), clock_mono_ms());
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

	fs->tagging++;
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

void tags_rename(struct fs *fs, struct node n, const char *name, struct pending_reply *a)
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
	if (tags_parse_name(name, key, &err) == 0 && tag_check_key(key, &err) == 0 &&
		tag_check_key(old_key, &err) == 0) {
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

/* A shell closes once between opening and writing (`echo v > k` duplicates the descriptor), so an
 * empty text is written at the last close only. */
static void tag_commit(struct handle *h, struct pending_reply *a)
{
	size_t len = h->text.len;
	struct err err;

	if (!h->dirty || !len) {
		pending_reply_ok(a);
		return;
	}
	len -= h->text.data[len - 1] == '\n';
	if (tags_check_value(h->text.data, len, &err) < 0) {
		h->dirty = false;
		h->committed = true;
		pending_reply_err(a, &err);
		return;
	}
	tag_write(h, a);
}

static void tag_closed(struct handle *h)
{
	if ((h->dirty || h->created) && !h->committed && !h->text.len)
		tag_write(h, NULL);
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
	.instead = "a tag is a file: echo VALUE > tags/KEY",
	.attr = snapshot_child_attr,
	.find = tags_find,
	.next = tags_next,
	.create = tags_create,
};
const struct node_ops tag_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER, /* other tools write tags too, and few are read */
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
