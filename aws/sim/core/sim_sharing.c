/* SPDX-License-Identifier: MIT */
/* Who else may make volumes of a snapshot. */
#include "sim_sharing.h"

#include <string.h>

const char *const sim_sharing_params[] = {"SnapshotId", "Attribute", "OperationType", "UserId.#",
	"UserGroup.#", "CreateVolumePermission.Add.#.UserId", "CreateVolumePermission.Add.#.Group",
	"CreateVolumePermission.Remove.#.UserId", "CreateVolumePermission.Remove.#.Group", NULL};

/* One change, as both of EC2's forms come down to. */
static int change(
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

/* OperationType with UserId.N and UserGroup.N. */
static int change_flat(struct sim_call *c, struct sim_snapshot *s, const char *operation)
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
		if (change(c, s, add, users[i], NULL) < 0)
			return -1;
	for (int i = 0; i < n_groups; i++)
		if (change(c, s, add, NULL, groups[i]) < 0)
			return -1;
	return 0;
}

/* CreateVolumePermission.Add.N or .Remove.N. */
static int change_structured(struct sim_call *c, struct sim_snapshot *s, const char *verb, bool add)
{
	_cleanup_free_ size_t *numbers = NULL;
	char prefix[48];
	int n;

	snprintf(prefix, sizeof(prefix), "CreateVolumePermission.%s.", verb);
	n = sim_params_numbers(c->params, prefix, &numbers);
	if (n < 0)
		return sim_fail_memory(c);
	for (int i = 0; i < n; i++)
		if (change(c, s, add,
			    sim_params_getf(c->params, "%s%zu.UserId", prefix, numbers[i]),
			    sim_params_getf(c->params, "%s%zu.Group", prefix, numbers[i])) < 0)
			return -1;
	return 0;
}

/* The snapshot that the request names; NULL after sim_fail(). */
static struct sim_snapshot *named(struct sim_call *c)
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
	struct sim_snapshot *s = named(c);

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
	if (sim_call_dry_run(c) < 0 || (operation && change_flat(c, s, operation) < 0) ||
		(adds && change_structured(c, s, "Add", true) < 0) ||
		(removes && change_structured(c, s, "Remove", false) < 0))
		return -1;
	return sim_call_true(c);
}

int sim_describe_snapshot_attribute(struct sim_call *c)
{
	const char *attribute = sim_call_required(c, "Attribute");
	struct sim_snapshot *s = attribute ? named(c) : NULL;

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
