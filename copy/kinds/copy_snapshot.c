/* SPDX-License-Identifier: MIT */
/* CopySnapshot, as a kind of job: composed, sent, its response named as an event, shown at once. */
#include "copy_snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "adopt.h"
#include "adoptable.h"
#include "aws_error.h"
#include "clock.h"
#include "copy_presence.h"
#include "copy_tags.h"
#include "difference.h"
#include "job.h"
#include "job_names.h"
#include "log.h"
#include "lost_requests.h"
#include "move_cleanup.h"
#include "reconcile.h"
#include "region_queue.h"
#include "utf8.h"

#define PATIENCE_MS  5000
#define KNOWN_MS     (5 * 60 * 1000)
/* Where the settings may not be read they are asked for rarely: a refused request may raise an
 * alarm in the account. */
#define FORBIDDEN_MS (60 * 60 * 1000)

/* --- encryption by default in the destination --- */

/* Asked of EC2 once for all copies, and remembered for minutes. No copy fails for want of an
 * answer, and only few wait for it. */

static void encryption_defaults_timeout(void *arg)
{
	struct region_queue *queue = arg;

	copy_region(queue)->defaults.awaited = false;
	admission_resume(queue);
}

static int encryption_defaults_init(struct region_queue *queue)
{
	copy_region(queue)->defaults.patience =
		loop_timer_create(queue->all->options.loop, encryption_defaults_timeout, queue);
	return copy_region(queue)->defaults.patience ? 0 : -ENOMEM;
}

static void encryption_defaults_finish(struct region_queue *queue)
{
	struct copy_defaults *d = &copy_region(queue)->defaults;

	if (d->on_call)
		aws_cancel(d->on_call);
	if (d->key_call)
		aws_cancel(d->key_call);
	loop_timer_destroy(d->patience);
}

/* When to ask again after this answer. */
static int64_t encryption_defaults_next(const struct err *err)
{
	char why[700];

	if (err)
		log_debug("%s", err_text(err, why, sizeof(why)));
	return clock_mono_ms() + (err && !aws_error_is_passing(err) ? FORBIDDEN_MS : KNOWN_MS);
}

static void encryption_defaults_settle(struct region_queue *queue)
{
	struct copy_defaults *d = &copy_region(queue)->defaults;

	if (d->on_call || d->key_call || !d->awaited)
		return;
	d->awaited = false;
	loop_timer_stop(d->patience);
	admission_resume(queue);
}

static void encryption_on_answered(void *arg, bool on, const struct err *err)
{
	struct region_queue *queue = arg;
	struct copy_defaults *d = &copy_region(queue)->defaults;

	d->on_call = NULL;
	d->on_again_at = encryption_defaults_next(err);
	d->known.known = !err;
	d->known.on = on;
	encryption_defaults_settle(queue);
}

static void encryption_key_answered(void *arg, const char *key, const struct err *err)
{
	struct region_queue *queue = arg;
	struct copy_defaults *d = &copy_region(queue)->defaults;

	d->key_call = NULL;
	d->key_again_at = encryption_defaults_next(err);
	snprintf(d->known.key, sizeof(d->known.key), "%s", err ? "" : key);
	encryption_defaults_settle(queue);
}

static void encryption_defaults_want(struct region_queue *queue)
{
	struct copy_defaults *d = &copy_region(queue)->defaults;
	struct aws *aws = queue->all->options.aws;
	int64_t now = clock_mono_ms();

	if (d->on_call || d->key_call)
		return;
	if (now >= d->on_again_at)
		d->on_call = ec2_get_encryption_by_default(
			aws, queue->name, encryption_on_answered, queue);
	if (now >= d->key_again_at)
		d->key_call = ec2_get_default_key(aws, queue->name, encryption_key_answered, queue);
	d->awaited = d->on_call || d->key_call;
	if (d->awaited)
		loop_timer_start(d->patience, PATIENCE_MS);
}

/* job_kind.awaits: asks, unless it is known, was asked lately in vain, or is being asked. True:
 * admission_resume() follows, in five seconds at most. */
static bool encryption_defaults_await(struct region_queue *queue, struct preflight *known)
{
	struct copy_defaults *d = &copy_region(queue)->defaults;

	if (known->row->kms_key_id)
		return false;
	known->defaults = &d->known;
	encryption_defaults_want(queue);
	/* Only where the answer decides, or is all that was asked for. */
	return d->awaited && (known->unencrypted || known->row->dry_run);
}

/* Appends the encryption of the copy itself, as EC2 shows it. False: EC2 shows nothing sure. */
static bool encryption_is_shown(const struct region_queue *queue, const char *id, struct buf *out)
{
	const struct catalogue *catalogue = region_catalogue(queue->region);
	catalogue_slot slot = catalogue_find(catalogue, id);
	struct catalogue_snapshot s;

	if (slot == CATALOGUE_NONE || !catalogue_get(catalogue, slot, &s) || !s.exists)
		return false;
	if (s.encryption == EC2_ENCRYPTION_UNKNOWN)
		return false;
	if (s.encryption == EC2_ENCRYPTION_PRESENT && *s.kms_key_id)
		buf_printf(out, "yes, with %s", s.kms_key_id);
	else if (s.state == EC2_SNAPSHOT_COMPLETED)
		buf_puts(out, s.encryption == EC2_ENCRYPTION_PRESENT ? "yes" : "no");
	else
		return false; /* ebsfs itself put it there, and does not know */
	return true;
}

static enum ec2_encryption encryption_of_source(
	const struct copies *c, const struct journal_copy *row)
{
	struct region_queue *queue =
		row->source_region ? region_queue_find(c, row->source_region) : NULL;
	const struct catalogue *catalogue = queue ? region_catalogue(queue->region) : NULL;
	catalogue_slot slot = CATALOGUE_NONE;
	struct catalogue_snapshot s;

	if (catalogue && row->source_id)
		slot = catalogue_find(catalogue, row->source_id);
	if (slot == CATALOGUE_NONE || !catalogue_get(catalogue, slot, &s))
		return EC2_ENCRYPTION_UNKNOWN;
	return s.encryption;
}

/* job_kind.encryption: EC2's record of the copy, else the expected outcome. */
static int encryption_defaults_describe(
	const struct copies *c, const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	struct region_queue *queue = region_queue_find(c, row->region);

	if (!queue || copy->state == COPY_FAILED || copy->state == COPY_CANCELLED ||
		copy->state == COPY_DELETED ||
		(row->copy_id && encryption_is_shown(queue, row->copy_id, out)))
		return -out->error;
	/* Of another's copy the request is not known. */
	if (copy->origin != COPY_OURS || (copy->state == COPY_COMPLETED && !row->dry_run))
		return 0;
	return preflight_encryption(
		row, encryption_of_source(c, row), &copy_region(queue)->defaults.known, out);
}

/* --- per region --- */

/* The catalogue keeps the snapshots that copies name. */
static int copy_snapshot_mark(void *arg, struct slot_set *named)
{
	struct region_queue *queue = arg;

	if (reconcile_mark(queue, named) < 0 || adoptable_mark(queue, named) < 0)
		return -ENOMEM;
	return job_names_mark(queue, named);
}

static void copy_snapshot_detach(struct region_queue *queue)
{
	catalogue_unhold(region_catalogue(queue->region), copy_snapshot_mark, queue);
	reconcile_finish(queue);
	adopt_finish(queue);
	adoptable_finish(queue);
	lost_requests_finish(queue);
	encryption_defaults_finish(queue);
	admission_forget(queue);
	free(steal(&queue->kind_region));
}

static int copy_snapshot_attach(struct region_queue *queue)
{
	queue->kind_region = calloc(1, sizeof(struct copy_region));
	if (!queue->kind_region)
		return -ENOMEM;
	/* Last what watches the catalogue: it cannot be taken back. */
	if (encryption_defaults_init(queue) < 0 || lost_requests_init(queue) < 0 ||
		adopt_init(queue) < 0 || reconcile_init(queue) < 0)
		return -ENOMEM;
	adoptable_watch(queue);
	catalogue_hold(region_catalogue(queue->region), copy_snapshot_mark, queue);
	return 0;
}

/* --- before the row is written --- */

/* Adds another remark to *text, which is owned (NULL: none so far). Without memory it is left out.
 */
static void copy_snapshot_add_remark(char **text, const char *more)
{
	char *both;

	if (asprintf(&both, "%s%s%s", *text ? *text : "", *text ? "; " : "", more) < 0)
		return;
	free(*text);
	*text = both;
}

/* Fills in what the source gives: description, tags, size. 0, or -errno with *err. */
static int copy_snapshot_compose(struct copies *c, struct journal_copy *row,
	const struct copy_request *request, const struct catalogue *catalogue, catalogue_slot slot,
	struct preflight *known, struct err *err)
{
	struct catalogue_snapshot s;
	char text[PREFLIGHT_NOTE_SIZE];
	unsigned left_out = 0;
	int result;

	if (!catalogue_get(catalogue, slot, &s))
		return admission_source_unknown(row->source_region, row->source_id, err);
	known->source = s.encryption;
	row->bytes = s.full_size >= 0 ? s.full_size : (int64_t)s.volume_gib << 30;
	if (!row->description) {
		row->description = copy_description_default(c->options.account, row, &s);
		if (!row->description)
			return err_set(err, ENOMEM, "out of memory");
	}
	if (preflight_is_short(row->completion_minutes, s.full_size, text))
		copy_snapshot_add_remark(&row->message, text);
	if (utf8_count(row->description, strlen(row->description)) > EC2_DESCRIPTION_MAX)
		return err_set(err, EINVAL, "the description is longer than EC2's %d characters",
			EC2_DESCRIPTION_MAX);
	if (c->options.no_tags) {
		if (request->n_tags)
			copy_snapshot_add_remark(&row->message,
				"the tags that were asked for are not sent: this mount sends "
				"none");
		return 0;
	}
	result = copy_tags_compose(
		request->no_tags ? NULL : catalogue, slot, request, &row->tags, &left_out, err);
	if (result < 0)
		return result;
	if (left_out) {
		snprintf(text, sizeof(text),
			"%u of the source's tags had no room: EC2 takes %d tags, %u of which are "
			"ebsfs's own",
			left_out, EC2_TAGS_MAX, EC2_TAGS_MAX - copy_tags_max(true, request->again));
		copy_snapshot_add_remark(&row->message, text);
	}
	return 0;
}

/* --- the request --- */

/* Sends a row's CopySnapshot; as a dry run, whatever the row says, if dry_run. NULL with *err:
 * nothing was sent. */
static struct aws_call *copy_snapshot_call(struct copies *c, const struct journal_copy *row,
	bool dry_run, ec2_copy_done *done, void *arg, struct err *err)
{
	struct ec2_copy_snapshot in = {.region = row->region,
		.source_region = row->source_region,
		.source_id = row->source_id,
		.description = row->description,
		.kms_key_id = row->kms_key_id,
		.encrypted = row->encrypted,
		.completion_minutes = row->completion_minutes,
		.dry_run = dry_run};
	struct tag_list tags;
	struct aws_call *call;

	if (copy_tags_to_send(row, &tags, err) < 0)
		return NULL;
	in.tags = tags.tags;
	in.n_tags = tags.n;
	call = ec2_copy_snapshot(c->options.aws, &in, done, arg);
	copy_tags_finish(&tags);
	if (!call)
		err_set(err, ENOMEM, "out of memory; nothing was sent");
	return call;
}

/* Whether EC2 refused it because the source is still pending. */
static bool copy_snapshot_is_early(struct job *job, const struct err *err)
{
	struct region *from = regions_get(job->all->options.regions, job->pub.row.source_region);
	struct err unfit;

	if (!aws_error_is_state(err->code))
		return false;
	return strstr(err->message, "pending") ||
	       (from && admission_source_state(from, job->pub.row.source_id, NULL, &unfit) ==
				SOURCE_PENDING);
}

static enum job_event copy_snapshot_event(struct job *job, const struct err *err)
{
	bool dry_run = job->pub.row.dry_run;

	/* A dry run makes nothing, so there is nothing to look for, and it takes no slot. */
	if (err->maybe_done && !dry_run)
		return JOB_LOST;
	if (aws_error_is_limit(err->code) && !dry_run)
		return JOB_OVER_LIMIT;
	if (!dry_run && copy_snapshot_is_early(job, err))
		return JOB_NOT_READY;
	return aws_error_is_passing(err) ? JOB_DEFERRED : JOB_REFUSED;
}

static void copy_snapshot_dry_run_answered(struct job *job, const char *id)
{
	struct err err;

	if (!id) {
		admission_permitted(job->queue, &job->pub.row);
		job_event(job, JOB_DRY_RUN_PASSED,
			&(struct job_news){.ended_ms = clock_wall_ms(),
				.message = "dry run: EC2 would carry it out; nothing was copied"});
		return;
	}
	/* The user must learn of the unwanted copy, and what to do about it. */
	admission_dry_run_copied(job->queue, id, &err);
	job_event(job, JOB_REFUSED, &(struct job_news){.err = &err});
}

static void copy_snapshot_answered(
	void *arg, const char *id, const char *request_id, const struct err *err)
{
	struct work *w = arg;
	struct job *job = w->job;
	struct err unusable;

	w->call = NULL;
	if (!err && id && job_is_source(job, id)) {
		err_set(&unusable, EIO, "EC2's response names the source itself, %s, as the copy",
			id);
		unusable.http_status = 200;
		unusable.maybe_done = true;
		err = &unusable;
	}
	if (!err || !aws_error_is_passing(err))
		region_queue_answered(job->queue);
	if (err) {
		job_event(job, copy_snapshot_event(job, err), &(struct job_news){.err = err});
	} else if (job->pub.row.dry_run) {
		copy_snapshot_dry_run_answered(job, id);
	} else {
		admission_permitted(job->queue, &job->pub.row);
		job_event(
			job, JOB_ACCEPTED, &(struct job_news){.id = id, .request_id = request_id});
	}
}

static bool copy_snapshot_check(struct job *job)
{
	return admission_check_source(job) && adopt_check(job);
}

static int copy_snapshot_send(struct job *job, struct err *err)
{
	const struct journal_copy *row = &job->pub.row;
	struct work *w = job->work;

	w->call = copy_snapshot_call(job->all, row, row->dry_run, copy_snapshot_answered, w, err);
	return w->call ? 0 : -err->errnum;
}

static struct aws_call *copy_snapshot_dry_run(struct copies *c, const struct journal_copy *row,
	job_dry_run_done *done, void *arg, struct err *err)
{
	return copy_snapshot_call(c, row, true, done, arg, err);
}

/* EC2's own listing may show it much later: it is shown at once. */
static void copy_snapshot_show(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	const struct encryption_defaults *defaults = &copy_region(job->queue)->defaults.known;
	struct region *from = regions_get(job->all->options.regions, row->source_region);
	struct catalogue_snapshot source = {0};
	struct ec2_snapshot s = {.id = row->copy_id,
		.volume_id = "vol-ffffffff",
		.state_text = "pending",
		.owner_id = job->all->options.account,
		.description = row->description,
		.state = EC2_SNAPSHOT_PENDING,
		.progress = EC2_PROGRESS_UNKNOWN,
		.start_ms = row->started_ms,
		.full_size = -1,
		.encryption = row->encrypted || (defaults->known && defaults->on)
				      ? EC2_ENCRYPTION_PRESENT
				      : EC2_ENCRYPTION_UNKNOWN};
	struct tag_list tags = {0};
	catalogue_slot slot = catalogue_find(region_catalogue(job->queue->region), row->copy_id);

	if (slot != CATALOGUE_NONE && catalogue_exists(region_catalogue(job->queue->region), slot))
		return;
	if (from) {
		slot = catalogue_find(region_catalogue(from), row->source_id);
		if (slot != CATALOGUE_NONE &&
			catalogue_get(region_catalogue(from), slot, &source)) {
			s.volume_gib = source.volume_gib;
			s.full_size = source.full_size;
			if (source.encryption == EC2_ENCRYPTION_PRESENT)
				s.encryption = EC2_ENCRYPTION_PRESENT;
		}
	}
	if (row->tags)
		copy_tags_list(row, &tags);
	s.tags = tags.tags;
	s.n_tags = tags.n;
	catalogue_override_created(region_catalogue(job->queue->region), &s, clock_mono_ms());
	copy_tags_finish(&tags);
}

static void copy_snapshot_ended(struct job *job)
{
	if (job->pub.row.move)
		move_cleanup_start(job);
}

static const char *const states[] = {
	"queued", "submitting", "pending", "completed", "error", "failed", "cancelled", "deleted"};

static void copy_snapshot_vanished(struct job *job)
{
	job_event(job, JOB_GONE,
		&(struct job_news){.ended_ms = clock_wall_ms(),
			.message = "the snapshot was deleted, but not through this mount"});
}

const struct job_kind copy_snapshot_kind = {
	.name = "copy",
	.plural = "copies",
	.action = "CopySnapshot",
	.verb = "copy",
	.result = "snapshot",
	.again = "copy.again",
	.states = states,
	.limit = CONCURRENCY_LIMIT_DEFAULT,
	.description_max = EC2_DESCRIPTION_MAX,
	.makes_snapshots = true,
	.counts_others = true,
	.is_result_id = ec2_is_snapshot_id,
	.attach = copy_snapshot_attach,
	.detach = copy_snapshot_detach,
	.compose = copy_snapshot_compose,
	.awaits = encryption_defaults_await,
	.judge = preflight_judge,
	.difference = difference_judge,
	.find_made = adopt_find,
	.find_made_cancel = adopt_cancel,
	.check = copy_snapshot_check,
	.send = copy_snapshot_send,
	.dry_run = copy_snapshot_dry_run,
	.find_lost = lost_requests_find,
	.show = copy_snapshot_show,
	.vanished = copy_snapshot_vanished,
	.poll = reconcile_poll,
	.poll_cancel = reconcile_poll_cancel,
	.ended = copy_snapshot_ended,
	.finish = move_cleanup_finish,
	.presence = copy_presence,
	.is_fresh = copy_presence_is_fresh,
	.ask = copy_presence_ask,
	.ask_cancel = copy_presence_cancel,
	.encryption = encryption_defaults_describe,
	.follow_up = move_cleanup_describe,
	.doubles = adoptable_doubles,
};
