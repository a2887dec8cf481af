/* SPDX-License-Identifier: MIT */
/* CreateVolume, as a kind of job: a volume of a snapshot in its region, once by its client token.
 */
#include "create_volume.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "aws_error.h"
#include "clock.h"
#include "copy_tags.h"
#include "ec2_volumes.h"
#include "job.h"
#include "job_key.h"
#include "made.h"
#include "request_key.h"
#include "request_options.h"
#include "utf8.h"

#define TYPE_DEFAULT    "gp3" /* EC2's own is gp2, which is dearer and slower */
/* EC2 has no limit of volumes in creation, only quotas; so many are asked for at once. */
#define VOLUMES_AT_ONCE 50

/* --- the token --- */

static int volume_token(struct journal_copy *row)
{
	char token[REQUEST_KEY_TOKEN_SIZE];
	char *copy = strdup(request_key_token(row, token));

	if (!copy)
		return -ENOMEM;
	free(row->token);
	row->token = copy;
	return 0;
}

/* --- before the row is written --- */

/* The file's name is the volume's tag Name, unless the text names another. */
static int volume_check_name(const struct copy_request *request, struct err *err)
{
	char shown[NAME_MAX + 1];

	for (size_t i = 0; i < request->n_tags; i++)
		if (!strcmp(request->tags[i].key, "Name"))
			return 0;
	snprintf(shown, sizeof(shown), "%s", request->name ? request->name : "");
	utf8_make_line(shown);
	if (!request->name || !strcmp(shown, request->name))
		return 0;
	return err_set(err, EINVAL,
		"the file's name becomes the volume's tag Name, and '%.140s' has bytes that are no "
		"UTF-8 text or control characters: give the file another name, or add the line "
		"'volume.tag.Name: NAME'",
		shown);
}

static int volume_compose(struct copies *c, struct journal_copy *row,
	const struct copy_request *request, const struct catalogue *catalogue, catalogue_slot slot,
	struct preflight *known, struct err *err)
{
	unsigned snapshot_gib, size;
	int result = c->options.no_tags ? 0 : volume_check_name(request, err);

	if (result == 0)
		result = made_compose(c, row, request, catalogue, slot, request->name, known, err);
	if (result < 0)
		return result;
	if (request_option_default(&row->options, "type", TYPE_DEFAULT) < 0)
		return err_set(err, ENOMEM, "out of memory");
	snapshot_gib = row->bytes > 0 ? (unsigned)(row->bytes >> 30) : 0;
	result = request_volume_check(row->options, snapshot_gib, err);
	size = request_option_number(row->options, "size");
	if (size)
		row->bytes = (int64_t)size << 30;
	return result;
}

static int volume_judge(const struct preflight *known, struct err *err)
{
	const struct journal_copy *row = known->row;

	if (row->kms_key_id &&
		preflight_key_fits("volume.kms-key", row->kms_key_id, row->region, err) < 0)
		return -err->errnum;
	if (!known->unencrypted || known->source == EC2_ENCRYPTION_NONE)
		return 0;
	return err_set(err, EINVAL,
		"volume.encrypted is no, but %s %s encrypted, and EC2 makes no plain volume of an "
		"encrypted snapshot: leave the line out",
		row->source_id, known->source == EC2_ENCRYPTION_PRESENT ? "is" : "may be");
}

static bool volume_source_is_encrypted(struct copies *c, const struct journal_copy *row)
{
	struct region *region = regions_get(c->options.regions, row->source_region);
	catalogue_slot slot =
		region ? catalogue_find(region_catalogue(region), row->source_id) : CATALOGUE_NONE;
	struct catalogue_snapshot s;

	return slot != CATALOGUE_NONE && catalogue_get(region_catalogue(region), slot, &s) &&
	       s.encryption == EC2_ENCRYPTION_PRESENT;
}

static int volume_difference(
	struct copies *c, const struct copy *copy, const struct preflight *request, struct err *err)
{
	const struct journal_copy *row = &copy->row, *asked = request->row;
	char what[2 * EC2_KEY_SIZE + 80];
	bool encrypted = row->encrypted || volume_source_is_encrypted(c, row);

	if (made_difference(copy, request, err) < 0)
		return -err->errnum;
	if (request->unencrypted && encrypted)
		return made_differs(copy, "it is encrypted", "volume.encrypted", err);
	if (asked->encrypted && !encrypted)
		return made_differs(copy, "it is not encrypted",
			asked->kms_key_id ? "volume.kms-key" : "volume.encrypted", err);
	if (!asked->kms_key_id || (row->kms_key_id && !strcmp(row->kms_key_id, asked->kms_key_id)))
		return 0;
	snprintf(what, sizeof(what), "it was asked for with %s%.200s, not with %.200s",
		row->kms_key_id ? "the KMS key " : "no KMS key",
		row->kms_key_id ? row->kms_key_id : "", asked->kms_key_id);
	return made_differs(copy, what, "volume.kms-key", err);
}

/* --- the request --- */

static void volume_refuse_token(
	const struct journal_copy *row, const struct err *why, bool again, struct err *err)
{
	*err = *why;
	if (again)
		snprintf(err->code, sizeof(err->code), "%s", REQUEST_CODE_GONE);
	if (again)
		snprintf(err->message, sizeof(err->message),
			"EC2 had made a volume for this request, and it is gone: %.250s",
			why->message);
	else
		snprintf(err->message, sizeof(err->message),
			"an equal request with other options, or from a file of another name, has "
			"been sent from another machine, or before the journal was lost: %s may "
			"have a volume of %s already; look there, or add the line 'volume.again: "
			"LABEL' for one more",
			row->place, row->source_id);
	err->errnum = again ? EIO : EEXIST;
	err->maybe_done = false;
}

/* The same token again, after its volume was deleted, makes no other one. (kubernetes-sigs/
 * aws-ebs-csi-driver#3010) */
static bool volume_token_is_spent(const struct err *err)
{
	return strstr(err->message, "deleted") != NULL;
}

static void volume_answered(
	void *arg, const struct ec2_volume *volume, const char *request_id, const struct err *err)
{
	struct made_attempt *attempt = arg;
	struct job *job = made_attempt_job(attempt);
	struct err mine;

	if (job && err && aws_error_is_mismatch(err->code) && !job->pub.row.dry_run) {
		if (volume_token_is_spent(err) && made_renew(attempt))
			return;
		volume_refuse_token(&job->pub.row, err, made_attempt_is_again(attempt), &mine);
		err = &mine;
	}
	made_answered(attempt, volume ? volume->id : NULL, request_id, err);
}

static struct aws_call *volume_send(struct job *job, struct made_attempt *attempt, struct err *err)
{
	const struct journal_copy *row = &job->pub.row;
	char type[REQUEST_OPTION_SIZE];
	struct ec2_create_volume in = {.region = row->region,
		.zone = row->place,
		.snapshot_id = row->source_id,
		.client_token = row->dry_run ? NULL : row->token,
		.type = request_option(row->options, "type", type),
		.size_gib = request_option_number(row->options, "size"),
		.iops = request_option_number(row->options, "iops"),
		.throughput = request_option_number(row->options, "throughput"),
		.initialization_rate = request_option_number(row->options, "initialization-rate"),
		.encrypted = row->encrypted,
		.kms_key_id = row->kms_key_id,
		.dry_run = row->dry_run};
	struct tag_list tags;
	struct aws_call *call;

	if (copy_tags_to_send(row, &tags, err) < 0)
		return NULL;
	in.tags = tags.tags;
	in.n_tags = tags.n;
	call = ec2_create_volume(job->all->options.aws, &in, volume_answered, attempt);
	copy_tags_finish(&tags);
	if (!call)
		err_set(err, ENOMEM, "out of memory; nothing was sent");
	return call;
}

/* --- EC2's descriptions --- */

static enum made_state volume_state(enum ec2_volume_state state)
{
	switch (state) {
	case EC2_VOLUME_AVAILABLE:
	case EC2_VOLUME_IN_USE:
		return MADE_DONE;
	case EC2_VOLUME_ERROR:
		return MADE_FAILED;
	case EC2_VOLUME_DELETING:
	case EC2_VOLUME_DELETED:
		return MADE_GONE;
	case EC2_VOLUME_CREATING:
	case EC2_VOLUME_UNKNOWN:
		break;
	}
	return MADE_PENDING;
}

static void volume_record(const void *list, size_t i, struct made_record *out)
{
	const struct ec2_volume *volume = (const struct ec2_volume *)list + i;

	*out = (struct made_record){.id = volume->id,
		.words = volume->state_text,
		.message = "EC2 gave the volume the state error, and no reason",
		.state = volume_state(volume->state),
		.created_ms = volume->created_ms};
}

static void volume_described(
	void *arg, const struct ec2_volume *volumes, size_t n, bool more, const struct err *err)
{
	(void)more;
	made_described(arg, volumes, n, volume_record, err);
}

static struct aws_call *volume_describe(struct region_queue *queue, const char *const *ids,
	size_t n, struct presence_question *question)
{
	const struct ec2_filter filter = {.name = "volume-id", .values = ids, .n_values = n};
	const struct ec2_describe_volumes in = {
		.region = queue->name, .filters = &filter, .n_filters = 1};

	return ec2_describe_volumes(queue->all->options.aws, &in, volume_described, question);
}

/* EC2 looks at the key only after it has accepted the request, and drops the volume then. */
static void volume_vanished(struct job *job)
{
	job_event(job, JOB_ERROR,
		&(struct job_news){.ended_ms = clock_wall_ms(),
			.message = "EC2 accepted the request, and then dropped the volume: "
				   "DescribeVolumes has none of its id"});
}

/* --- texts --- */

static const char *volume_advice(const struct copy *copy)
{
	(void)copy;
	return "EC2 drops a new volume whose KMS key it cannot use: the key (volume.kms-key, or "
	       "that "
	       "of the snapshot) must exist and be enabled in this region, and the caller needs "
	       "kms:CreateGrant, kms:Decrypt, kms:DescribeKey, kms:GenerateDataKeyWithoutPlaintext "
	       "and kms:ReEncrypt* for it; write the text again once it can";
}

static void volume_fact(
	struct buf *out, const char *key, const char *lines, const char *option, const char *unit)
{
	char value[REQUEST_OPTION_SIZE];

	if (*request_option(lines, option, value))
		buf_printf(out, "%s: %s%s\n", key, value, unit);
}

static void volume_facts(const struct copies *c, const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;

	(void)c;
	if (row->place)
		buf_printf(out, "zone: %s\n", row->place);
	volume_fact(out, "type", row->options, "type", "");
	if (row->bytes > 0)
		buf_printf(out, "size: %" PRId64 " GiB\n", row->bytes >> 30);
	volume_fact(out, "iops", row->options, "iops", "");
	volume_fact(out, "throughput", row->options, "throughput", " MiB/s");
	volume_fact(out, "initialization-rate", row->options, "initialization-rate",
		" MiB/s, charged by the rate and the snapshot's size");
	if (row->kms_key_id)
		buf_printf(out, "encryption: yes, with %s\n", row->kms_key_id);
	else if (row->encrypted)
		buf_puts(out, "encryption: yes\n");
}

static void volume_next_steps(const struct copies *c, const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	const char *state = made_state(c, copy);

	if (!row->copy_id || (copy->state != COPY_PENDING && copy->state != COPY_COMPLETED))
		return;
	buf_puts(out, "cost: the volume is charged from its creation until it is deleted; ebsfs "
		      "deletes no volume\n");
	if (copy->state != COPY_COMPLETED || (state && strcmp(state, "available") != 0))
		return;
	buf_printf(out,
		"next: aws ec2 attach-volume --region %s --volume-id %s --device /dev/sdf "
		"--instance-id INSTANCE (an instance in %s)\n"
		"then: lsblk -o NAME,SERIAL,FSTYPE,MOUNTPOINT (on it: %s is /dev/nvme1n1 or the "
		"like on Nitro instances, /dev/xvdf on older ones; mount it read-write as any "
		"disk)\n",
		row->region, row->copy_id, row->place, row->copy_id);
}

static int volume_attach(struct region_queue *queue)
{
	static const struct made_type type = {.describe = volume_describe, .send = volume_send};

	return made_attach(queue, &type);
}

static const char *const volume_states[] = {
	"queued", "submitting", "creating", "available", "error", "failed", "cancelled", "deleted"};

const struct job_kind create_volume_kind = {
	.name = "volume",
	.plural = "volumes",
	.row_name = "volume",
	.action = "CreateVolume",
	.verb = "create",
	.result = "volume",
	.again = "volume.again",
	.states = volume_states,
	.limit = VOLUMES_AT_ONCE,
	.is_result_id = ec2_is_volume_id,
	.attach = volume_attach,
	.detach = made_detach,
	.resolve = made_resolve,
	.token = volume_token,
	.compose = volume_compose,
	.judge = volume_judge,
	.difference = volume_difference,
	.check = made_check,
	.send = made_send,
	.find_lost = made_find_lost,
	.vanished = volume_vanished,
	.poll = made_poll,
	.poll_cancel = made_poll_cancel,
	.presence = made_presence,
	.is_fresh = made_is_fresh,
	.ask = made_ask,
	.ask_cancel = made_ask_cancel,
	.state = made_state,
	.facts = volume_facts,
	.next_steps = volume_next_steps,
	.advice = volume_advice,
};
