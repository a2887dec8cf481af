/* SPDX-License-Identifier: MIT */
/* A dry run before copies go into the queue. */
#include "dry_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "clock.h"
#include "copy_snapshot.h"
#include "log.h"
#include "preflight.h"

#define PATIENCE_MS  5000
#define PERMITTED_MS (10 * 60 * 1000)
#define UNKNOWN_MS   (60 * 1000)
#define TRIALS_MAX   32

struct dry_run {
	struct dry_run *next; /* queue.trials */
	struct region_queue *queue;
	char *kind;
	struct aws_call *call; /* under way; NULL */
	struct loop_timer *patience;
	int64_t again_at; /* monotonic: not to be tried before */
};

/* What a permission may depend on. */
static char *kind_of(const struct journal_copy *row)
{
	char *kind;

	if (asprintf(&kind, "%d %d %d %s", row->encrypted, row->completion_minutes != 0,
		    row->tags != NULL, row->kms_key_id ? row->kms_key_id : "") < 0)
		return NULL;
	return kind;
}

static void destroy(struct dry_run *t)
{
	if (t->call)
		aws_cancel(t->call);
	loop_timer_destroy(t->patience);
	free(t->kind);
	free(t);
}

static void impatient(void *arg)
{
	struct dry_run *t = arg;

	if (!t->call)
		return;
	aws_cancel(steal(&t->call));
	admission_tried(t->queue->all, t, NULL);
}

/* The one for such a request, made at need; NULL: no memory, or too many. */
static struct dry_run *trial_get(struct region_queue *queue, const struct journal_copy *row)
{
	char *kind = kind_of(row);
	struct dry_run *t;
	int n = 0;

	for (t = kind ? queue->trials : NULL; t; t = t->next, n++)
		if (!strcmp(t->kind, kind)) {
			free(kind);
			return t;
		}
	t = kind && n < TRIALS_MAX ? calloc(1, sizeof(*t)) : NULL;
	if (t)
		t->patience = loop_timer_create(queue->all->options.loop, impatient, t);
	if (!t || !t->patience) {
		free(t);
		free(kind);
		return NULL;
	}
	t->queue = queue;
	t->kind = kind;
	t->next = queue->trials;
	queue->trials = t;
	return t;
}

static void answered(void *arg, const char *id, const char *request_id, const struct err *err)
{
	struct dry_run *t = arg;
	struct copies *c = t->queue->all;
	struct err copied;
	char why[700];

	(void)request_id;
	t->call = NULL;
	loop_timer_stop(t->patience);
	if (!err && id) {
		/* It has heeded one before, or is Amazon's: this must not be, and must be told. */
		t->queue->heeds_dry_run = false;
		t->queue->copies_dry = true;
		copy_snapshot_copied_dry(t->queue, id, &copied);
		admission_tried(c, t, &copied);
	} else if (!err) {
		t->again_at = clock_mono_ms() + PERMITTED_MS;
		admission_tried(c, t, NULL);
	} else if (preflight_is_forbidden(err)) {
		t->again_at = 0; /* the policy may be mended at any time */
		admission_tried(c, t, err);
	} else {
		log_debug("%s", err_text(err, why, sizeof(why)));
		admission_tried(c, t, NULL);
	}
}

static bool is_safe(const struct region_queue *queue)
{
	return !queue->copies_dry &&
	       (queue->heeds_dry_run || !aws_endpoint_is_named(queue->all->options.aws));
}

struct dry_run *dry_run_start(struct region_queue *queue, const struct journal_copy *row)
{
	int64_t now = clock_mono_ms();
	struct dry_run *t;
	struct err err;

	/* Where nothing gets through, nothing would be found out. */
	if (!is_safe(queue) || queue->pause_until > now)
		return NULL;
	t = trial_get(queue, row);
	if (!t || t->call)
		return t;
	if (now < t->again_at)
		return NULL;
	/* Until it is answered it counts as answered in vain. */
	t->again_at = now + UNKNOWN_MS;
	t->call = copy_snapshot_call(queue->all, row, true, answered, t, &err);
	if (!t->call)
		return NULL;
	loop_timer_start(t->patience, PATIENCE_MS);
	return t;
}

void dry_run_passed(struct region_queue *queue, const struct journal_copy *row)
{
	struct dry_run *t;

	if (row->dry_run)
		queue->heeds_dry_run = true;
	t = is_safe(queue) ? trial_get(queue, row) : NULL;
	if (t)
		t->again_at = clock_mono_ms() + PERMITTED_MS;
}

void dry_run_finish(struct region_queue *queue)
{
	while (queue->trials) {
		struct dry_run *t = queue->trials;

		queue->trials = t->next;
		destroy(t);
	}
}
