/* SPDX-License-Identifier: MIT */
/* The state that a receipt needs only for a while: the text being written, the closes that wait for
 * the result of its request, and the changes that the result causes. */
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "receipts.h"
#include "snapshot_file.h"

struct waiting_reply {
	struct waiting_reply *next;
	struct pending_reply *reply; /* NULL once interrupted */
};

struct receipt_after {
	struct receipt_after *next;
	receipts_after_fn *fn;
	void *arg;
};

struct receipt_work *receipts_work(struct receipt *r)
{
	if (r->work)
		return r->work;
	r->work = calloc(1, sizeof(*r->work));
	if (!r->work)
		return NULL;
	buf_init(&r->work->draft, REQUEST_TEXT_MAX);
	return r->work;
}

void receipts_work_destroy(struct receipt_work *w)
{
	struct waiting_reply *link, *next;
	struct receipt_after *after, *following;

	if (!w)
		return;
	LL_FOREACH_SAFE(w->waiting, link, next)
	free(link);
	LL_FOREACH_SAFE(w->after, after, following)
	free(after);
	free(w->before.text);
	buf_finish(&w->draft);
	free(w);
}

void receipts_work_shed(struct receipt *r)
{
	const struct receipt_work *w = r->work;

	if (!w || r->state != RECEIPT_ASKED || w->writers || w->waiting || w->after)
		return;
	receipts_work_destroy(steal(&r->work));
}

void receipts_work_refuse(struct receipt_work *w, const struct err *err)
{
	w->has_refused = true;
	w->refused = *err;
}

void receipts_work_wait(struct receipt_work *w, struct pending_reply *reply)
{
	struct waiting_reply *link = calloc(1, sizeof(*link));

	if (!link) {
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	link->reply = reply;
	LL_PREPEND(w->waiting, link);
	/* An interrupted close() stops waiting; the copy itself continues. */
	pending_reply_detach_on_interrupt(&link->reply);
}

bool receipts_work_reply(struct receipt_work *w, const struct err *err)
{
	struct waiting_reply *waiting = steal(&w->waiting), *link, *next;
	bool heard = false;

	LL_FOREACH_SAFE(waiting, link, next)
	{
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
	LL_APPEND(w->after, after);
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

bool receipts_after_take(struct receipt_after **list, receipts_after_fn **fn, void **arg)
{
	struct receipt_after *after = *list;

	if (!after)
		return false;
	LL_DELETE(*list, after);
	*fn = after->fn;
	*arg = after->arg;
	free(after);
	return true;
}

void receipts_after_put_back(struct receipt_work *w, struct receipt_after *list)
{
	LL_CONCAT(w->after, list);
}
