/* SPDX-License-Identifier: MIT */
/* A start: what the journal says was under way goes on. */
#include "recover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "endpoint.h"
#include "region_queue.h"
#include "job.h"
#include "log.h"
#include "move_cleanup.h"
#include "persist.h"
#include "lost_requests.h"

#define KEPT_MS (30 * 86400LL * 1000) /* ended copies without a receipt are pruned after that */

struct reading {
	struct copies *all;
	journal_receipt_fn *receipt;
	void *arg;
	int64_t *wanted; /* copies that receipts speak of */
	size_t n_wanted, cap;
	struct err *err;
};

static bool find_state(const char *text, enum copy_state *out)
{
	for (enum copy_state state = COPY_QUEUED; state <= COPY_CANCELLED; state++)
		if (text && !strcmp(text, copy_state_text(state))) {
			*out = state;
			return true;
		}
	return false;
}

/* A copy of the row with strings of its own; false on ENOMEM. */
static bool duplicate(const struct journal_copy *from, struct journal_copy *to)
{
	char *const in[] = {from->token, from->source_region, from->source_id, from->region,
		from->description, from->tags, from->kms_key_id, from->copy_id, from->code,
		from->message, from->request_id};
	char **const out[] = {&to->token, &to->source_region, &to->source_id, &to->region,
		&to->description, &to->tags, &to->kms_key_id, &to->copy_id, &to->code, &to->message,
		&to->request_id};
	bool whole = true;

	*to = *from;
	to->state = NULL;
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		*out[i] = in[i] ? strdup(in[i]) : NULL;
		whole = whole && (!in[i] || *out[i]);
	}
	if (!whole)
		journal_copy_finish(to);
	return whole;
}

static bool still_moves(enum copy_state state, const struct journal_copy *row)
{
	return state == COPY_COMPLETED && row->move && !row->code && !row->dry_run;
}

static bool still_tells(const struct copies *c, const struct journal_copy *row)
{
	return row->untold && c->on_end;
}

static int take_copy(void *arg, const struct journal_copy *row)
{
	struct reading *r = arg;
	struct copies *c = r->all;
	enum copy_state state;
	struct journal_copy mine;
	struct entry *e;

	if (!find_state(row->state, &state) || !row->region || !endpoint_is_region(row->region) ||
		!row->source_region || !row->source_id || !row->token)
		return err_set(r->err, EINVAL,
			"the journal's copy %lld cannot be understood (state %s)",
			(long long)row->id, row->state ? row->state : "missing");
	if (state == COPY_COMPLETED && row->started_ms)
		estimate_learn(c->estimate, row->source_region, row->region, row->bytes,
			row->ended_ms - row->started_ms);
	if (copy_state_ended(state) && row->ended_ms < clock_wall_ms() - COPIES_LATELY_MS &&
		!still_moves(state, row) && !still_tells(c, row)) {
		struct copy ended = {.state = state, .row = *row};

		return history_add(c->history, &ended) < 0
			       ? err_set(r->err, ENOMEM, "out of memory")
			       : 0;
	}
	e = duplicate(row, &mine) ? life_create(c, &mine, state) : NULL;
	if (!e || life_enter(e) < 0) {
		life_destroy(e);
		return err_set(r->err, ENOMEM, "out of memory");
	}
	return 0;
}

static int take_receipt(void *arg, const struct journal_receipt *row)
{
	struct reading *r = arg;

	if (r->n_wanted == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 256;
		int64_t *wanted = realloc(r->wanted, cap * sizeof(*wanted));

		if (!wanted)
			return err_set(r->err, ENOMEM, "out of memory");
		r->wanted = wanted;
		r->cap = cap;
	}
	r->wanted[r->n_wanted++] = row->copy;
	return r->receipt ? r->receipt(r->arg, row) : 0;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* --- what was under way --- */

static void cancel(struct entry *e)
{
	life_note(
		e, NULL, "the mount ended before the request was accepted; nothing was sent", NULL);
	e->pub.row.ended_ms = clock_wall_ms();
	life_move(e, COPY_CANCELLED);
	save_row(e, NULL);
	life_shed(e);
}

static void go_on(struct entry *e)
{
	struct journal_copy *row = &e->pub.row;

	switch (e->pub.state) {
	case COPY_QUEUED:
		if (!row->acknowledged)
			cancel(e);
		break;
	case COPY_SUBMITTING:
		if (row->dry_run) {
			cancel(e);
		} else if (row->submitted) {
			life_reason(e, "the mount ended before EC2's answer; whether it made the "
				       "copy is being looked for");
			search_start(e);
		} else if (row->acknowledged) {
			life_move(e, COPY_QUEUED);
			life_no_reason(e);
			save_row(e, NULL);
		} else {
			cancel(e);
		}
		break;
	case COPY_PENDING:
		e->work->accepted_at = clock_mono_ms();
		break;
	default:
		/* Once its row is on disk again, the loop turns, and the mount stands. */
		if (still_tells(e->all, row)) {
			life_tell_end(e, true);
			save_row(e, NULL);
		}
		if (still_moves(e->pub.state, row))
			mover_start(e);
	}
}

static void all_go_on(struct copies *c)
{
	struct entry *e, *next;

	HASH_ITER (hh, c->rows, e, next) {
		if (!copy_state_ended(e->pub.state))
			e->lane->unlisted = true;
		/* A pending copy whose id is not known is one whose answer was lost. */
		if (e->pub.state == COPY_PENDING && !e->pub.row.copy_id) {
			e->pub.row.submitted = true;
			lane_leave(e);
			e->pub.state = COPY_SUBMITTING;
			lane_enter(e);
		}
		go_on(e);
	}
}

int recover_journal(struct copies *c, journal_receipt_fn *receipt, void *arg, struct err *err)
{
	struct reading r = {.all = c, .receipt = receipt, .arg = arg, .err = err};
	int result;

	err->errnum = 0;
	result = journal_read(
		c->options.journal, clock_wall_ms() - KEPT_MS, take_copy, take_receipt, &r, err);
	if (result < 0) {
		if (!err->errnum)
			err_set(err, -result, "the journal cannot be read: %s", strerror(-result));
		free(r.wanted);
		return result;
	}
	if (r.n_wanted)
		qsort(r.wanted, r.n_wanted, sizeof(*r.wanted), by_number);
	history_retain(c->history, r.wanted, r.n_wanted);
	free(r.wanted);
	all_go_on(c);
	return 0;
}
