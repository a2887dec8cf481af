/* SPDX-License-Identifier: MIT */
/* What a receipt needs only for a while. */
#include "receipt_work.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "receipts.h"
#include "snapshot_file.h"

struct answer_link {
	struct answer_link *next;
	struct answer *answer; /* NULL once interrupted */
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
	struct answer_link *link, *next;

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

void receipt_refused(struct receipt_work *w, const struct err *err)
{
	w->has_refused = true;
	w->refused = *err;
}

void receipt_await(struct receipt_work *w, struct answer *a)
{
	struct answer_link *link = calloc(1, sizeof(*link));

	if (!link) {
		answer_errno(a, ENOMEM);
		return;
	}
	link->answer = a;
	LL_PREPEND(w->waiting, link);
	/* Whoever stops waiting stops waiting only: the copy that was asked for goes on. */
	answer_detach_on_interrupt(&link->answer);
}

bool receipt_answer(struct receipt_work *w, const struct err *err)
{
	struct answer_link *waiting = steal(&w->waiting), *link, *next;
	bool heard = false;

	LL_FOREACH_SAFE(waiting, link, next)
	{
		if (link->answer) {
			answer_err(link->answer, err);
			heard = true;
		}
		free(link);
	}
	return heard;
}
