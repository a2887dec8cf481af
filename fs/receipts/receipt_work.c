/* SPDX-License-Identifier: MIT */
/* State that a receipt needs only for a while. */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "receipts.h"
#include "snapshot_file.h"

struct waiting_reply {
	struct waiting_reply *next;
	struct pending_reply *reply; /* NULL once interrupted */
};

struct receipt_work *receipt_work(struct receipt *r)
{
	if (r->work)
		return r->work;
	r->work = calloc(1, sizeof(*r->work));
	if (!r->work)
		return NULL;
	buf_init(&r->work->draft, REQUEST_TEXT_MAX);
	buf_init(&r->work->description, 4096);
	return r->work;
}

void receipt_work_destroy(struct receipt_work *w)
{
	struct waiting_reply *link, *next;

	if (!w)
		return;
	LL_FOREACH_SAFE(w->waiting, link, next)
	free(link);
	for (size_t i = 0; i < w->n_tags; i++) {
		free(w->tags[i].key);
		buf_finish(&w->tags[i].value);
	}
	free(w->tags);
	free(w->temporary);
	buf_finish(&w->draft);
	buf_finish(&w->description);
	free(w);
}

void receipt_work_shed(struct receipt *r)
{
	const struct receipt_work *w = r->work;

	/* A folder goes on showing what was written beside its file. */
	if (!w || r->state != RECEIPT_ASKED || r->is_folder || w->writers || w->dirty ||
		w->spoilt || w->has_refused || w->waiting)
		return;
	receipt_work_destroy(steal(&r->work));
}

void receipt_work_refuse(struct receipt_work *w, const struct err *err)
{
	w->has_refused = true;
	w->refused = *err;
}

void receipt_work_wait(struct receipt_work *w, struct pending_reply *reply)
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

bool receipt_work_reply(struct receipt_work *w, const struct err *err)
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
