/* SPDX-License-Identifier: MIT */
/* CopySnapshot, with its PresignedUrl. */
#include "sim_actions.h"
#include "sim_disk.h"

#include <inttypes.h>
#include <string.h>

#include "num.h"
#include "sim_auth.h"
#include "sim_tags.h"

#define DESCRIPTION_MAX 255
#define MINUTE_MIB      (500 * 60) /* the maximum of a copy with a deadline, per minute */

const char *const sim_copy_params[] = {"SourceRegion", "SourceSnapshotId", "Description",
	"Encrypted", "KmsKeyId", "PresignedUrl", "DestinationRegion",
	"TagSpecification.#.ResourceType", "TagSpecification.#.Tag.#.Key",
	"TagSpecification.#.Tag.#.Value", "CompletionDurationMinutes", "DestinationOutpostArn",
	"DestinationAvailabilityZone", NULL};

/* --- PresignedUrl: a second request, for the source region, signed in the query --- */

#define SKEW_MS 900000

struct url {
	char *host;
	char *path;
	const char *query;
};

static void url_finish(struct url *u)
{
	free(u->host);
	free(u->path);
}

static bool url_split(const char *text, struct url *u)
{
	size_t host, path;

	if (!strncmp(text, "https://", 8))
		text += 8;
	else if (!strncmp(text, "http://", 7))
		text += 7;
	else
		return false;
	host = strcspn(text, "/?");
	path = strcspn(text + host, "?");
	u->host = strndup(text, host);
	u->path = path ? strndup(text + host, path) : strdup("/");
	text += host + path;
	u->query = *text == '?' ? text + 1 : "";
	return host && u->host && u->path;
}

/* Whether the URL's host is the source's, "ec2.us-east-1.amazonaws.com"; a custom endpoint, which
 * has no region in its name, must be the host of the request itself. */
static bool presigned_host_matches(const struct sim_call *c, const char *host, const char *region)
{
	size_t n = strlen(region);

	if (strncmp(host, "ec2.", 4) && strncmp(host, "ec2-fips.", 9))
		return !c->host || !strcmp(host, c->host);
	host = strchr(host, '.') + 1;
	return !strncmp(host, region, n) && host[n] == '.';
}

static const char *presigned_check_signature(
	const struct sim_call *c, const struct url *u, const struct sim_auth *a, const char *region)
{
	const struct sim_header header = {"host", u->host};
	const struct sim_auth_request r = {"GET", u->path, u->query, &header, 1, "", 0};
	const struct sim_access_key *key = sim_world_key(c->world, a->access_key);
	int64_t age = c->now.wall - a->stamp_ms;

	if (!key || key->revoked || strcmp(key->account, c->key->account) ||
		!key->token != !a->token || (key->token && strcmp(key->token, a->token)))
		return "its credentials are not valid";
	if (strcmp(a->region, region) || strcmp(a->service, "ec2"))
		return "it is not signed for the source region";
	if (age > SKEW_MS || age < -SKEW_MS || age >= a->expires_s * 1000)
		return "it has expired";
	if (!sim_auth_matches(a, &r, key->secret))
		return "its signature does not match";
	return NULL;
}

static const char *presigned_check_query(
	const struct sim_call *c, const char *query, const char *region, const char *id)
{
	struct sim_params p = SIM_PARAMS_INIT;
	const char *wanted[][2] = {{"Action", "CopySnapshot"}, {"SourceRegion", region},
		{"SourceSnapshotId", id}, {"DestinationRegion", c->region->name}};
	const char *fault = sim_params_parse(&p, query, strlen(query), false) < 0
				    ? "its query is malformed"
				    : NULL;

	for (size_t i = 0; i < ARRAY_LEN(wanted) && !fault; i++) {
		const char *value = sim_params_get(&p, wanted[i][0]);

		if (!value || strcmp(value, wanted[i][1]))
			fault = "it was made for another request";
	}
	if (!fault && !sim_params_get(&p, "Version"))
		fault = "it has no Version";
	sim_params_finish(&p);
	return fault;
}

static const char *presigned_fault(
	const struct sim_call *c, const char *url, const char *source_region, const char *source_id)
{
	_cleanup_(url_finish) struct url u = {0};
	_cleanup_(sim_auth_finish) struct sim_auth a = {0};
	struct sim_auth_request r;
	const char *why, *fault;

	if (!url_split(url, &u))
		return "it is not a URL";
	if (!presigned_host_matches(c, u.host, source_region))
		return "it is not addressed to the source region";
	r = (struct sim_auth_request){
		.method = "GET", .path = u.path, .query = u.query, .body = ""};
	if (sim_auth_parse(&r, &a, &why) < 0)
		return "it is not signed";
	fault = presigned_check_signature(c, &u, &a, source_region);
	return fault ? fault : presigned_check_query(c, u.query, source_region, source_id);
}

/* --- the request --- */

struct request {
	const char *source_region, *source_id, *description, *kms_key, *url;
	bool encrypted;
	int minutes;
	struct sim_tags tags;
	struct sim_region *from;
	const struct sim_snapshot *source; /* NULL: unknown, and the accepted copy fails later */
	struct sim_bulk_scratch scratch;
};

static void copy_request_finish(struct request *q)
{
	sim_tags_finish(&q->tags);
}

static int copy_parse_minutes(struct sim_call *c, struct request *q)
{
	const char *text = sim_params_get(c->params, "CompletionDurationMinutes");
	int64_t v = 0;

	if (text && (num_parse_i64(text, strlen(text), 15, 2880, &v) < 0 || v % 15))
		return sim_fail(c, 400, "InvalidParameterValue",
			"Value (%s) for parameter CompletionDurationMinutes is invalid. It must be "
			"a multiple of 15 from 15 to 2880.",
			text);
	q->minutes = (int)v;
	return 0;
}

static int copy_parse(struct sim_call *c, struct request *q)
{
	q->source_region = sim_call_required(c, "SourceRegion");
	if (!q->source_region)
		return -1;
	q->source_id = sim_call_required(c, "SourceSnapshotId");
	if (!q->source_id || sim_call_check_id(c, "snap", "snapshotId", q->source_id) < 0)
		return -1;
	q->description = sim_params_get(c->params, "Description");
	if (q->description &&
		sim_call_check_text(c, "Description", q->description, DESCRIPTION_MAX) < 0)
		return -1;
	if (sim_call_bool(c, "Encrypted", &q->encrypted) < 0)
		return -1;
	if (sim_params_get(c->params, "Encrypted") && !q->encrypted)
		return sim_fail(c, 400, "InvalidParameterValue",
			"Value (false) for parameter Encrypted is invalid. It cannot be set to "
			"false.");
	q->kms_key = sim_params_get(c->params, "KmsKeyId");
	if (q->kms_key && !q->encrypted)
		return sim_fail(c, 400, "InvalidParameterDependency",
			"The parameter KmsKeyId requires the parameter Encrypted to be set.");
	if (sim_params_get(c->params, "DestinationOutpostArn") ||
		sim_params_get(c->params, "DestinationAvailabilityZone"))
		return sim_fail(c, 400, "UnsupportedOperation",
			"The account has no Outposts and no Local Zones.");
	q->url = sim_params_get(c->params, "PresignedUrl");
	return copy_parse_minutes(c, q) < 0 ? -1
					    : sim_tags_from_specification(c, "snapshot", &q->tags);
}

static int copy_find_source(struct sim_call *c, struct request *q)
{
	q->from = sim_world_region(c->world, q->source_region);
	if (!q->from || !q->from->enabled)
		return sim_fail(c, 400, "InvalidRegion", "The source region '%s' is not valid.",
			q->source_region);
	if (q->from != c->region && (q->from->copies_only_inside || c->region->copies_only_inside))
		return sim_fail(c, 400, "SnapshotCopyUnsupported.InterRegion",
			"Inter-region snapshot copy is not supported for this region.");
	q->source = sim_region_find(q->from, q->source_id, &q->scratch);
	if (q->source && !q->source->deleted && sim_call_may_see(c, q->source))
		return 0;
	q->source = NULL;
	if (c->world->behaviour.late_source_errors)
		return 0;
	return sim_fail(c, 400, "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.",
		q->source_id);
}

static int copy_check_source(struct sim_call *c, const struct request *q)
{
	struct sim_view v;

	if (!q->source)
		return 0;
	sim_region_view(q->from, q->source, &c->world->behaviour, c->now, &v);
	if (strcmp(v.state, "completed"))
		return sim_fail(c, 400, "IncorrectState",
			"The snapshot '%s' is not in the 'completed' state: it is '%s'.",
			q->source_id, v.state);
	if (q->source->storage_tier && !strcmp(q->source->storage_tier, "archive") &&
		q->source->restore_expiry_ms <= c->now.wall)
		return sim_fail(c, 400, "IncorrectState",
			"The snapshot '%s' is archived. Restore it first.", q->source_id);
	if (q->source->encrypted && q->from != c->region && !q->url)
		return sim_fail(c, 400, "MissingParameter",
			"The request must contain the parameter PresignedUrl");
	if (q->minutes && q->source->full_size >> 20 > (int64_t)q->minutes * MINUTE_MIB)
		return sim_fail(c, 400, "InvalidParameterValue",
			"The snapshot '%s' cannot be copied in %d minutes: the maximum throughput "
			"is 500 MiB/s.",
			q->source_id, q->minutes);
	return 0;
}

static int copy_check_limits(struct sim_call *c)
{
	struct sim_region *r = c->region;
	int limit = r->copy_limit >= 0 ? r->copy_limit : c->world->behaviour.copy_limit;

	if (sim_region_copies(r, c->key->account) >= (size_t)limit)
		return sim_fail(c, 400, "ResourceLimitExceeded",
			"Too many snapshot copies in progress. The limit is %d for this "
			"destination region.",
			limit);
	if (r->snapshot_limit && r->n_alive >= (size_t)r->snapshot_limit)
		return sim_fail(c, 400, "SnapshotLimitExceeded",
			"The maximum number of snapshots (%d) for this region has been reached.",
			r->snapshot_limit);
	return 0;
}

/* Returns the copy's KMS key, NULL for none, by the user guide's table of encryption outcomes. Sets
 * *failure if EC2 would refuse the key only after it has accepted the copy. */
static const char *copy_choose_key(
	const struct sim_call *c, const struct request *q, const char **failure)
{
	const struct sim_region *r = c->region;
	const char *managed = r->keys[0].arn,
		   *usual = r->default_kms_arn ? r->default_kms_arn : managed;
	const struct sim_kms_key *key = q->kms_key ? sim_region_kms(r, q->kms_key) : NULL;
	const struct sim_kms_key *old = q->source && q->source->kms_key_id
						? sim_region_kms(q->from, q->source->kms_key_id)
						: NULL;

	if ((q->kms_key && (!key || !key->usable)) || (old && !old->usable))
		*failure = "Given key ID is not accessible";
	if (q->kms_key)
		return key ? key->arn : q->kms_key;
	if (r->encrypts_by_default)
		return usual;
	if (q->source && q->source->encrypted)
		return managed;
	return q->encrypted ? usual : NULL;
}

/* Writes the status message with which an accepted copy will fail; "" if it will succeed. */
static void copy_failure(const struct sim_call *c, const struct request *q, const char *key_failure,
	char *out, size_t size)
{
	const char *url =
		q->url ? presigned_fault(c, q->url, q->source_region, q->source_id) : NULL;

	if (!q->source)
		snprintf(out, size, "Source snapshot is not found");
	else if (url)
		snprintf(out, size, "The PresignedUrl is not valid: %s", url);
	else
		snprintf(out, size, "%s", key_failure ? key_failure : "");
}

static int64_t copy_duration(struct sim_call *c, const struct sim_snapshot *s, bool fails)
{
	const struct sim_behaviour *b = &c->world->behaviour;
	int64_t ms = sim_world_draw(c->world, b->copy_ms);

	if (b->copy_mib_s > 0 && s->full_size > 0) {
		ms = (s->full_size >> 20) * 1000 / b->copy_mib_s;
		ms = ms > b->copy_ms.min ? ms : b->copy_ms.min;
	}
	return fails ? ms / 4 : ms;
}

/* Creates the copy; NULL on ENOMEM. */
static struct sim_snapshot *copy_make(struct sim_call *c, struct request *q)
{
	const char *key_failure = NULL, *key = copy_choose_key(c, q, &key_failure);
	struct sim_snapshot *s = sim_snapshot_create();
	char id[32], failure[160], data_key[40] = "";
	int r;

	if (!s)
		return NULL;
	copy_failure(c, q, key_failure, failure, sizeof(failure));
	sim_region_new_id(c->world, c->region, "snap", id);
	snprintf(data_key, sizeof(data_key), "%08x-0000-4000-8000-%012" PRIx64,
		(unsigned)sim_world_random(c->world), sim_world_random(c->world) >> 16);
	r = sim_snapshot_set(&s->id, id) | sim_snapshot_set(&s->volume_id, "vol-ffffffff") |
	    sim_snapshot_set(&s->owner_id, c->key->account) |
	    sim_snapshot_set(&s->state, "pending") |
	    sim_snapshot_set(&s->description, q->description ? q->description : "") |
	    sim_snapshot_set(&s->storage_tier, "standard") |
	    sim_snapshot_set(&s->transfer_type, q->minutes ? "time-based" : "standard") |
	    sim_snapshot_set(&s->source_region, q->source_region) |
	    sim_snapshot_set(&s->source_id, q->source_id) |
	    sim_snapshot_set(&s->run.failure, *failure ? failure : NULL);
	if (key)
		r |= sim_snapshot_set(&s->kms_key_id, key) |
		     sim_snapshot_set(&s->sse_type, "sse-kms") |
		     sim_snapshot_set(&s->data_key_id, data_key);
	if (q->source)
		r |= sim_disk_of_copy(c->world, q->source, &s->disk);
	s->encrypted = key != NULL;
	s->is_copy = true;
	s->start_ms = c->now.wall;
	s->volume_gib = q->source ? q->source->volume_gib : 1;
	s->full_size = q->source ? q->source->full_size : -1;
	s->completion_minutes = q->minutes;
	s->visible_at = sim_call_shown_at(c);
	sim_call_show_tags(c, s, &q->tags);
	if (r < 0) {
		sim_snapshot_destroy(s);
		return NULL;
	}
	sim_region_start(c->region, s, copy_duration(c, s, *failure), c->now);
	return s;
}

static int copy_respond(struct sim_call *c, const struct sim_snapshot *s)
{
	sim_call_begin(c);
	sim_xml_leaf(&c->xml, "snapshotId", s->id);
	if (s->tags.n) {
		sim_xml_open(&c->xml, "tagSet");
		for (size_t i = 0; i < s->tags.n; i++) {
			sim_xml_open(&c->xml, "item");
			sim_xml_leaf(&c->xml, "key", s->tags.items[i].key);
			sim_xml_leaf(&c->xml, "value", s->tags.items[i].value);
			sim_xml_close(&c->xml, "item");
		}
		sim_xml_close(&c->xml, "tagSet");
	}
	return sim_call_end(c);
}

int sim_copy_snapshot(struct sim_call *c)
{
	_cleanup_(copy_request_finish) struct request q = {0};
	struct sim_snapshot *s;
	size_t copies;

	for (size_t i = 0; i < c->world->n_regions; i++)
		sim_region_settle(c->world->regions[i], c->now);
	if (copy_parse(c, &q) < 0 || (q.tags.n && sim_access_authorize(c, "CreateTags") < 0) ||
		copy_find_source(c, &q) < 0 || sim_call_dry_run(c) < 0 ||
		copy_check_source(c, &q) < 0 || copy_check_limits(c) < 0)
		return -1;
	s = copy_make(c, &q);
	if (!s || sim_region_add(c->region, s) < 0)
		return sim_fail_memory(c);
	c->region->copies_started++;
	copies = sim_region_copies(c->region, c->key->account);
	if (copies > c->region->max_copies)
		c->region->max_copies = copies;
	return copy_respond(c, s);
}
