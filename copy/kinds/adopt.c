/* SPDX-License-Identifier: MIT */
/* Copies that another ebsfs made.
 *
 * The destination is asked by the tag ebsfs:source. Requests that wait share a question that begins
 * after them. The first question of a region asks for every value, which serves the requests of a
 * whole lost state folder; later ones ask for the sources that are waited for. Copies found are
 * remembered for the region's ttl; that there is none is not. */
#include "adopt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "clock.h"
#include "confirm.h"
#include "copy_tags.h"
#include "job.h"
#include "log.h"
#include "lost_requests.h"
#include "reconcile.h"
#include "region_queue.h"
#include "view.h"

#define DOUBLES_SHOWN 5
/* A job whose turn comes later is asked for again. */
#define NONE_VALID_MS 5000

/* A snapshot of which the tag ebsfs:source names this source. */
struct adopt_copy {
	catalogue_slot slot;
	int64_t seen_at; /* monotonic: when the latest question that found it began; 0: none did */
};

struct adopt_source {
	char *text; /* the tag's value */
	struct adopt_copy *copies;
	size_t n;
	UT_hash_handle hh; /* copy_adoption.sources */
};

/* The conditions that a snapshot must meet to be the wanted copy. */
struct adopt_terms {
	char source[COPY_TAGS_SOURCE_SIZE];
	const char *source_id; /* NULL: the source is in another region */
	const char *label;     /* NULL: none */
	uint32_t volume_gib;
	int64_t since_ms; /* wall clock: when the source was complete; 0: unknown */
};

struct made_question {
	struct made_question *prev, *next; /* copy_adoption.waiting */
	struct region_queue *queue;
	struct adopt_terms terms;
	char *label, *source_id; /* the strings of terms */
	bool asked;              /* by the question in flight */
	bool settled;            /* it can be answered */
	job_made_done *done;     /* NULL: a job asks */
	void *done_arg;
	int64_t job; /* its row; it may be gone, or have been cancelled */
};

/* --- the copies by source --- */

static struct adopt_source *adopt_source_get(struct copy_adoption *a, const char *text)
{
	struct adopt_source *source;

	HASH_FIND_STR(a->sources, text, source);
	return source;
}

/* Made at need; NULL on ENOMEM. */
static struct adopt_source *adopt_source_make(struct copy_adoption *a, const char *text)
{
	struct adopt_source *source = adopt_source_get(a, text);

	if (source)
		return source;
	source = calloc(1, sizeof(*source));
	if (source)
		source->text = strdup(text);
	if (source && source->text) {
		HASH_ADD_KEYPTR(hh, a->sources, source->text, strlen(source->text), source);
		if (source->hh.tbl)
			return source;
	}
	if (source)
		free(source->text);
	free(source);
	return NULL;
}

/* Takes up the snapshot if it has the tag; a malformed value is no request's source. seen_at: when
 * the question that found it began; 0: it was not asked for. 0 or -ENOMEM. */
static int adopt_take(struct region_queue *queue, catalogue_slot slot, int64_t seen_at)
{
	const struct catalogue *catalogue = region_catalogue(queue->region);
	const char *text = catalogue_tag_value(catalogue, slot, TAG_SOURCE);
	struct adopt_source *source;
	struct adopt_copy *copies;

	if (!text)
		return 0;
	source = adopt_source_make(&queue->kind_region->adoption, text);
	if (!source)
		return -ENOMEM;
	for (size_t i = 0; i < source->n; i++)
		if (source->copies[i].slot == slot) {
			if (seen_at)
				source->copies[i].seen_at = seen_at;
			return 0;
		}
	copies = realloc(source->copies, (source->n + 1) * sizeof(*copies));
	if (!copies)
		return -ENOMEM;
	source->copies = copies;
	copies[source->n++] = (struct adopt_copy){slot, seen_at};
	return 0;
}

static void adopt_changed(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	if (change != CATALOGUE_REMOVED)
		adopt_take(arg, slot, 0); /* without memory for it a note is missing */
}

/* --- which of them --- */

/* This journal's copies would have been found by their key, unless one was gone and is back. */
static bool adopt_is_known(const struct region_queue *queue, const char *id)
{
	const struct copy *copy = copies_by_snapshot(queue->all, queue->name, id);

	return copy && copy->origin == COPY_OURS && !confirm_is_restored(queue->all, copy);
}

static bool adopt_is_label(const char *tag, const char *label)
{
	return tag && label ? !strcmp(tag, label) : tag == label;
}

/* Whether the snapshot may be the copy, and is the account's own; *s is its record then. */
static bool adopt_fits(const struct region_queue *queue, const struct adopt_terms *terms,
	const struct adopt_copy *found, struct catalogue_snapshot *s)
{
	const struct catalogue *c = region_catalogue(queue->region);
	const char *account = queue->all->options.account;
	const char *source = catalogue_tag_value(c, found->slot, TAG_SOURCE);

	if (!catalogue_get(c, found->slot, s) || !s->exists || !source ||
		strcmp(source, terms->source) ||
		(!found->seen_at && !view_has(region_own(queue->region), found->slot)) ||
		(account && *s->owner_id && strcmp(s->owner_id, account)))
		return false;
	/* Times are compared by the second: not every cloud gives milliseconds of both. */
	return (s->state == EC2_SNAPSHOT_PENDING || s->state == EC2_SNAPSHOT_COMPLETED) &&
	       s->volume_gib == terms->volume_gib && ec2_is_copy_volume(s->volume_id) &&
	       s->start_ms / 1000 >= terms->since_ms / 1000 &&
	       adopt_is_label(catalogue_tag_value(c, found->slot, TAG_AGAIN), terms->label) &&
	       !(terms->source_id && !strcmp(terms->source_id, s->id)) &&
	       !adopt_is_known(queue, s->id);
}

/* The newest completed one, else the newest, of those that a question begun at `since` or later has
 * found. False: there is none. */
static bool adopt_pick(const struct made_question *q, int64_t since, struct catalogue_snapshot *out)
{
	struct adopt_source *source =
		adopt_source_get(&q->queue->kind_region->adoption, q->terms.source);
	struct catalogue_snapshot s;
	bool found = false;

	for (size_t i = 0; source && i < source->n; i++) {
		if (!source->copies[i].seen_at || source->copies[i].seen_at < since ||
			!adopt_fits(q->queue, &q->terms, &source->copies[i], &s))
			continue;
		if (!found || (s.state == out->state ? s.start_ms > out->start_ms
						     : s.state == EC2_SNAPSHOT_COMPLETED))
			*out = s;
		found = true;
	}
	return found;
}

void adopt_doubles(const struct copies *c, const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	struct region_queue *queue = region_queue_find(c, row->region);
	struct adopt_terms terms = {.label = copy_tags_label(row->label)};
	struct catalogue_snapshot s;
	struct adopt_source *source;
	catalogue_slot slot;
	unsigned n = 0;

	if (!queue || !row->source_id || !row->source_region || !row->copy_id)
		return;
	copy_tags_source_text(row->source_region, row->source_id, terms.source);
	source = adopt_source_get(&queue->kind_region->adoption, terms.source);
	slot = catalogue_find(region_catalogue(queue->region), row->copy_id);
	if (!source || slot == CATALOGUE_NONE ||
		!catalogue_get(region_catalogue(queue->region), slot, &s))
		return;
	terms.volume_gib = s.volume_gib;
	for (size_t i = 0; i < source->n && n < DOUBLES_SHOWN; i++)
		if (adopt_fits(queue, &terms, &source->copies[i], &s))
			buf_printf(out, "%s%s",
				n++ ? ", " : "another copy with the same source: ", s.id);
}

/* --- answers --- */

static void adopt_question_free(struct made_question *q)
{
	free(q->label);
	free(q->source_id);
	free(q);
}

/* A queued job has its copy: another's. Its own description, tags and encryption count no more. */
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
		moved ? "another ebsfs made this copy while the request waited: it is as that one "
			"asked for it, and the source is kept"
		      : "another ebsfs made this copy while the request waited: it is as that one "
			"asked for it",
		NULL);
	job_save(job); /* in one transaction with the event's own */
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
	if (id) {
		adopt_for_job(job, id);
		return;
	}
	adopt_checked(job, err);
}

static void adopt_answer(struct made_question *q, int64_t since, const struct err *err)
{
	struct region_queue *queue = q->queue;
	struct catalogue_snapshot s;
	struct job_made made;
	struct job *job;
	bool found = !err && adopt_pick(q, since, &s);
	char id[72] = "";

	DL_DELETE(queue->kind_region->adoption.waiting, q);
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
	if (job && q->done) {
		reconcile_progress(job);
		log_info("%s %lld of %s to %s/%s: made by another ebsfs", job->kind->name,
			(long long)job->pub.row.id, q->terms.source, queue->name, id);
	}
	adopt_question_free(q);
}

/* Answers all that are settled. A callback may ask anew, or cancel others. */
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

/* Whether every source is asked for: at first; and when copies are waited for that were found
 * before, for others of that kind are likely to follow. */
static bool adopt_wants_all(const struct copy_adoption *a)
{
	struct catalogue_snapshot s;
	const struct made_question *q;

	if (!a->asked_all)
		return true;
	DL_FOREACH(a->waiting, q)
	{
		if (adopt_pick(q, 1, &s))
			return true;
	}
	return false;
}

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

/* The value to filter by. 0 or -ENOMEM. */
static int adopt_add_value(struct copy_adoption *a, const char *value)
{
	a->values[a->n_values] = strdup(value);
	if (!a->values[a->n_values])
		return -ENOMEM;
	a->n_values++;
	return 0;
}

/* Chooses what is asked, and for which of the requests. 0 or -ENOMEM. */
static int adopt_gather(struct copy_adoption *a)
{
	struct made_question *q;

	a->kind = a->unfiltered ? ADOPT_UNFILTERED : adopt_wants_all(a) ? ADOPT_ALL : ADOPT_SOURCES;
	DL_FOREACH(a->waiting, q)
	{
		bool listed = a->kind != ADOPT_SOURCES || adopt_has_value(a, q->terms.source);

		if (!listed && a->n_values == ARRAY_LEN(a->values))
			continue;
		q->asked = true;
		if (!listed && adopt_add_value(a, q->terms.source) < 0)
			return -ENOMEM;
	}
	return a->kind == ADOPT_ALL ? adopt_add_value(a, TAG_SOURCE) : 0;
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
			adopt_take(queue, slot, queue->kind_region->adoption.began_at) < 0)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* The question has ended: its requests are answered, or asked for again. */
static void adopt_end(struct region_queue *queue, const struct err *err)
{
	struct copy_adoption *a = &queue->kind_region->adoption;
	bool again = err && a->kind != ADOPT_UNFILTERED && lost_requests_filter_is_refused(err);
	struct made_question *q;

	adopt_clear(a);
	a->unfiltered |= again;
	a->asked_all |= !err && a->kind != ADOPT_SOURCES;
	DL_FOREACH(a->waiting, q)
	{
		q->settled = q->asked && !again;
		q->asked = false;
	}
	adopt_answer_settled(a, a->began_at, err);
	if (a->waiting)
		loop_timer_start(a->timer, 0);
}

static void adopt_asked(void *arg, const struct err *err)
{
	struct region_queue *queue = arg;

	queue->kind_region->adoption.pages = NULL;
	/* Of a request whose response was lost, the copy is this journal's own. */
	if (!err)
		reconcile_now(queue);
	adopt_end(queue, err);
}

static void adopt_ask(struct region_queue *queue)
{
	struct copy_adoption *a = &queue->kind_region->adoption;
	struct ec2_describe_snapshots query = {.region = queue->name,
		.owners = ec2_owner_self,
		.filters = &a->filter,
		.max_results = EC2_PAGE_MAX};
	struct err err;

	a->began_at = clock_mono_ms();
	if (adopt_gather(a) == 0) {
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

/* Answers what is remembered, and asks for the rest. */
static void adopt_run(void *arg)
{
	struct region_queue *queue = arg;
	struct copy_adoption *a = &queue->kind_region->adoption;
	int64_t since = clock_mono_ms() - region_ttl_ms(queue->region) + 1; /* remembered */
	struct catalogue_snapshot s;
	struct made_question *q;

	DL_FOREACH(a->waiting, q)
	{
		q->settled = adopt_pick(q, since, &s);
	}
	adopt_answer_settled(a, since, NULL);
	if (a->waiting && !a->pages)
		adopt_ask(queue);
}

/* --- for the engine --- */

/* 0, or -errno with *err. */
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
	q->terms = (struct adopt_terms){
		.source_id = strcmp(row->source_region, row->region) ? NULL : q->source_id,
		.label = q->label,
		.volume_gib = s.volume_gib,
		.since_ms = s.completion_ms ? s.completion_ms : s.start_ms};
	copy_tags_source_text(row->source_region, row->source_id, q->terms.source);
	return 0;
}

/* A question that waits for its turn; NULL with *err. */
static struct made_question *adopt_question_create(
	struct region_queue *queue, const struct journal_copy *row, struct err *err)
{
	struct copy_adoption *a = &queue->kind_region->adoption;
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
	job_made_done *done, void *arg, struct err *err)
{
	struct made_question *q;

	*err = (struct err){0};
	if (queue->all->options.no_tags)
		return NULL;
	q = adopt_question_create(queue, row, err);
	if (!q)
		return NULL;
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
	DL_DELETE(question->queue->kind_region->adoption.waiting, question);
	adopt_question_free(question);
}

int adopt_init(struct region_queue *queue)
{
	struct copy_adoption *a = &queue->kind_region->adoption;

	a->timer = loop_timer_create(queue->all->options.loop, adopt_run, queue);
	return a->timer ? 0 : -ENOMEM;
}

void adopt_watch(struct region_queue *queue)
{
	struct catalogue *catalogue = region_catalogue(queue->region);
	catalogue_slot slots = catalogue_slots(catalogue);

	for (catalogue_slot slot = 0; slot < slots; slot++)
		if (!catalogue_from_disk(catalogue, slot))
			adopt_take(queue, slot, 0);
	catalogue_watch(catalogue, adopt_changed, queue);
}

void adopt_finish(struct region_queue *queue)
{
	struct copy_adoption *a = &queue->kind_region->adoption;
	struct made_question *q, *after;
	struct adopt_source *source, *next;

	pages_cancel(a->pages);
	adopt_clear(a);
	loop_timer_destroy(a->timer);
	DL_FOREACH_SAFE(a->waiting, q, after)
	{
		DL_DELETE(a->waiting, q);
		adopt_question_free(q);
	}
	HASH_ITER (hh, a->sources, source, next) {
		HASH_DEL(a->sources, source);
		free(source->text);
		free(source->copies);
		free(source);
	}
}
