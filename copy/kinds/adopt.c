/* SPDX-License-Identifier: MIT */
/* Copies that another ebsfs made.
 *
 * The destination is asked by the tag ebsfs:source. Requests that wait share a question that begins
 * after them. The first question of a region asks for every value, which serves the requests of a
 * whole lost state folder; later ones ask for the sources that are waited for. Copies found are
 * remembered for the region's ttl; that there is none is not, except for queued jobs, for seconds:
 * a question asks for the jobs next in the queue too, so that their turns need none of their own. A
 * request that goes into the queue only asks if the question serves all. */
#include "adopt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "adoptable.h"
#include "clock.h"
#include "copy_tags.h"
#include "job.h"
#include "log.h"
#include "lost_requests.h"
#include "reconcile.h"
#include "region_queue.h"

/* How long a response without a copy of others counts for a queued job. If the job's turn comes
 * later, EC2 is asked again. */
#define NONE_VALID_MS 5000

struct made_question {
	struct made_question *prev, *next; /* copy_adoption.waiting */
	struct region_queue *queue;
	struct adoptable_terms terms;
	char *label, *source_id; /* the strings of terms */
	bool asked;              /* the request in flight asks for it */
	bool settled;            /* it can be answered */
	job_made_done *done;     /* NULL: a job asks */
	void *done_arg;
	int64_t job; /* its row; it may be gone, or have been cancelled */
};

/* --- answers --- */

static void adopt_question_free(struct made_question *q)
{
	free(q->label);
	free(q->source_id);
	free(q);
}

/* The queued job takes over another ebsfs's copy. Clears the row's own description, tags and
 * encryption, which that copy need not have. */
static void adopt_for_job(struct job *job, const char *id)
{
	struct journal_copy *row = &job->pub.row;
	bool moved = row->move;

	row->move = false;
	job_event(job, JOB_ACCEPTED, &(struct job_news){.id = id});
	if (job->pub.state != COPY_PENDING)
		return;
	row->adopted = true;
	row->encrypted = false;
	row->completion_minutes = 0;
	free(steal(&row->description));
	free(steal(&row->tags));
	free(steal(&row->kms_key_id));
	job_note(job, NULL,
		moved ? "another ebsfs has made this copy: it is as that one asked for it, and the "
			"source is kept"
		      : "another ebsfs has made this copy: it is as that one asked for it",
		NULL);
	job_save(job); /* in one transaction with the row that the event writes */
	reconcile_job(job);
}

static void adopt_checked(struct job *job, const struct err *err)
{
	struct err mine;

	if (err) {
		mine = *err;
		err_context(&mine, "cannot find out whether %s has the copy already",
			job->pub.row.region);
	} else {
		job->work->none_at = clock_mono_ms();
	}
	job_event(job, JOB_CHECKED, &(struct job_news){.err = err ? &mine : NULL});
}

static void adopt_answer_job(const struct made_question *q, const char *id, const struct err *err)
{
	struct job *job;

	HASH_FIND(hh, q->queue->all->rows, &q->job, sizeof(q->job), job);
	if (!job || job->pub.state != COPY_QUEUED || job->phase != PHASE_CHECKING ||
		job->work->waiter)
		return;
	if (id)
		adopt_for_job(job, id);
	else
		adopt_checked(job, err);
}

static void adopt_answer(struct made_question *q, int64_t since, const struct err *err)
{
	struct region_queue *queue = q->queue;
	struct catalogue_snapshot s;
	struct job_made made;
	struct job *job;
	bool found = !err && adoptable_pick(q->queue, &q->terms, since, &s);
	char id[72] = "";

	DL_DELETE(copy_region(queue)->adoption.waiting, q);
	if (found) {
		snprintf(id, sizeof(id), "%s", s.id);
		made = (struct job_made){.copy_id = id,
			.completed = s.state == EC2_SNAPSHOT_COMPLETED,
			.started_ms = s.start_ms,
			.ended_ms = s.completion_ms};
	}
	if (q->done)
		q->done(q->done_arg, found ? &made : NULL, err);
	else
		adopt_answer_job(q, found ? id : NULL, err);
	HASH_FIND(hh_id, queue->ids, id, strlen(id), job);
	if (job && q->done && job->pub.row.adopted) {
		reconcile_progress(job);
		log_info("%s %lld of %s to %s/%s: made by another ebsfs", job->kind->name,
			(long long)job->pub.row.id, q->terms.source, queue->name, id);
	}
	adopt_question_free(q);
}

/* Calls done for all settled questions. A callback may add or cancel questions. */
static void adopt_answer_settled(struct copy_adoption *a, int64_t since, const struct err *err)
{
	struct made_question *q;

	do {
		DL_SEARCH_SCALAR(a->waiting, q, settled, true);
		if (q)
			adopt_answer(q, since, err);
	} while (q);
}

/* --- questions --- */

static bool adopt_has_value(const struct copy_adoption *a, const char *value)
{
	for (size_t i = 0; i < a->n_values; i++)
		if (!strcmp(a->values[i], value))
			return true;
	return false;
}

static void adopt_clear(struct copy_adoption *a)
{
	for (size_t i = 0; i < a->n_values; i++)
		free(a->values[i]);
	a->n_values = 0;
}

/* Adds a value to filter by. 0 or -ENOMEM. */
static int adopt_add_value(struct copy_adoption *a, const char *value)
{
	if (adopt_has_value(a, value))
		return 0;
	a->values[a->n_values] = strdup(value);
	if (!a->values[a->n_values])
		return -ENOMEM;
	a->n_values++;
	return 0;
}

/* Adds the sources of the jobs next in the queue to the request's filter, as far as it has room. 0
 * or -ENOMEM. */
static int adopt_look_ahead(struct region_queue *queue)
{
	struct copy_adoption *a = &copy_region(queue)->adoption;
	int64_t now = clock_mono_ms();
	char source[COPY_TAGS_SOURCE_SIZE];

	a->last_row = 0;
	for (struct job *job = queue->waiting; job && a->n_values < ARRAY_LEN(a->values);
		job = job->next) {
		a->last_row = job->pub.row.id;
		if (a->kind == ADOPT_SOURCES && region_queue_is_ready(job, now) &&
			adopt_add_value(a, copy_tags_source_text(&job->pub.row, source)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Notes in work->none_at for each queued job that the response covers whether EC2 showed no copy of
 * its source. Such a job needs no request of its own when its turn comes soon. */
static void adopt_note_none(struct region_queue *queue)
{
	struct copy_adoption *a = &copy_region(queue)->adoption;
	char source[COPY_TAGS_SOURCE_SIZE];

	for (struct job *job = queue->waiting; job && job->pub.row.id <= a->last_row;
		job = job->next) {
		copy_tags_source_text(&job->pub.row, source);
		if (a->kind != ADOPT_SOURCES || adopt_has_value(a, source))
			job->work->none_at = adoptable_was_shown(queue, source, a->began_at)
						     ? 0
						     : clock_mono_ms();
	}
}

/* Sets the filter of the next request, and marks the questions that it covers. all: ask for every
 * source, unless the endpoint refused filters. 0 or -ENOMEM. */
static int adopt_gather(struct region_queue *queue, bool all)
{
	struct copy_adoption *a = &copy_region(queue)->adoption;
	struct made_question *q;

	a->kind = a->unfiltered ? ADOPT_UNFILTERED : all ? ADOPT_ALL : ADOPT_SOURCES;
	DL_FOREACH(a->waiting, q)
	{
		bool listed = a->kind != ADOPT_SOURCES || adopt_has_value(a, q->terms.source);

		if (!listed && a->n_values == ARRAY_LEN(a->values))
			continue;
		q->asked = true;
		if (!listed && adopt_add_value(a, q->terms.source) < 0)
			return -ENOMEM;
	}
	if (a->kind == ADOPT_ALL && adopt_add_value(a, TAG_SOURCE) < 0)
		return -ENOMEM;
	return adopt_look_ahead(queue);
}

static int adopt_part(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct region_queue *queue = arg;
	catalogue_slot slot;
	struct catalogue *catalogue = region_catalogue(queue->region);

	(void)ends;
	for (size_t i = 0; i < page->n_snapshots; i++) {
		if (!copy_tags_find(&page->snapshots[i], TAG_SOURCE))
			continue;
		slot = catalogue_put(catalogue, &page->snapshots[i], clock_mono_ms());
		if (slot == CATALOGUE_NONE ||
			adoptable_take(queue, slot, copy_region(queue)->adoption.began_at) < 0)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* The request has ended: answers the questions that it covered, or asks for them again without a
 * filter. */
static void adopt_end(struct region_queue *queue, const struct err *err)
{
	struct copy_adoption *a = &copy_region(queue)->adoption;
	bool again = err && a->kind != ADOPT_UNFILTERED && lost_requests_filter_is_refused(err);
	struct made_question *q;

	if (!err)
		adopt_note_none(queue);
	adopt_clear(a);
	a->unfiltered |= again;
	a->asked_all |= !err && a->kind != ADOPT_SOURCES;
	DL_FOREACH(a->waiting, q)
	{
		/* After a timeout all questions are settled, so that none waits for a second
		 * timeout. */
		q->settled = (q->asked || (err && err->errnum == ETIMEDOUT)) && !again;
		q->asked = false;
	}
	adopt_answer_settled(a, a->began_at, err);
	if (a->waiting)
		loop_timer_start(a->timer, 0);
}

static void adopt_asked(void *arg, const struct err *err)
{
	struct region_queue *queue = arg;

	copy_region(queue)->adoption.pages = NULL;
	/* Finds the copies of this journal's own lost requests first, so that they are not taken
	 * for others'. */
	if (!err)
		reconcile_now(queue);
	adopt_end(queue, err);
}

static void adopt_ask(struct region_queue *queue, bool all)
{
	struct copy_adoption *a = &copy_region(queue)->adoption;
	struct ec2_describe_snapshots query = {.region = queue->name,
		.owners = ec2_owner_self,
		.filters = &a->filter,
		.max_results = EC2_PAGE_MAX};
	struct err err;

	a->began_at = clock_mono_ms();
	if (adopt_gather(queue, all) == 0) {
		a->filter = (struct ec2_filter){
			.name = a->kind == ADOPT_ALL ? "tag-key" : "tag:" TAG_SOURCE,
			.values = (const char *const *)a->values,
			.n_values = a->n_values};
		query.n_filters = a->kind == ADOPT_UNFILTERED ? 0 : 1;
		a->pages = pages_start(
			queue->all->options.aws, &query, adopt_part, adopt_asked, queue);
	}
	if (!a->pages) {
		err_set(&err, ENOMEM, "out of memory");
		adopt_end(queue, &err);
	}
}

/* Answers questions by remembered copies, and asks EC2 for the rest. */
static void adopt_run(void *arg)
{
	struct region_queue *queue = arg;
	struct copy_adoption *a = &copy_region(queue)->adoption;
	int64_t remembered = clock_mono_ms() - region_ttl_ms(queue->region) + 1;
	int64_t since = remembered > ADOPTABLE_SEEN ? remembered : ADOPTABLE_SEEN;
	bool all = !a->asked_all;
	struct catalogue_snapshot s;
	struct made_question *q;

	DL_FOREACH(a->waiting, q)
	{
		q->settled = adoptable_pick(q->queue, &q->terms, since, &s);
		/* A known, but outdated copy answers this question: ask for all sources, because
		 * more such questions are likely. */
		all |= !q->settled && adoptable_pick(q->queue, &q->terms, ADOPTABLE_SEEN, &s);
	}
	adopt_answer_settled(a, since, NULL);
	if (a->waiting && !a->pages)
		adopt_ask(queue, all);
}

/* --- for the engine --- */

/* Sets the conditions for a copy that satisfies the row. 0, or -errno with *err. */
static int adopt_set_terms(struct made_question *q, const struct journal_copy *row, struct err *err)
{
	struct region *from = regions_get(q->queue->all->options.regions, row->source_region);
	const struct catalogue *catalogue = from ? region_catalogue(from) : NULL;
	const char *label = copy_tags_label(row->label);
	struct catalogue_snapshot s;
	catalogue_slot slot;

	q->label = label ? strdup(label) : NULL;
	q->source_id = strdup(row->source_id);
	if (!from || !q->source_id || (label && !q->label))
		return err_set(err, ENOMEM, "out of memory");
	slot = catalogue_find(catalogue, row->source_id);
	if (slot == CATALOGUE_NONE || !catalogue_get(catalogue, slot, &s))
		return admission_source_unknown(row->source_region, row->source_id, err);
	q->terms = (struct adoptable_terms){
		.source_id = strcmp(row->source_region, row->region) ? NULL : q->source_id,
		.label = q->label,
		.volume_gib = s.volume_gib,
		.since_ms = s.completion_ms ? s.completion_ms : s.start_ms};
	copy_tags_source_text(row, q->terms.source);
	return 0;
}

/* Adds a question; adopt_run() asks it later. NULL with *err. */
static struct made_question *adopt_question_create(
	struct region_queue *queue, const struct journal_copy *row, struct err *err)
{
	struct copy_adoption *a = &copy_region(queue)->adoption;
	struct made_question *q = calloc(1, sizeof(*q));

	if (!q) {
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	q->queue = queue;
	if (adopt_set_terms(q, row, err) < 0) {
		adopt_question_free(q);
		return NULL;
	}
	DL_APPEND(a->waiting, q);
	loop_timer_start(a->timer, 0);
	return q;
}

struct made_question *adopt_find(struct region_queue *queue, const struct journal_copy *row,
	bool waits, job_made_done *done, void *arg, struct err *err)
{
	struct catalogue_snapshot s;
	struct made_question *q;

	*err = (struct err){0};
	if (queue->all->options.no_tags)
		return NULL;
	q = adopt_question_create(queue, row, err);
	if (!q)
		return NULL;
	q->terms.with_spare = true;
	if (waits && copy_region(queue)->adoption.asked_all &&
		!adoptable_pick(q->queue, &q->terms, ADOPTABLE_KNOWN, &s)) {
		adopt_cancel(q);
		return NULL;
	}
	q->done = done;
	q->done_arg = arg;
	return q;
}

bool adopt_check(struct job *job)
{
	struct work *w = job->work;
	struct made_question *q;
	struct err err;

	if (job->all->options.no_tags || job->pub.row.dry_run ||
		(w->none_at && clock_mono_ms() - w->none_at < NONE_VALID_MS))
		return true;
	q = adopt_question_create(job->queue, &job->pub.row, &err);
	if (!q) {
		adopt_checked(job, &err);
		return false;
	}
	q->job = job->pub.row.id;
	job_event(job, JOB_CHECKING, NULL);
	return false;
}

void adopt_cancel(struct made_question *question)
{
	DL_DELETE(copy_region(question->queue)->adoption.waiting, question);
	adopt_question_free(question);
}

int adopt_init(struct region_queue *queue)
{
	struct copy_adoption *a = &copy_region(queue)->adoption;

	a->timer = loop_timer_create(queue->all->options.loop, adopt_run, queue);
	return a->timer ? 0 : -ENOMEM;
}

void adopt_finish(struct region_queue *queue)
{
	struct copy_adoption *a = &copy_region(queue)->adoption;
	struct made_question *q, *after;

	pages_cancel(a->pages);
	adopt_clear(a);
	loop_timer_destroy(a->timer);
	DL_FOREACH_SAFE(a->waiting, q, after)
	{
		DL_DELETE(a->waiting, q);
		adopt_question_free(q);
	}
}
