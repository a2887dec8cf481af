/* SPDX-License-Identifier: MIT */
/* CreateVolume: the ranges of its parameters, client tokens, limits, and the KMS key, which EC2
 * checks only after it has accepted the request. */
#include <string.h>

#include "num.h"
#include "sim_actions.h"
#include "sim_page.h"
#include "sim_tags.h"
#include "sim_volume_calls.h"

#define TOKEN_MAX   64
#define RATE_MIN    100 /* MiB/s */
#define RATE_MAX    300
#define RATE_IN_ALL 5000 /* maximum sum for all volumes that are loading at once */
#define GONE_KEY    "the key could not be used"

const char *const sim_create_volume_params[] = {"AvailabilityZone", "AvailabilityZoneId", "Size",
	"SnapshotId", "VolumeType", "Encrypted", "KmsKeyId", "Iops", "Throughput", "ClientToken",
	"MultiAttachEnabled", "OutpostArn", "VolumeInitializationRate",
	"TagSpecification.#.ResourceType", "TagSpecification.#.Tag.#.Key",
	"TagSpecification.#.Tag.#.Value", NULL};

struct volume_request {
	const struct sim_zone *zone;
	const char *snapshot_id, *kms_key, *token;
	const struct sim_snapshot *snapshot; /* NULL: none */
	const struct sim_volume_type *type;
	int64_t size, iops, throughput, rate; /* 0: absent */
	bool encrypted, encrypted_given, multi_attach;
	struct sim_tags tags;
	struct sim_bulk_scratch scratch;
};

static void volume_request_finish(struct volume_request *q)
{
	sim_tags_finish(&q->tags);
}

/* Reads a parameter that is a whole number from 1 on; *out is 0 if it is absent. Returns 0, or -1
 * after sim_fail(). */
static int create_read_number(struct sim_call *c, const char *name, int64_t *out)
{
	const char *text = sim_params_get(c->params, name);

	*out = 0;
	if (!text || num_parse_i64(text, strlen(text), 1, INT32_MAX, out) == 0)
		return 0;
	return sim_fail(c, 400, "InvalidParameterValue",
		"Value (%s) for parameter %s is invalid. Expected a positive integer.", text, name);
}

static int create_find_zone(struct sim_call *c, struct volume_request *q)
{
	const char *name = sim_params_get(c->params, "AvailabilityZone"),
		   *id = sim_params_get(c->params, "AvailabilityZoneId");

	if (name && id)
		return sim_fail(c, 400, "InvalidParameterCombination",
			"Only one of AvailabilityZone and AvailabilityZoneId can be specified.");
	if (!id && !sim_call_required(c, "AvailabilityZone"))
		return -1;
	q->zone = sim_zones_find(c->region, name, id);
	if (!q->zone || !sim_zones_is_usable(q->zone))
		return sim_fail(c, 400, "InvalidZone.NotFound", "The zone '%s' does not exist.",
			name ? name : id);
	return 0;
}

static int create_parse(struct sim_call *c, struct volume_request *q)
{
	const char *type = sim_params_get(c->params, "VolumeType");

	if (create_find_zone(c, q) < 0 || create_read_number(c, "Size", &q->size) < 0 ||
		create_read_number(c, "Iops", &q->iops) < 0 ||
		create_read_number(c, "Throughput", &q->throughput) < 0 ||
		create_read_number(c, "VolumeInitializationRate", &q->rate) < 0 ||
		sim_call_bool(c, "Encrypted", &q->encrypted) < 0 ||
		sim_call_bool(c, "MultiAttachEnabled", &q->multi_attach) < 0)
		return -1;
	q->encrypted_given = sim_params_get(c->params, "Encrypted") != NULL;
	q->type = sim_volume_type(type ? type : "gp2");
	if (!q->type)
		return sim_fail(c, 400, "UnknownVolumeType", "Unknown volume type '%s'.", type);
	q->kms_key = sim_params_get(c->params, "KmsKeyId");
	if (q->kms_key && !q->encrypted)
		return sim_fail(c, 400, "InvalidParameterDependency",
			"The parameter KmsKeyId requires the parameter Encrypted to be set.");
	q->token = sim_params_get(c->params, "ClientToken");
	if (q->token && (!*q->token || strlen(q->token) > TOKEN_MAX))
		return sim_fail(c, 400, "InvalidParameterValue",
			"The client token must have 1 to %d ASCII characters.", TOKEN_MAX);
	for (const char *p = q->token; p && *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return sim_fail(c, 400, "InvalidParameterValue",
				"The client token must have ASCII characters only.");
	if (sim_params_get(c->params, "OutpostArn"))
		return sim_fail(c, 400, "UnsupportedOperation", "The account has no Outposts.");
	return sim_tags_from_specification(c, "volume", &q->tags);
}

static int create_find_snapshot(struct sim_call *c, struct volume_request *q)
{
	q->snapshot_id = sim_params_get(c->params, "SnapshotId");
	if (q->snapshot_id && !*q->snapshot_id)
		q->snapshot_id = NULL;
	if (!q->snapshot_id && !q->size)
		return sim_fail(c, 400, "MissingParameter",
			"The request must contain the parameter size/snapshot");
	if (!q->snapshot_id)
		return 0;
	if (sim_call_check_id(c, "snap", "snapshotId", q->snapshot_id) < 0)
		return -1;
	q->snapshot = sim_region_find(c->region, q->snapshot_id, &q->scratch);
	if (!q->snapshot || q->snapshot->deleted || !sim_call_may_see(c, q->snapshot))
		return sim_fail(c, 400, "InvalidSnapshot.NotFound",
			"The snapshot '%s' does not exist.", q->snapshot_id);
	return 0;
}

static int create_check_snapshot(struct sim_call *c, const struct volume_request *q)
{
	const struct sim_snapshot *s = q->snapshot;
	const struct sim_zone *local =
		s && s->zone ? sim_zones_find(c->region, s->zone, NULL) : NULL;

	if (!s)
		return 0;
	if (sim_call_check_usable(c, s) < 0)
		return -1;
	if (s->outpost_arn || (local && sim_zones_is_local(local) && local != q->zone))
		return sim_fail(c, 400, "UnsupportedOperation",
			"The snapshot '%s' cannot be used in the zone '%s'.", s->id, q->zone->name);
	if (s->encrypted && q->encrypted_given && !q->encrypted)
		return sim_fail(c, 400, "InvalidParameterValue",
			"A volume of an encrypted snapshot cannot be unencrypted.");
	if (q->size && q->size < s->volume_gib)
		return sim_fail(c, 400, "InvalidParameterValue",
			"The volume size (%d GiB) is smaller than the snapshot '%s', expect size "
			">= %u GiB",
			(int)q->size, s->id, s->volume_gib);
	return 0;
}

static int64_t create_gib(const struct volume_request *q)
{
	return q->size ? q->size : q->snapshot->volume_gib;
}

static int create_check_range(struct sim_call *c, const struct volume_request *q, const char *what,
	int64_t value, int64_t min, int64_t max)
{
	if (value >= min && value <= max)
		return 0;
	return sim_fail(c, 400, "InvalidParameterValue",
		"Volume %s of %d is too %s for %s volumes; %s is %d.", what, (int)value,
		value < min ? "low" : "high", q->type->name, value < min ? "minimum" : "maximum",
		(int)(value < min ? min : max));
}

static int create_check_iops(struct sim_call *c, const struct volume_request *q)
{
	const struct sim_volume_type *type = q->type;
	int64_t free = type->iops; /* up to this number, iops_per_gib does not apply */

	if (!q->iops && type->iops_required)
		return sim_fail(
			c, 400, "MissingParameter", "The request must contain the parameter iops");
	if (!q->iops)
		return 0;
	if (!type->max_iops)
		return sim_fail(c, 400, "InvalidParameterCombination",
			"The parameter iops is not supported for %s volumes.", type->name);
	if (create_check_range(c, q, "iops", q->iops, type->min_iops, type->max_iops) < 0)
		return -1;
	if (q->iops > free && q->iops > create_gib(q) * type->iops_per_gib)
		return sim_fail(c, 400, "InvalidParameterValue",
			"Iops to volume size ratio of %.6f is too high; maximum is %d",
			(double)q->iops / (double)create_gib(q), type->iops_per_gib);
	return 0;
}

static int create_check_type(struct sim_call *c, const struct volume_request *q)
{
	const struct sim_volume_type *type = q->type;
	int64_t iops = q->iops ? q->iops : type->iops;

	if (create_check_range(c, q, "size", create_gib(q), type->min_gib, type->max_gib) < 0 ||
		create_check_iops(c, q) < 0)
		return -1;
	if (q->throughput && !type->max_throughput)
		return sim_fail(c, 400, "InvalidParameterCombination",
			"The parameter throughput is not supported for %s volumes.", type->name);
	if (q->throughput && create_check_range(c, q, "throughput", q->throughput,
				     type->min_throughput, type->max_throughput) < 0)
		return -1;
	if (q->throughput > iops / 4 && q->throughput)
		return sim_fail(c, 400, "InvalidParameterValue",
			"Throughput (MiBps) to iops ratio of %.6f is too high; maximum is 0.250000 "
			"MiBps per iops.",
			(double)q->throughput / (double)iops);
	if (q->multi_attach && strncmp(type->name, "io", 2) != 0)
		return sim_fail(c, 400, "InvalidParameterCombination",
			"MultiAttachEnabled is not supported for %s volumes.", type->name);
	return 0;
}

/* Returns the sum of the provisioned rates of the region's volumes that are loading. */
static int64_t create_rate_in_use(const struct sim_call *c)
{
	int64_t sum = 0;

	for (size_t i = 0; i < c->region->n_volumes; i++)
		if (c->region->volumes[i].loaded_at > c->now.mono)
			sum += c->region->volumes[i].rate;
	return sum;
}

static int create_check_rate(struct sim_call *c, const struct volume_request *q)
{
	if (!q->rate)
		return 0;
	if (!q->snapshot)
		return sim_fail(c, 400, "InvalidParameterCombination",
			"VolumeInitializationRate is only supported for volumes created from "
			"snapshots.");
	if (q->rate < RATE_MIN || q->rate > RATE_MAX)
		return sim_fail(c, 400, "InvalidParameterValue",
			"Value (%d) for parameter VolumeInitializationRate is invalid. It must be "
			"from %d to %d.",
			(int)q->rate, RATE_MIN, RATE_MAX);
	if (sim_zones_is_local(q->zone))
		return sim_fail(c, 400, "UnsupportedOperation",
			"VolumeInitializationRate is not supported in the zone '%s'.",
			q->zone->name);
	return 0;
}

static int create_check_zone(struct sim_call *c, const struct volume_request *q)
{
	if (sim_zones_is_local(q->zone) && strncmp(q->type->name, "gp", 2) != 0)
		return sim_fail(c, 400, "VolumeTypeNotAvailableInZone",
			"The volume type '%s' is not available in the zone '%s'.", q->type->name,
			q->zone->name);
	if (strcmp(q->zone->state, "available") && strcmp(q->zone->state, "information"))
		return sim_fail(c, 500, "InsufficientVolumeCapacity",
			"There is not enough capacity to fulfill your EBS volume provision request "
			"in the zone '%s'.",
			q->zone->name);
	return 0;
}

static int create_check_limits(struct sim_call *c, const struct volume_request *q, int iops)
{
	const struct sim_region *r = c->region;
	int64_t gib = create_gib(q), all_iops = iops;

	for (size_t i = 0; i < r->n_volumes; i++) {
		const struct sim_volume *v = &r->volumes[i];

		if (strcmp(v->owner_id, c->key->account) || !v->type ||
			strcmp(v->type, q->type->name) || !sim_volume_state(r, v, c->now))
			continue;
		gib += v->gib;
		all_iops += v->iops;
	}
	if (r->volume_gib_limit && gib > r->volume_gib_limit)
		return sim_fail(c, 400, "VolumeLimitExceeded",
			"You have exceeded your maximum %s storage limit of %d GiB in this region.",
			q->type->name, r->volume_gib_limit);
	if (r->volume_iops_limit && all_iops > r->volume_iops_limit)
		return sim_fail(c, 400, "MaxIOPSLimitExceeded",
			"You have exceeded your maximum %s iops limit of %d in this region.",
			q->type->name, r->volume_iops_limit);
	if (q->rate && create_rate_in_use(c) + q->rate > RATE_IN_ALL)
		return sim_fail(c, 400, "VolumeInitializationRateLimitExceeded",
			"The volume initialization rates of concurrent requests exceed %d MiB/s.",
			RATE_IN_ALL);
	return 0;
}

/* Returns the volume's key, NULL for none, by the user guide's table. Sets *fails if EC2 would
 * refuse the key only after it has accepted the volume. */
static const char *create_choose_key(
	const struct sim_call *c, const struct volume_request *q, bool *fails)
{
	const struct sim_region *r = c->region;
	const char *usual = r->default_kms_arn ? r->default_kms_arn : r->keys[0].arn;
	const struct sim_kms_key *key = q->kms_key ? sim_region_kms(r, q->kms_key) : NULL;
	const char *source = q->snapshot ? q->snapshot->kms_key_id : NULL;
	const struct sim_kms_key *old = source ? sim_region_kms(r, source) : NULL;

	*fails = (q->kms_key && (!key || !key->usable)) || (old && !old->usable);
	if (q->kms_key)
		return key ? key->arn : q->kms_key;
	if (r->encrypts_by_default)
		return usual;
	if (q->snapshot && q->snapshot->encrypted)
		return source ? source : usual;
	return q->encrypted ? usual : NULL;
}

/* Finds the volume of an earlier request with the token; NULL: none. */
static const struct sim_volume *create_find_token(const struct sim_call *c, const char *token)
{
	for (size_t i = 0; token && i < c->region->n_volumes; i++) {
		const struct sim_volume *v = &c->region->volumes[i];

		if (v->token && !strcmp(v->token, token) && !strcmp(v->owner_id, c->key->account) &&
			(!v->token_until || c->now.mono < v->token_until))
			return v;
	}
	return NULL;
}

static int create_respond(struct sim_call *c, const struct sim_volume *v, const char *state)
{
	sim_call_begin(c);
	sim_volume_write(c, v, state);
	return sim_call_end(c);
}

/* Responds to a request whose client token was used before, for volume v. */
static int create_again(struct sim_call *c, const struct sim_volume *v, uint64_t request)
{
	const char *state = sim_volume_state(c->region, v, c->now);

	if (!state || v->deleted)
		return sim_fail(c, 400, "IdempotentParameterMismatch",
			"The client token you have provided is associated with a resource that is "
			"already deleted. Please use a different client token.");
	if (v->request != request)
		return sim_fail(c, 400, "IdempotentParameterMismatch",
			"The parameters of the request do not match those of an earlier request "
			"with the same client token.");
	return create_respond(c, v, state);
}

/* Fills v; its strings are on the heap. Returns 0 or -ENOMEM. */
static int create_fill(struct sim_call *c, struct volume_request *q, struct sim_volume *v, int iops)
{
	const struct sim_behaviour *b = &c->world->behaviour;
	bool fails = false;
	const char *key = create_choose_key(c, q, &fails);
	char id[32];

	sim_region_new_id(c->world, c->region, "vol", id);
	*v = (struct sim_volume){.id = strdup(id),
		.owner_id = strdup(c->key->account),
		.zone = strdup(q->zone->name),
		.snapshot_id = q->snapshot_id ? strdup(q->snapshot_id) : NULL,
		.kms_key_id = key ? strdup(key) : NULL,
		.type = strdup(q->type->name),
		.token = q->token ? strdup(q->token) : NULL,
		.request = sim_page_hash(c),
		.gib = (uint32_t)create_gib(q),
		.iops = iops,
		.throughput = q->throughput             ? (int)q->throughput
			      : q->type->max_throughput ? q->type->min_throughput
							: 0,
		.rate = (int)q->rate,
		.multi_attach = q->multi_attach,
		.tags = q->tags,
		.created_ms = c->now.wall,
		.visible_at = sim_call_shown_at(c),
		.run = {.failure = fails ? strdup(GONE_KEY) : NULL}};
	q->tags = (struct sim_tags){0};
	if (b->client_token_s)
		v->token_until = c->now.mono + b->client_token_s * 1000LL;
	if (q->rate && q->snapshot->full_size > 0)
		v->loaded_at = c->now.mono + (q->snapshot->full_size >> 20) * 1000 / q->rate;
	sim_region_start_run(c->region, &v->run, sim_world_draw(c->world, b->volume_ms), c->now);
	return v->id && v->owner_id && v->zone && v->type && !q->snapshot_id == !v->snapshot_id &&
			       !key == !v->kms_key_id && !q->token == !v->token &&
			       fails == (v->run.failure != NULL)
		       ? 0
		       : -1;
}

static int create_store(struct sim_call *c, struct volume_request *q, int iops)
{
	struct sim_region *r = c->region;
	struct sim_volume *grown = realloc(r->volumes, (r->n_volumes + 1) * sizeof(*grown));

	if (!grown)
		return sim_fail_memory(c);
	r->volumes = grown;
	if (create_fill(c, q, &grown[r->n_volumes], iops) < 0) {
		sim_volume_finish(&grown[r->n_volumes]);
		return sim_fail_memory(c);
	}
	r->volumes_created++;
	/* The response says "creating" even if the key is bad. */
	return create_respond(c, &grown[r->n_volumes++], "creating");
}

int sim_create_volume(struct sim_call *c)
{
	_cleanup_(volume_request_finish) struct volume_request q = {0};
	const struct sim_volume *earlier;
	bool dry;
	int iops;

	sim_region_settle(c->region, c->now);
	if (create_parse(c, &q) < 0 || (q.tags.n && sim_access_authorize(c, "CreateTags") < 0) ||
		sim_call_bool(c, "DryRun", &dry) < 0)
		return -1;
	earlier = dry ? NULL : create_find_token(c, q.token);
	if (earlier)
		return create_again(c, earlier, sim_page_hash(c));
	if (create_find_snapshot(c, &q) < 0 || create_check_type(c, &q) < 0 ||
		create_check_rate(c, &q) < 0 || sim_call_dry_run(c) < 0)
		return -1;
	iops = q.iops ? (int)q.iops : sim_volume_type_iops(q.type, (uint32_t)create_gib(&q));
	if (create_check_snapshot(c, &q) < 0 || create_check_zone(c, &q) < 0 ||
		create_check_limits(c, &q, iops) < 0)
		return -1;
	return create_store(c, &q, iops);
}
