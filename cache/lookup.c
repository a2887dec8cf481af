/* SPDX-License-Identifier: MIT */
/* Lookups of single snapshots by id in one region. */
#include "lookup.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "aws_error.h"
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
enum entry_state { ENTRY_QUEUED, ENTRY_IN_FLIGHT, ENTRY_REMEMBERED };

struct entry {
	char id[72];
	enum entry_state state;
	bool found;
	bool alone; /* EC2 refused a request with this and other ids: it gets its own request */
	int64_t at_ms;
	struct waiters waiters, again;
	struct entry *prev, *next; /* in the list of its state */
	UT_hash_handle hh;
};

/* One request. */
struct batch {
	struct lookup *lookup;
	struct pages *pages;
	struct entry *entries[EC2_FILTER_VALUES_MAX];
	const char *ids[EC2_FILTER_VALUES_MAX];
	size_t n;
	struct ec2_filter filter;
	struct batch *prev, *next;
};

struct lookup {
	struct lookup_options o;
	struct entry *by_id;
	struct entry *queue, *remembered; /* oldest first */
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
	l->turn = loop_timer_create(options->loop, lookup_send, l);
	if (!l->turn) {
		free(l);
		return NULL;
	}
	return l;
}

static struct entry *entry_find(const struct lookup *l, const char *id)
{
	struct entry *e;

	HASH_FIND_STR(l->by_id, id, e);
	return e;
}

/* The id must be in no list. */
static void entry_destroy(struct lookup *l, struct entry *e)
{
	HASH_DEL(l->by_id, e);
	waiters_drop(&e->waiters);
	waiters_drop(&e->again);
	free(e);
}

void lookup_destroy(struct lookup *l)
{
	struct batch *b, *next_batch;
	struct entry *e, *next;

	if (!l)
		return;
	DL_FOREACH_SAFE(l->batches, b, next_batch)
	{
		pages_cancel(b->pages);
		free(b);
	}
	HASH_ITER (hh, l->by_id, e, next)
		entry_destroy(l, e);
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
	const struct entry *e = entry_find(l, id);

	return e && e->state == ENTRY_REMEMBERED &&
	       now_ms - e->at_ms < (e->found ? l->o.found_ms : LOOKUP_MISS_MS);
}

void lookup_each_found(
	const struct lookup *l, int64_t now_ms, void (*fn)(void *arg, const char *id), void *arg)
{
	const struct entry *e;

	DL_FOREACH(l->remembered, e)
	{
		if (e->found && now_ms - e->at_ms < l->o.found_ms)
			fn(arg, e->id);
	}
}

/* --- the queue --- */

static void entry_queue(struct lookup *l, struct entry *e)
{
	e->state = ENTRY_QUEUED;
	e->found = false;
	DL_APPEND(l->queue, e);
	if (!loop_timer_armed(l->turn))
		loop_timer_start(l->turn, 0);
}

static struct entry *entry_create(struct lookup *l, const char *id)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	snprintf(e->id, sizeof(e->id), "%s", id);
	HASH_ADD_STR(l->by_id, id, e);
	if (!e->hh.tbl) {
		free(e);
		return NULL;
	}
	entry_queue(l, e);
	return e;
}

/* The id, queued or in flight. NULL on ENOMEM. */
static struct entry *entry_need(struct lookup *l, const char *id)
{
	struct entry *e = entry_find(l, id);

	if (!e)
		return entry_create(l, id);
	if (e->state == ENTRY_REMEMBERED) {
		DL_DELETE(l->remembered, e);
		l->n_remembered--;
		entry_queue(l, e);
	}
	return e;
}

struct region_waiter *lookup_ask(
	struct lookup *l, const char *id, bool force, region_done *done, void *arg)
{
	struct entry *e = entry_need(l, id);

	if (!e)
		return NULL;
	return region_waiter_add(
		e->state == ENTRY_IN_FLIGHT && force ? &e->again : &e->waiters, done, arg);
}

int lookup_take(struct lookup *l, const char *id, struct region_waiter *w)
{
	struct entry *e = entry_need(l, id);

	if (!e)
		return -ENOMEM;
	waiters_move(&w->base, &e->waiters);
	return 0;
}

/* --- responses --- */

/* The id's result has arrived: remembers it and makes its waiters due. */
static void entry_remember(struct lookup *l, struct entry *e)
{
	e->alone = false;
	waiters_move_all(&e->waiters, &l->due);
	if (!waiters_empty(&e->again)) {
		waiters_move_all(&e->again, &e->waiters);
		entry_queue(l, e);
		return;
	}
	e->state = ENTRY_REMEMBERED;
	e->at_ms = clock_mono_ms();
	DL_APPEND(l->remembered, e);
	if (++l->n_remembered > LOOKUP_REMEMBERED) {
		struct entry *oldest = l->remembered;

		DL_DELETE(l->remembered, oldest);
		l->n_remembered--;
		entry_destroy(l, oldest);
	}
}

/* The request failed: nothing is remembered. */
static void entry_fail(struct lookup *l, struct entry *e, struct waiters *due)
{
	waiters_move_all(&e->waiters, due);
	if (waiters_empty(&e->again)) {
		entry_destroy(l, e);
		return;
	}
	waiters_move_all(&e->again, &e->waiters);
	entry_queue(l, e);
}

static int lookup_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct batch *b = arg;
	struct lookup *l = b->lookup;

	(void)ends;
	for (size_t i = 0; i < page->n_snapshots; i++) {
		const struct ec2_snapshot *s = &page->snapshots[i];
		struct entry *e = entry_find(l, s->id);

		/* An endpoint without this filter may send any snapshot. */
		if (!e || e->state != ENTRY_IN_FLIGHT)
			continue;
		e->found = true;
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

/* Sends each id of the batch in a request of its own, so that one bad id fails alone. */
static void lookup_batch_split(struct lookup *l, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		b->entries[i]->alone = true;
		entry_queue(l, b->entries[i]);
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
	} else if (err && !aws_error_is_absent(err->code)) {
		for (size_t i = 0; i < b->n; i++)
			entry_fail(l, b->entries[i], &l->due);
	} else {
		for (size_t i = 0; i < b->n; i++) {
			if (!b->entries[i]->found)
				l->o.absent(l->o.arg, b->entries[i]->id);
			entry_remember(l, b->entries[i]);
		}
		err = NULL;
	}
	free(b);
	if (l->queue && !loop_timer_armed(l->turn))
		loop_timer_start(l->turn, 0);
	region_waiters_deliver(&l->due, err);
}

/* --- requests --- */

static struct batch *lookup_batch_start(struct lookup *l)
{
	struct batch *b = calloc(1, sizeof(*b));
	struct ec2_describe_snapshots query = {.region = l->o.region, .n_filters = 1};
	struct entry *e, *next;
	bool alone = l->queue->alone;

	if (!b)
		return NULL;
	b->lookup = l;
	DL_FOREACH_SAFE(l->queue, e, next)
	{
		if (b->n == EC2_FILTER_VALUES_MAX || (b->n && (alone || e->alone)))
			break;
		b->entries[b->n] = e;
		b->ids[b->n++] = e->id;
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
		DL_DELETE(l->queue, b->entries[i]);
		b->entries[i]->state = ENTRY_IN_FLIGHT;
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
		struct entry *first = l->queue;

		if (lookup_batch_start(l))
			continue;
		DL_DELETE(l->queue, first);
		entry_fail(l, first, &l->failed);
	}
	err_set(&err, ENOMEM, "out of memory");
	region_waiters_deliver(&l->failed, &err);
}
