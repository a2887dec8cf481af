/* SPDX-License-Identifier: MIT */
/* Lost answers. */
#include "lost_requests.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "region_queue.h"
#include "job.h"
#include "log.h"
#include "reconcile.h"
#include "poll_backoff.h"
#include "random.h"
#include "copy_snapshot.h"
#include "copy_tags.h"

#define PAGES_MAX      1000
#define FOUND_MAX      1000
/* EC2 takes requests from clocks that are wrong by up to 15 minutes, so its start time may be that
 * much before ours. */
#define CLOCK_SLACK_MS (15 * 60 * 1000LL)

/* A snapshot that could be the copy. */
struct found {
	char *id;
	char *value; /* token or description */
	int64_t start_ms;
};

static void run(void *arg);
static int ask(struct lane *lane);

int search_init(struct lane *lane)
{
	lane->search.timer = loop_timer_create(lane->all->options.loop, run, lane);
	return lane->search.timer ? 0 : -ENOMEM;
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
}

void search_finish(struct lane *lane)
{
	struct search *s = &lane->search;

	if (s->call)
		aws_cancel(s->call);
	clear(s);
	loop_timer_destroy(s->timer);
}

static bool is_searching(const struct entry *e)
{
	return e->pub.state == COPY_SUBMITTING && e->work->phase == PHASE_SEARCHING;
}

/* What EC2 is asked for: the token in the tag; for a copy that was sent without tags, the
 * description. */
static const char *mark(const struct entry *e)
{
	return e->pub.row.tags ? e->pub.row.token : e->pub.row.description;
}

static int64_t due(const struct entry *e)
{
	return e->work->lost_at + pace_search(e->all->options.window_ms, e->work->searches);
}

static void schedule(struct lane *lane)
{
	struct search *s = &lane->search;
	int64_t now = clock_mono_ms(), at = INT64_MAX;
	struct entry *e;

	if (s->call)
		return;
	for (e = lane->flights; e; e = e->next)
		if (is_searching(e) && due(e) < at)
			at = due(e);
	if (at == INT64_MAX) {
		loop_timer_stop(s->timer);
		return;
	}
	if (s->failures) {
		int64_t pause = pace_retry(lane->all->options.retry_ms, s->failures, random_unit());

		if (at < now + pause)
			at = now + pause;
	}
	loop_timer_start(s->timer, at - now);
}

/* The marks of those who are due, of one kind; others of that kind ride along. */
static int gather(struct lane *lane, bool *by_tag)
{
	struct search *s = &lane->search;
	struct entry *e, *first = NULL;

	for (e = lane->flights; e; e = e->next)
		if (is_searching(e) && (!first || due(e) < due(first)))
			first = e;
	if (!first)
		return -ENOENT;
	*by_tag = first->pub.row.tags != NULL;
	s->values = calloc(EC2_FILTER_VALUES_MAX, sizeof(char *));
	if (!s->values)
		return -ENOMEM;
	for (int riders = 0; riders < 2; riders++)
		for (e = lane->flights; e; e = e->next) {
			bool is_due = is_searching(e) && due(e) <= due(first);

			if (!is_searching(e) || is_due == riders ||
				*by_tag != (e->pub.row.tags != NULL) ||
				s->n_values == EC2_FILTER_VALUES_MAX)
				continue;
			s->values[s->n_values] = strdup(mark(e));
			if (!s->values[s->n_values])
				return -ENOMEM;
			s->n_values++;
		}
	return 0;
}

static void failed(struct lane *lane, const struct err *err)
{
	struct search *s = &lane->search;
	struct entry *e;

	clear(s);
	s->failures++;
	for (e = lane->flights; e; e = e->next)
		if (is_searching(e))
			life_reason(e,
				"EC2 gave no answer to the request, and cannot be asked now "
				"whether it "
				"made the copy: %s",
				err->message);
	schedule(lane);
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

static bool was_asked(const struct search *s, const char *value)
{
	for (size_t i = 0; i < s->n_values; i++)
		if (!strcmp(s->values[i], value))
			return true;
	return false;
}

/* The snapshot that EC2 made for e, NULL. With a tag there is no doubt. By description there is: it
 * must be one that could be it, and that is no other copy's; if there are more of them than copies
 * that look for one, *ambiguous. */
static const char *pick(struct entry *e, bool *ambiguous)
{
	const struct search *s = &e->lane->search;
	const struct journal_copy *row = &e->pub.row;
	const struct found *first = NULL;
	unsigned candidates = 0, seekers = 0;
	struct entry *other;

	*ambiguous = false;
	for (size_t i = 0; i < s->n_found; i++) {
		const struct found *f = &s->found[i];

		if (strcmp(f->value, mark(e)))
			continue;
		if (row->tags)
			return f->id;
		HASH_FIND(hh_id, e->lane->ids, f->id, strlen(f->id), other);
		if (other || f->start_ms < row->submitted_ms - CLOCK_SLACK_MS)
			continue;
		candidates++;
		if (!first || f->start_ms < first->start_ms)
			first = f;
	}
	for (other = e->lane->flights; other; other = other->next)
		if (is_searching(other) && !other->pub.row.tags && !strcmp(mark(other), mark(e)))
			seekers++;
	*ambiguous = candidates > seekers;
	return first && !*ambiguous ? first->id : NULL;
}

static void give_up(struct entry *e)
{
	int seconds = (int)(e->all->options.window_ms / 1000);
	struct err err;

	/* Nobody was told an error yet: the request stands. */
	if (e->pub.row.acknowledged || e->work->done) {
		log_info("copy %lld: EC2 gave no answer and made nothing in %d s; asking again",
			(long long)e->pub.row.id, seconds);
		submit_again(e);
		return;
	}
	err_set(&err, ETIMEDOUT,
		"EC2 gave no answer to the request; its copy was looked for during %d s and was "
		"not made; nothing "
		"will be sent again",
		seconds);
	life_fail(e, &err);
}

/* A description is enough to say that the copy is there, not to delete what it is a copy of:
 * another tool may have made the same at the same time, for a purpose of its own. */
static void keep_source(struct entry *e)
{
	if (!e->pub.row.move)
		return;
	e->pub.row.move = false;
	life_note(e, NULL,
		"EC2 gave no answer, and the copy was recognised by its description alone: the "
		"source is kept",
		NULL);
}

static void judge(struct entry *e, int64_t began_at)
{
	bool ambiguous;
	const char *id = pick(e, &ambiguous);
	struct err err;

	if (id) {
		if (!e->pub.row.tags)
			keep_source(e);
		search_found(e, id);
	} else if (ambiguous) {
		err_set(&err, EIO,
			"EC2 gave no answer to the request, and several new snapshots bear its "
			"description: a person "
			"must see whether one of them is the copy; nothing will be sent again");
		life_fail(e, &err);
	} else if (began_at >= e->work->lost_at + e->all->options.window_ms) {
		give_up(e);
	} else {
		e->work->searches++;
	}
}

static void complete(struct lane *lane)
{
	struct search *s = &lane->search;
	struct entry *e, *next;

	s->failures = 0;
	for (e = lane->flights; e; e = next) {
		next = e->next;
		if (is_searching(e) && e->work->lost_at <= s->began_at && was_asked(s, mark(e)))
			judge(e, s->began_at);
	}
	clear(s);
	schedule(lane);
}

static void page_came(void *arg, struct ec2_page *page, const struct err *err)
{
	struct lane *lane = arg;
	struct search *s = &lane->search;
	struct err mine;
	int result = 0;

	s->call = NULL;
	if (err) {
		failed(lane, err);
		return;
	}
	for (size_t i = 0; i < page->n_snapshots && !result; i++) {
		const struct ec2_snapshot *snapshot = &page->snapshots[i];
		const char *token = tags_find(snapshot, TAG_REQUEST);
		const char *value = token && was_asked(s, token) ? token : snapshot->description;

		if (!value || !was_asked(s, value))
			continue;
		result = add_found(s, snapshot->id, value, snapshot->start_ms);
		/* Seen there, one with a token may be adopted at once. */
		catalogue_put(region_catalogue(lane->region), snapshot, CATALOGUE_LISTED,
			clock_mono_ms());
	}
	free(s->next_token);
	s->next_token = page->next_token && *page->next_token ? strdup(page->next_token) : NULL;
	if (page->next_token && *page->next_token && !s->next_token)
		result = -ENOMEM;
	ec2_page_destroy(page);
	if (!result && s->next_token && ++s->pages < PAGES_MAX)
		result = ask(lane);
	else if (!result && s->next_token)
		result = -EFBIG;
	else if (!result)
		complete(lane);
	if (result < 0) {
		err_set(&mine, -result, "%s", strerror(-result));
		failed(lane, &mine);
	}
}

static int ask(struct lane *lane)
{
	struct search *s = &lane->search;
	struct ec2_filter filter = {s->by_tag ? "tag:" TAG_REQUEST : "description",
		(const char *const *)s->values, s->n_values};
	struct ec2_describe_snapshots in = {.region = lane->name,
		.owner = "self",
		.filters = &filter,
		.n_filters = 1,
		.max_results = EC2_PAGE_MAX,
		.next_token = s->next_token};

	s->call = ec2_describe_snapshots(lane->all->options.aws, &in, page_came, lane);
	return s->call ? 0 : -ENOMEM;
}

static void run(void *arg)
{
	struct lane *lane = arg;
	struct err err;
	int result;

	if (lane->search.call)
		return;
	result = gather(lane, &lane->search.by_tag);
	if (result == -ENOENT)
		return;
	lane->search.began_at = clock_mono_ms();
	if (result < 0 || ask(lane) < 0) {
		err_set(&err, ENOMEM, "out of memory");
		failed(lane, &err);
	}
}

static void out_of_patience(void *arg)
{
	struct entry *e = arg;
	struct err err;

	err_set(&err, ETIMEDOUT,
		"EC2 gave no answer to the request in time; whether it made the copy is still "
		"being looked for, see "
		"the status");
	err.maybe_done = true;
	life_answer(e, &err);
}

void search_start(struct entry *e)
{
	struct work *w = e->work;

	if (!mark(e)) {
		struct err err;

		err_set(&err, EIO,
			"EC2 gave no answer, and the journal's row has nothing to look for the "
			"copy by");
		life_fail(e, &err);
		return;
	}
	w->phase = PHASE_SEARCHING;
	w->lost_at = clock_mono_ms();
	w->searches = 0;
	if (w->done && !w->patience) {
		w->patience = loop_timer_create(e->all->options.loop, out_of_patience, e);
		if (w->patience)
			loop_timer_start(w->patience, e->all->options.answer_ms);
		else
			out_of_patience(e);
	}
	schedule(e->lane);
	lane_wake(e->lane); /* it is not awaited any more: others may go */
}

void search_lost(struct entry *e, const struct err *err)
{
	char text[700];

	e->lane->lost_answers++;
	log_warning("copy %lld: no answer to CopySnapshot: %s", (long long)e->pub.row.id,
		err_text(err, text, sizeof(text)));
	life_reason(e,
		"EC2 gave no answer to the request (%s); whether it made the copy is being looked "
		"for by its %s",
		err->message, e->pub.row.tags ? "tag" : "description");
	search_start(e);
}

void search_found(struct entry *e, const char *copy_id)
{
	submit_accepted(e, copy_id, NULL);
	observe_entry(e);
}
