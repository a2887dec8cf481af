/* SPDX-License-Identifier: MIT */
/* RegisterImage, as a kind of job: an AMI whose root device is a snapshot in its region, once by
 * its name. */
#include "register_image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws_error.h"
#include "clock.h"
#include "copy_tags.h"
#include "ec2_images.h"
#include "job.h"
#include "made.h"
#include "request_options.h"

#define IMAGES_AT_ONCE 20
#define DISKS_MAX      32

/* --- before the row is written --- */

static int image_compose(struct copies *c, struct journal_copy *row,
	const struct copy_request *request, const struct catalogue *catalogue, catalogue_slot slot,
	struct preflight *known, struct err *err)
{
	int result = request_image_check_name(row->place ? row->place : "", err);

	if (result == 0)
		result = made_compose(c, row, request, catalogue, slot, NULL, known, err);
	if (result == 0 &&
		request_option_default(&row->options, "root-device", REQUEST_ROOT_DEVICE) < 0)
		result = err_set(err, ENOMEM, "out of memory");
	return result;
}

static int image_judge(const struct preflight *known, struct err *err)
{
	(void)known;
	(void)err;
	return 0;
}

static int image_difference(
	struct copies *c, const struct copy *copy, const struct preflight *request, struct err *err)
{
	const struct journal_copy *row = &copy->row, *asked = request->row;
	char what[300];

	(void)c;
	if (strcmp(row->source_id, asked->source_id) ||
		strcmp(row->source_region, asked->source_region)) {
		snprintf(what, sizeof(what), "the text names %s", asked->source_id);
		return made_differs(copy, what, NULL, err);
	}
	if (made_difference(copy, request, err) < 0)
		return -err->errnum;
	if (!asked->description ||
		(row->description && !strcmp(row->description, asked->description)))
		return 0;
	snprintf(what, sizeof(what), "its description is '%.100s', not '%.100s'",
		row->description ? row->description : "", asked->description);
	return made_differs(copy, what, "image.description", err);
}

/* --- the request --- */

/* The image's disks, as the row says. */
struct image_disks {
	struct ec2_new_disk list[DISKS_MAX];
	char devices[DISKS_MAX][REQUEST_OPTION_SIZE], ids[DISKS_MAX][REQUEST_OPTION_SIZE];
	size_t n;
};

static int image_disks(const struct journal_copy *row, struct image_disks *out, struct err *err)
{
	char name[REQUEST_OPTION_SIZE], value[REQUEST_OPTION_SIZE];

	request_option(row->options, "root-device", out->devices[0]);
	snprintf(out->ids[0], REQUEST_OPTION_SIZE, "%s", row->source_id);
	out->n = 1;
	for (unsigned n = 0; request_option_at(row->options, n, name, value); n++) {
		if (strncmp(name, "disk.", strlen("disk.")))
			continue;
		if (out->n == DISKS_MAX)
			return err_set(
				err, EINVAL, "an image has at most %d disks here", DISKS_MAX);
		snprintf(out->devices[out->n], REQUEST_OPTION_SIZE, "%s", name + strlen("disk."));
		snprintf(out->ids[out->n++], REQUEST_OPTION_SIZE, "%s", value);
	}
	for (size_t i = 0; i < out->n; i++)
		out->list[i] = (struct ec2_new_disk){out->devices[i], out->ids[i], NULL};
	return 0;
}

/* Whether the image is what the row asks for: its disks, architecture and boot mode. */
static bool image_is_asked(const struct journal_copy *row, const struct ec2_image *image)
{
	struct image_disks disks;
	char value[REQUEST_OPTION_SIZE];
	struct err err;
	size_t same = 0;

	if (image_disks(row, &disks, &err) < 0 || image->state == EC2_IMAGE_DEREGISTERED ||
		strcmp(image->architecture, request_option(row->options, "architecture", value)) ||
		strcmp(image->boot_mode, request_option(row->options, "boot-mode", value)) ||
		strcmp(image->root_device, disks.devices[0]))
		return false;
	for (size_t i = 0; i < disks.n; i++)
		for (size_t k = 0; k < image->n_disks; k++)
			same += !strcmp(image->disks[k].device, disks.devices[i]) &&
				!strcmp(image->disks[k].snapshot_id, disks.ids[i]);
	return same == disks.n && image->n_disks == disks.n;
}

/* EC2 refused the name as used. If the image of that name is equal, reports it as the result;
 * otherwise reports the refusal. */
static void image_named(
	void *arg, const struct ec2_image *images, size_t n, bool more, const struct err *err)
{
	struct made_attempt *attempt = arg;
	struct job *job = made_attempt_job(attempt);
	const struct journal_copy *row = job ? &job->pub.row : NULL;
	struct err mine;

	(void)more;
	if (err) {
		/* EC2 has the name, perhaps of this request: it is looked up again. */
		mine = *err;
		mine.maybe_done = true;
		made_answered(attempt, NULL, NULL, &mine);
		return;
	}
	for (size_t i = 0; row && i < n; i++)
		if (image_is_asked(row, &images[i])) {
			made_answered(attempt, images[i].id, NULL, NULL);
			return;
		}
	err_set(&mine, EEXIST,
		"the name '%.140s' is that of another image in %s%s%s, or was until a moment ago "
		"(EC2 keeps a deregistered one's name for a while): give the file another name",
		row ? row->place : "", row ? row->region : "", n ? ", " : "",
		n ? images[0].id : "");
	snprintf(mine.code, sizeof(mine.code), "InvalidAMIName.Duplicate");
	made_answered(attempt, NULL, NULL, &mine);
}

static void image_look_up(struct made_attempt *attempt, struct job *job)
{
	const char *const names[] = {job->pub.row.place};
	const struct ec2_filter filter = {.name = "name", .values = names, .n_values = 1};
	const struct ec2_describe_images in = {.region = job->pub.row.region,
		.owners = ec2_owner_self,
		.filters = &filter,
		.n_filters = 1,
		.disabled = true};
	struct aws_call *call =
		ec2_describe_images(job->all->options.aws, &in, image_named, attempt);
	struct err err;

	if (call) {
		made_attempt_go_on(attempt, call);
		return;
	}
	err_set(&err, ENOMEM, "out of memory");
	err.maybe_done = true;
	made_answered(attempt, NULL, NULL, &err);
}

static void image_answered(
	void *arg, const char *image_id, const char *request_id, const struct err *err)
{
	struct made_attempt *attempt = arg;
	struct job *job = made_attempt_job(attempt);

	if (job && err && aws_error_is_duplicate(err->code) && !job->pub.row.dry_run)
		image_look_up(attempt, job);
	else
		made_answered(attempt, image_id, request_id, err);
}

static const char *image_option(
	const struct journal_copy *row, const char *name, char out[REQUEST_OPTION_SIZE])
{
	return *request_option(row->options, name, out) ? out : NULL;
}

static struct aws_call *image_send(struct job *job, struct made_attempt *attempt, struct err *err)
{
	const struct journal_copy *row = &job->pub.row;
	char architecture[REQUEST_OPTION_SIZE], boot_mode[REQUEST_OPTION_SIZE];
	char tpm[REQUEST_OPTION_SIZE], imds[REQUEST_OPTION_SIZE];
	struct image_disks disks;
	struct tag_list tags;
	struct ec2_register_image in = {.region = row->region,
		.name = row->place,
		.description = row->description,
		.architecture = image_option(row, "architecture", architecture),
		.boot_mode = image_option(row, "boot-mode", boot_mode),
		.tpm = image_option(row, "tpm", tpm),
		.imds = image_option(row, "imds", imds),
		.dry_run = row->dry_run};
	struct aws_call *call;

	if (image_disks(row, &disks, err) < 0)
		return NULL;
	if (copy_tags_to_send(row, &tags, err) < 0)
		return NULL;
	in.root_device = disks.devices[0];
	in.disks = disks.list;
	in.n_disks = disks.n;
	in.tags = tags.tags;
	in.n_tags = tags.n;
	call = ec2_register_image(job->all->options.aws, &in, image_answered, attempt);
	copy_tags_finish(&tags);
	if (!call)
		err_set(err, ENOMEM, "out of memory; nothing was sent");
	return call;
}

/* --- EC2's descriptions --- */

static enum made_state image_state(const struct ec2_image *image)
{
	switch (image->state) {
	case EC2_IMAGE_AVAILABLE:
	case EC2_IMAGE_DISABLED:
		return MADE_DONE;
	case EC2_IMAGE_FAILED:
		return MADE_FAILED;
	case EC2_IMAGE_DEREGISTERED:
		return MADE_GONE;
	case EC2_IMAGE_UNKNOWN:
		return !strcmp(image->state_text, "invalid") || !strcmp(image->state_text, "error")
			       ? MADE_FAILED
			       : MADE_PENDING;
	case EC2_IMAGE_PENDING:
		break;
	}
	return MADE_PENDING;
}

static void image_record(const void *list, size_t i, struct made_record *out)
{
	const struct ec2_image *image = (const struct ec2_image *)list + i;

	*out = (struct made_record){.id = image->id,
		.words = image->state_text,
		.message = image->state_message,
		.state = image_state(image)};
}

static void image_described(
	void *arg, const struct ec2_image *images, size_t n, bool more, const struct err *err)
{
	(void)more;
	made_described(arg, images, n, image_record, err);
}

static struct aws_call *image_describe(struct region_queue *queue, const char *const *ids, size_t n,
	struct presence_question *question)
{
	const struct ec2_filter filter = {.name = "image-id", .values = ids, .n_values = n};
	const struct ec2_describe_images in = {.region = queue->name,
		.owners = ec2_owner_self,
		.filters = &filter,
		.n_filters = 1,
		.disabled = true};

	return ec2_describe_images(queue->all->options.aws, &in, image_described, question);
}

static void image_vanished(struct job *job)
{
	job_event(job, JOB_GONE,
		&(struct job_news){.ended_ms = clock_wall_ms(),
			.message = "the image was deregistered, but not through this mount"});
}

/* --- texts --- */

static const char *image_advice(const struct copy *copy)
{
	(void)copy;
	return "look at the snapshot's own status, and at its KMS key if it is encrypted; write "
	       "the "
	       "text to another name once that is right";
}

static void image_facts(const struct copies *c, const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	char name[REQUEST_OPTION_SIZE], value[REQUEST_OPTION_SIZE];

	(void)c;
	if (row->place)
		buf_printf(out, "name: %s\n", row->place);
	for (unsigned n = 0; request_option_at(row->options, n, name, value); n++)
		if (!strncmp(name, "disk.", strlen("disk.")))
			buf_printf(out, "disk: %s of %s\n", name + strlen("disk."), value);
		else
			buf_printf(out, "%s: %s\n", name, value);
	if (!*request_option(row->options, "boot-mode", value))
		buf_puts(out, "boot-mode: the instance type's default\n");
	buf_puts(out, "virtualization: hvm (always)\nena: yes (always)\n");
}

static void image_next_steps(const struct copies *c, const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;

	(void)c;
	if (!row->copy_id || (copy->state != COPY_PENDING && copy->state != COPY_COMPLETED))
		return;
	buf_puts(out, "cost: the image itself is free; its snapshot is charged, and cannot be "
		      "deleted before the image is deregistered\n");
	if (copy->state == COPY_COMPLETED)
		buf_printf(out,
			"next: aws ec2 run-instances --region %s --image-id %s --instance-type "
			"TYPE\n"
			"then: aws ec2 deregister-image --region %s --image-id %s (when it is not "
			"needed any more; ebsfs deregisters none)\n",
			row->region, row->copy_id, row->region, row->copy_id);
}

static int image_attach(struct region_queue *queue)
{
	static const struct made_type type = {.describe = image_describe, .send = image_send};

	return made_attach(queue, &type);
}

static const char *const image_states[] = {"queued", "submitting", "pending", "available", "failed",
	"failed", "cancelled", "deregistered"};

const struct job_kind register_image_kind = {
	.name = "image",
	.plural = "images",
	.row_name = "image",
	.action = "RegisterImage",
	.verb = "register",
	.result = "image",
	.states = image_states,
	.limit = IMAGES_AT_ONCE,
	.description_max = EC2_DESCRIPTION_MAX,
	.is_result_id = ec2_is_image_id,
	.attach = image_attach,
	.detach = made_detach,
	.resolve = made_resolve,
	.compose = image_compose,
	.judge = image_judge,
	.difference = image_difference,
	.check = made_check,
	.send = made_send,
	.find_lost = made_find_lost,
	.vanished = image_vanished,
	.poll = made_poll,
	.poll_cancel = made_poll_cancel,
	.presence = made_presence,
	.is_fresh = made_is_fresh,
	.ask = made_ask,
	.ask_cancel = made_ask_cancel,
	.state = made_state,
	.facts = image_facts,
	.next_steps = image_next_steps,
	.advice = image_advice,
};
