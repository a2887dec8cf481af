/* SPDX-License-Identifier: MIT */
/* EC2's calls for volumes, and for the zones that volumes are made in. */
#include "ec2_volumes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws_query.h"
#include "cleanup.h"
#include "ec2_xml.h"
#include "encode.h"
#include "endpoint.h"
#include "isotime.h"
#include "log.h"
#include "utf8.h"

/* --- a volume's XML --- */

static const struct ec2_record_text volume_texts[] = {
	EC2_RECORD_TEXT("volumeId", struct ec2_volume, id),
	EC2_RECORD_TEXT("snapshotId", struct ec2_volume, snapshot_id),
	EC2_RECORD_TEXT("availabilityZone", struct ec2_volume, zone),
	EC2_RECORD_TEXT("availabilityZoneId", struct ec2_volume, zone_id),
	EC2_RECORD_TEXT("status", struct ec2_volume, state_text),
	EC2_RECORD_TEXT("volumeType", struct ec2_volume, type),
	EC2_RECORD_TEXT("kmsKeyId", struct ec2_volume, kms_key_id),
	EC2_RECORD_TEXT("attachmentSet/item/instanceId", struct ec2_volume, instance_id),
	EC2_RECORD_TEXT("attachmentSet/item/device", struct ec2_volume, device),
};

static enum ec2_volume_state volume_state(const char *text)
{
	static const char *const states[] = {
		[EC2_VOLUME_CREATING] = "creating",
		[EC2_VOLUME_AVAILABLE] = "available",
		[EC2_VOLUME_IN_USE] = "in-use",
		[EC2_VOLUME_DELETING] = "deleting",
		[EC2_VOLUME_DELETED] = "deleted",
		[EC2_VOLUME_ERROR] = "error",
	};

	for (size_t i = EC2_VOLUME_CREATING; i < ARRAY_LEN(states); i++)
		if (!strcmp(text, states[i]))
			return (enum ec2_volume_state)i;
	return EC2_VOLUME_UNKNOWN;
}

/* A malformed number, date or truth value counts as absent. */
static void volume_set(struct ec2_volume *v, const char *path, const char *text)
{
	if (!text)
		return;
	ec2_record_set(volume_texts, ARRAY_LEN(volume_texts), v, path, text);
	if (!strcmp(path, "status"))
		v->state = volume_state(text);
	else if (!strcmp(path, "size"))
		v->size_gib = ec2_record_number(text);
	else if (!strcmp(path, "iops"))
		v->iops = ec2_record_number(text);
	else if (!strcmp(path, "throughput"))
		v->throughput = ec2_record_number(text);
	else if (!strcmp(path, "encrypted"))
		v->encryption = !strcasecmp(text, "true")    ? EC2_ENCRYPTION_PRESENT
				: !strcasecmp(text, "false") ? EC2_ENCRYPTION_NONE
							     : EC2_ENCRYPTION_UNKNOWN;
	else if (!strcmp(path, "createTime") &&
		 (isotime_parse(text, strlen(text), &v->created_ms) < 0 || v->created_ms < 0))
		v->created_ms = 0;
}

static int volumes_start(void *arg, struct err *err)
{
	struct ec2_volumes *out = arg;
	struct ec2_volume *grown = ec2_record_append(out->volumes, &out->n, sizeof(*grown), err);

	if (!grown)
		return -ENOMEM;
	out->volumes = grown;
	return 0;
}

static int volumes_text(void *arg, const char *path, const char *text, struct err *err)
{
	struct ec2_volumes *out = arg;

	(void)err;
	volume_set(&out->volumes[out->n - 1], path, text);
	return 0;
}

static int volumes_end(void *arg, struct err *err)
{
	struct ec2_volumes *out = arg;

	(void)err;
	if (!ec2_is_volume_id(out->volumes[out->n - 1].id))
		out->n--;
	return 0;
}

int ec2_xml_volumes(const char *body, size_t len, struct ec2_volumes *out, struct err *err)
{
	static const struct ec2_record_kind kind = {
		"DescribeVolumesResponse", "volumeSet", volumes_start, volumes_text, volumes_end};
	int r;

	*out = (struct ec2_volumes){0};
	r = ec2_record_parse(body, len, &kind, out, &out->more, err);
	if (r < 0)
		ec2_volumes_finish(out);
	return r;
}

void ec2_volumes_finish(struct ec2_volumes *volumes)
{
	free(volumes->volumes);
	*volumes = (struct ec2_volumes){0};
}

/* --- CreateVolume --- */

struct create_call {
	struct ec2_volume volume;
	char request_id[80];
	ec2_volume_done *done;
	void *arg;
};

/* Refuses Version 2: servers with an old API ignore parameters that they do not know, and without
 * ClientToken a repeated request would make a second volume. */
static int create_complete(
	void *arg, const struct aws_signer *signer, struct buf *form, struct err *err)
{
	(void)arg, (void)form;
	if (signer->signature != AWS_SIGNATURE_V2)
		return 0;
	return err_set(err, EOPNOTSUPP,
		"signature=v2 uses the API of 2012, whose CreateVolume has no ClientToken; "
		"nothing was sent");
}

static int create_text(void *arg, const char *path, const char *text, struct err *err)
{
	struct create_call *call = arg;

	(void)err;
	volume_set(&call->volume, path, text);
	if (text && !strcmp(path, "requestId"))
		snprintf(call->request_id, sizeof(call->request_id), "%s", text);
	return 0;
}

static int create_parse(void *arg, const char *body, size_t len, struct err *err)
{
	static const struct ec2_record_kind kind = {
		.root = "CreateVolumeResponse", .text = create_text};
	struct create_call *call = arg;
	int r;

	call->volume = (struct ec2_volume){0};
	call->request_id[0] = '\0';
	r = ec2_record_parse(body, len, &kind, call, NULL, err);
	if (!r && !ec2_is_volume_id(call->volume.id))
		return err_set(err, EIO, "EC2's response has no volume id");
	return r;
}

static void create_done(void *arg, const struct err *err)
{
	struct create_call *call = arg;

	utf8_make_line(call->request_id);
	call->done(call->arg, err || !*call->volume.id ? NULL : &call->volume,
		err ? NULL : call->request_id, err);
}

static void create_add_number(struct buf *form, unsigned value, const char *name)
{
	if (value)
		form_add_number(form, value > INT_MAX ? INT_MAX : (int)value, name);
}

static void create_form(struct buf *form, const struct ec2_create_volume *in)
{
	form_add(form, in->zone, "AvailabilityZone");
	form_add(form, in->snapshot_id, "SnapshotId");
	create_add_number(form, in->size_gib, "Size");
	form_add(form, in->type, "VolumeType");
	create_add_number(form, in->iops, "Iops");
	create_add_number(form, in->throughput, "Throughput");
	form_add_true(form, in->encrypted, "Encrypted");
	form_add(form, in->kms_key_id, "KmsKeyId");
	create_add_number(form, in->initialization_rate, "VolumeInitializationRate");
	form_add(form, in->client_token, "ClientToken");
	if (in->n_tags) {
		form_add(form, "volume", "TagSpecification.1.ResourceType");
		ec2_form_tags(form, "TagSpecification.1.Tag", in->tags, in->n_tags);
	}
	form_add_true(form, in->dry_run, "DryRun");
}

struct aws_call *ec2_create_volume(
	struct aws *aws, const struct ec2_create_volume *in, ec2_volume_done *done, void *arg)
{
	struct create_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct create_call){.done = done, .arg = arg};
	ec2_form_start(&form, aws, "CreateVolume");
	create_form(&form, in);
	return aws_query(
		aws, &(struct aws_query){.region = in->region,
			     .service = "ec2",
			     .action = "CreateVolume",
			     /* A dry run is not repeatable: a cloud without DryRun would make a
				volume each time. */
			     .effect = in->client_token && !in->dry_run ? AWS_REPEATABLE : AWS_ONCE,
			     .dry_run = in->dry_run,
			     .form = &form,
			     .complete = create_complete,
			     .parse = create_parse,
			     .done = create_done,
			     .release = free,
			     .arg = call});
}

/* --- DescribeVolumes --- */

struct volumes_call {
	struct ec2_volumes volumes;
	ec2_volumes_done *done;
	void *arg;
};

static int volumes_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct volumes_call *call = arg;

	ec2_volumes_finish(&call->volumes);
	return ec2_xml_volumes(body, len, &call->volumes, err);
}

static void volumes_done(void *arg, const struct err *err)
{
	struct volumes_call *call = arg;
	const struct ec2_volumes *volumes = &call->volumes;

	call->done(call->arg, err ? NULL : volumes->volumes, err ? 0 : volumes->n,
		!err && volumes->more, err);
}

static void volumes_release(void *arg)
{
	struct volumes_call *call = arg;

	ec2_volumes_finish(&call->volumes);
	free(call);
}

struct aws_call *ec2_describe_volumes(
	struct aws *aws, const struct ec2_describe_volumes *in, ec2_volumes_done *done, void *arg)
{
	struct volumes_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct volumes_call){.done = done, .arg = arg};
	ec2_form_start(&form, aws, "DescribeVolumes");
	ec2_form_list(&form, "VolumeId", in->ids);
	ec2_form_filters(&form, in->filters, in->n_filters);
	return aws_query(aws, &(struct aws_query){.region = in->region,
				      .service = "ec2",
				      .action = "DescribeVolumes",
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = volumes_parse,
				      .done = volumes_done,
				      .release = volumes_release,
				      .arg = call});
}

/* --- DescribeAvailabilityZones --- */

static const struct ec2_record_text zone_texts[] = {
	EC2_RECORD_TEXT("zoneName", struct ec2_zone, name),
	EC2_RECORD_TEXT("zoneId", struct ec2_zone, id),
	EC2_RECORD_TEXT("zoneState", struct ec2_zone, state),
	EC2_RECORD_TEXT("parentZoneName", struct ec2_zone, parent),
};

static int zones_start(void *arg, struct err *err)
{
	struct ec2_zones *out = arg;
	struct ec2_zone *grown = ec2_record_append(out->zones, &out->n, sizeof(*grown), err);

	if (!grown)
		return -ENOMEM;
	out->zones = grown;
	out->opted_out = false;
	out->malformed = false;
	return 0;
}

static enum ec2_zone_type zone_type(const char *text)
{
	return !strcmp(text, "availability-zone") ? EC2_ZONE_AVAILABILITY
	       : !strcmp(text, "local-zone")      ? EC2_ZONE_LOCAL
	       : !strcmp(text, "wavelength-zone") ? EC2_ZONE_WAVELENGTH
						  : EC2_ZONE_OTHER;
}

static int zones_text(void *arg, const char *path, const char *text, struct err *err)
{
	struct ec2_zones *out = arg;
	struct ec2_zone *zone = &out->zones[out->n - 1];

	(void)err;
	if (!text)
		return 0;
	ec2_record_set(zone_texts, ARRAY_LEN(zone_texts), zone, path, text);
	if (!strcmp(path, "zoneName"))
		out->malformed |= !endpoint_is_region(text);
	else if (!strcmp(path, "zoneType"))
		zone->type = zone_type(text);
	else if (!strcmp(path, "optInStatus"))
		out->opted_out = !strcmp(text, "not-opted-in");
	return 0;
}

static int zones_end(void *arg, struct err *err)
{
	struct ec2_zones *out = arg;
	const struct ec2_zone *zone = &out->zones[out->n - 1];

	(void)err;
	if (out->malformed && !out->n_refused++)
		snprintf(out->refused, sizeof(out->refused), "%s", zone->name);
	if (out->malformed || out->opted_out || !*zone->name)
		out->n--;
	return 0;
}

static int zone_compare(const void *a, const void *b)
{
	return strcmp(((const struct ec2_zone *)a)->name, ((const struct ec2_zone *)b)->name);
}

int ec2_xml_zones(const char *body, size_t len, struct ec2_zones *out, struct err *err)
{
	static const struct ec2_record_kind kind = {"DescribeAvailabilityZonesResponse",
		"availabilityZoneInfo", zones_start, zones_text, zones_end};
	int r;

	*out = (struct ec2_zones){0};
	r = ec2_record_parse(body, len, &kind, out, NULL, err);
	if (r < 0)
		ec2_zones_finish(out);
	else if (out->n)
		qsort(out->zones, out->n, sizeof(*out->zones), zone_compare);
	return r;
}

void ec2_zones_finish(struct ec2_zones *zones)
{
	free(zones->zones);
	*zones = (struct ec2_zones){0};
}

struct zones_call {
	struct ec2_zones zones;
	ec2_zones_done *done;
	void *arg;
};

static int zones_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct zones_call *call = arg;

	ec2_zones_finish(&call->zones);
	return ec2_xml_zones(body, len, &call->zones, err);
}

static void zones_done(void *arg, const struct err *err)
{
	struct zones_call *call = arg;
	const struct ec2_zones *zones = &call->zones;

	if (!err && zones->n_refused)
		log_warning("DescribeAvailabilityZones: %zu zone%s left out, whose name cannot be "
			    "a folder's: \"%s\"%s",
			zones->n_refused, zones->n_refused == 1 ? "" : "s", zones->refused,
			zones->n_refused == 1 ? "" : ", …");
	call->done(call->arg, err ? NULL : zones->zones, err ? 0 : zones->n, err);
}

static void zones_release(void *arg)
{
	struct zones_call *call = arg;

	ec2_zones_finish(&call->zones);
	free(call);
}

struct aws_call *ec2_describe_zones(
	struct aws *aws, const char *region, ec2_zones_done *done, void *arg)
{
	struct zones_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct zones_call){.done = done, .arg = arg};
	ec2_form_start(&form, aws, "DescribeAvailabilityZones");
	return aws_query(aws, &(struct aws_query){.region = region,
				      .service = "ec2",
				      .action = "DescribeAvailabilityZones",
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = zones_parse,
				      .done = zones_done,
				      .release = zones_release,
				      .arg = call});
}
