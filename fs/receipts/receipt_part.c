/* SPDX-License-Identifier: MIT */
/* The parts of a receipt's folder: its description and its tags. Each comes from a file; it is
 * saved in the receipt's row and, if the copy was requested already, also set on the copy. */
#include <errno.h>
#include <string.h>

#include "journal.h"
#include "last_error.h"
#include "names.h"
#include "receipts.h"
#include "snapshot_file.h"
#include "tags.h"
#include "utf8.h"

/* A description or a tag that is being set on the copy and saved in the receipt's row. */
struct receipt_part {
	struct fs *fs;
	uint32_t number;        /* of the receipt */
	char key[NAME_MAX + 1]; /* "": the description */
	char *value;
	receipt_part_done *done;
	void *arg;
};

static void receipt_part_end(struct receipt_part *part, const struct err *err)
{
	part->done(part->arg, err);
	free(part->value);
	free(part);
}

static struct receipt *receipt_part_receipt(const struct receipt_part *part)
{
	return receipts_get(part->fs->receipts, (struct node){.slot = part->number});
}

/* Whether `name` in the folder stands for a part; sets key to the tag's key, "" for the
 * description. */
static bool receipt_part_parse(
	struct fs *fs, struct node folder, const char *name, char key[NAME_MAX + 1])
{
	*key = '\0';
	if (folder.kind == NODE_FOLDER)
		return !strcmp(name, "description");
	return receipt_folder_is_tags(fs, folder) && !names_is_scratch(name) &&
	       names_unescape(name, key);
}

/* The part's present value in the receipt; the caller frees it. NULL: none, or no memory. */
static char *receipt_part_value(const struct receipt *r, const char *key)
{
	if (*key)
		return receipt_tags_value(r, key);
	return r->description ? strdup(r->description) : NULL;
}

static bool receipt_part_is_kept(const struct receipt_part *part, const struct receipt *r)
{
	_cleanup_free_ char *kept = receipt_part_value(r, part->key);

	return kept && !strcmp(kept, part->value);
}

/* Sets the part in the receipt; receipt_part_keep() journals the row. Returns 0 or -ENOMEM. */
static int receipt_part_put(const struct receipt_part *part, struct receipt *r)
{
	char *description;

	if (*part->key)
		return receipt_tags_set(r, part->key, part->value);
	description = strdup(part->value);
	if (!description)
		return -ENOMEM;
	free(r->description);
	r->description = description;
	return 0;
}

static void receipt_part_drop(struct receipt *r, const char *key)
{
	if (*key)
		receipt_tags_set(r, key, NULL);
	else
		free(steal(&r->description));
}

static void receipt_part_saved(void *arg, const struct err *err)
{
	struct receipt_part *part = arg;
	struct receipt *r = receipt_part_receipt(part);

	if (err && r)
		receipt_part_drop(r, part->key);
	receipt_part_end(part, err);
}

/* Sets the part and writes the receipt's row to the journal; then receipt_part_saved() calls done.
 * 0, or -errno with *err. */
static int receipt_part_keep(struct receipt_part *part, struct receipt *r, struct err *err)
{
	char in[RECEIPT_FOLDER_SIZE];
	struct journal_receipt row;

	if (receipt_part_put(part, r) < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (!r->id)
		r->id = journal_next_receipt_id(part->fs->journal);
	if (r->state == RECEIPT_ASKING)
		r->work->save_again = true; /* the row's text may change when the request ends */
	row = receipts_row(part->fs, r, in);
	if (journal_put_receipt(part->fs->journal, &row, receipt_part_saved, part) < 0)
		return err_set(err, ENOMEM, "out of memory");
	return 0;
}

/* The copy on which the part must be set; NULL: no copy, a dry run, or a copy that ended without a
 * snapshot. */
static struct copy *receipt_part_copy(struct fs *fs, const struct receipt *r)
{
	struct copy *copy = receipts_copy(fs, r);

	return copy && !copy->row.dry_run &&
			       (copy->state == COPY_QUEUED || copy->state == COPY_SUBMITTING ||
				       copy->state == COPY_PENDING || copy->state == COPY_COMPLETED)
		       ? copy
		       : NULL;
}

/* Whether the copy gets the part anyway, from the snapshot file's text or from the source. */
static bool receipt_part_is_in(
	const struct receipt_part *part, const struct receipt *r, const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;
	struct copy_request text;
	struct err err;
	bool in = false, no_tags = false;

	if (r->text && snapshot_file_parse(r->text, strlen(r->text), true, &text, &err) == 0) {
		in = !*part->key && text.description;
		for (size_t i = 0; i < text.n_tags; i++)
			in |= *part->key && !strcmp(text.tags[i].key, part->key);
		no_tags = text.no_tags;
	}
	if (r->text)
		snapshot_file_finish(&text);
	if (*part->key)
		return in || (!no_tags && receipt_tags_are_source(part->fs, row->source_region,
						  row->source_id, part->key, part->value));
	return in || (row->description && !strcmp(row->description, part->value)) ||
	       receipt_tags_are_source(
		       part->fs, row->source_region, row->source_id, NULL, part->value);
}

/* The part was set on the copy; err: it could not be. */
static void receipt_part_told(void *arg, struct copy *copy, const struct err *err)
{
	struct receipt_part *part = arg;
	struct receipt *r = receipt_part_receipt(part);
	struct err mine;

	/* EEXIST: the request was sent, so the copy's description is fixed. No error if the copy's
	 * description is the same. */
	if (r && copy && err && err->errnum == EEXIST && !*part->key &&
		receipt_part_is_in(part, r, copy))
		err = NULL;
	if (!r)
		err_set(&mine, ENOENT, "the folder is gone");
	else if (err)
		mine = *err;
	else if (receipt_part_keep(part, r, &mine) == 0)
		return;
	receipt_part_end(part, &mine);
}

static int receipt_part_tell(struct receipt_part *part, struct copy *copy, struct err *err)
{
	struct request_tag tag = {part->key, part->value};
	struct copies *copies = part->fs->copies;
	int result = *part->key
			     ? copies_add_tags(copies, copy, &tag, 1, receipt_part_told, part)
			     : copies_describe(copies, copy, part->value, receipt_part_told, part);

	return result < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

static void receipt_part_after(void *arg, struct receipt *r, const struct err *err);

/* Starts to set and save the part. Returns 1 (done will be called), 0 (the receipt has this value
 * already), or -errno with *err. */
static int receipt_part_go(struct receipt_part *part, struct receipt *r, struct err *err)
{
	struct copy *copy = receipt_part_copy(part->fs, r);
	int result;

	if (r->state == RECEIPT_REMOVING)
		return err_set(err, EBUSY, "'%s' is being removed; try again", r->name);
	if (r->state == RECEIPT_ASKING)
		result = receipts_after(r->work, receipt_part_after, part) < 0
				 ? err_set(err, ENOMEM, "out of memory")
				 : 0;
	else if (receipt_part_is_kept(part, r))
		return 0;
	else if (copy && !(*part->key && receipt_part_is_in(part, r, copy)))
		result = receipt_part_tell(part, copy, err);
	else
		result = receipt_part_keep(part, r, err);
	return result < 0 ? result : 1;
}

static void receipt_part_after(void *arg, struct receipt *r, const struct err *err)
{
	struct receipt_part *part = arg;
	struct err mine;
	int result;

	(void)err; /* reported to the caller of the request */
	result = r ? receipt_part_go(part, r, &mine) : err_set(&mine, ENOENT, "the folder is gone");
	if (result <= 0)
		receipt_part_end(part, result < 0 ? &mine : NULL);
}

static int receipt_part_check(const char *key, const char *value, size_t len, struct err *err)
{
	if (*key)
		return tags_check_value(value, len, err);
	if (utf8_count(value, len) < 0 || memchr(value, '\0', len))
		return err_set(err, EINVAL,
			"the description is not text in UTF-8, which EC2 needs; convert it "
			"(iconv)");
	return 0;
}

int receipt_part_take(struct fs *fs, const struct buf *text, struct node folder, const char *name,
	receipt_part_done *done, void *arg, struct err *err)
{
	char key[NAME_MAX + 1];
	size_t len = text->len;
	struct receipt_part *part;
	struct receipt *r;
	struct draft *tags;
	int result;

	if (!receipt_part_parse(fs, folder, name, key))
		return 0;
	tags = drafts_get(fs->drafts, folder);
	r = folder.kind == NODE_FOLDER ? receipts_get(fs->receipts, folder)
				       : receipt_folder_of(fs, tags);
	if (!r)
		return err_set(err, ENOENT, "the folder is gone");
	if (len && text->data[len - 1] == '\n')
		len--;
	if (receipt_part_check(key, buf_str(text), len, err) < 0)
		return -err->errnum;
	if (names_is_reserved(key))
		return 0;
	part = calloc(1, sizeof(*part));
	if (!part || !(part->value = strndup(buf_str(text), len))) {
		free(part);
		return err_set(err, ENOMEM, "out of memory");
	}
	part->fs = fs;
	part->number = r->number;
	part->done = done;
	part->arg = arg;
	strcpy(part->key, key);
	result = receipt_part_go(part, r, err);
	if (result <= 0) {
		free(part->value);
		free(part);
	}
	return result;
}

void receipt_part_forget(struct fs *fs, const struct draft *d)
{
	struct receipt *r = receipt_folder_of(fs, d);
	char key[NAME_MAX + 1];

	if (!r || d->type != DRAFT_FILE ||
		!receipt_part_parse(fs, node_of(d->folder), d->name, key))
		return;
	receipt_part_drop(r, key);
	receipts_save(fs, r);
}

/* --- close() of a part's file --- */

struct receipt_closing {
	struct fs *fs;
	struct node node; /* of the file */
	uid_t user;
	struct pending_reply *reply; /* NULL: no caller waits (interrupted, or the last close) */
};

/* Replaces the refused text in the file by the part's present value, or removes the file if the
 * part has no value. */
static void receipt_closing_restore(struct fs *fs, struct draft *d)
{
	struct receipt *r = receipt_folder_of(fs, d);
	char key[NAME_MAX + 1];
	_cleanup_free_ char *value = NULL;
	struct err err;

	if (!r || !receipt_part_parse(fs, node_of(d->folder), d->name, key))
		return;
	value = receipt_part_value(r, key);
	if (!value)
		drafts_remove(fs->drafts, d);
	else if (drafts_truncate(fs->drafts, d, 0, &err) == 0 && *value)
		drafts_write_line(fs->drafts, d, value, &err);
}

static void receipt_closing_end(struct fs *fs, struct node n, uid_t user,
	struct pending_reply *reply, const struct err *err)
{
	char path[NODE_PATH_SIZE], what[NODE_PATH_SIZE + 8];
	struct draft *d = drafts_get(fs->drafts, n);

	snprintf(what, sizeof(what), "close %s", node_path(fs, n, NULL, path));
	if (err && d && !d->gone)
		receipt_closing_restore(fs, d);
	if (reply)
		pending_reply_err(reply, err);
	else if (err)
		last_error_report(fs->last_error, user, what, err);
}

static void receipt_closing_done(void *arg, const struct err *err)
{
	struct receipt_closing *c = arg;

	receipt_closing_end(c->fs, c->node, c->user, c->reply, err);
	free(c);
}

void receipt_part_commit(struct fs *fs, struct draft *d, uid_t user, struct pending_reply *reply)
{
	struct node n = drafts_node(d);
	struct receipt_closing *c = calloc(1, sizeof(*c));
	struct err err;
	int result;

	if (!c) {
		result = err_set(&err, ENOMEM, "out of memory");
	} else {
		*c = (struct receipt_closing){.fs = fs, .node = n, .user = user, .reply = reply};
		result = receipt_part_take(
			fs, &d->text, node_of(d->folder), d->name, receipt_closing_done, c, &err);
	}
	if (result == 1) {
		if (reply)
			pending_reply_detach_on_interrupt(&c->reply);
		return;
	}
	free(c);
	receipt_closing_end(fs, n, user, reply, result < 0 ? &err : NULL);
}
