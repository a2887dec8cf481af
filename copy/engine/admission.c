/* SPDX-License-Identifier: MIT */
/* Requests on their way to a row. */
#include "admission.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "copy_snapshot.h"
#include "copy_source.h"
#include "copy_tags.h"
#include "deferred_reply.h"
#include "dry_run.h"
#include "encode.h"
#include "encryption_defaults.h"
#include "endpoint.h"
#include "job.h"
#include "persist.h"
#include "preflight.h"
#include "random.h"
#include "region_queue.h"
#include "text.h"
#include "utf8.h"

#define TOKEN_BYTES     16
#define DESCRIPTION_MAX 255 /* characters; CopySnapshot, Description */

struct admission {
	struct admission *prev, *next;
	struct copies *all;
	struct journal_copy row;
	struct copy_request tags; /* only its tags and no_tags */
	struct preflight known;
	struct journal_receipt receipt;
	bool has_receipt;
	copies_done *done;
	void *done_arg;
	struct deferred_reply
		*soon; /* room for the answer, so that it cannot fail for want of memory */
	struct region_waiter *waiter;
	bool source_pending;
	struct region_queue *awaits; /* whose defaults are awaited; NULL */
	const struct dry_run *tries; /* the dry run that is awaited; NULL */
	bool tried;
};

static void destroy(struct admission *a)
{
	if (!a)
		return;
	if (a->waiter)
		region_cancel(a->waiter);
	if (a->prev)
		DL_DELETE(a->all->admissions, a);
	journal_copy_finish(&a->row);
	snapshot_file_finish(&a->tags);
	journal_receipt_finish(&a->receipt);
	free(a->soon);
	free(a);
}

/* Nothing of it was recorded. */
static void tell(struct admission *a, const struct err *err)
{
	deferred_reply_call(a->all, steal(&a->soon), a->done, a->done_arg, NULL, err);
}

void admission_finish(struct copies *c)
{
	while (c->admissions)
		destroy(c->admissions);
}

bool admission_needs(const struct copies *c, const char *region, const char *id)
{
	struct admission *a;

	for (a = c->admissions; a; a = a->next)
		if (!strcmp(a->row.source_region, region) && !strcmp(a->row.source_id, id))
			return true;
	return false;
}

static void first_saved(struct job *job, const struct err *err)
{
	copies_done *done = job->work->done;
	void *arg = job->work->done_arg;

	if (err) {
		job_destroy(job);
		done(arg, NULL, err);
		return;
	}
	job->work->phase = PHASE_REST;
	job_changed(job);
	job_answer(job, NULL);
	region_queue_wake(job->queue);
}

/* Turns the request into an entry in the given state. NULL: there is no memory, or no such region,
 * and who asked was told. The request is used up but for its receipt. */
static struct job *enter(struct admission *a, enum copy_state state)
{
	/* A failed one too has somebody waiting: it starts as if it were queued. */
	struct job *job = job_create(a->all, &a->row, state);
	struct err err;

	if (job) {
		job->work->done = a->done;
		job->work->done_arg = a->done_arg;
		job->work->phase = PHASE_RECORDING;
		if (job_enter(job) == 0)
			return job;
		job_destroy(job);
	}
	err_set(&err, ENOMEM, "out of memory");
	tell(a, &err);
	return NULL;
}

static const struct journal_receipt *receipt(struct admission *a, const struct job *job)
{
	a->receipt.copy = job->pub.row.id;
	return a->has_receipt ? &a->receipt : NULL;
}

static void refusal_saved(struct job *job, const struct err *err)
{
	struct err refusal = *job->work->refusal;
	copies_done *done = job->work->done;
	void *arg = job->work->done_arg;

	if (err) {
		/* Not even that is on disk, so it never was. */
		job_destroy(job);
		done(arg, NULL, &refusal);
		return;
	}
	job_answer(job, &refusal);
	job_shed(job);
}

/* Nothing was sent and nothing will be; the receipt's status is to say why. */
static void refuse(struct admission *a, const struct err *err)
{
	struct err *refusal = malloc(sizeof(*refusal));
	struct job *job = NULL;

	if (refusal)
		job = enter(a, COPY_QUEUED);
	else
		tell(a, err);
	if (!job) {
		free(refusal);
		destroy(a);
		return;
	}
	*refusal = *err;
	job->work->refusal = refusal;
	job->pub.row.ended_ms = clock_wall_ms();
	job_note(job, err->code, err->message, err->request_id);
	job_move(job, COPY_FAILED);
	persist_both(job, receipt(a, job), refusal_saved);
	destroy(a);
}

static void refuse_memory(struct admission *a)
{
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	refuse(a, &err);
}

/* Fills in what the source gives: description, tags, size. 0, or -errno with *err. */
static int compose(struct admission *a, struct region *from, catalogue_slot slot, struct err *err)
{
	const struct catalogue *catalogue = region_catalogue(from);
	_cleanup_buf_ struct buf json = BUF_INIT;
	struct journal_copy *row = &a->row;
	struct catalogue_snapshot s;
	char text[PREFLIGHT_NOTE_SIZE];
	unsigned left_out = 0;
	int result;

	if (!catalogue_get(catalogue, slot, &s))
		return copy_source_unknown(row->source_region, row->source_id, err);
	a->known.source = s.encryption;
	row->bytes = s.full_size >= 0 ? s.full_size : (int64_t)s.volume_gib << 30;
	if (!row->description) {
		char *default_text;

		if (asprintf(&default_text, "[Copied %s from %s]%s%s", row->source_id,
			    row->source_region, *s.description ? " " : "", s.description) < 0)
			return err_set(err, ENOMEM, "out of memory");
		default_text[utf8_prefix(default_text, DESCRIPTION_MAX)] = '\0';
		row->description = default_text;
	}
	if (preflight_is_short(row->completion_minutes, s.full_size, text))
		text_also(&row->message, text);
	if (utf8_count(row->description, strlen(row->description)) > DESCRIPTION_MAX)
		return err_set(err, EINVAL, "the description is longer than EC2's %d characters",
			DESCRIPTION_MAX);
	if (a->all->options.no_tags) {
		if (a->tags.n_tags)
			text_also(&row->message,
				"the tags that were asked for are not sent: this mount sends "
				"none");
		return 0;
	}
	result = copy_tags_compose(
		a->tags.no_tags ? NULL : catalogue, slot, &a->tags, &json, &left_out, err);
	if (result < 0)
		return result;
	row->tags = buf_steal(&json);
	if (left_out) {
		snprintf(text, sizeof(text),
			"%u of the source's tags had no room: EC2 takes %d tags, two of which are "
			"ebsfs's own",
			left_out, EC2_TAGS_MAX);
		text_also(&row->message, text);
	}
	return row->tags ? 0 : err_set(err, ENOMEM, "out of memory");
}

/* Nothing more is to be asked: into the queue, or off at once. */
static void proceed(struct admission *a, bool at_once)
{
	struct job *job = enter(a, at_once ? COPY_SUBMITTING : COPY_QUEUED);

	if (!job) {
		destroy(a);
		return;
	}
	if (at_once) {
		copy_snapshot_first(job, receipt(a, job));
	} else {
		job->pub.row.acknowledged = true;
		/* Without memory to wait for it, the pump asks for the source. */
		if (a->source_pending)
			copy_source_wait(job);
		persist_both(job, receipt(a, job), first_saved);
	}
	destroy(a);
}

/* What is known so far decides. */
static void judge(struct admission *a)
{
	struct region_queue *queue = region_queue_get(a->all, a->row.region);
	bool at_once =
		a->row.dry_run || (!a->source_pending && queue && region_queue_is_free(queue));
	struct err err;

	if (preflight_judge(&a->known, &err) < 0) {
		refuse(a, &err);
		return;
	}
	if (!at_once && queue && !a->tried) {
		a->tried = true;
		a->tries = dry_run_start(queue, &a->row);
	}
	if (!a->tries)
		proceed(a, at_once);
}

/* The source can be copied, now or soon. */
static void weigh(struct admission *a)
{
	struct region_queue *queue =
		a->row.kms_key_id ? NULL : region_queue_get(a->all, a->row.region);

	if (queue) {
		a->known.defaults = &queue->defaults.known;
		encryption_defaults_want(queue);
		/* Only for those whom the answer decides, or who asked for no more than to know. */
		if (encryption_defaults_awaited(queue) &&
			(a->known.unencrypted || a->row.dry_run)) {
			a->awaits = queue;
			return;
		}
	}
	judge(a);
}

void admission_resume(struct region_queue *queue)
{
	struct admission *a = queue->all->admissions;

	/* Whoever goes on leaves the list, and nobody comes into it. */
	while (a) {
		struct admission *next = a->next;

		if (a->awaits == queue) {
			a->awaits = NULL;
			judge(a);
		}
		a = next;
	}
}

void admission_tried(struct copies *c, const struct dry_run *trial, const struct err *refusal)
{
	struct admission *a = c->admissions;

	while (a) {
		struct admission *next = a->next;

		if (a->tries == trial) {
			a->tries = NULL;
			if (refusal)
				refuse(a, refusal);
			else
				judge(a);
		}
		a = next;
	}
}

/* The catalogue's word on the source. False: EC2 is to be asked. */
static bool decide(struct admission *a, bool was_asked)
{
	struct region *from = regions_get(a->all->options.regions, a->row.source_region);
	catalogue_slot slot;
	enum copy_source_word word;
	struct err err;

	if (!from) {
		refuse_memory(a);
		return true;
	}
	word = copy_source_word(from, a->row.source_id, &slot, &err);
	if (word != SOURCE_READY && !was_asked)
		return false;
	if (word == SOURCE_UNKNOWN)
		copy_source_unknown(a->row.source_region, a->row.source_id, &err);
	a->source_pending = word == SOURCE_PENDING;
	if (word == SOURCE_UNKNOWN || word == SOURCE_UNFIT || compose(a, from, slot, &err) < 0 ||
		preflight_judge(&a->known, &err) < 0)
		refuse(a, &err);
	else
		weigh(a);
	return true;
}

static void looked_up(void *arg, const struct err *err)
{
	struct admission *a = arg;
	struct err mine;

	a->waiter = NULL;
	if (!err) {
		decide(a, true);
		return;
	}
	mine = *err;
	err_context(
		&mine, "source %s/%s cannot be looked up", a->row.source_region, a->row.source_id);
	refuse(a, &mine);
}

static void start(struct admission *a)
{
	struct region *from = regions_get(a->all->options.regions, a->row.source_region);
	bool ready = false;

	if (!from) {
		refuse_memory(a);
		return;
	}
	if (decide(a, false))
		return;
	a->waiter = region_ensure_id(from, a->row.source_id, true, looked_up, a, &ready);
	if (!a->waiter && ready)
		decide(a, true);
	else if (!a->waiter)
		refuse_memory(a);
}

/* --- the request as it came --- */

static int check(const char *region, const struct copy_request *request, struct err *err)
{
	if (!endpoint_is_region(region))
		return err_set(err, EINVAL, "'%.40s' has not the form of a region's name", region);
	if (!request->source_region || !endpoint_is_region(request->source_region))
		return err_set(err, EINVAL,
			"the source's region is missing, or has not the form of a region's name");
	if (!request->source_id || !ec2_is_snapshot_id(request->source_id))
		return err_set(err, EINVAL,
			"the source's id is missing, or has not the form of a snapshot's id");
	return 0;
}

static char *copy_text(const char *text, bool *failed)
{
	char *copy = text && *text ? strdup(text) : NULL;

	*failed |= text && *text && !copy;
	return copy;
}

static void fill_row(struct journal_copy *row, const char *region, const struct copy_request *r,
	bool move, bool *failed)
{
	unsigned char random[TOKEN_BYTES];
	char token[2 * TOKEN_BYTES + 1];

	random_bytes(random, sizeof(random));
	row->token = copy_text(encode_hex(random, sizeof(random), token), failed);
	row->source_region = copy_text(r->source_region, failed);
	row->source_id = copy_text(r->source_id, failed);
	row->region = copy_text(region, failed);
	row->description = copy_text(r->description, failed);
	row->kms_key_id = copy_text(r->kms_key_id, failed);
	row->encrypted = r->encrypted || r->kms_key_id;
	row->completion_minutes = r->completion_minutes;
	row->dry_run = r->dry_run;
	row->move = move && !r->dry_run;
	row->requested_ms = clock_wall_ms();
	row->bytes = -1;
}

static void fill_tags(struct copy_request *out, const struct copy_request *r, bool *failed)
{
	out->no_tags = r->no_tags;
	out->tags = calloc(r->n_tags + 1, sizeof(*out->tags));
	if (!out->tags) {
		*failed = true;
		return;
	}
	for (; out->n_tags < r->n_tags; out->n_tags++) {
		struct request_tag *to = &out->tags[out->n_tags];

		to->key = strdup(r->tags[out->n_tags].key);
		to->value = strdup(r->tags[out->n_tags].value);
		*failed |= !to->key || !to->value;
	}
}

static void fill_receipt(struct journal_receipt *out, const struct journal_receipt *r, bool *failed)
{
	char **const to[] = {&out->region, &out->folder, &out->name, &out->file_name, &out->text};
	char *const from[] = {r->region, r->folder, r->name, r->file_name, r->text};

	*out = *r;
	for (size_t i = 0; i < ARRAY_LEN(to); i++) {
		*to[i] = from[i] ? strdup(from[i]) : NULL;
		*failed |= from[i] && !*to[i];
	}
}

int admission_start(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *r, copies_done *done, void *arg)
{
	struct admission *a = calloc(1, sizeof(*a));
	bool failed = false;
	struct err err;

	if (!a)
		return -ENOMEM;
	a->all = c;
	a->done = done;
	a->done_arg = arg;
	a->soon = deferred_reply_create();
	if (!a->soon) {
		destroy(a);
		return -ENOMEM;
	}
	if (check(region, request, &err) < 0) {
		tell(a, &err);
		destroy(a);
		return 0;
	}
	fill_row(&a->row, region, request, move, &failed);
	fill_tags(&a->tags, request, &failed);
	if (r) {
		fill_receipt(&a->receipt, r, &failed);
		a->has_receipt = true;
	}
	if (failed) {
		destroy(a);
		return -ENOMEM;
	}
	a->row.id = journal_next_copy_id(c->options.journal);
	a->known = (struct preflight){.row = &a->row, .unencrypted = request->unencrypted};
	DL_APPEND(c->admissions, a);
	if (preflight_regions(a->row.source_region, region, &err) < 0)
		refuse(a, &err);
	else
		start(a);
	return 0;
}
