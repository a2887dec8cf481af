/* SPDX-License-Identifier: MIT */
/* CreateSnapshot, DeleteSnapshot, and sharing a snapshot. */
#include "sim_actions.h"

#include <inttypes.h>
#include <string.h>

#include "sim_describe.h"
#include "sim_image_calls.h"
#include "sim_tags.h"
#include "sim_volume_calls.h"

const char *const sim_create_snapshot_params[] = {"VolumeId", "Description",
	"TagSpecification.#.ResourceType", "TagSpecification.#.Tag.#.Key",
	"TagSpecification.#.Tag.#.Value", "Location", NULL};

static struct sim_snapshot *create_make(struct sim_call *c, const struct sim_volume *v,
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
	v = sim_volume_own(c, id);
	if (!v || sim_call_dry_run(c) < 0)
		return -1;
	sim_region_settle(c->region, c->now);
	s = create_make(c, v, description ? description : "", &tags);
	if (!s || sim_region_add(c->region, s) < 0)
		return sim_fail_memory(c);
	sim_region_view(c->region, s, &c->world->behaviour, c->now, &view);
	view.progress[0] = '\0'; /* CreateSnapshot responds with an empty progress */
	sim_call_begin(c);
	sim_item_write(c, s, &view, &s->tags);
	return sim_call_end(c);
}

/* --- DeleteSnapshot --- */

const char *const sim_delete_params[] = {"SnapshotId", NULL};

/* Fails the pending copies of a snapshot that is deleted: a copy needs its source until it ends. */
static int fail_copies_of(struct sim_call *c, const struct sim_snapshot *source)
{
	for (size_t i = 0; i < c->world->n_regions; i++) {
		struct sim_region *r = c->world->regions[i];

		for (size_t j = 0; j < r->n_pending;) {
			struct sim_snapshot *s = r->pending[j];

			if (!s->source_id || !s->source_region ||
				strcmp(s->source_id, source->id) ||
				strcmp(s->source_region, c->region->name)) {
				j++;
				continue;
			}
			if (sim_snapshot_set(&s->message, "Source snapshot is not found") < 0 ||
				sim_region_restate(r, s, "error") < 0)
				return sim_fail_memory(c);
		}
	}
	return 0;
}

int sim_delete_snapshot(struct sim_call *c)
{
	const char *id = sim_call_required(c, "SnapshotId"), *user;
	struct sim_snapshot *s;

	if (!id || sim_call_check_id(c, "snap", "snapshotId", id) < 0)
		return -1;
	for (size_t i = 0; i < c->world->n_regions; i++)
		sim_region_settle(c->world->regions[i], c->now);
	s = sim_call_own_snapshot(c, id);
	if (!s)
		return -1;
	user = s->in_use ? "ami-0123456789abcdef0" : sim_image_using(c, id);
	if (user)
		return sim_fail(c, 400, "InvalidSnapshot.InUse",
			"The snapshot %s is currently in use by %s", id, user);
	if (s->locked)
		return sim_fail(c, 400, "SnapshotLocked", "The snapshot '%s' is locked.", id);
	if (sim_call_dry_run(c) < 0)
		return -1;
	/* A pending snapshot is deleted when it completes; a copy is cancelled. */
	if (sim_snapshot_is(s, "pending") && (!s->is_copy || c->world->behaviour.deleting_waits))
		s->delete_at_end = true;
	else
		sim_region_delete(c->region, s, sim_call_shown_at(c));
	return fail_copies_of(c, s) < 0 ? -1 : sim_call_true(c);
}

/* --- ModifySnapshotAttribute, DescribeSnapshotAttribute --- */

const char *const sim_sharing_params[] = {"SnapshotId", "Attribute", "OperationType", "UserId.#",
	"UserGroup.#", "CreateVolumePermission.Add.#.UserId", "CreateVolumePermission.Add.#.Group",
	"CreateVolumePermission.Remove.#.UserId", "CreateVolumePermission.Remove.#.Group", NULL};

/* Makes one change of permissions. EC2 has two forms of parameters for it, read by the two
 * functions below. */
static int sharing_change(
	struct sim_call *c, struct sim_snapshot *s, bool add, const char *user, const char *group)
{
	if (group && strcmp(group, "all"))
		return sim_fail(
			c, 400, "InvalidParameterValue", "Invalid value for group: %s", group);
	if (group && add && s->encrypted)
		return sim_fail(c, 400, "OperationNotPermitted",
			"Encrypted snapshots cannot be made public.");
	if (group)
		s->is_public = add;
	if (user && (strlen(user) != 12 || strspn(user, "0123456789") != 12))
		return sim_fail(c, 400, "InvalidUserID.Malformed", "Invalid user id: \"%s\"", user);
	if (user && add && s->kms_key_id && !strcmp(s->kms_key_id, c->region->keys[0].arn))
		return sim_fail(c, 400, "InvalidParameter",
			"Encrypted snapshots with EBS default key cannot be shared");
	if (user && add && sim_snapshot_share(s, user) < 0)
		return sim_fail_memory(c);
	if (user && !add)
		sim_snapshot_unshare(s, user);
	return 0;
}

/* Reads the form of OperationType with UserId.N and UserGroup.N. */
static int sharing_change_flat(struct sim_call *c, struct sim_snapshot *s, const char *operation)
{
	_cleanup_free_ const char **users = NULL, **groups = NULL;
	int n_users = sim_params_list(c->params, "UserId.", &users);
	int n_groups = sim_params_list(c->params, "UserGroup.", &groups);
	bool add = !strcmp(operation, "add");

	if (n_users < 0 || n_groups < 0)
		return sim_fail_memory(c);
	if (!add && strcmp(operation, "remove"))
		return sim_fail(c, 400, "InvalidParameterValue",
			"Invalid value for OperationType: %s", operation);
	for (int i = 0; i < n_users; i++)
		if (sharing_change(c, s, add, users[i], NULL) < 0)
			return -1;
	for (int i = 0; i < n_groups; i++)
		if (sharing_change(c, s, add, NULL, groups[i]) < 0)
			return -1;
	return 0;
}

/* Reads the form of CreateVolumePermission.Add.N or .Remove.N. */
static int sharing_change_structured(
	struct sim_call *c, struct sim_snapshot *s, const char *verb, bool add)
{
	_cleanup_free_ size_t *numbers = NULL;
	char prefix[48];
	int n;

	snprintf(prefix, sizeof(prefix), "CreateVolumePermission.%s.", verb);
	n = sim_params_numbers(c->params, prefix, &numbers);
	if (n < 0)
		return sim_fail_memory(c);
	for (int i = 0; i < n; i++)
		if (sharing_change(c, s, add,
			    sim_params_getf(c->params, "%s%zu.UserId", prefix, numbers[i]),
			    sim_params_getf(c->params, "%s%zu.Group", prefix, numbers[i])) < 0)
			return -1;
	return 0;
}

/* Finds the snapshot of the request; NULL after sim_fail(). */
static struct sim_snapshot *sharing_snapshot(struct sim_call *c)
{
	const char *id = sim_call_required(c, "SnapshotId");

	if (!id || sim_call_check_id(c, "snap", "snapshotId", id) < 0)
		return NULL;
	return sim_call_own_snapshot(c, id);
}

int sim_modify_snapshot_attribute(struct sim_call *c)
{
	const char *attribute = sim_params_get(c->params, "Attribute");
	const char *operation = sim_params_get(c->params, "OperationType");
	bool adds = sim_params_has_prefix(c->params, "CreateVolumePermission.Add.");
	bool removes = sim_params_has_prefix(c->params, "CreateVolumePermission.Remove.");
	struct sim_snapshot *s = sharing_snapshot(c);

	if (!s)
		return -1;
	if (attribute && strcmp(attribute, "createVolumePermission"))
		return sim_fail(c, 400, "InvalidParameterValue", "Invalid value for Attribute: %s",
			attribute);
	if (adds && removes)
		return sim_fail(c, 400, "InvalidParameterCombination",
			"Add and Remove cannot be used together");
	if (!operation && !adds && !removes)
		return sim_fail(c, 400, "MissingParameter",
			"The request must contain the parameter OperationType");
	if (sim_call_dry_run(c) < 0 || (operation && sharing_change_flat(c, s, operation) < 0) ||
		(adds && sharing_change_structured(c, s, "Add", true) < 0) ||
		(removes && sharing_change_structured(c, s, "Remove", false) < 0))
		return -1;
	return sim_call_true(c);
}

int sim_describe_snapshot_attribute(struct sim_call *c)
{
	const char *attribute = sim_call_required(c, "Attribute");
	struct sim_snapshot *s = attribute ? sharing_snapshot(c) : NULL;

	if (!s)
		return -1;
	if (strcmp(attribute, "createVolumePermission"))
		return sim_fail(c, 400, "InvalidParameterValue", "Invalid value for Attribute: %s",
			attribute);
	if (sim_call_dry_run(c) < 0)
		return -1;
	sim_call_begin(c);
	sim_xml_leaf(&c->xml, "snapshotId", s->id);
	sim_xml_open(&c->xml, "createVolumePermission");
	for (size_t i = 0; i < s->n_shared; i++) {
		sim_xml_open(&c->xml, "item");
		sim_xml_leaf(&c->xml, "userId", s->shared[i]);
		sim_xml_close(&c->xml, "item");
	}
	if (s->is_public) {
		sim_xml_open(&c->xml, "item");
		sim_xml_leaf(&c->xml, "group", "all");
		sim_xml_close(&c->xml, "item");
	}
	sim_xml_close(&c->xml, "createVolumePermission");
	return sim_call_end(c);
}
