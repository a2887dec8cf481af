/* SPDX-License-Identifier: MIT */
/* The second half of a mv. */
#include "move_cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "job.h"
#include "log.h"
#include "poll_backoff.h"
#include "pages.h"
#include "random.h"
#include "persist.h"
#include "verdict.h"

#define DOUBTS_MAX 5

struct mover {
	struct mover *prev, *next;
	struct entry *entry;
	struct pages *look; /* EC2 is asked for the copy: */
	const char *id;
	struct ec2_filter filter;
	bool whole; /* it showed it, completed */
	struct aws_call *call;
	struct loop_timer *timer;
	unsigned failures;
	char why[300];
};

static void step(void *arg);

static void destroy(struct mover *m)
{
	m->entry->moving = false;
	pages_cancel(m->look);
	if (m->call)
		aws_cancel(m->call);
	loop_timer_destroy(m->timer);
	DL_DELETE(m->entry->all->movers, m);
	free(m);
}

void mover_start(struct entry *e)
{
	struct mover *m;

	if (e->moving)
		return;
	m = calloc(1, sizeof(*m));
	if (m)
		m->timer = loop_timer_create(e->all->options.loop, step, m);
	if (!m || !m->timer) {
		/* The row says that it is still to be done: the next start does it. */
		log_error("copy %lld: out of memory; its source is not deleted now",
			(long long)e->pub.row.id);
		free(m);
		return;
	}
	m->entry = e;
	e->moving = true;
	DL_APPEND(e->all->movers, m);
	loop_timer_start(m->timer, 0);
}

static void later(struct mover *m, const char *why)
{
	snprintf(m->why, sizeof(m->why), "%s", why);
	loop_timer_start(m->timer,
		pace_retry(m->entry->all->options.retry_ms, ++m->failures, random_unit()));
}

/* It is decided, and the row says so. */
static void done(struct mover *m, const char *outcome, const char *message, const char *request_id)
{
	struct entry *e = m->entry;

	life_note(e, outcome, message, request_id);
	life_changed(e);
	destroy(m);
	save_row(e, NULL);
}

static void deleted(void *arg, const struct err *err)
{
	struct mover *m = arg;
	const struct journal_copy *row = &m->entry->pub.row;
	struct region *from = regions_get(m->entry->all->options.regions, row->source_region);
	char text[700];

	m->call = NULL;
	if (err && !verdict_is_absent(err)) {
		err_text(err, text, sizeof(text));
		if (verdict_is_passing(err) || err->maybe_done)
			later(m, text);
		else
			done(m, COPY_SOURCE_KEPT, text, err->request_id);
		return;
	}
	if (from) {
		catalogue_slot slot = catalogue_find_shown(region_catalogue(from), row->source_id);

		if (slot != CATALOGUE_NONE)
			catalogue_hold_deleted(region_catalogue(from), slot, clock_mono_ms());
	}
	done(m, COPY_SOURCE_DELETED, NULL, NULL);
}

static int shown(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct mover *m = arg;
	struct entry *e = m->entry;

	(void)ends;
	for (size_t i = 0; i < page->n_snapshots; i++) {
		const struct ec2_snapshot *s = &page->snapshots[i];

		if (strcmp(s->id, e->pub.row.copy_id))
			continue;
		m->whole = s->state == EC2_SNAPSHOT_COMPLETED;
		if (catalogue_put(region_catalogue(e->lane->region), s, CATALOGUE_LISTED,
			    clock_mono_ms()) == CATALOGUE_NONE)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* Nor may it have been deleted through the mount: EC2's answers lag behind. */
static bool is_whole(const struct mover *m)
{
	const struct entry *e = m->entry;
	struct catalogue *catalogue = region_catalogue(e->lane->region);
	catalogue_slot slot = catalogue_find(catalogue, e->pub.row.copy_id);
	struct catalogue_snapshot s;

	return m->whole && slot != CATALOGUE_NONE && catalogue_get(catalogue, slot, &s) &&
	       s.presence != CATALOGUE_GONE && s.state == EC2_SNAPSHOT_COMPLETED;
}

/* EC2 was asked for the copy: only if it is there, and whole, the source goes. */
static void looked(void *arg, const struct err *err)
{
	struct mover *m = arg;
	struct entry *e = m->entry;
	const struct journal_copy *row = &e->pub.row;

	m->look = NULL;
	if (err) {
		later(m, err->message);
		return;
	}
	if (!is_whole(m)) {
		/* EC2's answers are not consistent with each other: one of them proves nothing. */
		if (m->failures < DOUBTS_MAX)
			later(m, "EC2 does not show the copy as completed");
		else
			done(m, COPY_SOURCE_KEPT,
				"the copy is not there any more, or not completed", NULL);
		return;
	}
	/* It may have been asked for meanwhile. */
	if (copies_needs(e->all, row->source_region, row->source_id)) {
		later(m, "another copy still needs it");
		return;
	}
	m->call = ec2_delete_snapshot(
		e->all->options.aws, row->source_region, row->source_id, deleted, m);
	if (!m->call)
		later(m, "out of memory");
}

/* By EC2's own answer, not by the catalogue: that shows what was made lately whatever EC2 says. */
static void look(struct mover *m)
{
	struct entry *e = m->entry;
	struct ec2_describe_snapshots query = {
		.region = e->lane->name, .owner = "self", .filters = &m->filter, .n_filters = 1};

	m->id = e->pub.row.copy_id;
	m->filter = (struct ec2_filter){"snapshot-id", &m->id, 1};
	m->whole = false;
	m->look = pages_start(e->all->options.aws, &query, shown, looked, m);
	if (!m->look)
		later(m, "out of memory");
}

static void step(void *arg)
{
	struct mover *m = arg;
	struct entry *e = m->entry;
	const struct journal_copy *row = &e->pub.row;

	if (e->pub.state != COPY_COMPLETED || !row->copy_id || row->dry_run) {
		done(m, COPY_SOURCE_KEPT, "there is no completed copy", NULL);
		return;
	}
	if (copies_needs(e->all, row->source_region, row->source_id)) {
		later(m, "another copy still needs it");
		return;
	}
	look(m);
}

const char *mover_reason(const struct entry *e)
{
	struct mover *m;

	for (m = e->all->movers; m; m = m->next)
		if (m->entry == e)
			return m->why;
	return NULL;
}

void mover_finish(struct copies *c)
{
	while (c->movers)
		destroy(c->movers);
}
