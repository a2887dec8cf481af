/* SPDX-License-Identifier: MIT */
/* A start: what the journal says was under way goes on. */
#include "recover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "endpoint.h"
#include "job.h"
#include "log.h"
#include "lost_requests.h"
#include "move_cleanup.h"
#include "persist.h"
#include "region_queue.h"

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
	struct job *job;

	if (!find_state(row->state, &state) || !row->region || !endpoint_is_region(row->region) ||
		!row->source_region || !endpoint_is_region(row->source_region) || !row->source_id ||
		!ec2_is_snapshot_id(row->source_id) || !row->token ||
		(row->copy_id && !ec2_is_snapshot_id(row->copy_id)))
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
	job = duplicate(row, &mine) ? job_create(c, &mine, state) : NULL;
	if (!job || job_enter(job) < 0) {
		job_destroy(job);
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

static void cancel(struct job *job)
{
	job_note(job, NULL, "the mount ended before the request was accepted; nothing was sent",
		NULL);
	job->pub.row.ended_ms = clock_wall_ms();
	job_move(job, COPY_CANCELLED);
	persist_row(job, NULL);
	job_shed(job);
}

static void go_on(struct job *job)
{
	struct journal_copy *row = &job->pub.row;

	switch (job->pub.state) {
	case COPY_QUEUED:
		if (!row->acknowledged)
			cancel(job);
		break;
	case COPY_SUBMITTING:
		if (row->dry_run) {
			cancel(job);
		} else if (row->submitted) {
			job_reason(job, "the mount ended before EC2's answer; whether it made the "
					"copy is being looked for");
			lost_requests_start(job);
		} else if (row->acknowledged) {
			job_move(job, COPY_QUEUED);
			job_no_reason(job);
			persist_row(job, NULL);
		} else {
			cancel(job);
		}
		break;
	case COPY_PENDING:
		job->work->accepted_at = clock_mono_ms();
		break;
	default:
		/* Once its row is on disk again, the loop turns, and the mount stands. */
		if (still_tells(job->all, row)) {
			job_tell_end(job, true);
			persist_row(job, NULL);
		}
		if (still_moves(job->pub.state, row))
			move_cleanup_start(job);
	}
}

static void all_go_on(struct copies *c)
{
	struct job *job, *next;

	HASH_ITER (hh, c->rows, job, next) {
		if (!copy_state_ended(job->pub.state))
			job->queue->unlisted = true;
		/* A pending copy whose id is not known is one whose answer was lost. */
		if (job->pub.state == COPY_PENDING && !job->pub.row.copy_id) {
			job->pub.row.submitted = true;
			region_queue_leave(job);
			job->pub.state = COPY_SUBMITTING;
			region_queue_enter(job);
		}
		go_on(job);
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
