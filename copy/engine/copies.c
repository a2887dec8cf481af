/* SPDX-License-Identifier: MIT */
/* The copies of this mount: made, asked about, cancelled. */
#include "copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "clock.h"
#include "region_queue.h"
#include "job.h"
#include "move_cleanup.h"
#include "reconcile.h"
#include "on_end.h"
#include "poll_backoff.h"
#include "recover.h"
#include "persist.h"
#include "deferred_reply.h"
#include "expire.h"

static void new_region(void *arg, struct region *region)
{
	/* If there is no memory now, lane_get() tries again when the lane is needed. */
	lane_make(arg, region);
}

/* The user's command was started. Until that is on disk another mount would start it again: rather
 * twice than not at all. */
static void told(void *arg, int64_t row)
{
	struct copies *c = arg;
	struct entry *e;

	HASH_FIND(hh, c->rows, &row, sizeof(row), e);
	if (!e || !e->pub.row.untold)
		return;
	e->pub.row.untold = false;
	save_row(e, NULL);
}

static int init(struct copies *c, const struct copies_options *options)
{
	struct copies_options *own = &c->options;

	*own = *options;
	own->account = options->account ? strdup(options->account) : NULL;
	own->on_end = options->on_end ? strdup(options->on_end) : NULL;
	if ((options->account && !own->account) || (options->on_end && !own->on_end))
		return -ENOMEM;
	own->poll_ms = options->poll_ms > 0 ? options->poll_ms : PACE_SHORTEST_MS;
	own->window_ms = options->window_ms > 0 ? options->window_ms : WINDOW_MS;
	own->answer_ms = options->answer_ms > 0 ? options->answer_ms : ANSWER_MS;
	own->retry_ms = options->retry_ms > 0 ? options->retry_ms : RETRY_MS;
	c->history = history_create();
	c->estimate = estimate_create();
	if (!c->history || !c->estimate || save_init(c) < 0 || sweep_init(c) < 0 ||
		soon_init(c) < 0)
		return -ENOMEM;
	return on_end_create(own->loop, own->on_end, told, c, &c->on_end);
}

int copies_create(const struct copies_options *options, journal_receipt_fn *receipt, void *arg,
	struct copies **out, struct err *err)
{
	struct copies *c = calloc(1, sizeof(*c));
	int result;

	*out = NULL;
	if (!c)
		return err_set(err, ENOMEM, "out of memory");
	result = init(c, options);
	if (result < 0) {
		err_set(err, -result, "the copies cannot be set up: %s", strerror(-result));
		copies_destroy(c);
		return result;
	}
	regions_each(c->options.regions, new_region, c);
	result = recover_journal(c, receipt, arg, err);
	if (result < 0) {
		copies_destroy(c);
		return result;
	}
	*out = c;
	return 0;
}

void copies_destroy(struct copies *c)
{
	struct entry *e, *next;
	struct lane *lane, *after;

	if (!c)
		return;
	asking_finish(c);
	soon_finish(c);
	mover_finish(c);
	HASH_ITER (hh, c->rows, e, next)
		life_destroy(e);
	HASH_ITER (hh, c->lanes, lane, after)
		lane_destroy(lane);
	while (c->watchers) {
		struct watcher *w = c->watchers;

		c->watchers = w->next;
		free(w);
	}
	save_finish(c);
	sweep_finish(c);
	on_end_destroy(c->on_end);
	history_destroy(c->history);
	estimate_destroy(c->estimate);
	free((char *)c->options.account);
	free((char *)c->options.on_end);
	free(c);
}

int copies_request(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *receipt, copies_done *done, void *arg)
{
	return asking_start(c, region, request, move, receipt, done, arg);
}

/* --- asking about copies --- */

struct copy *copies_by_row(struct copies *c, int64_t id)
{
	struct entry *e;

	HASH_FIND(hh, c->rows, &id, sizeof(id), e);
	return e ? &e->pub : sweep_recall(c, id);
}

struct copy *copies_by_snapshot(struct copies *c, const char *region, const char *id)
{
	struct lane *lane = lane_find(c, region);
	struct entry *e = NULL;
	struct foreign *f = NULL;
	int64_t row;

	if (lane) {
		HASH_FIND(hh_id, lane->ids, id, strlen(id), e);
		if (e)
			return &e->pub;
		HASH_FIND_STR(lane->foreign, id, f);
		if (f)
			return &f->pub;
	}
	row = history_by_snapshot(c->history, region, id);
	return row ? sweep_recall(c, row) : NULL;
}

static int by_request(const void *a, const void *b)
{
	const struct copy *x = *(const struct copy *const *)a, *y = *(const struct copy *const *)b;

	if (x->row.requested_ms != y->row.requested_ms)
		return x->row.requested_ms < y->row.requested_ms ? -1 : 1;
	return x->row.id < y->row.id ? -1 : x->row.id > y->row.id;
}

static bool is_recent(const struct copy *copy, int64_t before)
{
	return !copy_state_ended(copy->state) || copy->row.ended_ms >= before;
}

void copies_each(const struct copies *c, copies_each_fn *fn, void *arg)
{
	int64_t before = clock_wall_ms() - COPIES_LATELY_MS;
	size_t n = HASH_COUNT(c->rows), at = 0;
	const struct copy **all;

	for (struct lane *lane = c->lanes; lane; lane = lane->hh.next)
		n += HASH_COUNT(lane->foreign);
	all = calloc(n + 1, sizeof(struct copy *));
	if (!all)
		return;
	for (struct entry *e = c->rows; e; e = e->hh.next)
		if (is_recent(&e->pub, before))
			all[at++] = &e->pub;
	for (struct lane *lane = c->lanes; lane; lane = lane->hh.next)
		for (struct foreign *f = lane->foreign; f; f = f->hh.next)
			if (is_recent(&f->pub, before))
				all[at++] = &f->pub;
	qsort(all, at, sizeof(*all), by_request);
	for (size_t i = 0; i < at; i++)
		fn(arg, all[i]);
	free(all);
}

unsigned copies_position(const struct copies *c, const struct copy *copy, unsigned *length)
{
	const struct entry *e = (const struct entry *)copy;

	(void)c;
	*length = 0;
	if (copy->origin != COPY_OURS || copy->state != COPY_QUEUED)
		return 0;
	*length = e->lane->queued;
	return lane_position(e);
}

bool copies_needs(const struct copies *c, const char *region, const char *id)
{
	if (asking_needs(c, region, id))
		return true;
	for (struct lane *lane = c->lanes; lane; lane = lane->hh.next) {
		struct entry *lists[] = {lane->queue, lane->flights}, *e;

		for (size_t i = 0; i < ARRAY_LEN(lists); i++)
			for (e = lists[i]; e; e = e->next)
				if (!e->pub.row.dry_run && !strcmp(e->pub.row.source_id, id) &&
					!strcmp(e->pub.row.source_region, region))
					return true;
		for (struct foreign *f = lane->foreign; f; f = f->hh.next)
			if (f->pub.state == COPY_PENDING && f->pub.row.source_id &&
				!strcmp(f->pub.row.source_id, id) &&
				!strcmp(f->pub.row.source_region, region))
				return true;
	}
	return false;
}

int copies_watch(struct copies *c, copies_watch_fn *fn, void *arg)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct watcher){.next = c->watchers, .fn = fn, .arg = arg};
	c->watchers = w;
	return 0;
}

int copies_hold(struct copies *c, const char *region, const char *id)
{
	struct lane *lane = lane_get(c, region);

	return lane ? lane_hold(lane, id) : -ENOMEM;
}

void copies_release(struct copies *c, const char *region, const char *id)
{
	struct lane *lane = lane_find(c, region);

	if (lane)
		lane_release(lane, id);
}

void copies_glance(struct copies *c, const char *region, const char *id)
{
	struct lane *lane = lane_get(c, region);

	if (lane)
		lane_glance(lane, id);
}

/* --- ends that the user makes --- */

static void cancelled(struct entry *e, const struct err *err)
{
	if (err) {
		/* On disk it is queued, and it stays so. */
		e->pub.row.ended_ms = 0;
		life_tell_end(e, false);
		e->work->phase = PHASE_REST;
		life_move(e, COPY_QUEUED);
		life_answer(e, err);
		return;
	}
	life_answer(e, NULL);
	life_shed(e);
}

void copies_keep_source(struct copies *c, struct copy *copy)
{
	struct entry *e = entry_of(copy);

	(void)c;
	if (!copy->row.move || e->moving)
		return;
	copy->row.move = false;
	life_changed(e);
	save_row(e, NULL);
}

static int answer_soon(struct copies *c, struct copy *copy, copies_done *done, void *arg)
{
	struct soon *s = soon_create();

	if (!s)
		return -ENOMEM;
	soon_call(c, s, done, arg, copy, NULL);
	return 0;
}

int copies_cancel(struct copies *c, struct copy *copy, copies_done *done, void *arg)
{
	struct entry *e = entry_of(copy);

	if (copy->origin != COPY_OURS || copy->state != COPY_QUEUED || e->work->done)
		return done ? answer_soon(c, copy, done, arg) : 0;
	if (e->work->phase == PHASE_CHECKING) {
		region_cancel(steal(&e->work->waiter));
		e->work->phase = PHASE_REST;
	}
	e->work->done = done;
	e->work->done_arg = arg;
	e->pub.row.ended_ms = clock_wall_ms();
	life_tell_end(e, true);
	life_move(e, COPY_CANCELLED);
	save_row(e, cancelled);
	return 0;
}

void copies_snapshot_deleted(struct copies *c, const char *region, const char *id)
{
	struct lane *lane = lane_find(c, region);
	struct entry *e;
	struct foreign *f;

	if (!lane)
		return;
	HASH_FIND(hh_id, lane->ids, id, strlen(id), e);
	if (e && e->pub.state == COPY_PENDING)
		life_end(e, COPY_CANCELLED, clock_wall_ms(),
			"the snapshot was deleted while it was being copied");
	HASH_FIND_STR(lane->foreign, id, f);
	if (f)
		observe_foreign_end(f, COPY_CANCELLED, clock_wall_ms(), NULL);
}
