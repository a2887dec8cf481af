/* SPDX-License-Identifier: MIT */
/* Lost answers. */
#include "lost_requests.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "copy_snapshot.h"
#include "copy_tags.h"
#include "job.h"
#include "log.h"
#include "poll_backoff.h"
#include "random.h"
#include "reconcile.h"
#include "region_queue.h"
#include "verdict.h"

#define PAGES_MAX        1000
#define FOUND_MAX        1000
#define FILTER_VALUE_MAX 255 /* bytes; EC2 user guide, using-filtering */
/* EC2 takes requests from clocks that are wrong by up to 15 minutes, so its start time may be that
 * much before ours. */
#define CLOCK_SLACK_MS   (15 * 60 * 1000LL)

/* A snapshot that could be the copy. */
struct found {
	char *id;
	char *value; /* token or description */
	int64_t start_ms;
};

static void run(void *arg);
static int ask(struct region_queue *queue);

int lost_requests_init(struct region_queue *queue)
{
	queue->search.timer = loop_timer_create(queue->all->options.loop, run, queue);
	return queue->search.timer ? 0 : -ENOMEM;
}

static void clear(struct search *s)
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
	free(steal(&s->next_token));
	s->pages = 0;
	s->left_out = false;
}

void lost_requests_finish(struct region_queue *queue)
{
	struct search *s = &queue->search;

	if (s->call)
		aws_cancel(s->call);
	clear(s);
	loop_timer_destroy(s->timer);
}

static bool is_searching(const struct job *job)
{
	return job->pub.state == COPY_SUBMITTING && job->work->phase == PHASE_SEARCHING;
}

/* What EC2 is asked for: the token in the tag; for a copy that was sent without tags, the
 * description. */
static const char *mark(const struct job *job)
{
	return job->pub.row.tags ? job->pub.row.token : job->pub.row.description;
}

static int64_t due(const struct job *job)
{
	return job->work->lost_at +
	       poll_backoff_search(job->all->options.window_ms, job->work->searches);
}

static void schedule(struct region_queue *queue)
{
	struct search *s = &queue->search;
	int64_t now = clock_mono_ms(), at = INT64_MAX;
	struct job *job;

	if (s->call)
		return;
	for (job = queue->running; job; job = job->next)
		if (is_searching(job) && due(job) < at)
			at = due(job);
	if (at == INT64_MAX) {
		loop_timer_stop(s->timer);
		return;
	}
	if (s->failures) {
		int64_t pause = poll_backoff_retry(
			queue->all->options.retry_ms, s->failures, random_unit());

		if (at < now + pause)
			at = now + pause;
	}
	loop_timer_start(s->timer, at - now);
}

static bool was_asked(const struct search *s, const char *value)
{
	for (size_t i = 0; i < s->n_values; i++)
		if (!strcmp(s->values[i], value))
			return true;
	return false;
}

/* Clouds disagree about escapes in filters, and EC2 bounds their length. A description that a
 * filter may miss must not be asked for by one: its copy would seem not to have been made. */
static enum search_kind kind_of(const struct job *job)
{
	if (job->queue->search.unfiltered)
		return SEARCH_ALL;
	if (job->pub.row.tags)
		return SEARCH_BY_TAG;
	return strpbrk(mark(job), "*?\\[]") || strlen(mark(job)) > FILTER_VALUE_MAX
		       ? SEARCH_ALL
		       : SEARCH_BY_DESCRIPTION;
}

/* The marks of the requests that are due, of the first one's kind; others of that kind are added.
 * Reading everything finds every kind. */
static int gather(struct region_queue *queue)
{
	struct search *s = &queue->search;
	struct job *job, *first = NULL;

	for (job = queue->running; job; job = job->next)
		if (is_searching(job) && (!first || due(job) < due(first)))
			first = job;
	if (!first)
		return -ENOENT;
	s->kind = kind_of(first);
	s->values = calloc(EC2_FILTER_VALUES_MAX, sizeof(char *));
	if (!s->values)
		return -ENOMEM;
	for (int riders = 0; riders < 2; riders++)
		for (job = queue->running; job; job = job->next) {
			bool is_due = is_searching(job) && due(job) <= due(first);

			if (!is_searching(job) || is_due == riders ||
				(s->kind != SEARCH_ALL && s->kind != kind_of(job)) ||
				s->n_values == EC2_FILTER_VALUES_MAX || was_asked(s, mark(job)))
				continue;
			s->values[s->n_values] = strdup(mark(job));
			if (!s->values[s->n_values])
				return -ENOMEM;
			s->n_values++;
		}
	return 0;
}

/* The outcome stays unknown. The request is not repeated: EC2 may have made the copy. */
static void end_unknown(struct job *job, const char *why)
{
	const struct journal_copy *row = &job->pub.row;
	struct err err;

	err_set(&err, EIO,
		"EC2 gave no answer to CopySnapshot, and %s. The copy may exist: look in %s for a "
		"snapshot with the %s %.300s; nothing will be sent again",
		why, row->region, row->tags ? "tag " TAG_REQUEST " =" : "description", mark(job));
	snprintf(err.code, sizeof(err.code), "%s", COPY_CODE_UNKNOWN);
	err.maybe_done = true;
	job_fail(job, &err);
}

/* EC2 refuses the request for what it asks. A missing permission may yet be given. */
static bool is_refused(const struct err *err)
{
	return !verdict_is_passing(err) && err->errnum != EACCES;
}

/* Without a filter there is nothing left to refuse but the question itself: the requests that have
 * waited for the whole window end. */
static void end_refused(struct region_queue *queue, const struct err *err)
{
	const struct search *s = &queue->search;
	int64_t window = queue->all->options.window_ms;
	struct job *job, *next;
	char why[300];

	snprintf(why, sizeof(why), "refuses to list the snapshots (%.200s)", err->message);
	for (job = queue->running; job; job = next) {
		next = job->next;
		if (is_searching(job) && was_asked(s, mark(job)) &&
			clock_mono_ms() >= job->work->lost_at + window)
			end_unknown(job, why);
	}
}

static void failed(struct region_queue *queue, const struct err *err)
{
	struct search *s = &queue->search;
	struct job *job;

	if (s->kind == SEARCH_ALL && is_refused(err))
		end_refused(queue, err);
	/* An endpoint may refuse a filter, or fail at one that it does not know. */
	else if (s->kind != SEARCH_ALL && err->http_status >= 400 &&
		 (is_refused(err) || err->http_status == 500))
		s->unfiltered = true;
	clear(s);
	s->failures++;
	for (job = queue->running; job; job = job->next)
		if (is_searching(job))
			job_reason(job,
				"EC2 gave no answer to the request, and cannot be asked now "
				"whether it "
				"made the copy: %s",
				err->message);
	schedule(queue);
}

static int add_found(struct search *s, const char *id, const char *value, int64_t start_ms)
{
	struct found *found;

	if (s->n_found == FOUND_MAX)
		return -EFBIG;
	found = realloc(s->found, (s->n_found + 1) * sizeof(*found));
	if (!found)
		return -ENOMEM;
	s->found = found;
	found += s->n_found++;
	*found = (struct found){strdup(id), strdup(value), start_ms};
	return found->id && found->value ? 0 : -ENOMEM;
}

/* The snapshot that EC2 made for job, NULL. With a tag there is no doubt. By description there is:
 * it must be one that could be it, and that is no other copy's; if there are more of them than
 * copies that look for one, *ambiguous. */
static const char *pick(struct job *job, bool *ambiguous)
{
	const struct search *s = &job->queue->search;
	const struct journal_copy *row = &job->pub.row;
	const struct found *first = NULL;
	unsigned candidates = 0, seekers = 0;
	struct job *other;

	*ambiguous = false;
	for (size_t i = 0; i < s->n_found; i++) {
		const struct found *f = &s->found[i];

		if (strcmp(f->value, mark(job)))
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
		if (is_searching(other) && !other->pub.row.tags && !strcmp(mark(other), mark(job)))
			seekers++;
	*ambiguous = candidates > seekers;
	return first && !*ambiguous ? first->id : NULL;
}

static void give_up(struct job *job)
{
	int seconds = (int)(job->all->options.window_ms / 1000);
	struct err err;

	/* Nobody was told an error yet: the request stands. */
	if (job->pub.row.acknowledged || job->work->done) {
		log_info("copy %lld: EC2 gave no answer and made nothing in %d s; asking again",
			(long long)job->pub.row.id, seconds);
		copy_snapshot_again(job);
		return;
	}
	err_set(&err, ETIMEDOUT,
		"EC2 gave no answer to the request; its copy was looked for during %d s and was "
		"not made; nothing "
		"will be sent again",
		seconds);
	job_fail(job, &err);
}

/* A description is enough to say that the copy is there, not to delete what it is a copy of:
 * another tool may have made the same at the same time, for a purpose of its own. */
static void keep_source(struct job *job)
{
	if (!job->pub.row.move)
		return;
	job->pub.row.move = false;
	job_note(job, NULL,
		"EC2 gave no answer, and the copy was recognised by its description alone: the "
		"source is kept",
		NULL);
}

static void judge(struct job *job, int64_t began_at)
{
	bool ambiguous;
	const char *id = pick(job, &ambiguous);

	if (id) {
		if (!job->pub.row.tags)
			keep_source(job);
		lost_requests_found(job, id);
	} else if (ambiguous) {
		end_unknown(job,
			"several new snapshots bear its description: a person must see whether "
			"one of them is the copy");
	} else if (began_at >= job->work->lost_at + job->all->options.window_ms &&
		   job->queue->search.left_out) {
		end_unknown(job,
			"lists snapshots whose ids are not of EC2's form, which ebsfs does not "
			"show");
	} else if (began_at >= job->work->lost_at + job->all->options.window_ms) {
		give_up(job);
	} else {
		job->work->searches++;
	}
}

static void complete(struct region_queue *queue)
{
	struct search *s = &queue->search;
	struct job *job, *next;

	s->failures = 0;
	for (job = queue->running; job; job = next) {
		next = job->next;
		if (is_searching(job) && job->work->lost_at <= s->began_at &&
			was_asked(s, mark(job)))
			judge(job, s->began_at);
	}
	clear(s);
	schedule(queue);
}

static void page_came(void *arg, struct ec2_page *page, const struct err *err)
{
	struct region_queue *queue = arg;
	struct search *s = &queue->search;
	struct err mine;
	int result = 0;

	s->call = NULL;
	if (err) {
		failed(queue, err);
		return;
	}
	s->left_out |= page->n_refused > 0;
	for (size_t i = 0; i < page->n_snapshots && !result; i++) {
		const struct ec2_snapshot *snapshot = &page->snapshots[i];
		const char *token = copy_tags_find(snapshot, TAG_REQUEST);
		const char *value = token && was_asked(s, token) ? token : snapshot->description;

		if (!value || !was_asked(s, value))
			continue;
		result = add_found(s, snapshot->id, value, snapshot->start_ms);
		/* Seen there, one with a token may be adopted at once. */
		catalogue_put(region_catalogue(queue->region), snapshot, CATALOGUE_LISTED,
			clock_mono_ms());
	}
	free(s->next_token);
	s->next_token = page->next_token && *page->next_token ? strdup(page->next_token) : NULL;
	if (page->next_token && *page->next_token && !s->next_token)
		result = -ENOMEM;
	ec2_page_destroy(page);
	if (!result && s->next_token && ++s->pages < PAGES_MAX)
		result = ask(queue);
	else if (!result && s->next_token)
		result = -EFBIG;
	else if (!result)
		complete(queue);
	if (result < 0) {
		err_set(&mine, -result, "%s", strerror(-result));
		failed(queue, &mine);
	}
}

static int ask(struct region_queue *queue)
{
	struct search *s = &queue->search;
	struct ec2_filter filter = {
		.name = s->kind == SEARCH_BY_TAG ? "tag:" TAG_REQUEST : "description",
		.values = (const char *const *)s->values,
		.n_values = s->n_values};
	struct ec2_describe_snapshots in = {.region = queue->name,
		.owner = "self",
		.filters = &filter,
		.n_filters = s->kind == SEARCH_ALL ? 0 : 1,
		.max_results = EC2_PAGE_MAX,
		.next_token = s->next_token};

	s->call = ec2_describe_snapshots(queue->all->options.aws, &in, page_came, queue);
	return s->call ? 0 : -ENOMEM;
}

static void run(void *arg)
{
	struct region_queue *queue = arg;
	struct err err;
	int result;

	if (queue->search.call)
		return;
	result = gather(queue);
	if (result == -ENOENT)
		return;
	queue->search.began_at = clock_mono_ms();
	if (result < 0 || ask(queue) < 0) {
		err_set(&err, ENOMEM, "out of memory");
		failed(queue, &err);
	}
}

static void out_of_patience(void *arg)
{
	struct job *job = arg;
	struct err err;

	err_set(&err, ETIMEDOUT,
		"EC2 gave no answer to the request in time; whether it made the copy is still "
		"being looked for, see "
		"the status");
	err.maybe_done = true;
	job_answer(job, &err);
}

void lost_requests_start(struct job *job)
{
	struct work *w = job->work;

	if (!mark(job)) {
		struct err err;

		err_set(&err, EIO,
			"EC2 gave no answer, and the journal's row has nothing to look for the "
			"copy by");
		job_fail(job, &err);
		return;
	}
	w->phase = PHASE_SEARCHING;
	w->lost_at = clock_mono_ms();
	w->searches = 0;
	if (w->done && !w->patience) {
		w->patience = loop_timer_create(job->all->options.loop, out_of_patience, job);
		if (w->patience)
			loop_timer_start(w->patience, job->all->options.answer_ms);
		else
			out_of_patience(job);
	}
	schedule(job->queue);
	region_queue_wake(job->queue); /* it is not awaited any more: others may go */
}

void lost_requests_lost(struct job *job, const struct err *err)
{
	char text[700];

	job->queue->lost_answers++;
	log_warning("copy %lld: no answer to CopySnapshot: %s", (long long)job->pub.row.id,
		err_text(err, text, sizeof(text)));
	job_reason(job,
		"EC2 gave no answer to the request (%s); whether it made the copy is being looked "
		"for by its %s",
		err->message, job->pub.row.tags ? "tag" : "description");
	lost_requests_start(job);
}

void lost_requests_found(struct job *job, const char *copy_id)
{
	copy_snapshot_accepted(job, copy_id, NULL);
	reconcile_entry(job);
}
