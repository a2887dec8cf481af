/* SPDX-License-Identifier: MIT */
/* Finds out whether EC2 carried out a CopySnapshot without a response. */
#include "lost_requests.h"

#include <errno.h>
#include <string.h>

#include "aws_error.h"
#include "clock.h"
#include "copy_tags.h"
#include "job.h"
#include "random.h"
#include "reconcile.h"
#include "timing.h"

#define FOUND_MAX        1000
#define FILTER_VALUE_MAX 255 /* bytes; EC2 user guide, using-filtering */
/* EC2 takes requests from clocks that are wrong by up to 15 minutes, so its start time may be that
 * much before ours. */
#define CLOCK_SLACK_MS   (15 * 60 * 1000LL)

/* A snapshot that could be the copy. */
struct lost_found {
	char *id;
	char *value; /* token or description */
	int64_t start_ms;
};

static void lost_run(void *arg);

int lost_requests_init(struct region_queue *queue)
{
	copy_region(queue)->search.timer =
		loop_timer_create(queue->all->options.loop, lost_run, queue);
	return copy_region(queue)->search.timer ? 0 : -ENOMEM;
}

static void lost_clear(struct lost_search *s)
{
	for (size_t i = 0; i < s->n_values; i++)
		free(s->values[i]);
	free(steal(&s->values));
	s->n_values = 0;
	for (size_t i = 0; i < s->n_found; i++) {
		free(s->found[i].id);
		free(s->found[i].value);
	}
	free(steal(&s->found));
	s->n_found = 0;
	s->left_out = false;
}

void lost_requests_finish(struct region_queue *queue)
{
	struct lost_search *s = &copy_region(queue)->search;

	pages_cancel(s->pages);
	lost_clear(s);
	loop_timer_destroy(s->timer);
}

static bool lost_is_searching(const struct job *job)
{
	return job->pub.state == COPY_SUBMITTING && job->phase == PHASE_SEARCHING;
}

/* The value to search for: the token in the tag; for a copy that was sent without tags, the
 * description. */
static const char *lost_mark(const struct job *job)
{
	return job->pub.row.tags ? job->pub.row.token : job->pub.row.description;
}

static int64_t lost_due(const struct job *job)
{
	return job->work->lost_at +
	       timing_search_time(job->all->options.window_ms, job->work->searches);
}

static void lost_schedule(struct region_queue *queue)
{
	struct lost_search *s = &copy_region(queue)->search;
	int64_t now = clock_mono_ms(), at = INT64_MAX;
	struct job *job;

	if (s->pages)
		return;
	for (job = queue->running; job; job = job->next)
		if (lost_is_searching(job) && lost_due(job) < at)
			at = lost_due(job);
	if (at == INT64_MAX) {
		loop_timer_stop(s->timer);
		return;
	}
	if (s->failures) {
		int64_t pause = timing_retry_pause(
			queue->all->options.retry_ms, s->failures, random_unit());

		if (at < now + pause)
			at = now + pause;
	}
	loop_timer_start(s->timer, at - now);
}

static bool lost_was_asked(const struct lost_search *s, const char *value)
{
	for (size_t i = 0; i < s->n_values; i++)
		if (!strcmp(s->values[i], value))
			return true;
	return false;
}

/* Clouds disagree about escapes in filters, and EC2 bounds their length. A description that a
 * filter may miss must not be asked for by one: its copy would seem not to have been made. */
static enum lost_kind lost_kind_of(const struct job *job)
{
	if (copy_region(job->queue)->search.unfiltered)
		return LOST_ALL;
	if (job->pub.row.tags)
		return LOST_BY_TAG;
	return strpbrk(lost_mark(job), "*?\\[]") || strlen(lost_mark(job)) > FILTER_VALUE_MAX
		       ? LOST_ALL
		       : LOST_BY_DESCRIPTION;
}

/* The marks of the requests that are due, of the first one's kind; others of that kind are added.
 * Reading everything finds every kind. */
static int lost_gather(struct region_queue *queue)
{
	struct lost_search *s = &copy_region(queue)->search;
	struct job *job, *first = NULL;

	for (job = queue->running; job; job = job->next)
		if (lost_is_searching(job) && (!first || lost_due(job) < lost_due(first)))
			first = job;
	if (!first)
		return -ENOENT;
	s->kind = lost_kind_of(first);
	s->values = calloc(EC2_FILTER_VALUES_MAX, sizeof(char *));
	if (!s->values)
		return -ENOMEM;
	for (int riders = 0; riders < 2; riders++)
		for (job = queue->running; job; job = job->next) {
			bool is_due = lost_is_searching(job) && lost_due(job) <= lost_due(first);

			if (!lost_is_searching(job) || is_due == riders ||
				(s->kind != LOST_ALL && s->kind != lost_kind_of(job)) ||
				s->n_values == EC2_FILTER_VALUES_MAX ||
				lost_was_asked(s, lost_mark(job)))
				continue;
			s->values[s->n_values] = strdup(lost_mark(job));
			if (!s->values[s->n_values])
				return -ENOMEM;
			s->n_values++;
		}
	return 0;
}

/* Ends the job with an unknown outcome. Its request is not repeated, because EC2 may have made the
 * copy. */
static void lost_end_unknown(struct job *job, const char *why)
{
	const struct journal_copy *row = &job->pub.row;
	struct err err;

	err_set(&err, EIO,
		"EC2 gave no usable response to CopySnapshot, and %s. The copy may exist: look in "
		"%s for a "
		"snapshot with the %s %.300s; nothing will be sent again",
		why, row->region, row->tags ? "tag " TAG_REQUEST " =" : "description",
		lost_mark(job));
	snprintf(err.code, sizeof(err.code), "%s", COPY_CODE_UNKNOWN);
	err.maybe_done = true;
	job_event(job, JOB_REFUSED, &(struct job_news){.err = &err});
}

/* Whether EC2 will refuse the search again: not for a passing error, nor for a missing permission,
 * which may be granted later. */
static bool lost_is_refused(const struct err *err)
{
	return !aws_error_is_passing(err) && err->errnum != EACCES;
}

bool lost_requests_filter_is_refused(const struct err *err)
{
	return err->http_status >= 400 && (lost_is_refused(err) || err->http_status == 500);
}

/* Without a filter there is nothing left to refuse but the question itself: the requests that have
 * waited for the whole window end. */
static void lost_end_refused(struct region_queue *queue, const struct err *err)
{
	const struct lost_search *s = &copy_region(queue)->search;
	int64_t window = queue->all->options.window_ms;
	struct job *job, *next;
	char why[300];

	snprintf(why, sizeof(why), "refuses to list the snapshots (%.200s)", err->message);
	for (job = queue->running; job; job = next) {
		next = job->next;
		if (lost_is_searching(job) && lost_was_asked(s, lost_mark(job)) &&
			clock_mono_ms() >= job->work->lost_at + window)
			lost_end_unknown(job, why);
	}
}

static void lost_failed(struct region_queue *queue, const struct err *err)
{
	struct lost_search *s = &copy_region(queue)->search;
	struct job *job;

	if (s->kind == LOST_ALL && lost_is_refused(err))
		lost_end_refused(queue, err);
	else if (s->kind != LOST_ALL && lost_requests_filter_is_refused(err))
		s->unfiltered = true;
	lost_clear(s);
	s->failures++;
	for (job = queue->running; job; job = job->next)
		if (lost_is_searching(job))
			job_reason(job,
				"EC2 gave no usable response to the request, and cannot be asked "
				"now "
				"whether it "
				"made the copy: %s",
				err->message);
	lost_schedule(queue);
}

static int lost_add_found(
	struct lost_search *s, const char *id, const char *value, int64_t start_ms)
{
	struct lost_found *found;

	if (s->n_found == FOUND_MAX)
		return -EFBIG;
	found = realloc(s->found, (s->n_found + 1) * sizeof(*found));
	if (!found)
		return -ENOMEM;
	s->found = found;
	found += s->n_found++;
	*found = (struct lost_found){strdup(id), strdup(value), start_ms};
	return found->id && found->value ? 0 : -ENOMEM;
}

/* Returns the id of the snapshot that EC2 made for the job; NULL: none. A tag identifies the
 * snapshot. A description may not: then only snapshots count that belong to no other copy, and
 * *ambiguous is set if more of them are found than jobs search for one. */
static const char *lost_pick(struct job *job, bool *ambiguous)
{
	const struct lost_search *s = &copy_region(job->queue)->search;
	const struct journal_copy *row = &job->pub.row;
	const struct lost_found *first = NULL;
	unsigned candidates = 0, seekers = 0;
	struct job *other;

	*ambiguous = false;
	for (size_t i = 0; i < s->n_found; i++) {
		const struct lost_found *f = &s->found[i];

		if (strcmp(f->value, lost_mark(job)) || job_is_source(job, f->id))
			continue;
		if (row->tags)
			return f->id;
		HASH_FIND(hh_id, job->queue->ids, f->id, strlen(f->id), other);
		if (other || f->start_ms < row->submitted_ms - CLOCK_SLACK_MS)
			continue;
		candidates++;
		if (!first || f->start_ms < first->start_ms)
			first = f;
	}
	for (other = job->queue->running; other; other = other->next)
		if (lost_is_searching(other) && !other->pub.row.tags &&
			!strcmp(lost_mark(other), lost_mark(job)))
			seekers++;
	*ambiguous = candidates > seekers;
	return first && !*ambiguous ? first->id : NULL;
}

static void lost_give_up(struct job *job)
{
	struct err err;

	err_set(&err, ETIMEDOUT,
		"EC2 gave no usable response to the request; its copy was looked for during %d s "
		"and was "
		"not made; nothing will be sent again",
		(int)(job->all->options.window_ms / 1000));
	job_event(job, JOB_NOT_MADE, &(struct job_news){.err = &err});
}

/* Turns a move into a copy. A copy found only by its description may be another tool's, so the
 * source must not be deleted for it. */
static void lost_keep_source(struct job *job)
{
	if (!job->pub.row.move)
		return;
	job->pub.row.move = false;
	job_note(job, NULL,
		"EC2 gave no usable response, and the copy was recognised by its description "
		"alone: the "
		"source is kept",
		NULL);
}

static void lost_judge(struct job *job, int64_t began_at)
{
	bool ambiguous;
	const char *id = lost_pick(job, &ambiguous);

	if (id) {
		if (!job->pub.row.tags)
			lost_keep_source(job);
		job_event(job, JOB_ACCEPTED, &(struct job_news){.id = id});
		reconcile_job(job);
	} else if (ambiguous) {
		lost_end_unknown(job,
			"several new snapshots bear its description: a person must see whether "
			"one of them is the copy");
	} else if (began_at >= job->work->lost_at + job->all->options.window_ms &&
		   copy_region(job->queue)->search.left_out) {
		lost_end_unknown(job,
			"lists snapshots whose ids are not of EC2's form, which ebsfs does not "
			"show");
	} else if (began_at >= job->work->lost_at + job->all->options.window_ms) {
		lost_give_up(job);
	} else {
		job->work->searches++;
	}
}

static void lost_complete(struct region_queue *queue)
{
	struct lost_search *s = &copy_region(queue)->search;
	struct job *job, *next;

	s->failures = 0;
	for (job = queue->running; job; job = next) {
		next = job->next;
		if (lost_is_searching(job) && job->work->lost_at <= s->began_at &&
			lost_was_asked(s, lost_mark(job)))
			lost_judge(job, s->began_at);
	}
	lost_clear(s);
	lost_schedule(queue);
}

static int lost_part(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct region_queue *queue = arg;
	struct lost_search *s = &copy_region(queue)->search;
	int result = 0;

	(void)ends;
	s->left_out |= page->n_refused > 0;
	for (size_t i = 0; i < page->n_snapshots && !result; i++) {
		const struct ec2_snapshot *snapshot = &page->snapshots[i];
		const char *token = copy_tags_find(snapshot, TAG_REQUEST);
		const char *value =
			token && lost_was_asked(s, token) ? token : snapshot->description;

		if (!value || !lost_was_asked(s, value))
			continue;
		result = lost_add_found(s, snapshot->id, value, snapshot->start_ms);
		catalogue_put(region_catalogue(queue->region), snapshot, clock_mono_ms());
	}
	return result < 0 ? err_set(err, -result, "%s", strerror(-result)) : 0;
}

static void lost_answered(void *arg, const struct err *err)
{
	struct region_queue *queue = arg;

	copy_region(queue)->search.pages = NULL;
	if (err)
		lost_failed(queue, err);
	else
		lost_complete(queue);
}

static void lost_run(void *arg)
{
	struct region_queue *queue = arg;
	struct lost_search *s = &copy_region(queue)->search;
	struct ec2_describe_snapshots query = {.region = queue->name,
		.owners = ec2_owner_self,
		.filters = &s->filter,
		.max_results = EC2_PAGE_MAX};
	struct err err;
	int result;

	if (s->pages)
		return;
	result = lost_gather(queue);
	if (result == -ENOENT)
		return;
	s->began_at = clock_mono_ms();
	s->filter = (struct ec2_filter){
		.name = s->kind == LOST_BY_TAG ? "tag:" TAG_REQUEST : "description",
		.values = (const char *const *)s->values,
		.n_values = s->n_values};
	query.n_filters = s->kind == LOST_ALL ? 0 : 1;
	if (!result)
		s->pages = pages_start(
			queue->all->options.aws, &query, lost_part, lost_answered, queue);
	if (!s->pages) {
		err_set(&err, ENOMEM, "out of memory");
		lost_failed(queue, &err);
	}
}

int lost_requests_find(struct job *job, const struct err *why, struct err *err)
{
	if (!lost_mark(job))
		return err_set(err, EIO,
			"EC2 gave no usable response, and the journal's row has nothing to look "
			"for the "
			"copy by");
	if (why)
		job_reason(job,
			"EC2 gave no usable response to the request (%s); whether it made the copy "
			"is being "
			"looked for by its %s",
			why->message, job->pub.row.tags ? "tag" : "description");
	lost_schedule(job->queue);
	return 0;
}
