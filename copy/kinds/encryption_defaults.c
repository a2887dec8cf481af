/* SPDX-License-Identifier: MIT */
/* What a destination encrypts with by default, and what a copy is encrypted with. */
#include "encryption_defaults.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "aws_error.h"
#include "clock.h"
#include "log.h"
#include "region_queue.h"

#define PATIENCE_MS  5000
#define KNOWN_MS     (5 * 60 * 1000)
/* Somebody watches for refused requests, perhaps: the settings are not asked for all the time where
 * that is forbidden. */
#define FORBIDDEN_MS (60 * 60 * 1000)

static void encryption_defaults_timeout(void *arg)
{
	struct region_queue *queue = arg;

	copy_region(queue)->defaults.awaited = false;
	admission_resume(queue);
}

int encryption_defaults_init(struct region_queue *queue)
{
	copy_region(queue)->defaults.patience =
		loop_timer_create(queue->all->options.loop, encryption_defaults_timeout, queue);
	return copy_region(queue)->defaults.patience ? 0 : -ENOMEM;
}

void encryption_defaults_finish(struct region_queue *queue)
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

bool encryption_defaults_await(struct region_queue *queue, struct preflight *known)
{
	struct copy_defaults *d = &copy_region(queue)->defaults;

	if (known->row->kms_key_id)
		return false;
	known->defaults = &d->known;
	encryption_defaults_want(queue);
	/* Only where the answer decides, or is all that was asked for. */
	return d->awaited && (known->unencrypted || known->row->dry_run);
}

/* What EC2 says of the copy itself. False: nothing that is sure. */
static bool encryption_is_shown(const struct region_queue *queue, const char *id, struct buf *out)
{
	const struct catalogue *catalogue = region_catalogue(queue->region);
	catalogue_slot slot = catalogue_find(catalogue, id);
	struct catalogue_snapshot s;

	if (slot == CATALOGUE_NONE || !catalogue_get(catalogue, slot, &s) ||
		s.presence == CATALOGUE_GONE)
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

int encryption_defaults_describe(const struct copies *c, const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	struct region_queue *queue = region_queue_find(c, row->region);

	if (!queue || copy->state == COPY_FAILED || copy->state == COPY_CANCELLED ||
		(row->copy_id && encryption_is_shown(queue, row->copy_id, out)))
		return -out->error;
	/* Of another's copy the request is not known. */
	if (copy->origin != COPY_OURS || (copy->state == COPY_COMPLETED && !row->dry_run))
		return 0;
	return preflight_encryption(
		row, encryption_of_source(c, row), &copy_region(queue)->defaults.known, out);
}
