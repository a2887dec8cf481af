/* SPDX-License-Identifier: MIT */
/* Copies by their rows: loading at the start, the history, and calls of done from the loop. */
#include "recover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "endpoint.h"
#include "job.h"
#include "region_queue.h"

#define KEPT_MS (30 * 86400LL * 1000) /* ended copies without a receipt are pruned after that */

struct recovery {
	struct copies *all;
	journal_receipt_fn *receipt;
	void *arg;
	int64_t *wanted; /* rows of copies that have a receipt; sorted once all are read */
	size_t n_wanted, cap;
	struct err *err;
};

static bool recover_state(const char *text, enum copy_state *out)
{
	for (enum copy_state state = COPY_QUEUED; state < COPY_STATES; state++)
		if (text && !strcmp(text, copy_state_text(state))) {
			*out = state;
			return true;
		}
	return false;
}

/* Whether an ended copy still has work to do: the deletion of a moved source, or the user's
 * command. */
static bool recover_still_owes(
	const struct copies *c, enum copy_state state, const struct journal_copy *row)
{
	bool moves = state == COPY_COMPLETED && row->move && !row->code && !row->dry_run;

	return moves || (row->untold && c->on_end);
}

/* The kind of the row; NULL: unknown, written by a newer ebsfs. */
static const struct job_kind *recover_kind(const struct copies *c, const struct journal_copy *row)
{
	for (const struct job_kind *const *kind = c->kinds; *kind; kind++)
		if (row->kind ? (*kind)->row_name && !strcmp((*kind)->row_name, row->kind)
			      : !(*kind)->row_name)
			return *kind;
	return NULL;
}

static int recover_copy(void *arg, const struct journal_copy *row)
{
	struct recovery *r = arg;
	struct copies *c = r->all;
	const struct job_kind *kind = recover_kind(c, row);
	enum copy_state state;
	struct journal_copy mine;

	if (!kind || !recover_state(row->state, &state) || !row->region ||
		!endpoint_is_region(row->region) || !row->source_region ||
		!endpoint_is_region(row->source_region) || !row->source_id ||
		!ec2_is_snapshot_id(row->source_id) || (!row->token && !row->adopted) ||
		(row->copy_id && !kind->is_result_id(row->copy_id)))
		return err_set(r->err, EINVAL,
			"copy %lld of the journal has a value that this ebsfs does not know (state "
			"%s): use the version of ebsfs that wrote the journal, or another "
			"directory with -o state_dir=",
			(long long)row->id, row->state ? row->state : "missing");
	if (kind->makes_snapshots && (state == COPY_COMPLETED || state == COPY_DELETED) &&
		row->started_ms)
		timing_learn(c->timing, row->source_region, row->region, row->bytes,
			row->ended_ms - row->started_ms);
	if (copy_state_ended(state) && row->ended_ms < clock_wall_ms() - COPIES_LATELY_MS &&
		!recover_still_owes(c, state, row)) {
		struct copy ended = {.state = state, .row = *row};

		return history_add(c->history, &ended) < 0
			       ? err_set(r->err, ENOMEM, "out of memory")
			       : 0;
	}
	if (journal_copy_copy(&mine, row) < 0 || !job_load(c, kind, &mine, state))
		return err_set(r->err, ENOMEM, "out of memory");
	return 0;
}

static int recover_receipt(void *arg, const struct journal_receipt *row)
{
	struct recovery *r = arg;

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

static int recover_by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static bool recover_has_receipt(const struct recovery *r, const struct job *job)
{
	return r->n_wanted && bsearch(&job->pub.row.id, r->wanted, r->n_wanted, sizeof(*r->wanted),
				      recover_by_number);
}

static void recover_resume_all(const struct recovery *r)
{
	struct job *job, *next;

	HASH_ITER (hh, r->all->rows, job, next) {
		if (!copy_state_ended(job->pub.state))
			job->queue->unlisted |= job->kind->counts_others;
		job_event(job, JOB_RESUMED, NULL);
		/* The last receipt was removed, and the process ended before COPIES_ABANDON_MS had
		 * passed. */
		if (job->pub.state == COPY_QUEUED && !recover_has_receipt(r, job))
			region_queue_hold(job, COPIES_ABANDON_MS, true);
	}
}

int recover_journal(struct copies *c, journal_receipt_fn *receipt, void *arg, struct err *err)
{
	struct recovery r = {.all = c, .receipt = receipt, .arg = arg, .err = err};
	int result;

	err->errnum = 0;
	result = journal_read(c->options.journal, clock_wall_ms() - KEPT_MS, recover_copy,
		recover_receipt, &r, err);
	if (result < 0) {
		if (!err->errnum)
			err_set(err, -result, "the journal cannot be read: %s", strerror(-result));
		free(r.wanted);
		return result;
	}
	if (r.n_wanted)
		qsort(r.wanted, r.n_wanted, sizeof(*r.wanted), recover_by_number);
	history_retain(c->history, r.wanted, r.n_wanted);
	recover_resume_all(&r);
	free(r.wanted);
	return 0;
}

/* --- jobs that ended long ago go into the history, and back for a moment --- */

static void recover_expire(void *arg)
{
	struct copies *c = arg;
	int64_t before = clock_wall_ms() - COPIES_LATELY_MS;
	bool more = false;
	struct job *job, *next;

	HASH_ITER (hh, c->rows, job, next) {
		if (!copy_state_ended(job->pub.state) || job->recalled)
			continue;
		if (job->pub.row.ended_ms < before && job_is_idle(job) &&
			history_add(c->history, &job->pub) == 0)
			job_destroy(job);
		else
			more = true;
	}
	for (struct region_queue *queue = c->queues; queue; queue = queue->hh.next) {
		struct foreign *f, *after;

		HASH_ITER (hh, queue->foreign, f, after) {
			if (f->pub.state == COPY_PENDING)
				continue;
			if (f->pub.row.ended_ms < before)
				region_queue_foreign_drop(f);
			else
				more = true;
		}
	}
	if (more)
		job_expire_soon(c);
}

/* Frees the recalled jobs; the history still has them. */
static void recover_forget(void *arg)
{
	struct copies *c = arg;
	struct job *job, *next;

	DL_FOREACH_SAFE(c->recalled, job, next)
	{
		DL_DELETE(c->recalled, job);
		job_destroy(job);
	}
}

static struct copy *recover_recall(struct copies *c, int64_t row)
{
	const struct job_kind *kind;
	struct copy ended;
	struct job *job;

	if (history_get(c->history, row, &ended) < 0)
		return NULL;
	kind = recover_kind(c, &ended.row);
	if (!kind) {
		journal_copy_finish(&ended.row);
		return NULL;
	}
	job = job_recall(c, kind, &ended.row, ended.state);
	if (!job)
		return NULL;
	DL_APPEND(c->recalled, job);
	if (!loop_timer_armed(c->recall_timer))
		loop_timer_start(c->recall_timer, 0);
	return &job->pub;
}

struct copy *recover_find(struct copies *c, int64_t row)
{
	struct job *job;

	HASH_FIND(hh, c->rows, &row, sizeof(row), job);
	return job ? &job->pub : recover_recall(c, row);
}

struct copy *recover_find_snapshot(struct copies *c, const char *region, const char *id)
{
	struct region_queue *queue = region_queue_find(c, region);
	struct job *job = NULL;
	struct foreign *f = NULL;
	int64_t row;

	if (queue) {
		HASH_FIND(hh_id, queue->ids, id, strlen(id), job);
		if (job)
			return &job->pub;
		HASH_FIND_STR(queue->foreign, id, f);
		if (f)
			return &f->pub;
	}
	row = history_by_snapshot(c->history, region, id);
	return row ? recover_find(c, row) : NULL;
}

void recover_outdate(struct copy *copy)
{
	struct job *job = job_of(copy);

	if (job->hh_id.tbl)
		HASH_DELETE(hh_id, job->queue->ids, job);
	if (job->hh.tbl)
		HASH_DEL(job->all->rows, job);
	job->hh_id.tbl = job->hh.tbl = NULL;
}

struct copy *recover_revive(struct copies *c, const struct journal_copy *row)
{
	const struct job_kind *kind;
	struct journal_copy mine;
	enum copy_state state;
	struct job *job;

	HASH_FIND(hh, c->rows, &row->id, sizeof(row->id), job);
	if (job && !job->recalled)
		return &job->pub;
	if (job)
		recover_outdate(&job->pub);
	kind = recover_kind(c, row);
	if (!kind || !recover_state(row->state, &state) || journal_copy_copy(&mine, row) < 0)
		return NULL;
	job = job_load(c, kind, &mine, state);
	if (!job)
		return NULL;
	job_event(job, JOB_RESUMED, NULL);
	job_expire_soon(c);
	return &job->pub;
}

/* --- responses that name a copy by its row --- */

struct reply {
	struct waiter base;
	copies_done *done;
	void *arg;
	int64_t row;
	bool failed;
	struct err err;
};

static void reply_all(void *arg)
{
	struct copies *c = arg;
	struct reply *r;

	while ((r = waiters_take(&c->replies))) {
		r->done(r->arg, r->row ? recover_find(c, r->row) : NULL,
			r->failed ? &r->err : NULL);
		free(r);
	}
}

struct reply *reply_create(void)
{
	return calloc(1, sizeof(struct reply));
}

void reply_send(struct copies *c, struct reply *reply, copies_done *done, void *arg, int64_t row,
	const struct err *err)
{
	*reply = (struct reply){.done = done, .arg = arg, .row = row, .failed = err != NULL};
	if (err)
		reply->err = *err;
	waiters_append(&c->replies, &reply->base);
	loop_timer_start(c->reply_timer, 0);
}

int recover_init(struct copies *c)
{
	c->expire_timer = loop_timer_create(c->options.loop, recover_expire, c);
	c->recall_timer = loop_timer_create(c->options.loop, recover_forget, c);
	c->reply_timer = loop_timer_create(c->options.loop, reply_all, c);
	return c->expire_timer && c->recall_timer && c->reply_timer ? 0 : -ENOMEM;
}

void recover_finish(struct copies *c)
{
	waiters_drop(&c->replies);
	loop_timer_destroy(c->expire_timer);
	loop_timer_destroy(c->recall_timer);
	loop_timer_destroy(c->reply_timer);
}
