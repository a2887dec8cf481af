/* SPDX-License-Identifier: MIT */
/* Reads and writes a snapshot as JSON. */
/*
 * Members under EC2's own names, so that the output of `aws ec2 describe-snapshots` is accepted:
 *
 *   SnapshotId VolumeId OwnerId OwnerAlias Description State StateMessage Progress KmsKeyId
 *   DataEncryptionKeyId OutpostArn AvailabilityZone StorageTier SseType TransferType
 *                     strings; null: the field is absent from EC2's response
 *   StartTime CompletionTime RestoreExpiryTime
 *                     "2026-01-02T03:04:05Z", or relative to now: "-3d", "-5h", "10m", "-30s"
 *   VolumeSize FullSnapshotSizeInBytes CompletionDurationMinutes
 *                     numbers
 *   Encrypted         true or false
 *   Tags              {"key": "value"} or [{"Key": "key", "Value": "value"}]
 *
 * Members that EC2 does not show:
 *
 *   public in_use locked copy
 *                     true or false; a pending copy counts for the destination's limit
 *   shared            ids of the accounts with permission to create volumes
 *   disk              selects the contents, see sim_disk.h
 *   source_region source_id
 *                     the source of a copy
 *   ends_in           seconds until a pending snapshot ends (null: never)
 *   fails             the status message, if the snapshot fails when "ends_in" is over
 *   visible_in        seconds until DescribeSnapshots shows the snapshot
 *   slot              ignored, so that the output of GET /_sim/snapshots is accepted
 *
 * No member is required. By default a snapshot is completed, a day old, of 8 GiB, half full, and
 * has a random id.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cleanup.h"
#include "isotime.h"
#include "sim_world_json.h"

enum type { TEXT, TIME, U32, INT, BYTES, BOOL };

static const struct field {
	const char *name;
	enum type type;
	size_t offset;
} fields[] = {
#define AT(member) offsetof(struct sim_snapshot, member)
	{"SnapshotId", TEXT, AT(id)},
	{"VolumeId", TEXT, AT(volume_id)},
	{"OwnerId", TEXT, AT(owner_id)},
	{"OwnerAlias", TEXT, AT(owner_alias)},
	{"Description", TEXT, AT(description)},
	{"State", TEXT, AT(state)},
	{"StateMessage", TEXT, AT(message)},
	{"Progress", TEXT, AT(progress)},
	{"KmsKeyId", TEXT, AT(kms_key_id)},
	{"DataEncryptionKeyId", TEXT, AT(data_key_id)},
	{"OutpostArn", TEXT, AT(outpost_arn)},
	{"AvailabilityZone", TEXT, AT(zone)},
	{"StorageTier", TEXT, AT(storage_tier)},
	{"SseType", TEXT, AT(sse_type)},
	{"TransferType", TEXT, AT(transfer_type)},
	{"StartTime", TIME, AT(start_ms)},
	{"CompletionTime", TIME, AT(completion_ms)},
	{"RestoreExpiryTime", TIME, AT(restore_expiry_ms)},
	{"VolumeSize", U32, AT(volume_gib)},
	{"FullSnapshotSizeInBytes", BYTES, AT(full_size)},
	{"CompletionDurationMinutes", INT, AT(completion_minutes)},
	{"Encrypted", BOOL, AT(encrypted)},
	{"public", BOOL, AT(is_public)},
	{"in_use", BOOL, AT(in_use)},
	{"locked", BOOL, AT(locked)},
	{"copy", BOOL, AT(is_copy)},
	{"disk", TEXT, AT(disk)},
	{"source_region", TEXT, AT(source_region)},
	{"source_id", TEXT, AT(source_id)},
	{"fails", TEXT, AT(run.failure)},
#undef AT
};

static const struct field *field_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

int sim_snapshot_json_time(
	const struct sim_world *w, const json_t *json, int64_t *ms, struct err *err)
{
	const char *s = json_string_value(json);
	long long amount = 0;
	char unit = 0, rest;

	if (json_is_null(json)) {
		*ms = 0;
		return 0;
	}
	if (s && isotime_parse(s, strlen(s), ms) == 0)
		return 0;
	if (!s || sscanf(s, "%lld%c%c", &amount, &unit, &rest) != 2 || !strchr("smhd", unit) ||
		amount > 100000000 || amount < -100000000)
		return err_set(err, EINVAL, "not a time: %s", s ? s : "(not a string)");
	amount *= unit == 's' ? 1000 : unit == 'm' ? 60000 : unit == 'h' ? 3600000 : 86400000;
	*ms = sim_world_now(w).wall + amount;
	return 0;
}

static int field_set(const struct sim_world *w, const struct field *f, const json_t *v,
	struct sim_snapshot *s, struct err *err)
{
	void *at = (char *)s + f->offset;
	json_int_t n = json_integer_value(v);

	switch (f->type) {
	case TEXT:
		if (!json_is_string(v) && !json_is_null(v))
			break;
		return sim_snapshot_set(at, json_string_value(v)) < 0
			       ? err_set(err, ENOMEM, "out of memory")
			       : 0;
	case TIME:
		return sim_snapshot_json_time(w, v, at, err);
	case U32:
		if (!json_is_integer(v) || n < 0 || n > UINT32_MAX)
			break;
		*(uint32_t *)at = (uint32_t)n;
		return 0;
	case INT:
		if (!json_is_integer(v) || n < 0 || n > INT32_MAX)
			break;
		*(int *)at = (int)n;
		return 0;
	case BYTES:
		if (!json_is_integer(v) && !json_is_null(v))
			break;
		*(int64_t *)at = json_is_null(v) ? -1 : n;
		return 0;
	case BOOL:
		if (!json_is_boolean(v))
			break;
		*(bool *)at = json_is_true(v);
		return 0;
	}
	return err_set(err, EINVAL, "%s: a value of the wrong type", f->name);
}

static int snapshot_set_tags(const json_t *v, struct sim_snapshot *s, struct err *err)
{
	const char *key;
	json_t *value;
	size_t i;

	sim_tags_finish(&s->tags);
	sim_tags_finish(&s->old_tags);
	s->tags_at = 0;
	json_object_foreach((json_t *)v, key, value)
	{
		if (!json_is_string(value))
			return err_set(err, EINVAL, "Tags: a value that is not a string");
		if (sim_tags_set(&s->tags, key, json_string_value(value)) < 0)
			return err_set(err, ENOMEM, "out of memory");
	}
	json_array_foreach(v, i, value)
	{
		key = json_string_value(json_object_get(value, "Key"));
		if (!key || !json_is_string(json_object_get(value, "Value")))
			return err_set(err, EINVAL, "Tags: an entry without Key and Value");
		if (sim_tags_set(
			    &s->tags, key, json_string_value(json_object_get(value, "Value"))) < 0)
			return err_set(err, ENOMEM, "out of memory");
	}
	return json_is_object(v) || json_is_array(v)
		       ? 0
		       : err_set(err, EINVAL, "Tags: neither object nor list");
}

static int snapshot_set_shared(const json_t *v, struct sim_snapshot *s, struct err *err)
{
	json_t *account;
	size_t i;

	while (s->n_shared)
		sim_snapshot_unshare(s, s->shared[0]);
	json_array_foreach(v, i, account)
	{
		if (!json_is_string(account))
			return err_set(err, EINVAL, "shared: not a list of account ids");
		if (sim_snapshot_share(s, json_string_value(account)) < 0)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* Sets a member that is no plain field. Of "ends_in" and "visible_in" it only checks the type;
 * snapshot_set_clocks() sets them. */
static int snapshot_set_other(
	const char *name, const json_t *v, struct sim_snapshot *s, struct err *err)
{
	if (!strcmp(name, "Tags"))
		return snapshot_set_tags(v, s, err);
	if (!strcmp(name, "shared"))
		return snapshot_set_shared(v, s, err);
	if (!strcmp(name, "ends_in") || !strcmp(name, "visible_in") || !strcmp(name, "slot"))
		return json_is_number(v) || json_is_null(v)
			       ? 0
			       : err_set(err, EINVAL, "%s: not a number", name);
	return err_set(err, EINVAL, "unknown: %s", name);
}

static int snapshot_set_all(
	const struct sim_world *w, const json_t *json, struct sim_snapshot *s, struct err *err)
{
	const char *name;
	json_t *v;

	if (!json_is_object(json))
		return err_set(err, EINVAL, "a snapshot is an object");
	json_object_foreach((json_t *)json, name, v)
	{
		const struct field *f = field_find(name);
		int r = f ? field_set(w, f, v, s, err) : snapshot_set_other(name, v, s, err);

		if (r < 0)
			return r;
	}
	if (!s->id || !s->state || !s->owner_id)
		return err_set(err, EINVAL, "SnapshotId, State and OwnerId cannot be null");
	return 0;
}

/* Sets "ends_in" and "visible_in". The snapshot's state must be set before. */
static void snapshot_set_clocks(
	const struct sim_world *w, struct sim_region *r, const json_t *json, struct sim_snapshot *s)
{
	const json_t *ends = json_object_get(json, "ends_in"),
		     *visible = json_object_get(json, "visible_in");
	struct sim_time now = sim_world_now(w);

	if (json_is_number(visible))
		s->visible_at = now.mono + (int64_t)(json_number_value(visible) * 1000);
	if (json_is_number(ends)) {
		int64_t left = (int64_t)(json_number_value(ends) * 1000);
		int64_t done = s->start_ms < now.wall ? now.wall - s->start_ms : 0;

		/* The progress counts from the snapshot's start time. */
		sim_region_start(r, s, left + done, now);
		s->run.from_ms -= done;
	} else if (json_is_null(ends) || json_object_get(json, "State")) {
		s->run.on = false;
	}
}

static int snapshot_set_defaults(
	struct sim_world *w, const struct sim_region *r, struct sim_snapshot *s, struct err *err)
{
	char id[32], volume[32];

	sim_region_new_id(w, r, "snap", id);
	sim_region_new_id(w, r, "vol", volume);
	if (sim_snapshot_set(&s->id, id) < 0 || sim_snapshot_set(&s->volume_id, volume) < 0 ||
		sim_snapshot_set(&s->owner_id, SIM_ACCOUNT) < 0 ||
		sim_snapshot_set(&s->state, "completed") < 0 ||
		sim_snapshot_set(&s->description, "") < 0 ||
		sim_snapshot_set(&s->storage_tier, "standard") < 0)
		return err_set(err, ENOMEM, "out of memory");
	s->start_ms = sim_world_now(w).wall - 86400000;
	s->volume_gib = 8;
	return 0;
}

static struct sim_snapshot *snapshot_make(
	struct sim_world *w, const struct sim_region *r, const json_t *json, struct err *err)
{
	struct sim_snapshot *s = sim_snapshot_create();

	if (!s)
		err_set(err, ENOMEM, "out of memory");
	else if (snapshot_set_defaults(w, r, s, err) < 0 || snapshot_set_all(w, json, s, err) < 0)
		sim_snapshot_destroy(steal(&s));
	return s;
}

int sim_snapshot_json_add(
	struct sim_world *w, struct sim_region *r, const json_t *json, struct err *err)
{
	struct sim_snapshot *s = snapshot_make(w, r, json, err);

	if (!s)
		return -err->errnum;
	if (json_is_number(json_object_get(json, "ends_in"))) {
		if (!json_object_get(json, "StartTime"))
			s->start_ms = sim_world_now(w).wall;
		if (sim_snapshot_set(&s->state, "pending") < 0) {
			sim_snapshot_destroy(s);
			return err_set(err, ENOMEM, "out of memory");
		}
	}
	if (sim_snapshot_is(s, "completed") && !json_object_get(json, "CompletionTime"))
		s->completion_ms = s->start_ms + 300000;
	if (!json_object_get(json, "FullSnapshotSizeInBytes"))
		s->full_size = (int64_t)s->volume_gib << 29;
	if (sim_region_add(r, s) < 0)
		return err_set(err, ENOMEM, "out of memory");
	snapshot_set_clocks(w, r, json, s);
	return 0;
}

int sim_snapshot_json_change(struct sim_world *w, struct sim_region *r, struct sim_snapshot *s,
	const json_t *json, struct err *err)
{
	const char *state = json_string_value(json_object_get(json, "State"));
	const json_t *progress = json_object_get(json, "Progress");
	int result;

	sim_region_settle(r, sim_world_now(w));
	if (json_object_get(json, "SnapshotId"))
		return err_set(err, EINVAL, "a snapshot keeps its id");
	result = snapshot_set_all(w, json, s, err);
	if (result < 0)
		return result;
	if (json_is_number(json_object_get(json, "ends_in")))
		state = "pending";
	if (state && sim_region_restate(r, s, state) < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (json_is_string(progress) &&
		sim_snapshot_set(&s->progress, json_string_value(progress)) < 0)
		return err_set(
			err, ENOMEM, "out of memory"); /* the change of state has cleared it */
	if (state && !strcmp(state, "completed") && !s->completion_ms)
		s->completion_ms = sim_world_now(w).wall;
	snapshot_set_clocks(w, r, json, s);
	return 0;
}

static json_t *field_json(const struct field *f, const struct sim_snapshot *s)
{
	const void *at = (const char *)s + f->offset;
	char text[ISOTIME_SIZE];
	int64_t ms;

	switch (f->type) {
	case TEXT:
		return *(const char *const *)at ? json_string_nocheck(*(const char *const *)at)
						: NULL;
	case TIME:
		ms = *(const int64_t *)at;
		return ms ? json_string(isotime_format_ms(ms, text)) : NULL;
	case U32:
		return json_integer(*(const uint32_t *)at);
	case INT:
		return *(const int *)at ? json_integer(*(const int *)at) : NULL;
	case BYTES:
		return *(const int64_t *)at >= 0 ? json_integer(*(const int64_t *)at) : NULL;
	case BOOL:
		return json_boolean(*(const bool *)at);
	}
	return NULL;
}

static bool snapshot_add_lists(json_t *out, const struct sim_snapshot *s)
{
	json_t *tags = json_object(), *shared = json_array();
	bool ok = tags && shared;

	for (size_t i = 0; i < s->tags.n && ok; i++)
		ok = !json_object_set_new(
			tags, s->tags.items[i].key, json_string(s->tags.items[i].value));
	for (size_t i = 0; i < s->n_shared && ok; i++)
		ok = !json_array_append_new(shared, json_string(s->shared[i]));
	/* json_object_set_new() takes over both in any case. */
	ok = !json_object_set_new(out, "Tags", tags) && ok;
	return !json_object_set_new(out, "shared", shared) && ok;
}

json_t *sim_snapshot_json_write(const struct sim_region *r, const struct sim_snapshot *s,
	const struct sim_behaviour *b, struct sim_time now)
{
	json_t *out = json_object();
	struct sim_view v;
	bool ok = out && snapshot_add_lists(out, s);

	for (size_t i = 0; i < ARRAY_LEN(fields) && ok; i++) {
		json_t *value = field_json(&fields[i], s);

		ok = !value || !json_object_set_new(out, fields[i].name, value);
	}
	sim_region_view(r, s, b, now, &v);
	ok = ok && !json_object_set_new(out, "slot", json_integer((json_int_t)s->slot));
	ok = ok && !json_object_set_new(out, "State", json_string_nocheck(v.state));
	if (ok && v.has_progress)
		ok = !json_object_set_new(out, "Progress", json_string_nocheck(v.progress));
	if (ok && v.message)
		ok = !json_object_set_new(out, "StateMessage", json_string_nocheck(v.message));
	if (ok && v.completion_ms) {
		char text[ISOTIME_SIZE];

		ok = !json_object_set_new(out, "CompletionTime",
			json_string(isotime_format_ms(v.completion_ms, text)));
	}
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}
