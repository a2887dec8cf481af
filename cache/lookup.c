/* SPDX-License-Identifier: MIT */
/* Single ids asked for in one region. */
#include "lookup.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "loop.h"
#include "pages.h"

/* Out of memory, the hash adds nothing instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

/*
 * An id's life here:
 *
 *   QUEUED      somebody waits for it; the next free request takes it along
 *   FLYING      a request for it is under way; `again` are those who want a later one
 *   REMEMBERED  answered at at_ms; forgotten when too many came after it
 */
enum asked_state { ASKED_QUEUED, ASKED_FLYING, ASKED_REMEMBERED };

struct asked {
	char id[72];
	enum asked_state state;
	bool found;
	bool alone; /* EC2 refused a request with this and other ids: it goes by itself */
	int64_t at_ms;
	struct waiters waiters, again;
	struct asked *prev, *next; /* in the list that its state names */
	UT_hash_handle hh;
};

/* One request. */
struct batch {
	struct lookup *lookup;
	struct pages *pages;
	struct asked *asked[EC2_FILTER_VALUES_MAX];
	const char *ids[EC2_FILTER_VALUES_MAX];
	size_t n;
	struct ec2_filter filter;
	struct batch *prev, *next;
};

struct lookup {
	struct lookup_options o;
	struct asked *by_id;
	struct asked *queue, *remembered; /* oldest first */
	unsigned n_remembered;
	struct batch *batches;
	unsigned n_batches;
	uint64_t requests;
	struct loop_timer *turn; /* fires when the loop's present turn is over */
	struct waiters due;      /* to be called now */
	struct waiters
		failed; /* to be called at the end of the turn: no memory for their request */
};

static void lookup_send(void *arg);

struct lookup *lookup_create(const struct lookup_options *options)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->o = *options;
	waiters_init(&l->due);
	waiters_init(&l->failed);
	l->turn = loop_timer_create(options->loop, lookup_send, l);
	if (!l->turn) {
		free(l);
		return NULL;
	}
	return l;
}

static struct asked *asked_find(const struct lookup *l, const char *id)
{
	struct asked *a;

	HASH_FIND_STR(l->by_id, id, a);
	return a;
}

/* It stands in no list any more. */
static void asked_destroy(struct lookup *l, struct asked *a)
{
	HASH_DEL(l->by_id, a);
	waiters_drop(&a->waiters);
	waiters_drop(&a->again);
	free(a);
}

void lookup_destroy(struct lookup *l)
{
	struct batch *b, *next_batch;
	struct asked *a, *next;

	if (!l)
		return;
	DL_FOREACH_SAFE(l->batches, b, next_batch)
	{
		pages_cancel(b->pages);
		free(b);
	}
	HASH_ITER (hh, l->by_id, a, next)
		asked_destroy(l, a);
	waiters_drop(&l->due);
	waiters_drop(&l->failed);
	loop_timer_destroy(l->turn);
	free(l);
}

uint64_t lookup_requests(const struct lookup *l)
{
	return l->requests;
}

bool lookup_remembers(const struct lookup *l, const char *id, int64_t now_ms)
{
	const struct asked *a = asked_find(l, id);

	return a && a->state == ASKED_REMEMBERED &&
	       now_ms - a->at_ms < (a->found ? l->o.found_ms : LOOKUP_MISS_MS);
}

/* --- asking --- */

static void asked_queue(struct lookup *l, struct asked *a)
{
	a->state = ASKED_QUEUED;
	a->found = false;
	DL_APPEND(l->queue, a);
	if (!loop_timer_armed(l->turn))
		loop_timer_start(l->turn, 0);
}

static struct asked *asked_create(struct lookup *l, const char *id)
{
	struct asked *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	snprintf(a->id, sizeof(a->id), "%s", id);
	waiters_init(&a->waiters);
	waiters_init(&a->again);
	HASH_ADD_STR(l->by_id, id, a);
	if (!a->hh.tbl) {
		free(a);
		return NULL;
	}
	asked_queue(l, a);
	return a;
}

/* The id, queued or flying. NULL on ENOMEM. */
static struct asked *asked_need(struct lookup *l, const char *id)
{
	struct asked *a = asked_find(l, id);

	if (!a)
		return asked_create(l, id);
	if (a->state == ASKED_REMEMBERED) {
		DL_DELETE(l->remembered, a);
		l->n_remembered--;
		asked_queue(l, a);
	}
	return a;
}

struct region_waiter *lookup_ask(
	struct lookup *l, const char *id, bool anew, region_done *done, void *arg)
{
	struct asked *a = asked_need(l, id);

	if (!a)
		return NULL;
	return waiters_add(a->state == ASKED_FLYING && anew ? &a->again : &a->waiters, done, arg);
}

int lookup_take(struct lookup *l, const char *id, struct region_waiter *w)
{
	struct asked *a = asked_need(l, id);

	if (!a)
		return -ENOMEM;
	waiters_move(w, &a->waiters);
	return 0;
}

/* --- answers --- */

/* The id's request is answered; whoever waits for it is due. */
static void asked_remember(struct lookup *l, struct asked *a)
{
	a->alone = false;
	waiters_move_all(&a->waiters, &l->due);
	if (!waiters_empty(&a->again)) {
		waiters_move_all(&a->again, &a->waiters);
		asked_queue(l, a);
		return;
	}
	a->state = ASKED_REMEMBERED;
	a->at_ms = clock_mono_ms();
	DL_APPEND(l->remembered, a);
	if (++l->n_remembered > LOOKUP_REMEMBERED) {
		struct asked *oldest = l->remembered;

		DL_DELETE(l->remembered, oldest);
		l->n_remembered--;
		asked_destroy(l, oldest);
	}
}

/* No answer: nothing is remembered. */
static void asked_fail(struct lookup *l, struct asked *a, struct waiters *due)
{
	waiters_move_all(&a->waiters, due);
	if (waiters_empty(&a->again)) {
		asked_destroy(l, a);
		return;
	}
	waiters_move_all(&a->again, &a->waiters);
	asked_queue(l, a);
}

static int batch_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct batch *b = arg;
	struct lookup *l = b->lookup;

	(void)ends;
	for (size_t i = 0; i < page->n_snapshots; i++) {
		const struct ec2_snapshot *s = &page->snapshots[i];
		struct asked *a = asked_find(l, s->id);

		/* An endpoint that does not know the filter may send anything. */
		if (!a || a->state != ASKED_FLYING)
			continue;
		a->found = true;
		if (l->o.found(l->o.arg, s) < 0)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* EC2 refuses the request for what is in it, not for who sends it or when. */
static bool refused(const struct err *err)
{
	return !err->retryable && (err->errnum == EINVAL || err->errnum == ENOENT);
}

/* EC2 says that there is no such snapshot: InvalidSnapshot.NotFound, InvalidSnapshotID.Malformed.
 */
static bool says_absent(const struct err *err)
{
	return refused(err) &&
	       strncmp(err->code, "InvalidSnapshot", strlen("InvalidSnapshot")) == 0;
}

/* One bad id is not to spoil the others: each goes by itself. */
static void batch_split(struct lookup *l, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		b->asked[i]->alone = true;
		asked_queue(l, b->asked[i]);
	}
}

static void batch_done(void *arg, const struct err *err)
{
	struct batch *b = arg;
	struct lookup *l = b->lookup;

	DL_DELETE(l->batches, b);
	l->n_batches--;
	if (err && refused(err) && b->n > 1) {
		batch_split(l, b);
	} else if (err && !says_absent(err)) {
		for (size_t i = 0; i < b->n; i++)
			asked_fail(l, b->asked[i], &l->due);
	} else {
		for (size_t i = 0; i < b->n; i++) {
			if (!b->asked[i]->found)
				l->o.absent(l->o.arg, b->asked[i]->id);
			asked_remember(l, b->asked[i]);
		}
		err = NULL;
	}
	free(b);
	if (l->queue && !loop_timer_armed(l->turn))
		loop_timer_start(l->turn, 0);
	waiters_deliver(&l->due, err);
}

/* --- requests --- */

static struct batch *batch_start(struct lookup *l)
{
	struct batch *b = calloc(1, sizeof(*b));
	struct ec2_describe_snapshots query = {.region = l->o.region, .n_filters = 1};
	struct asked *a, *next;
	bool alone = l->queue->alone;

	if (!b)
		return NULL;
	b->lookup = l;
	DL_FOREACH_SAFE(l->queue, a, next)
	{
		if (b->n == EC2_FILTER_VALUES_MAX || (b->n && (alone || a->alone)))
			break;
		b->asked[b->n] = a;
		b->ids[b->n++] = a->id;
	}
	b->filter = (struct ec2_filter){.name = "snapshot-id", .values = b->ids, .n_values = b->n};
	/* No owner: shared and public ones too. No size of pages: EC2 may filter after it has cut
	 * the pages, and would send one empty page for each thousand public snapshots. */
	query.filters = &b->filter;
	b->pages = pages_start(l->o.aws, &query, batch_page, batch_done, b);
	if (!b->pages) {
		free(b);
		return NULL;
	}
	for (size_t i = 0; i < b->n; i++) {
		DL_DELETE(l->queue, b->asked[i]);
		b->asked[i]->state = ASKED_FLYING;
	}
	DL_APPEND(l->batches, b);
	l->n_batches++;
	l->requests++;
	return b;
}

/* The loop's turn is over: what was asked for in it goes out. */
static void lookup_send(void *arg)
{
	struct lookup *l = arg;
	struct err err = {0};

	while (l->queue && l->n_batches < LOOKUP_PARALLEL) {
		struct asked *first = l->queue;

		if (batch_start(l))
			continue;
		DL_DELETE(l->queue, first);
		asked_fail(l, first, &l->failed);
	}
	err_set(&err, ENOMEM, "out of memory");
	waiters_deliver(&l->failed, &err);
}
