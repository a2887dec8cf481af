/* SPDX-License-Identifier: MIT */
/* A world from a JSON file. */
/*
 *   {
 *     "behaviour": {"copy-seconds": "1-2", "latency-ms": 5},   as on the command line
 *     "keys": [{
 *         "access_key": "ASIA…", "secret": "…",                required
 *         "token": "…",                                        of a temporary key
 *         "account": "111122223333", "arn": "arn:aws:…",
 *         "expires": "2026-01-02T03:04:05Z",                   or "10m", "-1h"
 *         "revoked": true,
 *         "allow": ["Describe*"], "deny": ["CopySnapshot"]     actions; without "allow" all are
 *     }],
 *     "regions": {
 *       "eu-west-1": {
 *         "enabled": true, "opt_in": false,
 *         "copies_only_inside": false,                         SnapshotCopyUnsupported.InterRegion
 *         "copy_limit": 20,
 *         "snapshot_limit": 0,                                 0: none
 *         "encrypts_by_default": false,
 *         "kms_keys": [{"id": "…", "alias": "alias/dr", "usable": true}],
 *         "default_kms_key": "alias/dr",                       else alias/aws/ebs
 *         "zones": [{"name": "us-west-2-lax-1a", "opt_in": "opted-in", "state": "available"}],
 *                                                              beside those of the region
 *         "volumes": [{"id": "vol-…", "size": 8, "zone": "eu-west-1a", "snapshot": "snap-…"}],
 *         "images": [{"id": "ami-…", "name": "web", "snapshots": ["snap-…"], "state": "disabled"}],
 *         "volume_gib_limit": 0, "volume_iops_limit": 0,       sums for each volume type; 0: none
 *         "bulk": 1000,                                        generated snapshots, put first
 *         "snapshots": [{…}]                                   see sim_snapshot_json.c
 *       }
 *     }
 *   }
 *
 * Every member is optional, an unknown one is an error. Names and ids need not be well-formed: a
 * hostile AWS may send anything. Every world has the key of sim.h; "keys" may change its
 * permissions.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "sim_made_json.h"
#include "sim_options.h"
#include "sim_world_json.h"

static void json_finish(json_t **json)
{
	json_decref(*json);
}

static int no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "out of memory");
}

/* Replaces a string by a copy of the JSON value. */
static int set_text(char **field, const json_t *v, const char *name, struct err *err)
{
	char *copy;

	if (!json_is_string(v))
		return err_set(err, EINVAL, "%s: not a string", name);
	copy = strdup(json_string_value(v));
	if (!copy)
		return no_memory(err);
	free(*field);
	*field = copy;
	return 0;
}

static int set_bool(bool *field, const json_t *v, const char *name, struct err *err)
{
	if (!json_is_boolean(v))
		return err_set(err, EINVAL, "%s: neither true nor false", name);
	*field = json_is_true(v);
	return 0;
}

static int set_int(int *field, const json_t *v, const char *name, struct err *err)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > 1000000000)
		return err_set(err, EINVAL, "%s: not a number", name);
	*field = (int)json_integer_value(v);
	return 0;
}

static int set_list(char ***list, size_t *n, const json_t *v, const char *name, struct err *err)
{
	char **items = calloc(json_array_size(v) + 1, sizeof(*items));
	json_t *item;
	size_t i;
	int r = items ? 0 : no_memory(err);

	for (size_t j = 0; j < *n; j++)
		free((*list)[j]);
	free(*list);
	*list = items;
	*n = 0;
	if (r == 0 && !json_is_array(v))
		return err_set(err, EINVAL, "%s: not a list", name);
	json_array_foreach(v, i, item)
	{
		if (r == 0)
			r = set_text(&items[i], item, name, err);
		*n += r == 0;
	}
	return r;
}

static int key_set_field(const struct sim_world *w, struct sim_access_key *k, const char *name,
	const json_t *v, struct err *err)
{
	if (!strcmp(name, "access_key") || !strcmp(name, "key"))
		return 0;
	if (!strcmp(name, "secret"))
		return set_text(&k->secret, v, name, err);
	if (!strcmp(name, "token"))
		return set_text(&k->token, v, name, err);
	if (!strcmp(name, "account"))
		return set_text(&k->account, v, name, err);
	if (!strcmp(name, "arn"))
		return set_text(&k->arn, v, name, err);
	if (!strcmp(name, "expires"))
		return sim_snapshot_json_time(w, v, &k->expires_ms, err);
	if (!strcmp(name, "revoked"))
		return set_bool(&k->revoked, v, name, err);
	if (!strcmp(name, "allow"))
		return set_list(&k->allow, &k->n_allow, v, name, err);
	if (!strcmp(name, "deny"))
		return set_list(&k->deny, &k->n_deny, v, name, err);
	return err_set(err, EINVAL, "unknown: %s", name);
}

int sim_world_json_key(struct sim_world *w, const json_t *json, struct err *err)
{
	const char *id = json_string_value(json_object_get(json, "access_key")), *name;
	const char *account = json_string_value(json_object_get(json, "account"));
	struct sim_access_key *k;
	json_t *v;

	if (!id)
		return err_set(err, EINVAL, "access_key is missing");
	k = sim_world_key(w, id);
	if (!k && !json_is_string(json_object_get(json, "secret")))
		return err_set(err, EINVAL, "%s: secret is missing", id);
	if (!k)
		k = sim_world_add_key(w, id, "", account ? account : SIM_ACCOUNT);
	if (!k)
		return no_memory(err);
	json_object_foreach((json_t *)json, name, v)
	{
		int r = key_set_field(w, k, name, v, err);

		if (r < 0)
			return err_context(err, "%s", id);
	}
	return 0;
}

static int region_add_kms_key(struct sim_region *r, const json_t *json, struct err *err)
{
	struct sim_kms_key *grown = realloc(r->keys, (r->n_keys + 1) * sizeof(*grown)), *k;
	const json_t *alias = json_object_get(json, "alias"),
		     *usable = json_object_get(json, "usable");
	int result;

	if (!grown)
		return no_memory(err);
	r->keys = grown;
	k = &grown[r->n_keys++];
	*k = (struct sim_kms_key){.usable = true};
	result = set_text(&k->id, json_object_get(json, "id"), "kms_keys: id", err);
	if (result == 0 && alias)
		result = set_text(&k->alias, alias, "kms_keys: alias", err);
	if (result == 0 && usable)
		result = set_bool(&k->usable, usable, "kms_keys: usable", err);
	if (result < 0)
		return result;
	if (asprintf(&k->arn, "arn:aws:kms:%s:" SIM_ACCOUNT ":key/%s", r->name, k->id) < 0) {
		k->arn = NULL;
		return no_memory(err);
	}
	return 0;
}

/* Calls add for each entry of a list. */
static int region_add_each(const json_t *list, const char *name, struct sim_region *r,
	int (*add)(struct sim_region *r, const json_t *json, struct err *err), struct err *err)
{
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return err_set(err, EINVAL, "%s: not a list", name);
	json_array_foreach(list, i, item) if (add(r, item, err) < 0) return -err->errnum;
	return 0;
}

static int region_add_snapshots(
	struct sim_world *w, struct sim_region *r, const json_t *list, struct err *err)
{
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return err_set(err, EINVAL, "snapshots: not a list");
	json_array_foreach(list, i, item) if (sim_snapshot_json_add(w, r, item, err) <
					      0) return err_context(err, "snapshots[%zu]", i);
	return 0;
}

static int region_set_default_key(struct sim_region *r, const json_t *v, struct err *err)
{
	const struct sim_kms_key *k =
		json_is_string(v) ? sim_region_kms(r, json_string_value(v)) : NULL;

	if (!k)
		return err_set(err, EINVAL,
			"default_kms_key: not a key of this region (kms_keys come first)");
	free(r->default_kms_arn);
	r->default_kms_arn = strdup(k->arn);
	return r->default_kms_arn ? 0 : no_memory(err);
}

static int region_set_bulk(struct sim_region *r, const json_t *v, struct err *err)
{
	int n = 0, result = set_int(&n, v, "bulk", err);

	if (result < 0)
		return result;
	if (r->n_stored || strlen(r->name) > SIM_BULK_REGION_MAX)
		return err_set(err, EINVAL,
			"bulk: comes before any snapshot, in a region of a plain name");
	r->n_alive += (size_t)n - r->n_bulk;
	r->n_bulk = (size_t)n;
	return 0;
}

static int region_set_field(struct sim_world *w, struct sim_region *r, const char *name,
	const json_t *v, struct err *err)
{
	if (!strcmp(name, "enabled"))
		return set_bool(&r->enabled, v, name, err);
	if (!strcmp(name, "opt_in"))
		return set_bool(&r->opt_in, v, name, err);
	if (!strcmp(name, "copies_only_inside"))
		return set_bool(&r->copies_only_inside, v, name, err);
	if (!strcmp(name, "encrypts_by_default"))
		return set_bool(&r->encrypts_by_default, v, name, err);
	if (!strcmp(name, "copy_limit"))
		return set_int(&r->copy_limit, v, name, err);
	if (!strcmp(name, "snapshot_limit"))
		return set_int(&r->snapshot_limit, v, name, err);
	if (!strcmp(name, "default_kms_key"))
		return region_set_default_key(r, v, err);
	if (!strcmp(name, "kms_keys"))
		return region_add_each(v, name, r, region_add_kms_key, err);
	if (!strcmp(name, "volumes"))
		return region_add_each(v, name, r, sim_made_json_volume, err);
	if (!strcmp(name, "images"))
		return region_add_each(v, name, r, sim_made_json_image, err);
	if (!strcmp(name, "zones"))
		return region_add_each(v, name, r, sim_made_json_zone, err);
	if (!strcmp(name, "volume_gib_limit"))
		return set_int(&r->volume_gib_limit, v, name, err);
	if (!strcmp(name, "volume_iops_limit"))
		return set_int(&r->volume_iops_limit, v, name, err);
	if (!strcmp(name, "bulk"))
		return region_set_bulk(r, v, err);
	if (!strcmp(name, "snapshots"))
		return region_add_snapshots(w, r, v, err);
	return err_set(err, EINVAL, "unknown: %s", name);
}

int sim_world_json_region(
	struct sim_world *w, struct sim_region *r, const json_t *json, struct err *err)
{
	const char *name;
	json_t *v;

	if (!json_is_object(json))
		return err_set(err, EINVAL, "a region is an object");
	json_object_foreach((json_t *)json, name,
		v) if (region_set_field(w, r, name, v, err) < 0) return -err->errnum;
	return 0;
}

int sim_world_json_behaviour(struct sim_world *w, const json_t *json, struct err *err)
{
	const char *name;
	json_t *v;

	if (!json_is_object(json))
		return err_set(err, EINVAL, "settings: not an object");
	json_object_foreach((json_t *)json, name, v)
	{
		_cleanup_free_ char *text =
			json_is_string(v) ? strdup(json_string_value(v))
					  : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));

		if (!text)
			return no_memory(err);
		if (sim_options_set_behaviour(&w->behaviour, name, text, err) < 0)
			return -err->errnum;
	}
	return 0;
}

static int world_load(struct sim_world *w, const json_t *root, struct err *err)
{
	const char *name;
	json_t *v, *item;
	size_t i;

	json_object_foreach((json_t *)root, name, v)
	{
		const char *region;

		if (!strcmp(name, "behaviour")) {
			if (sim_world_json_behaviour(w, v, err) < 0)
				return -err->errnum;
		} else if (!strcmp(name, "keys")) {
			json_array_foreach(v, i, item) if (sim_world_json_key(w, item, err) <
							   0) return err_context(err, "keys");
		} else if (!strcmp(name, "regions")) {
			json_object_foreach(v, region, item)
			{
				struct sim_region *r = sim_world_add_region(w, region);

				if (!r)
					return no_memory(err);
				if (sim_world_json_region(w, r, item, err) < 0)
					return err_context(err, "regions: %s", region);
			}
		} else {
			return err_set(err, EINVAL, "unknown: %s", name);
		}
	}
	return 0;
}

int sim_world_json_load(struct sim_world *w, const char *path, struct err *err)
{
	json_error_t where;
	_cleanup_(json_finish) json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);

	if (!root)
		return err_set(err, EINVAL, "%s:%d: %s", path, where.line, where.text);
	if (world_load(w, root, err) < 0)
		return err_context(err, "%s", path);
	return 0;
}
