/* SPDX-License-Identifier: MIT */
/* Copies that ended long ago go from the table into the history, and back for a moment. */
#include "expire.h"

#include <errno.h>

#include "clock.h"
#include "job.h"
#include "reconcile.h"

#define SWEEP_MS 60000

static bool is_idle(const struct entry *e)
{
	return !e->saves && !e->dirty && !e->unsaved && !e->moving && !(e->work && e->work->done) &&
	       !(e->pub.row.untold && e->all->on_end);
}

static void sweep(void *arg)
{
	struct copies *c = arg;
	int64_t before = clock_wall_ms() - COPIES_LATELY_MS;
	bool more = false;
	struct entry *e, *next;

	HASH_ITER (hh, c->rows, e, next) {
		if (!copy_state_ended(e->pub.state) || e->recalled)
			continue;
		if (e->pub.row.ended_ms < before && is_idle(e) &&
			history_add(c->history, &e->pub) == 0)
			life_destroy(e);
		else
			more = true;
	}
	for (struct lane *lane = c->lanes; lane; lane = lane->hh.next) {
		struct foreign *f, *after;

		HASH_ITER (hh, lane->foreign, f, after) {
			if (f->pub.state == COPY_PENDING)
				continue;
			if (f->pub.row.ended_ms < before)
				observe_foreign_drop(f);
			else
				more = true;
		}
	}
	if (more)
		loop_timer_start(c->sweep_timer, SWEEP_MS);
}

void sweep_soon(struct copies *c)
{
	if (!loop_timer_armed(c->sweep_timer))
		loop_timer_start(c->sweep_timer, SWEEP_MS);
}

/* The history has them unchanged. */
static void forget(void *arg)
{
	struct copies *c = arg;
	struct entry *e, *next;

	DL_FOREACH_SAFE(c->recalled, e, next)
	{
		DL_DELETE(c->recalled, e);
		life_destroy(e);
	}
}

struct copy *sweep_recall(struct copies *c, int64_t row)
{
	struct copy ended;
	struct entry *e;

	if (history_get(c->history, row, &ended) < 0)
		return NULL;
	e = life_create(c, &ended.row, ended.state);
	if (!e || life_enter(e) < 0) {
		life_destroy(e);
		return NULL;
	}
	e->recalled = true;
	DL_APPEND(c->recalled, e);
	if (!loop_timer_armed(c->recall_timer))
		loop_timer_start(c->recall_timer, 0);
	return &e->pub;
}

int sweep_init(struct copies *c)
{
	c->sweep_timer = loop_timer_create(c->options.loop, sweep, c);
	c->recall_timer = loop_timer_create(c->options.loop, forget, c);
	return c->sweep_timer && c->recall_timer ? 0 : -ENOMEM;
}

void sweep_finish(struct copies *c)
{
	loop_timer_destroy(c->sweep_timer);
	loop_timer_destroy(c->recall_timer);
}
