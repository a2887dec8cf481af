/* SPDX-License-Identifier: MIT */
/* A receipt requests its copy, shows what became of it, and is removed. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "delete.h"
#include "journal.h"
#include "last_error.h"
#include "names.h"
#include "preflight.h"
#include "receipts.h"

struct receipt_request {
	struct fs *fs;
	uint32_t number;
	uid_t user;
	char what[NODE_PATH_SIZE + 160];
	bool move;
};

/* The request was accepted (`copy`) or failed. With both, `err` is EC2's refusal of that copy. */
static void receipt_request_end(
	const struct receipt_request *asking, struct copy *copy, const struct err *err)
{
	struct fs *fs = asking->fs;
	struct receipt *r = receipts_get(fs->receipts, (struct node){.slot = asking->number});
	char target[NAME_MAX + 1];
	bool heard, later;

	r->state = copy ? RECEIPT_ASKED : RECEIPT_DRAFT;
	r->copy = copy ? copy->row.id : 0;
	if (err)
		receipts_work_refuse(r->work, err);
	if (!copy)
		r->id = 0; /* the journal has no row of it */
	if (r->work->save_again)
		receipts_save(fs, r);
	r->work->save_again = false;
	/* rsync ends when a close fails, and continues with the next file when a rename fails: so
	 * the rename reports the error (rename.c). */
	later = !r->is_folder && names_rsync_target(r->name, target);
	heard = receipts_work_reply(r->work, later ? NULL : err) || r->work->after;
	if (err && (!heard || later))
		last_error_report(fs->last_error, asking->user, asking->what, err);
	/* mv failed or was interrupted, so its caller believes the source untouched. */
	if (asking->move && copy && (err || !heard))
		copies_keep_source(fs->copies, copy);
	receipts_changed(fs->receipts, r->number);
	/* A mv that was surely refused leaves nothing: mv itself tries a second time, and must hear
	 * the same. While it is unknown whether EC2 copies, the receipt stays, and refuses a second
	 * try. */
	if (asking->move && err && !receipts_is_fixed(fs, r)) {
		if (r->id)
			journal_delete_receipt(fs->journal, r->id, NULL, NULL);
		receipts_drop(fs, r);
	} else {
		receipts_ended(fs, r, err);
		r = receipts_get(fs->receipts, (struct node){.slot = asking->number});
		if (r)
			receipts_work_shed(r);
	}
}

/* For copies_request(). */
static void receipt_request_done(void *arg, struct copy *copy, const struct err *err)
{
	receipt_request_end(arg, copy, err);
	free(arg);
}

/* Adds the description and the tags that were written into a receipt's folder. */
static void receipt_request_add_folder(const struct receipt *r, const struct copy_request *from,
	struct copy_request *request, struct request_tag *tags, char (*keys)[NAME_MAX + 1])
{
	const struct receipt_work *w = r->work;
	size_t n = 0;

	*request = *from;
	if (!request->description && w->description.len)
		request->description = w->description.data;
	if (!w->has_tags)
		return;
	for (size_t i = 0; i < w->n_tags; i++) {
		if (w->tags[i].removed || !names_unescape(w->tags[i].key, keys[n]) ||
			!strncmp(keys[n], "aws:", 4))
			continue;
		tags[n].key = keys[n];
		tags[n].value = (char *)buf_str(&w->tags[i].value);
		n++;
	}
	/* Tags in the text override those of the folder: they come last. */
	for (size_t i = 0; i < from->n_tags; i++)
		tags[n++] = from->tags[i];
	request->tags = tags;
	request->n_tags = n;
	request->no_tags = true;
}

/* Checks the source without asking EC2. */
static int receipt_request_check_source(
	struct fs *fs, const struct receipt *r, const struct copy_request *request, struct err *err)
{
	if (!fs_region_enabled(fs, request->source_region)) {
		if (preflight_regions(request->source_region, receipts_region(fs, r), err) < 0)
			return -err->errnum;
		return err_set(err, ENOENT, "%s is no region that this account has enabled",
			request->source_region);
	}
	if (delete_under_way(fs, request->source_region, request->source_id))
		return err_set(err, EBUSY, "%s/%s is being deleted", request->source_region,
			request->source_id);
	return 0;
}

/* The draft becomes the receipt's text. */
static int receipt_request_keep_text(struct receipt *r)
{
	if (r->work->draft.len) {
		free(r->text);
		r->text = strdup(buf_str(&r->work->draft));
	}
	return r->text ? 0 : -ENOMEM;
}

/* Puts the request into the queue, with a copy of `asking` for receipt_request_done(). */
static int receipt_request_queue(struct receipt *r, const struct copy_request *request,
	const struct receipt_request *asking, struct err *err)
{
	struct fs *fs = asking->fs;
	size_t n = r->work->n_tags + request->n_tags;
	_cleanup_free_ struct request_tag *tags = calloc(n + 1, sizeof(*tags));
	_cleanup_free_ char(*keys)[NAME_MAX + 1] = calloc(r->work->n_tags + 1, sizeof(*keys));
	_cleanup_free_ struct receipt_request *kept = malloc(sizeof(*kept));
	struct copy_request whole;
	struct journal_receipt row;

	if (receipt_request_check_source(fs, r, request, err) < 0)
		return -err->errnum;
	if (!tags || !keys || !kept || receipt_request_keep_text(r) < 0)
		return err_set(err, ENOMEM, "out of memory");
	*kept = *asking;
	receipt_request_add_folder(r, request, &whole, tags, keys);
	if (!r->id)
		r->id = journal_next_receipt_id(fs->journal);
	row = receipts_row(fs, r);
	if (copies_request(fs->copies, row.region, &whole, asking->move, &row, receipt_request_done,
		    kept) < 0)
		return err_set(err, ENOMEM, "out of memory");
	kept = NULL;
	return 0;
}

void receipt_ask(struct fs *fs, struct receipt *r, const struct copy_request *request, bool move,
	uid_t user, struct pending_reply *reply)
{
	struct receipt_request asking = {.fs = fs, .number = r->number, .user = user, .move = move};
	char path[NODE_PATH_SIZE];
	struct err err;

	snprintf(asking.what, sizeof(asking.what), "copy %s/%s to %s", request->source_region,
		request->source_id, node_path(fs, receipts_node(r), NULL, path));
	r->state = RECEIPT_ASKING;
	r->work->has_refused = false;
	if (reply)
		receipts_work_wait(r->work, reply);
	if (receipt_request_queue(r, request, &asking, &err) < 0)
		receipt_request_end(&asking, NULL, &err);
}

/* --- the text of its status --- */

static int receipt_refusal_text(const char *region, const struct err *err, struct buf *out)
{
	buf_printf(out, "state: failed\nregion: %s\n", region);
	if (err->code[0])
		buf_printf(out, "code: %s\n", err->code);
	buf_printf(out, "message: %s\n", err->message);
	return err->request_id[0] ? buf_printf(out, "request-id: %s\n", err->request_id)
				  : -out->error;
}

int receipt_status(struct fs *fs, const struct receipt *r, struct buf *out)
{
	const struct copy *copy = receipts_copy(fs, r);
	const char *region = receipts_region(fs, r);

	if (copy)
		return copies_status(fs->copies, copy, clock_wall_ms(), out);
	if (r->state == RECEIPT_ASKING)
		return buf_printf(out, "state: submitting\nregion: %s\n", region);
	if (r->work && r->work->has_refused)
		return receipt_refusal_text(region, &r->work->refused, out);
	if (r->copy)
		return buf_printf(out,
			"state: unknown\nregion: %s\nmessage: the journal no longer has its copy\n",
			region);
	return buf_printf(out,
		"state: unfinished\nregion: %s\nhint: no copy was asked for yet: the text has no "
		"'...' line\n",
		region);
}

/* --- removal --- */

struct receipt_removal {
	struct fs *fs;
	uint32_t number;
	struct pending_reply *reply;
	bool whole; /* the receipt goes too, not only the file in its folder */
	enum receipt_state before;
};

static void receipt_removal_end(struct receipt_removal *m, const struct err *err)
{
	struct receipt *r = receipts_get(m->fs->receipts, (struct node){.slot = m->number});

	if (err)
		r->state = m->before;
	else if (m->whole)
		receipts_drop(m->fs, r);
	else {
		r->state = m->before;
		r->has_file = false;
		free(steal(&r->file_name));
		receipts_save(m->fs, r);
	}
	pending_reply_err(m->reply, err);
	free(m);
}

static void receipt_removal_saved(void *arg, const struct err *err)
{
	receipt_removal_end(arg, err);
}

static void receipt_removal_cancelled(void *arg, struct copy *copy, const struct err *err)
{
	struct receipt_removal *m = arg;
	struct receipt *r = receipts_get(m->fs->receipts, (struct node){.slot = m->number});
	struct err none;

	(void)copy;
	if (err || !m->whole || !r->id) {
		receipt_removal_end(m, err);
	} else if (journal_delete_receipt(m->fs->journal, r->id, receipt_removal_saved, m) < 0) {
		err_set(&none, ENOMEM, "out of memory");
		receipt_removal_end(m, &none);
	}
}

static void receipt_removal_begin(
	struct fs *fs, struct receipt *r, bool whole, struct pending_reply *reply)
{
	struct copy *copy = receipts_copy(fs, r);
	struct receipt_removal *m;
	struct err err;

	if (r->state == RECEIPT_ASKING || r->state == RECEIPT_REMOVING) {
		err_set(&err, EBUSY, "%s: %s at this moment; try again", r->name,
			r->state == RECEIPT_ASKING ? "its copy is being asked for"
						   : "it is being removed");
		pending_reply_err(reply, &err);
		return;
	}
	m = calloc(1, sizeof(*m));
	if (!m) {
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	*m = (struct receipt_removal){
		.fs = fs, .number = r->number, .reply = reply, .whole = whole, .before = r->state};
	r->state = RECEIPT_REMOVING;
	if (!copy || copy->state != COPY_QUEUED) {
		receipt_removal_cancelled(m, copy, NULL);
	} else if (copies_cancel(fs->copies, copy, receipt_removal_cancelled, m) < 0) {
		err_set(&err, ENOMEM, "out of memory");
		receipt_removal_end(m, &err);
	}
}

void receipt_remove(struct fs *fs, struct receipt *r, struct pending_reply *reply)
{
	receipt_removal_begin(fs, r, true, reply);
}

void receipt_remove_file(struct fs *fs, struct receipt *r, struct pending_reply *reply)
{
	receipt_removal_begin(fs, r, false, reply);
}
