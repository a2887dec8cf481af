/* SPDX-License-Identifier: MIT */
/* The table of the API's actions, and the checks that every request passes on the way to its
 * action. */
#include "sim_actions.h"

#include <string.h>

static const char *const no_params[] = {NULL};

/* The rates are those of EC2's table of request token buckets, and of EBS's quotas. */
static const struct sim_action actions[] = {
	{"DescribeRegions", SIM_EC2, false, sim_describe_regions, sim_regions_params, {100, 20}},
	{"DescribeSnapshots", SIM_EC2, false, sim_describe_snapshots, sim_describe_params,
		{100, 20}},
	{"CopySnapshot", SIM_EC2, true, sim_copy_snapshot, sim_copy_params, {50, 5}},
	{"DeleteSnapshot", SIM_EC2, true, sim_delete_snapshot, sim_delete_params, {100, 5}},
	{"CreateTags", SIM_EC2, true, sim_create_tags, sim_create_tags_params, {100, 10}},
	{"DeleteTags", SIM_EC2, true, sim_delete_tags, sim_create_tags_params, {100, 10}},
	{"CreateVolume", SIM_EC2, true, sim_create_volume, sim_create_volume_params, {100, 5}},
	{"DescribeVolumes", SIM_EC2, false, sim_describe_volumes, sim_volumes_params, {100, 20}},
	{"DescribeAvailabilityZones", SIM_EC2, false, sim_describe_zones, sim_zones_params,
		{100, 20}},
	{"RegisterImage", SIM_EC2, true, sim_register_image, sim_register_params, {50, 5}},
	{"DescribeImages", SIM_EC2, false, sim_describe_images, sim_images_params, {100, 20}},
	{"CreateSnapshot", SIM_EC2, true, sim_create_snapshot, sim_create_snapshot_params,
		{100, 5}},
	{"ModifySnapshotAttribute", SIM_EC2, true, sim_modify_snapshot_attribute,
		sim_sharing_params, {100, 5}},
	{"DescribeSnapshotAttribute", SIM_EC2, true, sim_describe_snapshot_attribute,
		sim_sharing_params, {100, 20}},
	{"GetEbsEncryptionByDefault", SIM_EC2, false, sim_get_encryption_by_default, no_params,
		{100, 20}},
	{"GetEbsDefaultKmsKeyId", SIM_EC2, false, sim_get_default_key, no_params, {100, 20}},
	{"GetCallerIdentity", SIM_STS, false, sim_sts_identity, no_params, {1000, 600}},
	{"AssumeRole", SIM_STS, true, sim_sts_assume_role, sim_sts_assume_params, {1000, 600}},
	{"AssumeRoleWithWebIdentity", SIM_STS, true, sim_sts_assume_role_with_web_identity,
		sim_sts_web_params, {1000, 600}},
	{"ListSnapshotBlocks", SIM_EBS, false, sim_ebs_list_blocks, sim_ebs_list_params, {50, 50}},
	{"ListChangedBlocks", SIM_EBS, false, sim_ebs_list_changed_blocks, sim_ebs_changed_params,
		{50, 50}},
	{"GetSnapshotBlock", SIM_EBS, false, sim_ebs_get_block, sim_ebs_get_params, {1000, 1000}},
};

const struct sim_action *sim_action_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (!strcmp(actions[i].name, name))
			return &actions[i];
	return NULL;
}

/* Takes a token for GetSnapshotBlock from two buckets: the snapshot's, and the account's, which is
 * larger in some regions. */
static int action_throttle_blocks(struct sim_call *c, struct sim_throttle *t, struct sim_rate rate)
{
	static const char *const large[] = {
		"us-east-1", "us-east-2", "us-west-2", "ap-southeast-1", "eu-west-1"};
	struct sim_rate account = rate;
	char kind[96];

	for (size_t i = 0; i < ARRAY_LEN(large); i++)
		if (!strcmp(c->region->name, large[i]))
			account = (struct sim_rate){rate.burst * 5, rate.per_s * 5};
	snprintf(kind, sizeof(kind), "%.32s %.48s", c->action,
		sim_params_get(c->params, "SnapshotId"));
	if (!sim_throttle_take(t, c->key->account, c->region->name, kind, rate, c->now.mono))
		return sim_fail(c, 400, "RequestThrottledException.RESOURCE_LEVEL_THROTTLE",
			"The request rate of the snapshot is exceeded");
	if (!sim_throttle_take(
		    t, c->key->account, c->region->name, c->action, account, c->now.mono))
		return sim_fail(c, 400, "ThrottlingException", "Rate exceeded");
	return 0;
}

/* Whether the request lists all snapshots or volumes: it has no page, no filter and no id. */
static bool action_is_of_all(const struct sim_call *c, const struct sim_action *action)
{
	const char *ids = action->run == sim_describe_snapshots ? "SnapshotId."
			  : action->run == sim_describe_volumes ? "VolumeId."
								: NULL;

	return ids && !sim_params_get(c->params, "MaxResults") &&
	       !sim_params_get(c->params, "NextToken") &&
	       !sim_params_has_prefix(c->params, "Filter.") &&
	       !sim_params_has_prefix(c->params, ids);
}

/* Takes a token from the action's bucket; a request that lists everything takes it from a separate,
 * smaller bucket. Returns 0, or -1 after sim_fail(). */
static int action_throttle(
	struct sim_call *c, struct sim_throttle *t, const struct sim_action *action)
{
	double scale = c->world->behaviour.throttle;
	struct sim_rate rate = action->rate;
	const char *kind = action->name;
	char all[64];

	if (scale <= 0)
		return 0;
	if (action_is_of_all(c, action)) {
		rate = (struct sim_rate){50, 10};
		snprintf(all, sizeof(all), "%s of all", action->name);
		kind = all;
	}
	rate.burst *= scale;
	rate.per_s *= scale;
	if (rate.burst < 1)
		rate.burst = 1;
	if (action->run == sim_ebs_get_block)
		return action_throttle_blocks(c, t, rate);
	if (sim_throttle_take(t, c->key->account, c->region->name, kind, rate, c->now.mono))
		return 0;
	if (c->sts)
		return sim_fail(c, 400, "Throttling", "Rate exceeded");
	return sim_fail(c, 503, "RequestLimitExceeded", "Request limit exceeded.");
}

static int check_version(struct sim_call *c)
{
	const char *v = c->ebs ? "2016-11-15" : c->version;
	bool good = c->sts ? !strcmp(v, "2011-06-15")
			   : strlen(v) == 10 && v[4] == '-' && v[7] == '-' &&
				     strcmp(v, "2006-06-26") >= 0 && strcmp(v, "2016-11-15") <= 0;

	if (good)
		return 0;
	return sim_fail(c, 400, "NoSuchVersion",
		"The requested version (%s) of service %s does not exist", v,
		c->sts ? "AWSSecurityTokenService" : "AmazonEC2");
}

/* Whether the parameter is not in EC2's API of 2012. */
static bool is_later(const struct sim_call *c, const char *name)
{
	static const struct {
		const char *action, *parameters[9]; /* beginnings of names */
	} later[] = {{"DescribeSnapshots", {"MaxResults", "NextToken"}},
		{"CopySnapshot", {"Encrypted", "KmsKeyId", "PresignedUrl", "DestinationRegion",
					 "TagSpecification.", "CompletionDurationMinutes"}},
		{"CreateVolume", {"Encrypted", "KmsKeyId", "ClientToken", "Throughput",
					 "TagSpecification.", "VolumeInitializationRate",
					 "MultiAttachEnabled", "AvailabilityZoneId"}},
		{"DescribeVolumes", {"MaxResults", "NextToken", "IncludeManagedResources"}},
		{"DescribeAvailabilityZones", {"AllAvailabilityZones", "ZoneId."}},
		{"RegisterImage",
			{"VirtualizationType", "EnaSupport", "SriovNetSupport", "BootMode",
				"TpmSupport", "ImdsSupport", "UefiData", "TagSpecification."}},
		{"DescribeImages",
			{"IncludeDisabled", "IncludeDeprecated", "MaxResults", "NextToken"}}};

	if (!strcmp(name, "DryRun"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		for (const char *const *p = later[i].parameters;
			!strcmp(later[i].action, c->action) && *p; p++)
			if (!strncmp(name, *p, strlen(*p)))
				return true;
	return false;
}

/* Drops or refuses later parameters, according to sim_behaviour.age. If it drops them, *kept
 * becomes c->params and borrows from the former c->params. */
static int forget_later_params(struct sim_call *c, struct sim_params *kept)
{
	enum sim_age age = c->world->behaviour.age;

	if (age == SIM_AGE_NOW)
		return 0;
	kept->items = calloc(c->params->n + 1, sizeof(*kept->items));
	if (!kept->items)
		return sim_fail_memory(c);
	for (size_t i = 0; i < c->params->n; i++) {
		const char *name = c->params->items[i].name;

		if (!is_later(c, name))
			kept->items[kept->n++] = c->params->items[i];
		else if (age == SIM_AGE_REFUSES)
			return sim_fail(c, 400, "UnknownParameter",
				"The parameter %s is not recognized", name);
	}
	c->params = kept;
	return 0;
}

static int check_params(struct sim_call *c, const struct sim_action *action)
{
	static const char *const common[] = {"Action", "Version", "DryRun", "X-Amz-Algorithm",
		"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
		"X-Amz-Signature", "X-Amz-Security-Token", "AWSAccessKeyId", "Signature",
		"SignatureMethod", "SignatureVersion", "Timestamp", "SecurityToken", NULL};
	const char *patterns[64];
	const char *unknown;
	size_t n = 0;

	for (size_t i = 0; common[i]; i++)
		patterns[n++] = common[i];
	for (size_t i = 0; action->params[i] && n < ARRAY_LEN(patterns) - 1; i++)
		patterns[n++] = action->params[i];
	patterns[n] = NULL;
	unknown = sim_params_unknown(c->params, patterns);
	if (unknown)
		return sim_fail(
			c, 400, "UnknownParameter", "The parameter %s is not recognized", unknown);
	return 0;
}

static int action_run(struct sim_call *c, struct sim_throttle *t, const struct sim_auth_request *r)
{
	const struct sim_action *action = sim_action_find(c->action);
	struct sim_params kept = SIM_PARAMS_INIT;
	int result;

	if (sim_access_authenticate(c, r) < 0 || check_version(c) < 0)
		return -1;
	if (!action || (action->service == SIM_STS) != c->sts ||
		(action->service == SIM_EBS) != c->ebs)
		return sim_fail(c, 400, "InvalidAction",
			"The action %s is not valid for this web service.", c->action);
	if (c->key && (action_throttle(c, t, action) < 0 || sim_access_authorize(c, c->action) < 0))
		return -1;
	if (check_params(c, action) < 0)
		return -1;
	result = forget_later_params(c, &kept);
	if (result == 0)
		result = action->run(c);
	free(kept.items);
	return result;
}

void sim_actions_answer(struct sim_world *w, struct sim_throttle *t,
	const struct sim_auth_request *r, const struct sim_params *params, int64_t clock_error_ms,
	struct sim_reply *reply)
{
	const char *name = sim_params_get(params, "Action"),
		   *version = sim_params_get(params, "Version");
	const struct sim_action *action = name ? sim_action_find(name) : NULL;
	struct sim_call c = {.world = w,
		.params = params,
		.action = name ? name : "",
		.reply = reply,
		.version = version ? version : "",
		.sts = action && action->service == SIM_STS,
		.ebs = reply->json};

	reply->status = 200;
	sim_reply_type(reply, c.ebs   ? "application/json"
			      : c.sts ? "text/xml"
				      : "text/xml;charset=UTF-8");
	if (action && action->writes)
		pthread_rwlock_wrlock(&w->lock);
	else
		pthread_rwlock_rdlock(&w->lock);
	c.now = sim_world_now(w);
	c.now.wall += clock_error_ms;
	if (!*c.action)
		sim_fail(&c, 400, "MissingAction", "The request must contain the parameter Action");
	else
		action_run(&c, t, r);
	pthread_rwlock_unlock(&w->lock);
}
