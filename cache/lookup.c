/* SPDX-License-Identifier: MIT */
/* Lookups of single snapshots by id in one region. */
#include "lookup.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include <utlist.h>

#include "clock.h"
#include "hash.h"
#include "loop.h"
#include "pages.h"

/*
 * The states of an id:
 *
 *   QUEUED      the next free request includes it
 *   IN_FLIGHT   a request for it was sent; waiters in `again` want a later one
 *   REMEMBERED  its result arrived at at_ms; forgotten when too many came after it
 */
enum asked_state { ASKED_QUEUED, ASKED_IN_FLIGHT, ASKED_REMEMBERED };

struct asked {
	char id[72];
	enum asked_state state;
	bool found;
	bool alone; /* EC2 refused a request with this and other ids: it gets its own request */
	int64_t at_ms;
	struct waiters waiters, again;
	struct asked *prev, *next; /* in the list of its state */
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
	struct loop_timer *turn; /* fires at the end of the loop iteration */
	struct waiters due;      /* about to be called */
	struct waiters failed;   /* no memory for their request: called when turn fires */
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

/* The id must be in no list. */
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

/* --- the queue --- */

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

/* The id, queued or in flight. NULL on ENOMEM. */
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
	struct lookup *l, const char *id, bool force, region_done *done, void *arg)
{
	struct asked *a = asked_need(l, id);

	if (!a)
		return NULL;
	return waiters_add(
		a->state == ASKED_IN_FLIGHT && force ? &a->again : &a->waiters, done, arg);
}

int lookup_take(struct lookup *l, const char *id, struct region_waiter *w)
{
	struct asked *a = asked_need(l, id);

	if (!a)
		return -ENOMEM;
	waiters_move(w, &a->waiters);
	return 0;
}

/* --- responses --- */

/* The id's result has arrived: remembers it and makes its waiters due. */
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

/* The request failed: nothing is remembered. */
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

static int lookup_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct batch *b = arg;
	struct lookup *l = b->lookup;

	(void)ends;
	for (size_t i = 0; i < page->n_snapshots; i++) {
		const struct ec2_snapshot *s = &page->snapshots[i];
		struct asked *a = asked_find(l, s->id);

		/* An endpoint without this filter may send any snapshot. */
		if (!a || a->state != ASKED_IN_FLIGHT)
			continue;
		a->found = true;
		if (l->o.found(l->o.arg, s) < 0)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* EC2 refuses the request for its content, not for its caller or the rate. */
static bool is_refused_content(const struct err *err)
{
	return !err->retryable && (err->errnum == EINVAL || err->errnum == ENOENT);
}

/* There is no such snapshot: InvalidSnapshot.NotFound, InvalidSnapshotID.Malformed. */
static bool is_absent(const struct err *err)
{
	return is_refused_content(err) &&
	       strncmp(err->code, "InvalidSnapshot", strlen("InvalidSnapshot")) == 0;
}

/* Sends each id of the batch in a request of its own, so that one bad id fails alone. */
static void lookup_batch_split(struct lookup *l, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		b->asked[i]->alone = true;
		asked_queue(l, b->asked[i]);
	}
}

static void lookup_done(void *arg, const struct err *err)
{
	struct batch *b = arg;
	struct lookup *l = b->lookup;

	DL_DELETE(l->batches, b);
	l->n_batches--;
	if (err && is_refused_content(err) && b->n > 1) {
		lookup_batch_split(l, b);
	} else if (err && !is_absent(err)) {
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

static struct batch *lookup_batch_start(struct lookup *l)
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
	/* No owner: shared and public snapshots too. No page size: EC2 may filter after it has cut
	 * the pages, and would send one empty page for each thousand public snapshots. */
	query.filters = &b->filter;
	b->pages = pages_start(l->o.aws, &query, lookup_page, lookup_done, b);
	if (!b->pages) {
		free(b);
		return NULL;
	}
	for (size_t i = 0; i < b->n; i++) {
		DL_DELETE(l->queue, b->asked[i]);
		b->asked[i]->state = ASKED_IN_FLIGHT;
	}
	DL_APPEND(l->batches, b);
	l->n_batches++;
	l->requests++;
	return b;
}

/* Sends the ids that were queued in this loop iteration. */
static void lookup_send(void *arg)
{
	struct lookup *l = arg;
	struct err err = {0};

	while (l->queue && l->n_batches < LOOKUP_PARALLEL) {
		struct asked *first = l->queue;

		if (lookup_batch_start(l))
			continue;
		DL_DELETE(l->queue, first);
		asked_fail(l, first, &l->failed);
	}
	err_set(&err, ENOMEM, "out of memory");
	waiters_deliver(&l->failed, &err);
}
