/* SPDX-License-Identifier: MIT */
/* A receipt asks for its copy, and is removed again. */
#include <errno.h>
#include <string.h>

#include "delete.h"
#include "invalidate.h"
#include "journal.h"
#include "last_error.h"
#include "names.h"
#include "preflight.h"
#include "receipts.h"
#include "status.h"

void receipt_await(struct receipt *r, struct answer *a)
{
	struct answer_link *link = calloc(1, sizeof(*link));

	if (!link) {
		answer_errno(a, ENOMEM);
		return;
	}
	link->answer = a;
	link->next = r->waiting;
	r->waiting = link;
	/* Whoever stops waiting stops waiting only: the copy that was asked for goes on. */
	answer_detach_on_interrupt(&link->answer);
}

struct asking {
	struct fs *fs;
	uint32_t number;
	char what[200];
	bool move;
	struct receipt_moved moved;
};

/* Whether somebody still waits for the word, so that it will reach the user. */
static bool answer_all(struct answer_link *waiting, const struct err *err)
{
	bool heard = false;

	while (waiting) {
		struct answer_link *link = waiting;

		waiting = link->next;
		if (link->answer) {
			answer_err(link->answer, err);
			heard = true;
		}
		free(link);
	}
	return heard;
}

/* After the answer: the kernel now has the snapshot's node under the receipt's name. */
static void correct_kernel(
	struct fs *fs, const struct receipt_moved *moved, const struct receipt *r)
{
	invalidate_name(fs->invalidate, moved->folder, moved->name);
	invalidate_name(fs->invalidate, node_number(receipts_folder(r)), r->row.name);
}

/* The queue's word on the copy. */
static void spoken(void *arg, struct copy *copy, const struct err *err)
{
	struct asking *asking = arg;
	struct fs *fs = asking->fs;
	struct receipt *r = receipts_get(fs->receipts, (struct node){.slot = asking->number});
	char target[NAME_MAX + 1];
	bool heard, later;

	r->state = copy ? RECEIPT_ASKED : RECEIPT_DRAFT;
	r->row.copy = copy ? copy->row.id : 0;
	r->has_refused = err != NULL;
	if (err)
		r->refused = *err;
	if (!copy)
		r->row.id = 0; /* nothing of it reached the journal */
	if (r->save_again)
		receipts_save(fs, r);
	r->save_again = false;
	/* rsync gives up altogether when a close fails, and goes on to the next file when a rename
	 * does: it is told then (rename.c). */
	later = !r->row.is_folder && names_rsync_target(r->row.name, target);
	heard = answer_all(steal(&r->waiting), later ? NULL : err);
	if (err && (!heard || later))
		last_error_report(fs->last_error, asking->what, err);
	if (asking->move) {
		/* Whose mv failed, or was interrupted, believes the source untouched. */
		if (copy && (err || !heard))
			copies_keep_source(fs->copies, copy);
		correct_kernel(fs, &asking->moved, r);
	}
	status_receipt_changed(fs, r->number);
	/* A mv that was surely refused leaves nothing: mv itself tries a second time, and must hear
	 * the same. While EC2's word is unknown the receipt stays, and refuses a second try. */
	if (asking->move && err && !receipts_is_fixed(fs, r)) {
		if (r->row.id)
			journal_delete_receipt(fs->journal, r->row.id, NULL, NULL);
		receipts_drop(fs, r);
	}
	free(asking);
}

/* A receipt that is a folder asks with its description and its tags, as they were written. */
static void add_folder(const struct receipt *r, const struct copy_request *from,
	struct copy_request *request, struct request_tag *tags, char (*keys)[NAME_MAX + 1])
{
	size_t n = 0;

	*request = *from;
	if (!request->description && r->description.len)
		request->description = r->description.data;
	if (!r->has_tags)
		return;
	for (size_t i = 0; i < r->n_tags; i++) {
		if (r->tags[i].removed || !names_unescape(r->tags[i].key, keys[n]) ||
			!strncmp(keys[n], "aws:", 4))
			continue;
		tags[n].key = keys[n];
		tags[n].value = (char *)buf_str(&r->tags[i].value);
		n++;
	}
	/* What the text itself says wins: it comes last. */
	for (size_t i = 0; i < from->n_tags; i++)
		tags[n++] = from->tags[i];
	request->tags = tags;
	request->n_tags = n;
	request->no_tags = true;
}

static void ask_with(struct fs *fs, struct receipt *r, const struct copy_request *request,
	const struct receipt_moved *moved, struct answer *a)
{
	struct asking *asking = calloc(1, sizeof(*asking));

	if (!asking) {
		if (a)
			answer_errno(a, ENOMEM);
		return;
	}
	asking->fs = fs;
	asking->number = r->number;
	asking->move = moved != NULL;
	if (moved)
		asking->moved = *moved;
	snprintf(asking->what, sizeof(asking->what), "copy of %s/%s into %s",
		request->source_region, request->source_id, r->row.region);
	r->state = RECEIPT_ASKING;
	r->has_refused = false;
	if (!r->row.id)
		r->row.id = journal_next_receipt_id(fs->journal);
	if (copies_request(fs->copies, r->row.region, request, moved != NULL, &r->row, spoken,
		    asking) < 0) {
		r->state = RECEIPT_DRAFT;
		free(asking);
		if (a)
			answer_errno(a, ENOMEM);
		return;
	}
	if (a)
		receipt_await(r, a);
}

void receipt_ask(struct fs *fs, struct receipt *r, const struct copy_request *request,
	const struct receipt_moved *moved, struct answer *a)
{
	size_t n = r->n_tags + request->n_tags;
	_cleanup_free_ struct request_tag *tags = calloc(n + 1, sizeof(*tags));
	_cleanup_free_ char(*keys)[NAME_MAX + 1] = calloc(r->n_tags + 1, sizeof(*keys));
	struct copy_request whole;
	struct err err;

	err.errnum = 0;
	if (!fs_region_enabled(fs, request->source_region)) {
		if (preflight_regions(request->source_region, r->row.region, &err) == 0)
			err_set(&err, ENOENT, "%s is no region that this account has enabled",
				request->source_region);
	} else if (delete_under_way(fs, request->source_region, request->source_id)) {
		err_set(&err, EBUSY, "%s/%s is being deleted", request->source_region,
			request->source_id);
	}
	if (err.errnum) {
		r->has_refused = true;
		r->refused = err;
		if (a)
			answer_err(a, &err);
		return;
	}
	if (!tags || !keys) {
		if (a)
			answer_errno(a, ENOMEM);
		return;
	}
	if (r->draft.len) {
		free(r->row.text);
		r->row.text = strdup(buf_str(&r->draft));
	}
	if (!r->row.text) {
		if (a)
			answer_errno(a, ENOMEM);
		return;
	}
	add_folder(r, request, &whole, tags, keys);
	ask_with(fs, r, &whole, moved, a);
}

/* --- removal --- */

struct removal {
	struct fs *fs;
	uint32_t number;
	struct answer *answer;
	bool whole; /* the receipt goes too, not only the file in its folder */
	enum receipt_state before;
};

static void end(struct removal *m, const struct err *err)
{
	struct receipt *r = receipts_get(m->fs->receipts, (struct node){.slot = m->number});

	if (err)
		r->state = m->before;
	else if (m->whole)
		receipts_drop(m->fs, r);
	else {
		r->state = m->before;
		r->has_file = false;
		free(steal(&r->row.file_name));
		receipts_save(m->fs, r);
	}
	answer_err(m->answer, err);
	free(m);
}

static void removed(void *arg, const struct err *err)
{
	end(arg, err);
}

static void cancelled(void *arg, struct copy *copy, const struct err *err)
{
	struct removal *m = arg;
	struct receipt *r = receipts_get(m->fs->receipts, (struct node){.slot = m->number});
	struct err none;

	(void)copy;
	if (err || !m->whole || !r->row.id) {
		end(m, err);
	} else if (journal_delete_receipt(m->fs->journal, r->row.id, removed, m) < 0) {
		err_set(&none, ENOMEM, "out of memory");
		end(m, &none);
	}
}

static void begin_removal(struct fs *fs, struct receipt *r, bool whole, struct answer *a)
{
	struct copy *copy = receipts_copy(fs, r);
	struct removal *m;
	struct err err;

	if (r->state == RECEIPT_ASKING || r->state == RECEIPT_REMOVING) {
		err_set(&err, EBUSY, "%s: %s at this moment; try again", r->row.name,
			r->state == RECEIPT_ASKING ? "its copy is being asked for"
						   : "it is being removed");
		answer_err(a, &err);
		return;
	}
	m = calloc(1, sizeof(*m));
	if (!m) {
		answer_errno(a, ENOMEM);
		return;
	}
	*m = (struct removal){
		.fs = fs, .number = r->number, .answer = a, .whole = whole, .before = r->state};
	r->state = RECEIPT_REMOVING;
	if (!copy || copy->state != COPY_QUEUED) {
		cancelled(m, copy, NULL);
	} else if (copies_cancel(fs->copies, copy, cancelled, m) < 0) {
		err_set(&err, ENOMEM, "out of memory");
		end(m, &err);
	}
}

void receipt_remove(struct fs *fs, struct receipt *r, struct answer *a)
{
	begin_removal(fs, r, true, a);
}

void receipt_remove_file(struct fs *fs, struct receipt *r, struct answer *a)
{
	begin_removal(fs, r, false, a);
}
