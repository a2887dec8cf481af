/* SPDX-License-Identifier: MIT */
/* The second half of a mv. */
#include "move_cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "aws_error.h"
#include "clock.h"
#include "job.h"
#include "log.h"
#include "pages.h"
#include "random.h"
#include "timing.h"

#define DOUBTS_MAX 5

struct move_cleanup {
	struct move_cleanup *prev, *next;
	struct job *job;
	struct pages *look; /* the request to EC2 about the copy */
	const char *id;
	struct ec2_filter filter;
	bool whole; /* EC2 showed the copy as completed */
	struct aws_call *call;
	struct loop_timer *timer;
	unsigned failures;
	char why[300];
};

static void move_cleanup_step(void *arg);

static void move_cleanup_destroy(struct move_cleanup *m)
{
	m->job->moving = false;
	pages_cancel(m->look);
	if (m->call)
		aws_cancel(m->call);
	loop_timer_destroy(m->timer);
	DL_DELETE(m->job->all->cleanups, m);
	free(m);
}

void move_cleanup_start(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct move_cleanup *m;

	if (job->moving || job->pub.state != COPY_COMPLETED || row->code || row->dry_run)
		return;
	m = calloc(1, sizeof(*m));
	if (m)
		m->timer = loop_timer_create(job->all->options.loop, move_cleanup_step, m);
	if (!m || !m->timer) {
		/* The row says that the deletion is still to do: the next mount does it. */
		log_error("copy %lld: out of memory; its source is not deleted now",
			(long long)job->pub.row.id);
		free(m);
		return;
	}
	m->job = job;
	job->moving = true;
	DL_APPEND(job->all->cleanups, m);
	loop_timer_start(m->timer, 0);
}

static void move_cleanup_later(struct move_cleanup *m, const char *why)
{
	snprintf(m->why, sizeof(m->why), "%s", why);
	loop_timer_start(m->timer,
		timing_retry_pause(m->job->all->options.retry_ms, ++m->failures, random_unit()));
}

/* Every deletion is one line in the log, as a rmdir's is. */
static void move_cleanup_log(
	const struct journal_copy *row, const char *outcome, const char *message)
{
	if (!strcmp(outcome, COPY_SOURCE_DELETED))
		log_info("deleted the snapshot %s/%s: mv has copied it to %s/%s",
			row->source_region, row->source_id, row->region, row->copy_id);
	else
		log_warning("kept the snapshot %s/%s, which mv copied to %s/%s: %s",
			row->source_region, row->source_id, row->region,
			row->copy_id ? row->copy_id : "?", message ? message : "no reason known");
}

/* Records in the row what happened to the source, and ends the cleanup. */
static void move_cleanup_done(
	struct move_cleanup *m, const char *outcome, const char *message, const char *request_id)
{
	struct job *job = m->job;

	move_cleanup_log(&job->pub.row, outcome, message);
	job_note(job, outcome, message, request_id);
	job_changed(job);
	move_cleanup_destroy(m);
	job_save(job);
}

static void move_cleanup_deleted(void *arg, const struct err *err)
{
	struct move_cleanup *m = arg;
	const struct journal_copy *row = &m->job->pub.row;
	struct region *from = regions_get(m->job->all->options.regions, row->source_region);
	char text[700];

	m->call = NULL;
	if (err && !aws_error_is_absent(err->code)) {
		err_text(err, text, sizeof(text));
		if (aws_error_is_passing(err) || err->maybe_done)
			move_cleanup_later(m, text);
		else
			move_cleanup_done(m, COPY_SOURCE_KEPT, text, err->request_id);
		return;
	}
	if (from) {
		catalogue_slot slot = catalogue_find_shown(region_catalogue(from), row->source_id);

		if (slot != CATALOGUE_NONE)
			catalogue_override_deleted(region_catalogue(from), slot, clock_mono_ms());
	}
	move_cleanup_done(m, COPY_SOURCE_DELETED, NULL, NULL);
}

static int move_cleanup_shown(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct move_cleanup *m = arg;
	struct job *job = m->job;

	(void)ends;
	for (size_t i = 0; i < page->n_snapshots; i++) {
		const struct ec2_snapshot *s = &page->snapshots[i];

		if (strcmp(s->id, job->pub.row.copy_id))
			continue;
		m->whole = s->state == EC2_SNAPSHOT_COMPLETED;
		if (catalogue_put(region_catalogue(job->queue->region), s, clock_mono_ms()) ==
			CATALOGUE_NONE)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* Whether the copy is complete by EC2's response, and was not deleted through the mount, which
 * EC2's responses may not show yet. */
static bool move_cleanup_is_whole(const struct move_cleanup *m)
{
	const struct job *job = m->job;
	struct catalogue *catalogue = region_catalogue(job->queue->region);
	catalogue_slot slot = catalogue_find(catalogue, job->pub.row.copy_id);
	struct catalogue_snapshot s;

	return m->whole && slot != CATALOGUE_NONE && catalogue_get(catalogue, slot, &s) &&
	       s.exists && s.state == EC2_SNAPSHOT_COMPLETED;
}

/* EC2 was asked for the copy: only if it is there, and whole, the source goes. */
static void move_cleanup_looked(void *arg, const struct err *err)
{
	struct move_cleanup *m = arg;
	struct job *job = m->job;
	const struct journal_copy *row = &job->pub.row;

	m->look = NULL;
	if (err) {
		move_cleanup_later(m, err->message);
		return;
	}
	if (!move_cleanup_is_whole(m)) {
		/* EC2's answers are not consistent with each other: one of them proves nothing. */
		if (m->failures < DOUBTS_MAX)
			move_cleanup_later(m, "EC2 does not show the copy as completed");
		else
			move_cleanup_done(m, COPY_SOURCE_KEPT,
				"the copy is not there any more, or not completed", NULL);
		return;
	}
	/* A journal may hold such a row from an ebsfs that accepted the response. */
	if (job_is_source(job, row->copy_id)) {
		move_cleanup_done(m, COPY_SOURCE_KEPT,
			"what EC2 named as the copy is the source itself", NULL);
		return;
	}
	/* Another request may need the source meanwhile. */
	if (admission_needs(job->all, row->source_region, row->source_id)) {
		move_cleanup_later(m, "another copy still needs it");
		return;
	}
	m->call = ec2_delete_snapshot(
		job->all->options.aws, row->source_region, row->source_id, move_cleanup_deleted, m);
	if (!m->call)
		move_cleanup_later(m, "out of memory");
}

/* Asks EC2 itself: the catalogue goes on showing a new copy for minutes, whatever EC2 says. */
static void move_cleanup_look(struct move_cleanup *m)
{
	struct job *job = m->job;
	struct ec2_describe_snapshots query = {.region = job->queue->name,
		.owners = ec2_owner_self,
		.filters = &m->filter,
		.n_filters = 1};

	m->id = job->pub.row.copy_id;
	m->filter = (struct ec2_filter){.name = "snapshot-id", .values = &m->id, .n_values = 1};
	m->whole = false;
	m->look = pages_start(
		job->all->options.aws, &query, move_cleanup_shown, move_cleanup_looked, m);
	if (!m->look)
		move_cleanup_later(m, "out of memory");
}

static void move_cleanup_step(void *arg)
{
	struct move_cleanup *m = arg;
	struct job *job = m->job;
	const struct journal_copy *row = &job->pub.row;

	if (job->pub.state != COPY_COMPLETED || !row->copy_id || row->dry_run) {
		move_cleanup_done(m, COPY_SOURCE_KEPT, "there is no completed copy", NULL);
		return;
	}
	if (admission_needs(job->all, row->source_region, row->source_id)) {
		move_cleanup_later(m, "another copy still needs it");
		return;
	}
	move_cleanup_look(m);
}

/* Why the source is not deleted yet, in words; NULL: it is not being worked on. */
static const char *move_cleanup_reason(const struct job *job)
{
	struct move_cleanup *m;

	for (m = job->all->cleanups; m; m = m->next)
		if (m->job == job)
			return m->why;
	return NULL;
}

void move_cleanup_describe(const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	const char *reason;

	if (!copy_state_ended(copy->state)) {
		buf_puts(out, "move: the source is deleted when the copy has completed\n");
	} else if (copy->state != COPY_COMPLETED && !(copy->state == COPY_DELETED && row->code)) {
		buf_puts(out, "move: the source is kept\n");
	} else if (!row->code) {
		reason = move_cleanup_reason((const struct job *)copy);
		buf_puts(out, "move: the source is to be deleted");
		if (reason && *reason)
			buf_printf(out, "; not yet: %s", reason);
		buf_putc(out, '\n');
	} else if (!strcmp(row->code, COPY_SOURCE_DELETED)) {
		buf_puts(out, "move: the source was deleted\n");
	} else {
		buf_puts(out, "move: the source was not deleted\n");
	}
}

void move_cleanup_finish(struct copies *c)
{
	while (c->cleanups)
		move_cleanup_destroy(c->cleanups);
}
