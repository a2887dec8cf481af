/* SPDX-License-Identifier: MIT */
/* DescribeVolumes, and a volume as an XML element. */
#include "sim_volume_calls.h"

#include <string.h>

#include "isotime.h"
#include "sim_actions.h"
#include "sim_filter.h"
#include "sim_page.h"

const char *const sim_volumes_params[] = {"VolumeId.#", "IncludeManagedResources", "Filter.#.Name",
	"Filter.#.Value.#", "MaxResults", "NextToken", NULL};

static const char *const volume_filters[] = {"attachment.attach-time",
	"attachment.delete-on-termination", "attachment.device", "attachment.instance-id",
	"attachment.status", "availability-zone", "availability-zone-id", "create-time",
	"encrypted", "fast-restored", "multi-attach-enabled", "operator.managed",
	"operator.principal", "size", "snapshot-id", "source-volume-id", "status",
	"tag:", "tag-key", "volume-id", "volume-type", NULL};

const char *sim_volume_state(
	const struct sim_region *r, const struct sim_volume *v, struct sim_time now)
{
	bool over = !v->run.on || sim_region_run_is_over(r, &v->run, now);

	if (v->deleted)
		return now.mono < v->gone_at ? "deleting" : NULL;
	if (v->state)
		return v->state;
	if (over && v->run.failure)
		return NULL;
	return !over ? "creating" : v->instance_id ? "in-use" : "available";
}

/* Whether the caller's account has the volume, gone or not. */
static bool volume_is_own(const struct sim_call *c, const struct sim_volume *v, const char *id)
{
	return !strcmp(v->id, id) && !strcmp(v->owner_id, c->key->account);
}

static int volume_absent(struct sim_call *c, const char *id)
{
	return sim_fail(c, 400, "InvalidVolume.NotFound", "The volume '%s' does not exist.", id);
}

struct sim_volume *sim_volume_own(struct sim_call *c, const char *id)
{
	for (size_t i = 0; i < c->region->n_volumes; i++)
		if (volume_is_own(c, &c->region->volumes[i], id) &&
			sim_volume_state(c->region, &c->region->volumes[i], c->now))
			return &c->region->volumes[i];
	volume_absent(c, id);
	return NULL;
}

static void volume_write_attachment(struct sim_xml *x, const struct sim_volume *v)
{
	if (!v->instance_id) {
		sim_xml_leaf(x, "attachmentSet", "");
		return;
	}
	sim_xml_open(x, "attachmentSet");
	sim_xml_open(x, "item");
	sim_xml_leaf(x, "volumeId", v->id);
	sim_xml_leaf(x, "instanceId", v->instance_id);
	sim_xml_leaf(x, "device", v->device ? v->device : "/dev/sdf");
	sim_xml_leaf(x, "status", "attached");
	sim_xml_bool(x, "deleteOnTermination", false);
	sim_xml_close(x, "item");
	sim_xml_close(x, "attachmentSet");
}

void sim_volume_write(struct sim_call *c, const struct sim_volume *v, const char *state)
{
	struct sim_xml *x = &c->xml;
	const struct sim_zone *zone = v->zone ? sim_zones_find(c->region, v->zone, NULL) : NULL;

	sim_xml_leaf(x, "volumeId", v->id);
	sim_xml_number(x, "size", v->gib);
	sim_xml_leaf(x, "snapshotId", v->snapshot_id ? v->snapshot_id : "");
	sim_xml_leaf(x, "availabilityZone", v->zone);
	sim_xml_leaf(x, "availabilityZoneId", zone ? zone->id : NULL);
	sim_xml_leaf(x, "status", state);
	sim_xml_time(x, "createTime", v->created_ms);
	/* The response of CreateVolume has no attachments. */
	if (!strcmp(c->action, "DescribeVolumes"))
		volume_write_attachment(x, v);
	sim_xml_leaf(x, "volumeType", v->type ? v->type : "gp2");
	if (v->iops)
		sim_xml_number(x, "iops", v->iops);
	if (v->throughput)
		sim_xml_number(x, "throughput", v->throughput);
	if (v->rate)
		sim_xml_number(x, "volumeInitializationRate", v->rate);
	sim_xml_bool(x, "encrypted", v->kms_key_id != NULL);
	sim_xml_leaf(x, "kmsKeyId", v->kms_key_id);
	sim_xml_bool(x, "multiAttachEnabled", v->multi_attach);
	sim_call_write_tags(c, &v->tags);
}

/* --- DescribeVolumes --- */

struct volumes_query {
	const char **ids;
	int n_ids;
	struct sim_filters filters;
	struct sim_page page;
};

static void volumes_query_finish(struct volumes_query *q)
{
	free(q->ids);
	sim_filters_finish(&q->filters);
}

static bool volumes_tag_key_matches(const struct sim_filter *f, const struct sim_tags *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		if (sim_filter_has(f, tags->items[i].key))
			return true;
	return false;
}

static bool volume_filter_matches(const struct sim_call *c, const struct sim_filter *f,
	const struct sim_volume *v, const char *state)
{
	const struct sim_zone *zone = v->zone ? sim_zones_find(c->region, v->zone, NULL) : NULL;
	char size[16], created[ISOTIME_SIZE];
	const struct {
		const char *filter, *value;
	} fields[] = {{"attachment.device", v->device}, {"attachment.instance-id", v->instance_id},
		{"attachment.status", v->instance_id ? "attached" : NULL},
		{"availability-zone", v->zone}, {"availability-zone-id", zone ? zone->id : NULL},
		{"create-time", isotime_format_ms(v->created_ms, created)},
		{"encrypted", v->kms_key_id ? "true" : "false"},
		{"multi-attach-enabled", v->multi_attach ? "true" : "false"}, {"size", size},
		{"snapshot-id", v->snapshot_id}, {"status", state}, {"volume-id", v->id},
		{"volume-type", v->type ? v->type : "gp2"}};

	snprintf(size, sizeof(size), "%u", v->gib);
	if (!strncmp(f->name, "tag:", 4))
		return sim_filter_has(f, sim_tags_get(&v->tags, f->name + 4));
	if (!strcmp(f->name, "tag-key"))
		return volumes_tag_key_matches(f, &v->tags);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!strcmp(fields[i].filter, f->name))
			return sim_filter_has(f, fields[i].value);
	return false;
}

/* Whether this response can show the volume. */
static bool volume_is_candidate(
	struct sim_call *c, const struct sim_volume *v, const struct volumes_query *q)
{
	bool named = !q->n_ids;

	for (int i = 0; i < q->n_ids; i++)
		named = named || !strcmp(q->ids[i], v->id);
	return named && !strcmp(v->owner_id, c->key->account) &&
	       sim_volume_state(c->region, v, c->now) &&
	       (q->n_ids || sim_call_is_visible(c, v->visible_at));
}

static size_t volumes_write(struct sim_call *c, const struct volumes_query *q)
{
	bool count_all;
	size_t size = sim_page_size(c, &q->page, &count_all), counted = 0;

	for (size_t i = q->page.start; i < c->region->n_volumes; i++) {
		const struct sim_volume *v = &c->region->volumes[i];
		const char *state = sim_volume_state(c->region, v, c->now);
		bool fit = true;

		if (!volume_is_candidate(c, v, q))
			continue;
		for (int j = 0; j < q->filters.n && fit; j++)
			fit = volume_filter_matches(c, &q->filters.items[j], v, state);
		if (!fit && !count_all)
			continue;
		if (counted++ == size)
			return i;
		if (!fit)
			continue;
		sim_xml_open(&c->xml, "item");
		sim_volume_write(c, v, state);
		sim_xml_close(&c->xml, "item");
	}
	return SIZE_MAX;
}

static int volumes_check_ids(struct sim_call *c, const struct volumes_query *q)
{
	for (int i = 0; i < q->n_ids; i++) {
		const struct sim_volume *found = NULL;

		if (sim_call_check_id(c, "vol", "volumeId", q->ids[i]) < 0)
			return -1;
		for (size_t j = 0; j < c->region->n_volumes && !found; j++)
			if (volume_is_own(c, &c->region->volumes[j], q->ids[i]))
				found = &c->region->volumes[j];
		if (!found || !sim_volume_state(c->region, found, c->now) ||
			!sim_call_is_visible(c, found->visible_at))
			return volume_absent(c, q->ids[i]);
	}
	return 0;
}

int sim_describe_volumes(struct sim_call *c)
{
	_cleanup_(volumes_query_finish) struct volumes_query q = {0};

	if (sim_filters_parse(c, volume_filters, &q.filters) < 0)
		return -1;
	q.n_ids = sim_params_list(c->params, "VolumeId.", &q.ids);
	if (q.n_ids < 0)
		return sim_fail_memory(c);
	if (sim_page_parse(c, q.n_ids ? "volumeSet" : NULL, &q.page) < 0 ||
		sim_call_dry_run(c) < 0 || volumes_check_ids(c, &q) < 0)
		return -1;
	sim_call_begin(c);
	sim_xml_open(&c->xml, "volumeSet");
	q.page.start = volumes_write(c, &q);
	sim_xml_close(&c->xml, "volumeSet");
	sim_page_end(c, q.page.start);
	return sim_call_end(c);
}
