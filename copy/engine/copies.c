/* SPDX-License-Identifier: MIT */
/* The interface to fs/: create, request, abandon, look up, watch. */
#include "copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "amend.h"
#include "clock.h"
#include "confirm.h"
#include "copy_snapshot.h"
#include "create_volume.h"
#include "job.h"
#include "on_end.h"
#include "poller.h"
#include "recover.h"
#include "region_queue.h"
#include "register_image.h"
#include "request_key.h"
#include "timing.h"

/* By enum request_kind. */
static const struct job_kind *const copies_kinds[] = {
	&copy_snapshot_kind, &create_volume_kind, &register_image_kind, NULL};

static void copies_new_region(void *arg, struct region *region)
{
	/* If this fails for lack of memory, region_queue_get() creates the queue when it is needed.
	 */
	region_queue_make(arg, ((struct copies *)arg)->kinds[0], region);
}

/* The user's command was started: clears the row's mark. If the process ends before the row is
 * durable, the next mount runs the command again: running it twice is better than never. */
static void copies_end_told(void *arg, int64_t row)
{
	struct copies *c = arg;
	struct job *job;

	HASH_FIND(hh, c->rows, &row, sizeof(row), job);
	if (!job || !job->pub.row.untold)
		return;
	job->pub.row.untold = false;
	job_save(job);
}

static int copies_init(struct copies *c, const struct copies_options *options)
{
	struct copies_options *own = &c->options;

	*own = *options;
	c->kinds = copies_kinds;
	own->account = options->account ? strdup(options->account) : NULL;
	own->on_end = options->on_end ? strdup(options->on_end) : NULL;
	if ((options->account && !own->account) || (options->on_end && !own->on_end))
		return -ENOMEM;
	own->poll_ms = options->poll_ms > 0 ? options->poll_ms : POLL_SHORTEST_MS;
	own->window_ms = options->window_ms > 0 ? options->window_ms : WINDOW_MS;
	own->answer_ms = options->answer_ms > 0 ? options->answer_ms : ANSWER_MS;
	own->retry_ms = options->retry_ms > 0 ? options->retry_ms : RETRY_MS;
	c->history = history_create();
	c->timing = timing_create();
	if (!c->history || !c->timing || job_init(c) < 0 || recover_init(c) < 0)
		return -ENOMEM;
	return on_end_create(own->loop, own->on_end, copies_end_told, c, &c->on_end);
}

int copies_create(const struct copies_options *options, journal_receipt_fn *receipt, void *arg,
	struct copies **out, struct err *err)
{
	struct copies *c = calloc(1, sizeof(*c));
	int result;

	*out = NULL;
	if (!c)
		return err_set(err, ENOMEM, "out of memory");
	result = copies_init(c, options);
	if (result < 0) {
		err_set(err, -result, "the copies cannot be set up: %s", strerror(-result));
		copies_destroy(c);
		return result;
	}
	regions_each(c->options.regions, copies_new_region, c);
	result = recover_journal(c, receipt, arg, err);
	if (result < 0) {
		copies_destroy(c);
		return result;
	}
	*out = c;
	return 0;
}

void copies_destroy(struct copies *c)
{
	struct job *job, *next;
	struct region_queue *queue, *after;

	if (!c)
		return;
	admission_finish(c);
	confirm_finish(c);
	amend_finish(c);
	for (const struct job_kind *const *kind = c->kinds; *kind; kind++)
		if ((*kind)->finish)
			(*kind)->finish(c);
	HASH_ITER (hh, c->rows, job, next)
		job_destroy(job);
	HASH_ITER (hh, c->queues, queue, after)
		region_queue_destroy(queue);
	watchers_finish(&c->watchers);
	job_finish(c);
	recover_finish(c);
	on_end_destroy(c->on_end);
	history_destroy(c->history);
	timing_destroy(c->timing);
	free((char *)c->options.account);
	free((char *)c->options.on_end);
	free(c);
}

int copies_request(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *receipt, copies_done *done, void *arg)
{
	return admission_start(c, region, request, move, receipt, done, arg);
}

bool copies_is_asked_for(struct copies *c, const char *region, const struct copy_request *request,
	const struct copy *copy)
{
	char asked[REQUEST_KEY_SIZE], has[REQUEST_KEY_SIZE];
	const struct job_kind *kind = c->kinds[request->kind];
	struct journal_copy row = {.region = (char *)region,
		.kind = (char *)kind->row_name,
		.place = (char *)request->place,
		.label = request->again};
	struct journal_copy own = copy->row;
	struct err err;
	bool is;

	/* A label that begins with '#' is ebsfs's own. */
	if (own.label && *own.label == '#')
		own.label = NULL;
	row.source_region = strdup(request->source_region);
	row.source_id = strdup(request->source_id);
	is = row.source_region && row.source_id && !request->dry_run && copy->kind == kind &&
	     (!kind->resolve || kind->resolve(c, &row, &err) >= 0) &&
	     !strcmp(request_key(&row, asked), request_key(&own, has));
	free(row.source_region);
	free(row.source_id);
	return is;
}

/* --- asking about copies --- */

struct copy *copies_by_row(struct copies *c, int64_t id)
{
	return recover_find(c, id);
}

struct copy *copies_by_snapshot(struct copies *c, const char *region, const char *id)
{
	return recover_find_snapshot(c, region, id);
}

static int copies_by_request(const void *a, const void *b)
{
	const struct copy *x = *(const struct copy *const *)a, *y = *(const struct copy *const *)b;

	if (x->row.requested_ms != y->row.requested_ms)
		return x->row.requested_ms < y->row.requested_ms ? -1 : 1;
	return x->row.id < y->row.id ? -1 : x->row.id > y->row.id;
}

static bool copies_is_recent(const struct copy *copy, int64_t before)
{
	return !copy_state_ended(copy->state) || copy->row.ended_ms >= before;
}

int copies_each(const struct copies *c, copies_each_fn *fn, void *arg)
{
	int64_t before = clock_wall_ms() - COPIES_LATELY_MS;
	size_t n = HASH_COUNT(c->rows), at = 0;
	const struct copy **all;

	for (struct region_queue *queue = c->queues; queue; queue = queue->hh.next)
		n += HASH_COUNT(queue->foreign);
	all = calloc(n + 1, sizeof(struct copy *));
	if (!all)
		return -ENOMEM;
	for (struct job *job = c->rows; job; job = job->hh.next)
		if (copies_is_recent(&job->pub, before))
			all[at++] = &job->pub;
	for (struct region_queue *queue = c->queues; queue; queue = queue->hh.next)
		for (struct foreign *f = queue->foreign; f; f = f->hh.next)
			if (copies_is_recent(&f->pub, before))
				all[at++] = &f->pub;
	qsort(all, at, sizeof(*all), copies_by_request);
	for (size_t i = 0; i < at; i++)
		fn(arg, all[i]);
	free(all);
	return 0;
}

unsigned copies_position(const struct copies *c, const struct copy *copy, unsigned *length)
{
	const struct job *job = (const struct job *)copy;

	(void)c;
	*length = 0;
	if (copy->origin != COPY_OURS || copy->state != COPY_QUEUED)
		return 0;
	*length = job->queue->n_waiting;
	return region_queue_position(job);
}

bool copies_needs(const struct copies *c, const char *region, const char *id)
{
	return admission_needs(c, region, id);
}

int copies_watch(struct copies *c, copies_watch_fn *fn, void *arg)
{
	return watchers_add(&c->watchers, (watchers_fn *)fn, arg);
}

int copies_hold(struct copies *c, const char *region, const char *id)
{
	struct region_queue *queue = region_queue_get(c, region);

	return queue ? poller_hold(queue, id) : -ENOMEM;
}

void copies_release(struct copies *c, const char *region, const char *id)
{
	struct region_queue *queue = region_queue_find(c, region);

	if (queue)
		poller_release(queue, id);
}

void copies_glance(struct copies *c, const char *region, const char *id)
{
	struct region_queue *queue = region_queue_get(c, region);

	if (queue)
		poller_glance(queue, id);
}

void copies_glance_at(struct copies *c, const struct copy *copy)
{
	struct region_queue *queue = region_queue_of(c, copy->kind, copy->row.region);

	if (queue && copy->kind->makes_snapshots)
		poller_glance(queue, copy->row.copy_id);
	else if (queue)
		poller_hurry(queue);
}

/* --- changes that the user causes --- */

void copies_keep_source(struct copies *c, struct copy *copy)
{
	(void)c;
	amend_keep_source(copy);
}

void copies_abandon(struct copies *c, struct copy *copy)
{
	(void)c;
	if (copy->origin == COPY_OURS && copy->state == COPY_QUEUED &&
		!job_is_undecided(job_of(copy)))
		region_queue_hold(job_of(copy), COPIES_ABANDON_MS, true);
}

/* --- later changes --- */

int copies_add_tags(struct copies *c, struct copy *copy, const struct request_tag *tags,
	size_t n_tags, copies_done *done, void *arg)
{
	return amend_tags(c, copy, tags, n_tags, done, arg);
}

int copies_describe(
	struct copies *c, struct copy *copy, const char *description, copies_done *done, void *arg)
{
	return amend_description(c, copy, description, done, arg);
}

void copies_expect_description(struct copies *c, struct copy *copy)
{
	(void)c;
	if (copy->origin == COPY_OURS && copy->state == COPY_QUEUED &&
		job_of(copy)->work->describe_until)
		region_queue_hold_for_description(job_of(copy));
}

int copies_confirm(struct copies *c, struct copy *copy, copies_done *done, void *arg)
{
	return confirm_start(c, copy, done, arg);
}

void copies_snapshot_deleted(struct copies *c, const char *region, const char *id)
{
	struct region_queue *queue = region_queue_find(c, region);
	struct job *job;
	struct foreign *f;
	struct copy *copy;

	if (!queue)
		return;
	HASH_FIND(hh_id, queue->ids, id, strlen(id), job);
	if (job && job_is_watched(job))
		job_event(job, JOB_GONE,
			&(struct job_news){.ended_ms = clock_wall_ms(),
				.message = "the snapshot was deleted while it was being copied"});
	copy = copies_by_snapshot(c, region, id);
	if (copy)
		confirm_deleted(c, copy, "the snapshot was deleted through this mount");
	HASH_FIND_STR(queue->foreign, id, f);
	if (f)
		region_queue_foreign_end(f, COPY_CANCELLED, clock_wall_ms(), NULL);
}
