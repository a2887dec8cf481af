/* SPDX-License-Identifier: MIT */
/* CreateVolume and CreateSnapshot. */
#include "sim_snapshot_calls.h"

#include <inttypes.h>
#include <string.h>

#include "num.h"
#include "sim_describe.h"
#include "sim_tags.h"

const char *const sim_create_volume_params[] = {"AvailabilityZone", "Size", "SnapshotId",
	"VolumeType", "Encrypted", "KmsKeyId", "Iops", "Throughput", "ClientToken",
	"TagSpecification.#.ResourceType", "TagSpecification.#.Tag.#.Key",
	"TagSpecification.#.Tag.#.Value", NULL};

const char *const sim_create_snapshot_params[] = {"VolumeId", "Description",
	"TagSpecification.#.ResourceType", "TagSpecification.#.Tag.#.Key",
	"TagSpecification.#.Tag.#.Value", "Location", NULL};

/* The size asked for, at least the snapshot's. */
static int read_size(struct sim_call *c, uint32_t *gib)
{
	const char *size = sim_params_get(c->params, "Size"),
		   *id = sim_params_get(c->params, "SnapshotId");
	struct sim_bulk_scratch scratch;
	const struct sim_snapshot *s = NULL;
	uint64_t n = 0;

	if (id) {
		if (sim_call_check_id(c, "snap", "snapshotId", id) < 0)
			return -1;
		s = sim_region_find(c->region, id, &scratch);
		if (!s || s->deleted || !sim_call_may_see(c, s))
			return sim_fail(c, 400, "InvalidSnapshot.NotFound",
				"The snapshot '%s' does not exist.", id);
	}
	if (!size && !s)
		return sim_fail(c, 400, "MissingParameter",
			"The request must contain the parameter size/snapshot");
	if (size &&
		(num_parse_u64(size, strlen(size), 1, 65536, &n) < 0 || (s && n < s->volume_gib)))
		return sim_fail(
			c, 400, "InvalidParameterValue", "Volume of %sGiB is not valid", size);
	*gib = size ? (uint32_t)n : s->volume_gib;
	return 0;
}

/* Takes over the strings of v. */
static int store_volume(struct sim_call *c, const struct sim_volume *v)
{
	struct sim_region *r = c->region;
	struct sim_volume *grown = realloc(r->volumes, (r->n_volumes + 1) * sizeof(*grown));

	if (grown)
		r->volumes = grown;
	if (grown && v->id && v->owner_id && v->zone) {
		grown[r->n_volumes++] = *v;
		return 0;
	}
	free(v->id);
	free(v->owner_id);
	free(v->zone);
	free(v->kms_key_id);
	return sim_fail_memory(c);
}

int sim_create_volume(struct sim_call *c)
{
	const char *zone = sim_call_required(c, "AvailabilityZone"),
		   *type = sim_params_get(c->params, "VolumeType");
	_cleanup_(sim_tags_finish) struct sim_tags tags = {0};
	size_t n = strlen(c->region->name);
	struct sim_volume v = {0};
	bool encrypted;
	char id[32];

	if (!zone || read_size(c, &v.gib) < 0 || sim_call_bool(c, "Encrypted", &encrypted) < 0 ||
		sim_tags_from_specification(c, "volume", &tags) < 0)
		return -1;
	if (strncmp(zone, c->region->name, n) || strlen(zone) != n + 1)
		return sim_fail(
			c, 400, "InvalidZone.NotFound", "The zone '%s' does not exist.", zone);
	if (sim_call_dry_run(c) < 0)
		return -1;
	sim_region_new_id(c->world, c->region, "vol", id);
	v.id = strdup(id);
	v.owner_id = strdup(c->key->account);
	v.zone = strdup(zone);
	v.kms_key_id =
		encrypted || c->region->encrypts_by_default ? strdup(c->region->keys[0].arn) : NULL;
	if (store_volume(c, &v) < 0)
		return -1;
	sim_call_begin(c);
	sim_xml_leaf(&c->xml, "volumeId", id);
	sim_xml_number(&c->xml, "size", v.gib);
	sim_xml_leaf(&c->xml, "availabilityZone", zone);
	sim_xml_leaf(&c->xml, "status", "creating");
	sim_xml_time(&c->xml, "createTime", c->now.wall);
	sim_xml_leaf(&c->xml, "volumeType", type ? type : "gp2");
	sim_xml_bool(&c->xml, "encrypted", v.kms_key_id != NULL);
	sim_xml_leaf(&c->xml, "kmsKeyId", v.kms_key_id);
	return sim_call_end(c);
}

static const struct sim_volume *find_volume(struct sim_call *c, const char *id)
{
	for (size_t i = 0; i < c->region->n_volumes; i++)
		if (!strcmp(c->region->volumes[i].id, id) &&
			!strcmp(c->region->volumes[i].owner_id, c->key->account))
			return &c->region->volumes[i];
	sim_fail(c, 400, "InvalidVolume.NotFound", "The volume '%s' does not exist.", id);
	return NULL;
}

static struct sim_snapshot *make(struct sim_call *c, const struct sim_volume *v,
	const char *description, struct sim_tags *tags)
{
	struct sim_snapshot *s = sim_snapshot_create();
	char id[32];
	int r;

	if (!s)
		return NULL;
	sim_region_new_id(c->world, c->region, "snap", id);
	r = sim_snapshot_set(&s->id, id) | sim_snapshot_set(&s->volume_id, v->id) |
	    sim_snapshot_set(&s->owner_id, c->key->account) |
	    sim_snapshot_set(&s->state, "pending") |
	    sim_snapshot_set(&s->description, description) |
	    sim_snapshot_set(&s->storage_tier, "standard") |
	    sim_snapshot_set(&s->kms_key_id, v->kms_key_id);
	if (r < 0) {
		sim_snapshot_destroy(s);
		return NULL;
	}
	s->encrypted = v->kms_key_id != NULL;
	s->volume_gib = v->gib;
	s->full_size = (int64_t)v->gib << 29;
	s->start_ms = c->now.wall;
	s->visible_at = sim_call_shown_at(c);
	sim_call_show_tags(c, s, tags);
	sim_region_start(
		c->region, s, sim_world_draw(c->world, c->world->behaviour.copy_ms), c->now);
	return s;
}

int sim_create_snapshot(struct sim_call *c)
{
	const char *id = sim_call_required(c, "VolumeId"),
		   *description = sim_params_get(c->params, "Description");
	_cleanup_(sim_tags_finish) struct sim_tags tags = {0};
	const struct sim_volume *v;
	struct sim_snapshot *s;
	struct sim_view view;

	if (!id || sim_call_check_id(c, "vol", "volumeId", id) < 0 ||
		(description && sim_call_check_text(c, "Description", description, 255) < 0) ||
		sim_tags_from_specification(c, "snapshot", &tags) < 0)
		return -1;
	v = find_volume(c, id);
	if (!v || sim_call_dry_run(c) < 0)
		return -1;
	sim_region_settle(c->region, c->now);
	s = make(c, v, description ? description : "", &tags);
	if (!s || sim_region_add(c->region, s) < 0)
		return sim_fail_memory(c);
	sim_region_view(c->region, s, &c->world->behaviour, c->now, &view);
	view.progress[0] = '\0'; /* CreateSnapshot answers with an empty one */
	sim_call_begin(c);
	sim_item_write(c, s, &view, &s->tags);
	return sim_call_end(c);
}
