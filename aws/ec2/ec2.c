/* SPDX-License-Identifier: MIT */
/* EC2's calls: lists of snapshots and regions, CopySnapshot, encryption by default, deletion and
 * tags. */
#include "ec2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_query.h"
#include "ec2_xml.h"
#include "encode.h"
#include "endpoint.h"
#include "log.h"
#include "sigv4.h"
#include "utf8.h"
#include "xml.h"

#define EC2_VERSION        "2016-11-15"
/* The API version with Signature Version 2. */
#define EC2_VERSION_2012   "2012-12-01"
/* Seconds for which EC2 may use a presigned URL; botocore uses the same. */
#define EC2_COPY_EXPIRES_S 3600

void ec2_form_start(struct buf *form, const struct aws *aws, const char *action)
{
	buf_printf(form, "Action=%s&Version=%s", action,
		aws_signature(aws) == AWS_SIGNATURE_V2 ? EC2_VERSION_2012 : EC2_VERSION);
}

void ec2_form_tags(struct buf *form, const char *prefix, const struct ec2_tag *tags, size_t n_tags)
{
	for (size_t i = 0; i < n_tags; i++) {
		form_add(form, tags[i].key, "%s.%zu.Key", prefix, i + 1);
		form_add(form, tags[i].value, "%s.%zu.Value", prefix, i + 1);
	}
}

void ec2_form_literal(struct buf *form, const char *value)
{
	for (; *value; value++) {
		if (strchr("*?\\", *value))
			encode_percent(form, "\\", 1, 0);
		encode_percent(form, value, 1, 0);
	}
}

void ec2_form_list(struct buf *form, const char *name, const char *const *values)
{
	for (size_t i = 0; values && values[i]; i++)
		form_add(form, values[i], "%s.%zu", name, i + 1);
}

static void ec2_form_filter(struct buf *form, const struct ec2_filter *filter, size_t number)
{
	form_add(form, filter->name, "Filter.%zu.Name", number);
	for (size_t i = 0; i < filter->n_values; i++) {
		form_add(form, filter->patterns ? filter->values[i] : "", "Filter.%zu.Value.%zu",
			number, i + 1);
		if (!filter->patterns)
			ec2_form_literal(form, filter->values[i]);
	}
}

void ec2_form_filters(struct buf *form, const struct ec2_filter *filters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ec2_form_filter(form, &filters[i], i + 1);
}

/* --- DescribeSnapshots --- */

struct snapshots_call {
	struct ec2_page *page;
	void (*on_part)(void *arg, struct ec2_page *part);
	ec2_page_done *done;
	void *arg;
};

/* Reads one response piece by piece into a page. */
struct snapshots_reader {
	struct ec2_snapshots_reader *xml;
	struct ec2_page *page; /* NULL until the end */
};

static void *snapshots_reader_create(void)
{
	struct snapshots_reader *r = calloc(1, sizeof(*r));

	if (r)
		r->xml = ec2_snapshots_reader_create(true);
	if (r && r->xml)
		return r;
	free(r);
	return NULL;
}

static void snapshots_reader_destroy(void *reader)
{
	struct snapshots_reader *r = reader;

	ec2_snapshots_reader_destroy(r->xml);
	ec2_page_destroy(r->page);
	free(r);
}

static int snapshots_reader_read(
	void *reader, const char *data, size_t len, bool last, struct err *err)
{
	struct snapshots_reader *r = reader;
	int result = ec2_snapshots_reader_read(r->xml, data, len, err);

	return result || !last ? result : ec2_snapshots_reader_end(r->xml, &r->page, err);
}

static void snapshots_reader_took(void *arg, void *reader)
{
	struct snapshots_call *call = arg;
	struct snapshots_reader *r = reader;
	struct ec2_page *part = ec2_snapshots_reader_part(r->xml);

	call->page = steal(&r->page);
	if (part)
		call->on_part(call->arg, part);
}

static const struct aws_reader snapshots_reader = {snapshots_reader_create, snapshots_reader_read,
	snapshots_reader_took, snapshots_reader_destroy};

static int snapshots_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct snapshots_call *call = arg;

	return ec2_xml_snapshots(body, len, &call->page, err);
}

static void snapshots_done(void *arg, const struct err *err)
{
	struct snapshots_call *call = arg;

	call->done(call->arg, steal(&call->page), err);
}

static void snapshots_release(void *arg)
{
	struct snapshots_call *call = arg;

	ec2_page_destroy(call->page);
	free(call);
}

struct aws_call *ec2_describe_snapshots(
	struct aws *aws, const struct ec2_describe_snapshots *in, ec2_page_done *done, void *arg)
{
	struct snapshots_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct snapshots_call){.on_part = in->on_part, .done = done, .arg = arg};
	ec2_form_start(&form, aws, "DescribeSnapshots");
	ec2_form_list(&form, "Owner", in->owners);
	ec2_form_list(&form, "RestorableBy", in->restorable_by);
	ec2_form_filters(&form, in->filters, in->n_filters);
	/* The API of 2012 does not divide lists into pages. */
	if (in->max_results && aws_signature(aws) == AWS_SIGNATURE_V4)
		form_add_number(&form, in->max_results, "MaxResults");
	form_add(&form, in->next_token, "NextToken");
	return aws_query(aws, &(struct aws_query){.region = in->region,
				      .service = "ec2",
				      .action = "DescribeSnapshots",
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = in->on_part ? NULL : snapshots_parse,
				      .reader = in->on_part ? &snapshots_reader : NULL,
				      .done = snapshots_done,
				      .release = snapshots_release,
				      .arg = call});
}

/* --- DescribeRegions --- */

struct regions_call {
	struct ec2_regions regions;
	ec2_regions_done *done;
	void *arg;
};

static int regions_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct regions_call *call = arg;

	return ec2_xml_regions(body, len, &call->regions, err);
}

static void regions_warn(struct ec2_regions *regions)
{
	utf8_make_line(regions->refused);
	if (regions->n_refused)
		log_warning(
			"DescribeRegions: %zu region%s left out, whose name cannot be a folder's: "
			"\"%s\"%s",
			regions->n_refused, regions->n_refused == 1 ? "" : "s", regions->refused,
			regions->n_refused == 1 ? "" : ", …");
}

static void regions_none(const struct ec2_regions *regions, struct err *err)
{
	if (regions->n_refused)
		err_set(err, ENODATA,
			"DescribeRegions: no region has a name that can be a folder's: \"%s\"%s",
			regions->refused, regions->n_refused == 1 ? "" : ", …");
	else if (regions->n_disabled)
		err_set(err, ENODATA,
			"DescribeRegions: of %zu regions none is enabled for the account",
			regions->n_disabled);
	else
		err_set(err, ENODATA,
			"DescribeRegions: the endpoint has named no region; name them with "
			"regions=");
}

static void regions_done(void *arg, const struct err *err)
{
	struct regions_call *call = arg;
	const char *names[EC2_XML_REGIONS_MAX];
	struct err none;

	if (!err)
		regions_warn(&call->regions);
	if (!err && !call->regions.n) {
		regions_none(&call->regions, &none);
		err = &none;
	}
	for (size_t i = 0; i < call->regions.n; i++)
		names[i] = call->regions.names[i];
	call->done(call->arg, err ? NULL : names, err ? 0 : call->regions.n, err);
}

static void regions_release(void *arg)
{
	struct regions_call *call = arg;

	ec2_regions_finish(&call->regions);
	free(call);
}

struct aws_call *ec2_describe_regions(
	struct aws *aws, const char *region, ec2_regions_done *done, void *arg)
{
	struct regions_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct regions_call){.done = done, .arg = arg};
	ec2_form_start(&form, aws, "DescribeRegions");
	return aws_query(aws, &(struct aws_query){.region = region,
				      .service = "ec2",
				      .action = "DescribeRegions",
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = regions_parse,
				      .done = regions_done,
				      .release = regions_release,
				      .arg = call});
}

/* --- CopySnapshot --- */

struct copy_call {
	char region[ENDPOINT_REGION_SIZE];
	char source_region[ENDPOINT_REGION_SIZE];
	char id[80], request_id[80];
	const char
		*newer; /* the first parameter of the call that the API of 2012 lacks; NULL: none */
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
				  /* The hash of an empty body; the API reference names S3's
				   * UNSIGNED-PAYLOAD instead. */
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

	/* Servers with an old API ignore parameters that they do not know: a dry run would copy,
	 * and a copy would not be encrypted. */
	if (signer->signature == AWS_SIGNATURE_V2 && call->newer)
		return err_set(err, EOPNOTSUPP,
			"signature=v2 uses the API of 2012, whose CopySnapshot has no %s; "
			"nothing was sent",
			call->newer);
	if (signer->signature == AWS_SIGNATURE_V2)
		return 0;
	return ec2_copy_presign(signer, call->source_region, call->region, form, err);
}

static int copy_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct copy_call *call = arg;
	const struct xml_text texts[] = {{"snapshotId", call->id, sizeof(call->id)},
		{"requestId", call->request_id, sizeof(call->request_id)}};
	int r = xml_texts(body, len, "CopySnapshotResponse", texts, ARRAY_LEN(texts), err);

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
	return aws_query(
		aws, &(struct aws_query){.region = in->region,
			     .service = "ec2",
			     .action = "CopySnapshot",
			     /* Holds for dry runs too: a cloud without DryRun would copy. */
			     .effect = AWS_ONCE,
			     .dry_run = in->dry_run,
			     .form = &form,
			     .complete = copy_complete,
			     .parse = copy_parse,
			     .done = copy_done,
			     .release = free,
			     .arg = call});
}

/* --- GetEbsEncryptionByDefault, GetEbsDefaultKmsKeyId --- */

struct default_call {
	const char *action; /* a string literal */
	const char *element;
	char text[EC2_KEY_SIZE];
	ec2_by_default_done *on_done; /* only the callback of the call's action is set */
	ec2_key_done *key_done;
	void *arg;
};

static int default_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct default_call *call = arg;
	const struct xml_text texts[] = {{call->element, call->text, sizeof(call->text)}};
	char root[64];
	int r;

	snprintf(root, sizeof(root), "%sResponse", call->action);
	r = xml_texts(body, len, root, texts, 1, err);
	if (!r && (!*call->text || (call->on_done && strcmp(call->text, "true") &&
					   strcmp(call->text, "false"))))
		return err_set(err, EIO, "the response has no %s", call->element);
	return r;
}

static void default_done(void *arg, const struct err *err)
{
	struct default_call *call = arg;

	if (call->on_done)
		call->on_done(call->arg, !err && !strcmp(call->text, "true"), err);
	else
		call->key_done(call->arg, err ? NULL : call->text, err);
}

static struct aws_call *default_start(
	struct aws *aws, const char *region, struct default_call template)
{
	struct default_call *call = malloc(sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = template;
	ec2_form_start(&form, aws, call->action);
	return aws_query(aws, &(struct aws_query){.region = region,
				      .service = "ec2",
				      .action = call->action,
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = default_parse,
				      .done = default_done,
				      .release = free,
				      .arg = call});
}

struct aws_call *ec2_get_encryption_by_default(
	struct aws *aws, const char *region, ec2_by_default_done *done, void *arg)
{
	return default_start(aws, region,
		(struct default_call){.action = "GetEbsEncryptionByDefault",
			.element = "ebsEncryptionByDefault",
			.on_done = done,
			.arg = arg});
}

struct aws_call *ec2_get_default_key(
	struct aws *aws, const char *region, ec2_key_done *done, void *arg)
{
	return default_start(aws, region,
		(struct default_call){.action = "GetEbsDefaultKmsKeyId",
			.element = "kmsKeyId",
			.key_done = done,
			.arg = arg});
}

/* --- DeleteSnapshot, CreateTags, DeleteTags: the response says no more than yes --- */

struct change_call {
	char root[40];
	ec2_done *done;
	void *arg;
};

/* Checks the response's root element: a proxy or a login page may respond with status 200 too, but
 * only EC2 responds with <ActionResponse>. Its <return> is documented as true. */
static int change_parse(void *arg, const char *body, size_t len, struct err *err)
{
	const struct change_call *call = arg;
	char result[8] = "";
	const struct xml_text texts[] = {{"return", result, sizeof(result)}};
	int r = xml_texts(body, len, call->root, texts, 1, err);

	if (!r && !strcmp(result, "false"))
		return err_set(err, EIO, "EC2's response has <return>false</return>");
	return r;
}

static void change_done(void *arg, const struct err *err)
{
	struct change_call *call = arg;

	call->done(call->arg, err);
}

/* Starts a call that changes something. Takes the text out of the form. */
static struct aws_call *change_start(struct aws *aws, const char *region, const char *action,
	struct buf *form, ec2_done *done, void *arg)
{
	struct change_call *call = calloc(1, sizeof(*call));

	if (!call) {
		buf_finish(form);
		return NULL;
	}
	*call = (struct change_call){.done = done, .arg = arg};
	snprintf(call->root, sizeof(call->root), "%sResponse", action);
	return aws_query(aws, &(struct aws_query){.region = region,
				      .service = "ec2",
				      .action = action,
				      .effect = AWS_REPEATABLE,
				      .form = form,
				      .parse = change_parse,
				      .done = change_done,
				      .release = free,
				      .arg = call});
}

struct aws_call *ec2_delete_snapshot(
	struct aws *aws, const char *region, const char *id, ec2_done *done, void *arg)
{
	struct buf form = BUF_INIT;

	ec2_form_start(&form, aws, "DeleteSnapshot");
	form_add(&form, id, "SnapshotId");
	return change_start(aws, region, "DeleteSnapshot", &form, done, arg);
}

struct aws_call *ec2_create_tags(struct aws *aws, const char *region, const char *id,
	const struct ec2_tag *tags, size_t n_tags, ec2_done *done, void *arg)
{
	struct buf form = BUF_INIT;

	ec2_form_start(&form, aws, "CreateTags");
	form_add(&form, id, "ResourceId.1");
	ec2_form_tags(&form, "Tag", tags, n_tags);
	return change_start(aws, region, "CreateTags", &form, done, arg);
}

struct aws_call *ec2_delete_tag(struct aws *aws, const char *region, const char *id,
	const char *key, ec2_done *done, void *arg)
{
	struct buf form = BUF_INIT;

	/* DeleteTags without a key would delete every tag, so no request is sent. */
	if (!*key)
		return NULL;
	ec2_form_start(&form, aws, "DeleteTags");
	form_add(&form, id, "ResourceId.1");
	form_add(&form, key, "Tag.1.Key");
	return change_start(aws, region, "DeleteTags", &form, done, arg);
}
