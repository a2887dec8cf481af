/* SPDX-License-Identifier: MIT */
/* CopySnapshot. */
#include "ec2_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ec2_xml.h"
#include "endpoint.h"
#include "form.h"
#include "sigv4.h"

struct copy_call {
	char region[ENDPOINT_REGION_SIZE];
	char source_region[ENDPOINT_REGION_SIZE];
	char id[80], request_id[80];
	const char *newer; /* a parameter that the API of 2012 lacks; NULL: none */
	ec2_copy_done *done;
	void *arg;
};

int ec2_copy_presign(const struct aws_signer *signer, const char *source_region, const char *region,
	struct buf *form, struct err *err)
{
	_cleanup_endpoint_ struct endpoint source = {0};
	_cleanup_(sigv4_finish) struct sigv4_signature signature = {0};
	const struct credentials *keys = signer->credentials;
	int r = endpoint_find(signer->endpoints, "ec2", source_region, &source, err);

	if (r < 0)
		return r;
	form_add(form, region, "DestinationRegion");
	r = sigv4_presign(&(struct sigv4_request){.method = "GET",
				  .path = source.path,
				  .query = buf_str(form),
				  .headers = &(struct http_header){"host", source.host},
				  .n_headers = 1,
				  /* Of an empty body; the API reference points to S3's
				     UNSIGNED-PAYLOAD instead. */
				  .payload_hash = SIGV4_EMPTY_PAYLOAD,
				  .access_key = keys->access_key,
				  .secret_key = keys->secret_key,
				  .session_token = keys->session_token,
				  .region = source_region,
				  .service = "ec2",
				  .time_ms = signer->time_ms},
		EC2_COPY_EXPIRES_S, &signature);
	if (!r)
		r = buf_printf(&source.url, "?%s", signature.query.data);
	if (r < 0)
		return err_set(err, -r, "the presigned URL cannot be made");
	form_add(form, source.url.data, "PresignedUrl");
	return 0;
}

static int copy_complete(
	void *arg, const struct aws_signer *signer, struct buf *form, struct err *err)
{
	const struct copy_call *call = arg;

	/* Servers with an old API ignore unknown parameters: a dry run would copy, and a copy would
	 * not be encrypted. */
	if (signer->signature == AWS_SIGNATURE_V2 && call->newer)
		return err_set(err, EOPNOTSUPP,
			"signature=v2 speaks the API of 2012, whose CopySnapshot has no %s; "
			"nothing was sent",
			call->newer);
	if (signer->signature == AWS_SIGNATURE_V2)
		return 0;
	return ec2_copy_presign(signer, call->source_region, call->region, form, err);
}

static int copy_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct copy_call *call = arg;
	const struct ec2_xml_text texts[] = {{"snapshotId", call->id, sizeof(call->id)},
		{"requestId", call->request_id, sizeof(call->request_id)}};
	int r = ec2_xml_texts(body, len, "CopySnapshotResponse", texts, ARRAY_LEN(texts), err);

	if (!r && !ec2_is_snapshot_id(call->id))
		return err_set(err, EIO, "EC2's response has no snapshot id");
	return r;
}

static void copy_done(void *arg, const struct err *err)
{
	struct copy_call *call = arg;

	call->done(
		call->arg, err || !*call->id ? NULL : call->id, err ? NULL : call->request_id, err);
}

static const char *copy_newer_parameter(const struct ec2_copy_snapshot *in)
{
	if (in->dry_run)
		return "DryRun (copy.dry-run)";
	if (in->encrypted)
		return "Encrypted (copy.encrypted)";
	if (in->kms_key_id)
		return "KmsKeyId (copy.kms-key)";
	if (in->completion_minutes)
		return "CompletionDurationMinutes (copy.completion-minutes)";
	return in->n_tags ? "TagSpecification" : NULL;
}

struct aws_call *ec2_copy_snapshot(
	struct aws *aws, const struct ec2_copy_snapshot *in, ec2_copy_done *done, void *arg)
{
	struct copy_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct copy_call){.newer = copy_newer_parameter(in), .done = done, .arg = arg};
	snprintf(call->region, sizeof(call->region), "%s", in->region);
	snprintf(call->source_region, sizeof(call->source_region), "%s", in->source_region);
	ec2_form_start(&form, aws, "CopySnapshot");
	form_add(&form, in->source_region, "SourceRegion");
	form_add(&form, in->source_id, "SourceSnapshotId");
	form_add(&form, in->description, "Description");
	form_add_true(&form, in->encrypted, "Encrypted");
	form_add(&form, in->kms_key_id, "KmsKeyId");
	if (in->completion_minutes)
		form_add_number(&form, in->completion_minutes, "CompletionDurationMinutes");
	if (in->n_tags) {
		form_add(&form, "snapshot", "TagSpecification.1.ResourceType");
		ec2_form_tags(&form, "TagSpecification.1.Tag", in->tags, in->n_tags);
	}
	form_add_true(&form, in->dry_run, "DryRun");
	return aws_query(aws, &(struct aws_query){.region = in->region,
				      .service = "ec2",
				      .action = "CopySnapshot",
				      /* Dry runs included: a cloud without DryRun would copy. */
				      .effect = AWS_ONCE,
				      .dry_run = in->dry_run,
				      .form = &form,
				      .complete = copy_complete,
				      .parse = copy_parse,
				      .done = copy_done,
				      .release = free,
				      .arg = call});
}
