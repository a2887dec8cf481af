/* SPDX-License-Identifier: MIT */
/* Requests the copy of a receipt; removes a receipt. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "delete.h"
#include "isotime.h"
#include "journal.h"
#include "last_error.h"
#include "preflight.h"
#include "receipts.h"

struct receipt_request {
	struct fs *fs;
	uint32_t number;
	uid_t user;
	char what[NODE_PATH_SIZE + 160];
	bool move;
};

/* --- waiting for a request's result --- */

void receipts_wait(struct receipt_work *w, struct pending_reply *reply)
{
	struct waiting_reply *link = calloc(1, sizeof(*link));

	if (!link) {
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	link->reply = reply;
	waiters_append(&w->waiting, &link->base);
	/* An interrupted close() stops waiting; the copy itself continues. */
	pending_reply_detach_on_interrupt(&link->reply);
}

/* Replies to all waiters; err NULL: the request was accepted. Returns whether any caller was still
 * waiting. */
static bool receipt_request_reply(struct receipt_work *w, const struct err *err)
{
	struct waiting_reply *link;
	bool heard = false;

	while ((link = waiters_take(&w->waiting))) {
		if (link->reply) {
			pending_reply_err(link->reply, err);
			heard = true;
		}
		free(link);
	}
	return heard;
}

int receipts_after(struct receipt_work *w, receipts_after_fn *fn, void *arg)
{
	struct receipt_after *after = calloc(1, sizeof(*after));

	if (!after)
		return -ENOMEM;
	after->fn = fn;
	after->arg = arg;
	waiters_append(&w->after, &after->base);
	return 0;
}

struct receipts_turn {
	receipts_turn_fn *fn;
	void *arg;
	struct pending_reply *reply; /* NULL once interrupted */
};

static void receipts_turn_come(void *arg, struct receipt *r, const struct err *err)
{
	struct receipts_turn turn = *(struct receipts_turn *)arg;

	(void)r;
	(void)err;
	free(arg);
	if (turn.reply)
		pending_reply_ignore_interrupt(turn.reply);
	turn.fn(turn.arg, turn.reply);
}

int receipts_turn(
	struct receipt_work *w, receipts_turn_fn *fn, void *arg, struct pending_reply *reply)
{
	struct receipts_turn *turn = malloc(sizeof(*turn));

	if (!turn || receipts_after(w, receipts_turn_come, turn) < 0) {
		free(turn);
		return -ENOMEM;
	}
	*turn = (struct receipts_turn){.fn = fn, .arg = arg, .reply = reply};
	pending_reply_detach_on_interrupt(&turn->reply);
	return 0;
}

/* --- the request --- */

/* The source's start, which is the mtime of its snapshot file: from the region's listing if
 * possible, otherwise from the text. 0: unknown. */
static int64_t receipt_source_ms(
	struct fs *fs, const char *region_name, const char *id, const char *text)
{
	struct region *region = regions_get(fs->regions, region_name);
	struct catalogue_snapshot s;
	catalogue_slot slot =
		region ? catalogue_find(region_catalogue(region), id) : CATALOGUE_NONE;
	const char *line = strstr(text, "\nstarted: ");
	int64_t ms = 0;

	if (slot != CATALOGUE_NONE && catalogue_get(region_catalogue(region), slot, &s) &&
		s.start_ms)
		return s.start_ms;
	line = line ? line + strlen("\nstarted: ") : "";
	return isotime_parse(line, strcspn(line, "\r\n"), &ms) < 0 ? 0 : ms;
}

/* Sets the receipt's mtime to the source's snapshot file's, unless a tool has set one. rsync then
 * finds nothing to send. */
static void receipt_request_date(
	struct fs *fs, struct receipt *r, const char *region, const char *id)
{
	int64_t ms = r->mtime_set ? 0 : receipt_source_ms(fs, region, id, r->text);

	if (!ms || r->mtime_ns == ms * 1000000)
		return;
	r->mtime_ns = ms * 1000000;
	r->work->save_again = true; /* the row being written has the old mtime */
}

/* Sets the receipt to RECEIPT_ASKING with the new text, and saves its state before in work->before.
 * 0 or -ENOMEM. */
static int receipt_request_begin(
	struct fs *fs, struct receipt *r, const struct copy_request *request)
{
	struct receipt_work *w = r->work;
	/* mv of a source and the rename of a draft have put the text into work->draft. */
	char *text = strdup(w->draft.len ? buf_str(&w->draft) : r->text ? r->text : "");

	if (!text)
		return -ENOMEM;
	w->before.state = r->state;
	w->before.id = r->id;
	w->before.mtime_ns = r->mtime_ns;
	w->before.mtime_set = r->mtime_set;
	w->before.text = r->text;
	r->text = text;
	r->state = RECEIPT_ASKING;
	if (w->has_mtime) {
		r->mtime_ns = w->mtime_ns;
		r->mtime_set = true;
	} else if (w->before.state == RECEIPT_ASKED) {
		r->mtime_set = false;
	}
	receipt_request_date(fs, r, request->source_region, request->source_id);
	w->has_mtime = w->save_again = w->has_refused = false;
	receipts_unhide(fs, r);
	return 0;
}

static void receipt_request_undo(struct receipt *r)
{
	struct receipt_work *w = r->work;

	r->state = w->before.state;
	r->id = w->before.id;
	r->mtime_ns = w->before.mtime_ns;
	r->mtime_set = w->before.mtime_set;
	free(r->text);
	r->text = steal(&w->before.text);
}

/* Gives the new copy to the other receipt of the same stem, too: its own copy is not alive. */
static void receipt_request_take_along(struct fs *fs, const struct receipt *r)
{
	struct receipt *other = receipts_sibling(fs->receipts, receipts_folder(r), r->name, r);

	if (!other || other->state != RECEIPT_ASKED || other->copy == r->copy)
		return;
	other->copy = r->copy;
	receipts_save(fs, other);
	receipts_changed(fs->receipts, other->number);
}

/* Sets the receipt's state and copy by the result of its request. */
static void receipt_request_settle(
	struct fs *fs, struct receipt *r, struct copy *copy, const struct err *err)
{
	bool save = r->work->save_again;

	if (copy) {
		free(steal(&r->work->before.text));
		r->state = RECEIPT_ASKED;
		r->copy = copy->row.id;
		if (!copy->row.kind) /* a volume's or image's source may differ from the text's */
			receipt_request_date(fs, r, copy->row.source_region, copy->row.source_id);
		save |= r->work->save_again;
		receipt_request_take_along(fs, r);
	} else {
		receipt_request_undo(r);
		/* A refusal of a new text does not concern the copy that a receipt already has. */
		if (r->state == RECEIPT_DRAFT)
			receipts_work_refuse(r->work, err);
	}
	r->work->save_again = false;
	if (save)
		receipts_save(fs, r);
}

/* Calls the functions of receipts_after() in `list`. A function may drop the receipt, or request
 * another text; then the functions not called yet wait for the end of that request. */
static void receipt_request_follow(
	struct fs *fs, struct node n, struct waiters *list, const struct err *err)
{
	struct receipt *r = receipts_get(fs->receipts, n);
	struct receipt_after *after;

	while (!(r && r->state == RECEIPT_ASKING) && (after = waiters_take(list))) {
		receipts_after_fn *fn = after->fn;
		void *arg = after->arg;

		free(after);
		fn(arg, r, err);
		r = receipts_get(fs->receipts, n);
	}
	if (r && r->work)
		waiters_move_all(list, &r->work->after);
	if (r)
		receipts_work_shed(r);
}

/* The request was accepted (`copy`) or failed. With both, `err` is EC2's refusal of that copy. */
static void receipt_request_end(
	const struct receipt_request *asking, struct copy *copy, const struct err *err)
{
	struct fs *fs = asking->fs;
	struct node n = {.slot = asking->number};
	struct receipt *r = receipts_get(fs->receipts, n);
	struct waiters after = {0};
	bool heard;

	receipt_request_settle(fs, r, copy, err);
	heard = receipt_request_reply(r->work, err);
	if (err && !heard && waiters_empty(&r->work->after))
		last_error_report(fs->last_error, asking->user, asking->what, err);
	/* mv failed or was interrupted, so its caller believes the source untouched. */
	if (asking->move && copy && (err || !heard))
		copies_keep_source(fs->copies, copy);
	receipts_changed(fs->receipts, r->number);
	waiters_move_all(&r->work->after, &after);
	/* After a refused mv the new receipt is dropped, because mv tries a second time and must
	 * get the same error. While it is unknown whether EC2 made the copy, the receipt stays. */
	if (asking->move && err && r->work->before.state == RECEIPT_DRAFT &&
		!receipts_is_fixed(fs, r)) {
		if (r->id)
			journal_delete_receipt(fs->journal, r->id, NULL, NULL);
		receipts_drop(fs, r);
	}
	receipt_request_follow(fs, n, &after, err);
}

/* Takes the request from its receipt; the caller frees it. Returns asking. */
static struct receipt_request *receipt_request_disown(struct receipt_request *asking)
{
	struct receipt *r =
		receipts_get(asking->fs->receipts, (struct node){.slot = asking->number});

	if (r && r->work && r->work->request == asking)
		r->work->request = NULL;
	return asking;
}

/* The done of copies_request(). */
static void receipt_request_done(void *arg, struct copy *copy, const struct err *err)
{
	_cleanup_free_ struct receipt_request *asking = receipt_request_disown(arg);

	receipt_request_end(asking, copy, err);
}

/* Checks the source without asking EC2. */
static int receipt_request_check_source(
	struct fs *fs, const struct receipt *r, const struct copy_request *request, struct err *err)
{
	if (!fs_region_enabled(fs, request->source_region)) {
		if (preflight_regions(request->source_region, receipts_region(fs, r), err) < 0)
			return -err->errnum;
		return err_set(err, ENOENT,
			"the source's region %s is not enabled for this account; enable it, or "
			"correct the name",
			request->source_region);
	}
	if (fs->deletions && delete_under_way(fs, request->source_region, request->source_id))
		return err_set(err, EBUSY,
			"the source %s/%s is being deleted, so it cannot be copied",
			request->source_region, request->source_id);
	return 0;
}

/* Whether the text asks for the same as the request, if both have names of the same stem. Never
 * true for images, whose names differ. */
static bool receipt_request_is_same(const struct copy_request *request, const char *text)
{
	struct copy_request other;
	struct err err;
	bool same = snapshot_file_parse_for(
			    request->kind, text, strlen(text), true, &other, &err) == 0 &&
		    request->kind != REQUEST_IMAGE && !request->dry_run && !other.dry_run &&
		    !strcmp(request->source_region, other.source_region) &&
		    !strcmp(request->source_id, other.source_id) &&
		    !strcmp(request->again ? request->again : "", other.again ? other.again : "");

	snapshot_file_finish(&other);
	return same;
}

/* Checks that the other receipt of the same stem is not of another copy, because both have the same
 * status. 0, or -errno with *err. */
static int receipt_request_check_sibling(
	struct fs *fs, const struct receipt *r, const struct copy_request *request, struct err *err)
{
	const struct receipt *other =
		receipts_sibling(fs->receipts, receipts_folder(r), r->name, r);

	if (!other || !other->text || receipt_request_is_same(request, other->text))
		return 0;
	return receipts_refuse_sibling(other, err);
}

/* Whether the receipt has a living copy that is not the one requested now. */
static bool receipt_request_is_taken(
	const struct fs *fs, const struct receipt *r, const struct copy_request *request)
{
	struct copy_request whole = *request;
	const char *before = r->work->before.text;

	if (!receipts_is_living(fs, r) || (before && r->text && !strcmp(before, r->text)))
		return false;
	receipt_kind_address(fs, receipts_folder(r), r->name, &whole);
	return !copies_is_asked_for(
		fs->copies, receipts_region(fs, r), &whole, receipts_copy(fs, r));
}

static int receipt_request_refuse_taken(
	const struct fs *fs, const struct receipt *r, struct err *err)
{
	const struct journal_copy *row = &receipts_copy(fs, r)->row;
	const char *noun = receipt_kind_noun(receipts_folder(r));

	return err_set(err, EEXIST,
		"'%s' is already the receipt of %s/%s and its %s%s%s, so it stays as it was; write "
		"this text to another name, or rm '%s' first, which does not delete the %s",
		r->name, row->source_region, row->source_id, noun, row->copy_id ? " " : "",
		row->copy_id ? row->copy_id : "", r->name, noun);
}

/* Duplicates `asking` until the request has its result. The receipt owns the duplicate, so that an
 * unmount frees it. NULL on ENOMEM. */
static struct receipt_request *receipt_request_keep(
	struct receipt *r, const struct receipt_request *asking)
{
	struct receipt_request *kept = malloc(sizeof(*kept));

	if (kept)
		*kept = *asking;
	free(r->work->request);
	r->work->request = kept;
	return kept;
}

/* Calls copies_request(); receipt_request_done() gets a duplicate of `asking`. 0, or -errno with
 * *err. */
static int receipt_request_send(struct receipt *r, const struct copy_request *request,
	const struct receipt_request *asking, struct err *err)
{
	struct fs *fs = asking->fs;
	struct receipt_request *kept = receipt_request_keep(r, asking);
	struct copy_request whole = *request;
	char in[RECEIPT_FOLDER_SIZE];
	struct journal_receipt row;
	int result;

	if (receipt_request_check_source(fs, r, request, err) < 0 ||
		receipt_request_check_sibling(fs, r, request, err) < 0)
		return -err->errnum;
	if (!kept || (r->is_folder && receipt_tags_request(fs, r, request, &whole) < 0))
		return err_set(err, ENOMEM, "out of memory");
	if (!r->id)
		r->id = journal_next_receipt_id(fs->journal);
	r->work->save_again = false; /* the row sent to the journal has all changes */
	row = receipts_row(fs, r, in);
	receipt_kind_address(fs, receipts_folder(r), r->name, &whole);
	result = copies_request(
		fs->copies, row.region, &whole, asking->move, &row, receipt_request_done, kept);
	if (r->is_folder)
		receipt_tags_request_finish(request, &whole);
	return result < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

/* EC2 was asked whether the completed copy still exists. If it does, refuses the new text;
 * otherwise requests it. */
static void receipt_request_confirmed(void *arg, struct copy *copy, const struct err *err)
{
	_cleanup_free_ struct receipt_request *asking = receipt_request_disown(arg);
	struct fs *fs = asking->fs;
	struct receipt *r = receipts_get(fs->receipts, (struct node){.slot = asking->number});
	struct copy_request request = {0};
	struct err mine;
	int result;

	(void)copy;
	if (err) {
		mine = *err;
		result = -mine.errnum;
	} else if (receipts_is_living(fs, r)) {
		result = receipt_request_refuse_taken(fs, r, &mine);
	} else {
		result = snapshot_file_parse_for(receipt_kind(receipts_folder(r)), r->text,
			strlen(r->text), true, &request, &mine);
		if (result == 0)
			result = receipt_request_send(r, &request, asking, &mine);
	}
	snapshot_file_finish(&request);
	if (result < 0)
		receipt_request_end(asking, NULL, &mine);
}

/* Asks EC2, if the listing is not fresh, whether the receipt's completed copy still exists: only if
 * not, may the receipt request another copy. 0, or -errno with *err. */
static int receipt_request_confirm(
	struct receipt *r, const struct receipt_request *asking, struct err *err)
{
	struct fs *fs = asking->fs;
	struct receipt_request *kept = receipt_request_keep(r, asking);

	if (!kept || copies_confirm(
			     fs->copies, receipts_copy(fs, r), receipt_request_confirmed, kept) < 0)
		return err_set(err, ENOMEM, "out of memory");
	return 0;
}

void receipt_ask(struct fs *fs, struct receipt *r, const struct copy_request *request, bool move,
	uid_t user, struct pending_reply *reply)
{
	struct receipt_request asking = {.fs = fs, .number = r->number, .user = user, .move = move};
	struct waiters after = {0};
	char path[NODE_PATH_SIZE];
	struct err err;
	int result;

	snprintf(asking.what, sizeof(asking.what), "%s %s/%s to %s",
		receipt_kind_verb(receipts_folder(r)), request->source_region, request->source_id,
		node_path(fs, receipts_node(r), NULL, path));
	if (receipt_request_begin(fs, r, request) < 0) {
		err_set(&err, ENOMEM, "out of memory");
		if (reply)
			pending_reply_err(reply, &err);
		waiters_move_all(&r->work->after, &after);
		if (move && r->state == RECEIPT_DRAFT)
			receipts_drop(fs, r);
		receipt_request_follow(fs, (struct node){.slot = asking.number}, &after, &err);
		return;
	}
	if (reply)
		receipts_wait(r->work, reply);
	if (!receipt_request_is_taken(fs, r, request))
		result = receipt_request_send(r, request, &asking, &err);
	else if (receipts_copy(fs, r)->state == COPY_COMPLETED)
		result = receipt_request_confirm(r, &asking, &err);
	else
		result = receipt_request_refuse_taken(fs, r, &err);
	if (result < 0)
		receipt_request_end(&asking, NULL, &err);
}

/* --- removal --- */

struct receipt_removal {
	struct fs *fs;
	uint32_t number;
	struct pending_reply *reply;
	enum receipt_state before;
};

static void receipt_removal_end(struct receipt_removal *m, const struct err *err)
{
	struct fs *fs = m->fs;
	struct receipt *r = receipts_get(fs->receipts, (struct node){.slot = m->number});

	if (err)
		r->state = m->before;
	else
		receipts_drop(fs, r);
	pending_reply_err(m->reply, err);
	free(m);
}

static void receipt_removal_saved(void *arg, const struct err *err)
{
	receipt_removal_end(arg, err);
}

struct receipt_removal_turn {
	struct fs *fs;
	uint32_t number;
	void (*remove)(struct fs *fs, struct receipt *r, struct pending_reply *reply);
};

static void receipt_removal_turn(void *arg, struct pending_reply *reply)
{
	struct receipt_removal_turn turn = *(struct receipt_removal_turn *)arg;
	struct receipt *r = receipts_get(turn.fs->receipts, (struct node){.slot = turn.number});

	free(arg);
	if (reply && r)
		turn.remove(turn.fs, r, reply);
	else if (reply)
		pending_reply_errno(reply, ENOENT);
}

/* Whether the receipt can be removed now. If not: in RECEIPT_ASKING, `remove` is called once the
 * request has ended; in RECEIPT_REMOVING, replies EBUSY. */
static bool receipt_removal_can_begin(struct fs *fs, struct receipt *r,
	void (*remove)(struct fs *fs, struct receipt *r, struct pending_reply *reply),
	struct pending_reply *reply)
{
	struct receipt_removal_turn *turn;
	struct err err;

	if (r->state == RECEIPT_REMOVING) {
		err_set(&err, EBUSY, "%s is being removed; try again", r->name);
		pending_reply_err(reply, &err);
		return false;
	}
	if (r->state != RECEIPT_ASKING)
		return true;
	turn = malloc(sizeof(*turn));
	if (turn)
		*turn = (struct receipt_removal_turn){
			.fs = fs, .number = r->number, .remove = remove};
	if (!turn || receipts_turn(r->work, receipt_removal_turn, turn, reply) < 0) {
		free(turn);
		pending_reply_errno(reply, ENOMEM);
	}
	return false;
}

void receipt_remove(struct fs *fs, struct receipt *r, struct pending_reply *reply)
{
	struct receipt_removal *m;
	struct err err;

	if (!receipt_removal_can_begin(fs, r, receipt_remove, reply))
		return;
	m = calloc(1, sizeof(*m));
	if (!m) {
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	*m = (struct receipt_removal){
		.fs = fs, .number = r->number, .reply = reply, .before = r->state};
	r->state = RECEIPT_REMOVING;
	if (!r->id) {
		receipt_removal_end(m, NULL);
	} else if (journal_delete_receipt(fs->journal, r->id, receipt_removal_saved, m) < 0) {
		err_set(&err, ENOMEM, "out of memory");
		receipt_removal_end(m, &err);
	}
}

void receipt_remove_file(struct fs *fs, struct receipt *r, struct pending_reply *reply)
{
	if (!receipt_removal_can_begin(fs, r, receipt_remove_file, reply))
		return;
	r->has_file = false;
	free(steal(&r->file_name));
	receipts_save(fs, r);
	pending_reply_ok(reply);
}
