/* SPDX-License-Identifier: MIT */
/* The queue of a destination region, and the texts that a job shows while it waits. */
#include "region_queue.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "endpoint.h"
#include "job.h"
#include "log.h"
#include "num.h"
#include "poller.h"
#include "random.h"
#include "timing.h"

#define FOREIGN_MAX                                                                                \
	10000 /* per region: some dozens in progress in EC2, and those that ended lately */
#define LIMIT_MAX    100000 /* a larger number in EC2's message is not taken for a limit */
#define PAUSE_GROWTH 15

/* --- how many copies a region takes at once --- */

void concurrency_limit_init(struct concurrency_limit *g, unsigned limit, int64_t first_ms)
{
	*g = (struct concurrency_limit){.limit = limit, .first_ms = first_ms, .pause_ms = first_ms};
}

static bool concurrency_is_sure(const struct concurrency_limit *g, int64_t now_ms)
{
	return g->learned && now_ms - g->learned_at < CONCURRENCY_LIMIT_LEARNED_MS;
}

bool concurrency_limit_admits(
	const struct concurrency_limit *g, unsigned used, unsigned sending, int64_t now_ms)
{
	if (g->held)
		return used < g->limit && (g->grants || now_ms >= g->grant_at);
	if (used < g->limit)
		return true;
	/* Past an assumed limit, one at a time: the first refusal then names the true limit. */
	return !concurrency_is_sure(g, now_ms) && !sending;
}

bool concurrency_limit_paces(const struct concurrency_limit *g, unsigned sending, int64_t now_ms)
{
	return concurrency_is_sure(g, now_ms) || !sending || sending < g->accepted;
}

void concurrency_limit_sent(struct concurrency_limit *g, int64_t now_ms)
{
	if (!g->held)
		return;
	if (g->grants)
		g->grants--;
	else
		g->grant_at = now_ms + g->pause_ms;
}

void concurrency_limit_accepted(struct concurrency_limit *g, unsigned used, int64_t now_ms)
{
	concurrency_limit_seen(g, used);
	if (!g->learned)
		g->accepted++;
	if (!g->held)
		return;
	g->refusals = 1;
	g->pause_ms = g->first_ms;
	if (g->grant_at > now_ms + g->first_ms)
		g->grant_at = now_ms + g->first_ms;
	if (used >= g->limit)
		g->held = false;
}

unsigned concurrency_limit_limit_of(const char *message)
{
	static const char words[] = "limit is ";
	const char *at = strstr(message, words);
	uint64_t limit;
	size_t digits;

	if (!at)
		return 0;
	at += sizeof(words) - 1;
	digits = strspn(at, "0123456789");
	return num_parse_u64(at, digits, 1, LIMIT_MAX, &limit) < 0 ? 0 : (unsigned)limit;
}

void concurrency_limit_refused(struct concurrency_limit *g, const char *message, unsigned used,
	int64_t now_ms, double unit)
{
	unsigned limit = concurrency_limit_limit_of(message);

	if (limit) {
		g->limit = limit;
		g->learned = true;
		g->learned_at = now_ms;
	}
	if (g->learned && used >= g->limit) {
		g->held = false; /* our count has reached EC2's limit, so the count is complete */
		return;
	}
	g->refusals = g->held ? g->refusals + 1 : 1;
	g->pause_ms = backoff_pause(g->first_ms, g->first_ms * PAUSE_GROWTH, g->refusals, unit);
	g->held = true;
	g->grants = 0;
	g->grant_at = now_ms + g->pause_ms;
}

void concurrency_limit_freed(struct concurrency_limit *g)
{
	if (g->held)
		g->grants++;
}

void concurrency_limit_seen(struct concurrency_limit *g, unsigned used)
{
	/* The limit is at least the number of copies that EC2 shows in progress. A limit that EC2
	 * named is kept, because the listing may be stale. */
	if (!g->learned && used > g->limit)
		g->limit = used;
}

int64_t concurrency_limit_next(const struct concurrency_limit *g)
{
	return g->held ? g->grant_at : INT64_MAX;
}

/* --- the queue --- */

static void region_queue_pump(void *arg);

struct region_queue *region_queue_make(
	struct copies *c, const struct job_kind *kind, struct region *region)
{
	struct region_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->all = c;
	queue->kind = kind;
	queue->region = region;
	queue->name = region_name(region);
	if (asprintf(&queue->key, "%s %s", kind->name, queue->name) < 0) {
		free(queue);
		return NULL;
	}
	concurrency_limit_init(&queue->limit, kind->limit, c->options.retry_ms * 4);
	queue->pump = loop_timer_create(c->options.loop, region_queue_pump, queue);
	if (queue->pump && poller_init(queue) == 0)
		HASH_ADD_KEYPTR(hh, c->queues, queue->key, strlen(queue->key), queue);
	/* attach() comes last, because its watch of the catalogue cannot be removed. */
	if (!queue->hh.tbl || kind->attach(queue) < 0) {
		region_queue_destroy(queue);
		return NULL;
	}
	return queue;
}

static struct region_queue *region_queue_lookup(
	const struct copies *c, const struct job_kind *kind, const char *region)
{
	char key[ENDPOINT_REGION_SIZE + 32];
	struct region_queue *queue;

	snprintf(key, sizeof(key), "%s %s", kind->name, region);
	HASH_FIND_STR(c->queues, key, queue);
	return queue;
}

struct region_queue *region_queue_find(const struct copies *c, const char *region)
{
	return region_queue_lookup(c, c->kinds[0], region);
}

struct region_queue *region_queue_of(
	struct copies *c, const struct job_kind *kind, const char *region)
{
	struct region_queue *queue = region_queue_lookup(c, kind, region);
	struct region *r;

	if (queue)
		return queue;
	r = regions_get(c->options.regions, region);
	if (!r)
		return NULL;
	/* regions_each() has made the first kind's queue of each new region, if there was memory.
	 */
	queue = region_queue_lookup(c, kind, region);
	return queue ? queue : region_queue_make(c, kind, r);
}

struct region_queue *region_queue_get(struct copies *c, const char *region)
{
	return region_queue_of(c, c->kinds[0], region);
}

void region_queue_destroy(struct region_queue *queue)
{
	struct foreign *f, *next;

	if (!queue)
		return;
	poller_finish(queue);
	if (queue->kind_region)
		queue->kind->detach(queue);
	HASH_ITER (hh, queue->foreign, f, next)
		region_queue_foreign_drop(f);
	loop_timer_destroy(queue->pump);
	if (queue->hh.tbl)
		HASH_DEL(queue->all->queues, queue);
	free(queue->key);
	free(queue);
}

/* A dry run takes no slot. */
static void region_queue_count(struct job *job, int by)
{
	unsigned *slots =
		job->pub.state == COPY_PENDING ? &job->queue->pending : &job->queue->submitting;

	if (!job->pub.row.dry_run)
		*slots += (unsigned)by;
}

/* Inserts the job in the order of the requests, also when it returns to the queue. */
static void region_queue_enqueue(struct region_queue *queue, struct job *job)
{
	struct job *after = queue->waiting ? queue->waiting->prev
					   : NULL; /* utlist: the head's prev is the tail */

	queue->n_waiting++;
	queue->numbered = false;
	if (!after || after->pub.row.id < job->pub.row.id) {
		DL_APPEND(queue->waiting, job);
		return;
	}
	for (after = queue->waiting; after->pub.row.id < job->pub.row.id;)
		after = after->next;
	DL_PREPEND_ELEM(queue->waiting, after, job);
}

void region_queue_enter(struct job *job)
{
	struct region_queue *queue = job->queue;

	if (job->pub.state == COPY_QUEUED) {
		region_queue_enqueue(queue, job);
		job->pub.reason = job->work->reason ? job->work->reason : queue->reason;
		region_queue_wake(queue);
	} else if (!copy_state_ended(job->pub.state)) {
		DL_APPEND(queue->running, job);
		region_queue_count(job, 1);
		if (job->pub.state == COPY_PENDING)
			region_queue_wake(queue); /* region_queue_pump() schedules the poller */
	}
}

void region_queue_leave(struct job *job)
{
	struct region_queue *queue = job->queue;

	if (job->pub.state == COPY_QUEUED) {
		DL_DELETE(queue->waiting, job);
		queue->n_waiting--;
		queue->numbered = false;
	} else if (!copy_state_ended(job->pub.state)) {
		DL_DELETE(queue->running, job);
		region_queue_count(job, -1);
		if (job->pub.state == COPY_PENDING)
			concurrency_limit_freed(&queue->limit);
		region_queue_wake(queue);
	}
}

void region_queue_wake(struct region_queue *queue)
{
	loop_timer_start(queue->pump, 0);
}

unsigned region_queue_used(const struct region_queue *queue)
{
	return queue->submitting + queue->pending + queue->foreigners;
}

void region_queue_adopted(struct region_queue *queue, const char *id)
{
	struct foreign *f;

	HASH_FIND_STR(queue->foreign, id, f);
	if (f)
		region_queue_foreign_drop(f);
}

void region_queue_accepted(struct region_queue *queue, const char *id)
{
	/* A listing may have shown the copy before its tags, so as another's. */
	region_queue_adopted(queue, id);
	concurrency_limit_accepted(&queue->limit, region_queue_used(queue), clock_mono_ms());
}

void region_queue_refused(struct region_queue *queue, const struct err *err)
{
	queue->refusals++;
	concurrency_limit_refused(&queue->limit, err->message, region_queue_used(queue),
		clock_mono_ms(), random_unit());
}

void region_queue_hold(struct job *job, int64_t ms, bool cancels)
{
	struct work *w = job->work;

	w->cancels = cancels && ms;
	w->held_until = ms ? clock_mono_ms() + ms : 0;
	if (w->cancels)
		job_reason(job,
			"its last receipt was removed: the copy is cancelled in %d seconds, unless "
			"it is requested again",
			(int)(ms / 1000));
	else if (!ms && w->describe_until)
		region_queue_hold_for_description(job);
	else if (!ms && !w->source)
		job_no_reason(job);
	region_queue_wake(job->queue);
}

void region_queue_hold_for_description(struct job *job)
{
	struct work *w = job->work;
	int64_t until = clock_mono_ms() + COPIES_DESCRIPTION_MS;

	if (w->cancels)
		return;
	w->held_until = until < w->describe_until ? until : w->describe_until;
	if (!w->source)
		job_reason(job,
			"its description has not arrived: the request is sent without one %d "
			"seconds after the last write into its folder",
			COPIES_DESCRIPTION_MS / 1000);
	region_queue_wake(job->queue);
}

/* The hold's time has passed: cancels the job, or lets it be sent. */
static void region_queue_release(struct job *job)
{
	struct work *w = job->work;

	if (w->cancels) {
		job_event(job, JOB_CANCELLED, NULL);
		return;
	}
	w->held_until = w->describe_until = 0;
	if (!w->source)
		job_no_reason(job);
	job_changed(job);
}

bool region_queue_is_ready(const struct job *job, int64_t now)
{
	return job->phase == PHASE_REST && !job->work->source && job->work->retry_at <= now &&
	       !job->work->held_until;
}

/* After so many failures in a row the cause is taken to be common to all requests. */
#define TROUBLE 3

void region_queue_trouble(struct region_queue *queue)
{
	if (++queue->failures >= TROUBLE)
		queue->pause_until =
			clock_mono_ms() + timing_retry_pause(queue->all->options.retry_ms,
						  queue->failures - TROUBLE + 1, random_unit());
}

void region_queue_answered(struct region_queue *queue)
{
	queue->failures = 0;
	queue->pause_until = 0;
}

/* Whether one more job may be sent now. checking: jobs in PHASE_CHECKING, which keep a slot. */
static bool region_queue_admits(const struct region_queue *queue, unsigned checking, int64_t now)
{
	unsigned sending = queue->submitting + checking;

	if (queue->unlisted || queue->pause_until > now || (queue->failures >= TROUBLE && sending))
		return false;
	return concurrency_limit_admits(
		&queue->limit, region_queue_used(queue) + checking, sending, now);
}

bool region_queue_is_free(const struct region_queue *queue)
{
	const struct job *job;

	/* Jobs that could be sent go first. Jobs that wait for their source, a retry's pause or a
	 * hold are passed. */
	for (job = queue->waiting; job; job = job->next)
		if (!job->work->source && job->work->retry_at <= clock_mono_ms() &&
			!job->work->held_until)
			return false;
	/* A pause of the queue does not count: the waiting caller shall get the error of its own
	 * request. */
	return !queue->unlisted && concurrency_limit_admits(&queue->limit, region_queue_used(queue),
					   queue->submitting, clock_mono_ms());
}

unsigned region_queue_position(const struct job *job)
{
	struct region_queue *queue = job->queue;
	unsigned n = 0;

	if (job->pub.state != COPY_QUEUED)
		return 0;
	/* Numbers all jobs at once, because the table of copies asks for each place. */
	for (struct job *at = queue->numbered ? NULL : queue->waiting; at; at = at->next)
		at->place = ++n;
	queue->numbered = true;
	return job->place;
}

/* Sets the reason that the status of each queued job shows. */
static void region_queue_explain(struct region_queue *queue, bool held)
{
	char reason[sizeof(queue->reason)];
	unsigned used = region_queue_used(queue);
	const struct job_kind *kind = queue->kind;
	struct job *job;

	if (queue->unlisted)
		snprintf(reason, sizeof(reason), "EC2 is asked how many %s are in progress into %s",
			kind->plural, queue->name);
	else if (queue->failures >= TROUBLE)
		snprintf(reason, sizeof(reason),
			"requests into %s do not get through; ebsfs retries until they do",
			queue->name);
	else if (held)
		snprintf(reason, sizeof(reason),
			"EC2 says that too many %s are in progress into %s; its limit is %u",
			kind->plural, queue->name, queue->limit.limit);
	else if (queue->blocked)
		snprintf(reason, sizeof(reason), "%u %s %s in progress into %s, its limit", used,
			used == 1 ? kind->name : kind->plural, used == 1 ? "is" : "are",
			queue->name);
	else
		snprintf(reason, sizeof(reason), "its turn has come");
	if (!strcmp(reason, queue->reason))
		return;
	memcpy(queue->reason, reason, sizeof(reason));
	for (job = queue->waiting; job; job = job->next)
		if (!job->work->reason)
			job_changed(job);
}

/* Requests in flight; lost ones are not counted. */
static unsigned region_queue_unanswered(const struct region_queue *queue)
{
	unsigned n = 0;

	for (const struct job *job = queue->running; job; job = job->next)
		n += job->pub.state == COPY_SUBMITTING && job->phase != PHASE_SEARCHING;
	return n;
}

/* Ends the holds whose time has passed. Returns when the next hold ends; INT64_MAX: none. */
static int64_t region_queue_end_holds(struct region_queue *queue, int64_t now)
{
	int64_t next = INT64_MAX;
	struct job *job, *after;

	for (job = queue->waiting; job; job = after) {
		after = job->next;
		if (!job->work->held_until || job->phase == PHASE_ADMITTING)
			continue;
		if (job->work->held_until <= now)
			region_queue_release(job);
		else if (job->work->held_until < next)
			next = job->work->held_until;
	}
	return next;
}

/* Sends the jobs that may be sent, in order, and sets the timer for the next call. */
static void region_queue_pump(void *arg)
{
	struct region_queue *queue = arg;
	int64_t now = clock_mono_ms(), next;
	unsigned checking = 0; /* jobs in PHASE_CHECKING, which keep a slot */
	struct job *job, *after;

	queue->blocked = false;
	next = region_queue_end_holds(queue, now);
	for (job = queue->waiting; job; job = job->next)
		checking += job->phase == PHASE_CHECKING;
	for (job = queue->waiting; job; job = after) {
		after = job->next;
		if (job->work->retry_at > now && job->work->retry_at < next)
			next = job->work->retry_at;
		if (!region_queue_is_ready(job, now))
			continue;
		if (!region_queue_admits(queue, checking, now)) {
			queue->blocked = true;
			break;
		}
		if (!concurrency_limit_paces(
			    &queue->limit, region_queue_unanswered(queue) + checking, now))
			break; /* the next response wakes the queue */
		if (job->kind->check(job))
			job_event(job, JOB_TURN, NULL);
		else
			checking += job->phase == PHASE_CHECKING;
	}
	/* Only future times: region_queue_admits() has already considered past ones. */
	if (queue->blocked && concurrency_limit_next(&queue->limit) > now &&
		concurrency_limit_next(&queue->limit) < next)
		next = concurrency_limit_next(&queue->limit);
	if (queue->blocked && queue->pause_until > now && queue->pause_until < next)
		next = queue->pause_until;
	if (next != INT64_MAX)
		loop_timer_start(queue->pump, next > now ? next - now : 1);
	region_queue_explain(
		queue, queue->limit.held && region_queue_used(queue) < queue->limit.limit);
	poller_schedule(queue);
}

/* --- copies of others --- */

void region_queue_foreign_drop(struct foreign *f)
{
	if (f->pub.state == COPY_PENDING)
		f->queue->foreigners--;
	if (f->hh.tbl)
		HASH_DEL(f->queue->foreign, f);
	journal_copy_finish(&f->pub.row);
	free(f);
}

void region_queue_foreign_end(
	struct foreign *f, enum copy_state state, int64_t ended_ms, const char *message)
{
	struct region_queue *queue = f->queue;

	if (f->pub.state != COPY_PENDING)
		return;
	f->pub.state = state;
	f->pub.row.ended_ms = ended_ms;
	f->pub.eta_ms = 0;
	if (state == COPY_COMPLETED)
		f->pub.progress = 100;
	if (message && *message)
		f->pub.row.message = strdup(message);
	queue->foreigners--;
	concurrency_limit_freed(&queue->limit);
	region_queue_wake(queue);
	job_expire_soon(queue->all);
	job_tell(queue->all, &f->pub);
}

struct foreign *region_queue_foreign(struct region_queue *queue, const struct catalogue_snapshot *s)
{
	struct foreign *f = HASH_COUNT(queue->foreign) < FOREIGN_MAX ? calloc(1, sizeof(*f)) : NULL;
	struct journal_copy *row;

	if (!f)
		return NULL;
	f->queue = queue;
	f->pub = (struct copy){.kind = queue->kind,
		.state = COPY_PENDING,
		.origin = COPY_TOOL,
		.reason = "",
		.progress = EC2_PROGRESS_UNKNOWN};
	queue->foreigners++;
	row = &f->pub.row;
	row->started_ms = s->start_ms;
	row->requested_ms = s->start_ms;
	row->region = strdup(queue->name);
	row->copy_id = strdup(s->id);
	row->description = strdup(s->description);
	if (row->region && row->copy_id && row->description)
		HASH_ADD_KEYPTR(hh, queue->foreign, row->copy_id, strlen(row->copy_id), f);
	if (!f->hh.tbl) {
		region_queue_foreign_drop(f);
		return NULL;
	}
	concurrency_limit_seen(&queue->limit, queue->foreigners + queue->pending);
	region_queue_wake(queue);
	return f;
}

/* --- a job's texts: in its row, in its status, to its watchers, in the log --- */

const char *copy_state_text(enum copy_state state)
{
	static const char *const texts[] = {"queued", "submitting", "pending", "completed", "error",
		"failed", "cancelled", "deleted"};

	return texts[state];
}

bool copy_state_ended(enum copy_state state)
{
	return state > COPY_PENDING;
}

static void job_set_text(char **text, const char *value)
{
	char *copy = value && *value ? strdup(value) : NULL;

	free(*text);
	*text = copy;
}

void job_note(struct job *job, const char *code, const char *message, const char *request_id)
{
	job_set_text(&job->pub.row.code, code);
	job_set_text(&job->pub.row.message, message);
	job_set_text(&job->pub.row.request_id, request_id);
}

void job_set_message(struct job *job, const char *message)
{
	job_set_text(&job->pub.row.message, message);
}

void job_no_reason(struct job *job)
{
	if (job->work)
		free(steal(&job->work->reason));
	job->pub.reason = job->pub.state == COPY_QUEUED ? job->queue->reason : "";
}

void job_reason(struct job *job, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		job_no_reason(job);
		return;
	}
	if (job->work->reason && !strcmp(job->work->reason, text)) {
		free(text);
		return;
	}
	free(job->work->reason);
	job->work->reason = text;
	job->pub.reason = text;
	job_changed(job);
}

void job_tell(struct copies *c, const struct copy *copy)
{
	for (size_t i = 0; i < c->watchers.n; i++)
		((copies_watch_fn *)c->watchers.list[i].fn)(c->watchers.list[i].arg, copy);
}

void job_changed(struct job *job)
{
	job_tell(job->all, &job->pub);
}

void job_log_end(const struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct err why = {0};
	char text[700];

	snprintf(why.message, sizeof(why.message), "%s", row->message ? row->message : "");
	snprintf(why.code, sizeof(why.code), "%s", row->code ? row->code : "");
	snprintf(why.request_id, sizeof(why.request_id), "%s",
		row->request_id ? row->request_id : "");
	log_info("%s %lld of %s/%s to %s%s%s: %s%s%s", job->kind->name, (long long)row->id,
		row->source_region, row->source_id, row->region, row->copy_id ? "/" : "",
		row->copy_id ? row->copy_id : "", copy_state_text(job->pub.state),
		*why.message ? ": " : "", err_text(&why, text, sizeof(text)));
}
