/* SPDX-License-Identifier: MIT */
/* The one who asks EC2 about a region's pending snapshots. */
#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "job.h"
#include "poll_backoff.h"
#include "random.h"
#include "reconcile.h"
#include "region_queue.h"

/*
 * A poll asks for the ids that somebody waits for, by a filter (which, unlike a list of ids, is no
 * error for one that EC2 does not show yet). Every eighth asks for all that are pending instead: it
 * shows the copies of others, which take slots too. When there are more ids than a filter takes,
 * the two kinds alternate, and those that EC2 told about longest ago are asked for by id first.
 */
#define LISTING_EVERY 8
#define PAGES_MAX     1000
/* EC2's answers are not consistent with each other: a snapshot is gone when it was missing in so
 * many of them in a row. */
#define ABSENCES_GONE 3

static void run(void *arg);
static int ask(struct region_queue *queue);

int poller_init(struct region_queue *queue)
{
	queue->poller.timer = loop_timer_create(queue->all->options.loop, run, queue);
	return queue->poller.timer ? 0 : -ENOMEM;
}

static void clear(struct poller *p)
{
	for (size_t i = 0; i < p->n_asked; i++)
		free(p->asked[i].id);
	p->n_asked = 0;
	free(steal(&p->asked));
	free(steal(&p->next_token));
	p->pages = 0;
}

void poller_finish(struct region_queue *queue)
{
	struct poller *p = &queue->poller;

	if (p->call)
		aws_cancel(p->call);
	clear(p);
	loop_timer_destroy(p->timer);
}

/* --- what is waited for --- */

struct wanted {
	const char *id;
	int64_t answered_at;
	int64_t interval_ms;
};

typedef void wanted_fn(void *arg, const struct wanted *wanted);

/* Whether the poller asks for it anyway, as a copy in progress. */
static bool is_copied(const struct region_queue *queue, const char *id)
{
	struct job *job;
	struct foreign *f;

	HASH_FIND(hh_id, queue->ids, id, strlen(id), job);
	HASH_FIND_STR(queue->foreign, id, f);
	return (job && job->pub.state == COPY_PENDING) || (f && f->pub.state == COPY_PENDING);
}

static int64_t interval(
	const struct region_queue *queue, int64_t start_ms, int64_t eta_ms, int64_t wall)
{
	return poll_backoff_interval(queue->all->options.poll_ms, start_ms ? wall - start_ms : 0,
		eta_ms ? eta_ms - wall : POLL_UNKNOWN);
}

static void each_wanted(struct region_queue *queue, wanted_fn *fn, void *arg)
{
	int64_t wall = clock_wall_ms(), mono = clock_mono_ms();
	struct job *job;

	for (job = queue->running; job; job = job->next)
		if (job->pub.state == COPY_PENDING)
			fn(arg, &(struct wanted){job->pub.row.copy_id, job->work->answered_at,
					interval(queue, job->pub.row.started_ms, job->pub.eta_ms,
						wall)});
	for (struct foreign *f = queue->foreign; f; f = f->hh.next)
		if (f->pub.state == COPY_PENDING)
			fn(arg, &(struct wanted){f->pub.row.copy_id, f->answered_at,
					interval(queue, f->pub.row.started_ms, f->pub.eta_ms,
						wall)});
	for (struct held *h = queue->held; h; h = h->hh.next)
		if (!is_copied(queue, h->id) && region_queue_is_open(queue, h->id))
			fn(arg, &(struct wanted){h->id, h->answered_at,
					poll_backoff_interval(queue->all->options.poll_ms,
						mono - h->since, POLL_UNKNOWN)});
}

static void shortest(void *arg, const struct wanted *wanted)
{
	int64_t *least = arg;

	if (wanted->interval_ms < *least)
		*least = wanted->interval_ms;
}

void poller_schedule(struct region_queue *queue)
{
	struct poller *p = &queue->poller;
	int64_t pause = INT64_MAX, now = clock_mono_ms(), least = queue->all->options.poll_ms,
		target;

	if (p->call)
		return; /* its end does this */
	each_wanted(queue, shortest, &pause);
	if (queue->blocked || queue->unlisted || (p->urgent && pause != INT64_MAX))
		pause = least;
	if (pause == INT64_MAX) {
		loop_timer_stop(p->timer);
		return;
	}
	if (p->failures && pause < p->backoff_ms)
		pause = p->backoff_ms;
	target = p->began_at ? p->began_at + pause : 0;
	/* After idleness, one interval from what made it necessary, unless somebody waits: EC2 has
	 * nothing new to tell before that. */
	if (target <= now)
		target = queue->unlisted || p->urgent ? now : now + least;
	if (loop_timer_armed(p->timer) && p->due_at <= target)
		return;
	p->due_at = target;
	loop_timer_start(p->timer, target - now);
}

/* --- one poll --- */

struct gathered {
	struct wanted *all;
	size_t n, cap;
	bool failed;
};

static void gather(void *arg, const struct wanted *wanted)
{
	struct gathered *g = arg;

	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 64;
		struct wanted *all = realloc(g->all, cap * sizeof(*all));

		if (!all) {
			g->failed = true;
			return;
		}
		g->all = all;
		g->cap = cap;
	}
	g->all[g->n++] = *wanted;
}

static int by_answer(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return x->answered_at < y->answered_at ? -1 : x->answered_at > y->answered_at;
}

/* Decides what the poll asks. 0, -ENOMEM, or -ENOENT: there is nothing to ask. */
static int prepare(struct region_queue *queue)
{
	struct poller *p = &queue->poller;
	struct gathered g = {0};
	bool busy = queue->n_waiting || queue->running || queue->foreigners;
	int result = 0;

	each_wanted(queue, gather, &g);
	if (g.n > 1)
		qsort(g.all, g.n, sizeof(*g.all), by_answer);
	p->listing = busy && (!p->listed_at || p->since_listing >= LISTING_EVERY - 1 || !g.n ||
				     (g.n > EC2_FILTER_VALUES_MAX && !p->listing));
	p->asked = calloc(EC2_FILTER_VALUES_MAX, sizeof(*p->asked));
	if (g.failed || !p->asked)
		result = -ENOMEM;
	else if (!g.n && !busy)
		result = -ENOENT;
	for (size_t i = 0; i < g.n && i < EC2_FILTER_VALUES_MAX && !result && !p->listing; i++) {
		p->asked[i].id = strdup(g.all[i].id);
		if (!p->asked[i].id)
			result = -ENOMEM;
		else
			p->n_asked++;
	}
	free(g.all);
	return result;
}

/* Only what others share with the account is asked for without naming the owner. */
static const char *owner(struct region_queue *queue)
{
	struct catalogue *catalogue = region_catalogue(queue->region);

	for (size_t i = 0; i < queue->poller.n_asked; i++) {
		catalogue_slot slot = catalogue_find(catalogue, queue->poller.asked[i].id);

		if (slot != CATALOGUE_NONE &&
			catalogue_presence(catalogue, slot) == CATALOGUE_UNLISTED)
			return NULL;
	}
	return "self";
}

static void explain(struct region_queue *queue, const struct err *err)
{
	struct job *job;

	for (job = queue->running; job; job = job->next) {
		if (job->pub.state != COPY_PENDING)
			continue;
		if (err)
			job_reason(job, "EC2 cannot be asked about it: %s", err->message);
		else if (*job->pub.reason)
			job_no_reason(job);
	}
}

static void failed(struct region_queue *queue, const struct err *err)
{
	struct poller *p = &queue->poller;

	clear(p);
	p->backoff_ms =
		poll_backoff_retry(queue->all->options.poll_ms, ++p->failures, random_unit());
	queue->poll_failures++;
	queue->unlisted = false; /* asked in vain: EC2's refusals will have to do */
	explain(queue, err);
	region_queue_wake(queue);
	poller_schedule(queue);
}

/* An answer had the id, or not. */
static void answered(struct region_queue *queue, const char *id, bool present)
{
	int64_t now = clock_mono_ms();
	struct job *job;
	struct foreign *f;
	struct held *h;

	HASH_FIND(hh_id, queue->ids, id, strlen(id), job);
	if (job && job->pub.state == COPY_PENDING) {
		job->work->answered_at = now;
		job->work->absences = present ? 0 : job->work->absences + 1;
		/* The catalogue tells of changes only; this one may have changed before it was
		 * ours. */
		if (present)
			reconcile_entry(job);
	}
	HASH_FIND_STR(queue->foreign, id, f);
	if (f) {
		f->answered_at = now;
		f->absences = present ? 0 : f->absences + 1;
	}
	HASH_FIND_STR(queue->held, id, h);
	if (!h)
		return;
	h->answered_at = now;
	h->absences = present ? 0 : h->absences + 1;
	h->glance = false;
	if (!h->holds) {
		h->holds = 1;
		region_queue_release(queue, id);
	}
}

static void take_page(struct region_queue *queue, const struct ec2_page *page)
{
	struct poller *p = &queue->poller;
	struct catalogue *catalogue = region_catalogue(queue->region);
	const char *account = queue->all->options.account;

	for (size_t i = 0; i < page->n_snapshots; i++) {
		const struct ec2_snapshot *s = &page->snapshots[i];
		catalogue_slot slot = catalogue_find(catalogue, s->id);
		bool listed = p->listing ||
			      (slot != CATALOGUE_NONE &&
				      catalogue_presence(catalogue, slot) == CATALOGUE_LISTED) ||
			      (account && s->owner_id && !strcmp(account, s->owner_id));

		catalogue_put(catalogue, s, listed ? CATALOGUE_LISTED : CATALOGUE_UNLISTED,
			clock_mono_ms());
		for (size_t n = 0; n < p->n_asked; n++)
			if (!strcmp(p->asked[n].id, s->id))
				p->asked[n].answered = true;
		answered(queue, s->id, true);
	}
}

/* What was missing in answer after answer, long enough after it came to be, is gone. */
static void bury(struct region_queue *queue, const char *id)
{
	struct catalogue *catalogue = region_catalogue(queue->region);
	int64_t now = clock_mono_ms(), window = queue->all->options.window_ms;
	catalogue_slot slot = catalogue_find(catalogue, id);
	struct job *job;
	struct foreign *f;
	struct held *h;

	HASH_FIND(hh_id, queue->ids, id, strlen(id), job);
	if (job && job->pub.state == COPY_PENDING && job->work->absences >= ABSENCES_GONE &&
		now - job->work->accepted_at >= window)
		job_end(job, COPY_CANCELLED, clock_wall_ms(),
			"the snapshot was deleted, but not through this mount");
	HASH_FIND_STR(queue->foreign, id, f);
	if (f && f->absences >= ABSENCES_GONE)
		reconcile_foreign_end(f, COPY_CANCELLED, clock_wall_ms(), NULL);
	HASH_FIND_STR(queue->held, id, h);
	if (slot != CATALOGUE_NONE &&
		((f && f->absences >= ABSENCES_GONE) ||
			(h && h->absences >= ABSENCES_GONE && now - h->since >= window)))
		catalogue_absent(catalogue, slot, now);
}

/* Glances at what has come to its end meanwhile. */
static void drop_glances(struct region_queue *queue)
{
	struct held *h, *next;

	HASH_ITER (hh, queue->held, h, next)
		if (!h->holds && !region_queue_is_open(queue, h->id))
			answered(queue, h->id, true);
}

static void complete(struct region_queue *queue)
{
	struct poller *p = &queue->poller;

	p->failures = 0;
	if (p->listing) {
		p->listed_at = clock_mono_ms();
		p->since_listing = 0;
		queue->unlisted = false;
	} else {
		p->since_listing++;
	}
	explain(queue, NULL);
	for (size_t i = 0; i < p->n_asked; i++)
		if (!p->asked[i].answered) {
			answered(queue, p->asked[i].id, false);
			bury(queue, p->asked[i].id);
		}
	clear(p);
	drop_glances(queue);
	region_queue_wake(queue);
	poller_schedule(queue);
}

static void page_came(void *arg, struct ec2_page *page, const struct err *err)
{
	struct region_queue *queue = arg;
	struct poller *p = &queue->poller;
	bool more = page && page->next_token && *page->next_token;
	struct err mine;
	int result = 0;

	p->call = NULL;
	if (err) {
		failed(queue, err);
		return;
	}
	take_page(queue, page);
	free(p->next_token);
	p->next_token = more ? strdup(page->next_token) : NULL;
	if (more)
		result = !p->next_token ? -ENOMEM : ++p->pages >= PAGES_MAX ? -EFBIG : ask(queue);
	ec2_page_destroy(page);
	if (result < 0) {
		err_set(&mine, -result, "%s", strerror(-result));
		failed(queue, &mine);
	} else if (!more) {
		complete(queue);
	}
}

static int ask(struct region_queue *queue)
{
	static const char *const pending[] = {"pending"};
	struct poller *p = &queue->poller;
	const char *ids[EC2_FILTER_VALUES_MAX];
	struct ec2_filter filter = {.name = "snapshot-id", .values = ids, .n_values = p->n_asked};
	struct ec2_describe_snapshots in = {.region = queue->name,
		.owner = owner(queue),
		.filters = &filter,
		.n_filters = 1,
		.max_results = EC2_PAGE_MAX,
		.next_token = p->next_token};

	for (size_t i = 0; i < p->n_asked; i++)
		ids[i] = p->asked[i].id;
	if (p->listing)
		filter = (struct ec2_filter){.name = "status", .values = pending, .n_values = 1};
	queue->polls++;
	p->call = ec2_describe_snapshots(queue->all->options.aws, &in, page_came, queue);
	return p->call ? 0 : -ENOMEM;
}

static void run(void *arg)
{
	struct region_queue *queue = arg;
	struct poller *p = &queue->poller;
	struct err err;
	int result = prepare(queue);

	if (result == -ENOENT) {
		clear(p);
		return;
	}
	p->began_at = clock_mono_ms();
	p->urgent = false;
	if (!result)
		result = ask(queue);
	if (result < 0) {
		err_set(&err, ENOMEM, "out of memory");
		failed(queue, &err);
	}
}
