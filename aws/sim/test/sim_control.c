/* SPDX-License-Identifier: MIT */
/* Unsigned requests below /_sim/: tests read and change the world with them. */
#include "sim_control.h"

#include <errno.h>
#include <string.h>

#include "num.h"
#include "sim_made_json.h"
#include "sim_test.h"
#include "sim_world_json.h"

static struct sim_test *test_of(struct sim_server *s)
{
	return s->hooks_data;
}

static void control_reply(struct sim_reply *reply, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;

	json_decref(json);
	if (!text || buf_puts(&reply->body, text) < 0 || buf_putc(&reply->body, '\n') < 0)
		reply->status = 500;
	sim_reply_type(reply, "application/json");
	free(text);
}

static void control_error(struct sim_reply *reply, const struct err *err)
{
	reply->status = err->errnum == ENOMEM ? 500 : 400;
	control_reply(reply, json_pack("{s:s}", "error", err->message));
}

static void get_counts(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	json_t *json;

	pthread_rwlock_rdlock(&s->world->lock);
	json = sim_counts_json(test_of(s)->counts, s->world);
	pthread_rwlock_unlock(&s->world->lock);
	control_reply(reply, json);
}

static void post_reset_counts(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	pthread_rwlock_wrlock(&s->world->lock);
	for (size_t i = 0; i < s->world->n_regions; i++) {
		struct sim_region *region = s->world->regions[i];

		sim_region_settle(region, sim_world_now(s->world));
		region->max_copies = sim_region_copies(region, SIM_ACCOUNT);
		region->copies_started = 0;
		region->volumes_created = 0;
		region->images_registered = 0;
	}
	pthread_rwlock_unlock(&s->world->lock);
	sim_counts_reset(test_of(s)->counts);
	control_reply(reply, json_object());
}

static void post_faults(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	bool clear = !strcmp(r->method, "DELETE");
	json_error_t where;
	json_t *plan = clear ? json_pack("{s:[]}", "rules")
			     : json_loadb(r->body, r->body_len, JSON_REJECT_DUPLICATES, &where);
	struct err err = {0};

	if (!plan)
		err_set(&err, EINVAL, "line %d: %s", clear ? 0 : where.line,
			clear ? "out of memory" : where.text);
	else
		sim_faults_load(test_of(s)->faults, plan, &err);
	json_decref(plan);
	if (err.errnum)
		control_error(reply, &err);
	else
		control_reply(reply, json_object());
}

static size_t query_number(const struct sim_params *p, const char *name, size_t fallback)
{
	const char *text = sim_params_get(p, name);
	uint64_t v = fallback;

	if (text)
		num_parse_u64(text, strlen(text), 0, SIZE_MAX, &v);
	return (size_t)v;
}

static json_t *snapshots_json(
	const struct sim_world *w, const struct sim_region *region, const struct sim_params *p)
{
	const char *owner = sim_params_get(p, "owner");
	size_t max = query_number(p, "max", SIZE_MAX), slots = sim_region_slots(region);
	struct sim_bulk_scratch scratch;
	json_t *list = json_array();

	for (size_t slot = query_number(p, "from", 0); slot < slots && json_array_size(list) < max;
		slot++) {
		const struct sim_snapshot *s = sim_region_at(region, slot, &scratch);

		if (s->deleted || (owner && strcmp(owner, s->owner_id)))
			continue;
		if (json_array_append_new(list, sim_snapshot_json_write(region, s, &w->behaviour,
							sim_world_now(w))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *volumes_json(
	const struct sim_world *w, const struct sim_region *region, const struct sim_params *p)
{
	return sim_made_json_volumes(region, sim_world_now(w));
}

static json_t *images_json(
	const struct sim_world *w, const struct sim_region *region, const struct sim_params *p)
{
	return sim_made_json_images(region, sim_world_now(w));
}

/* Responds with a list of a region's snapshots, volumes or images. */
static void get_of_region(struct sim_server *s, const struct sim_auth_request *r,
	struct sim_reply *reply,
	json_t *(*list)(const struct sim_world *w, const struct sim_region *region,
		const struct sim_params *p))
{
	struct sim_params p = SIM_PARAMS_INIT;
	const struct sim_region *region = NULL;
	struct err err = {0};
	json_t *json = NULL;

	if (sim_params_parse(&p, r->query, strlen(r->query), true) < 0)
		err_set(&err, EINVAL, "malformed query");
	pthread_rwlock_rdlock(&s->world->lock);
	if (!err.errnum && sim_params_get(&p, "region"))
		region = sim_world_region(s->world, sim_params_get(&p, "region"));
	if (!err.errnum && !region)
		err_set(&err, EINVAL, "?region= of this world is missing");
	if (region)
		json = list(s->world, region, &p);
	pthread_rwlock_unlock(&s->world->lock);
	sim_params_finish(&p);
	if (err.errnum)
		control_error(reply, &err);
	else
		control_reply(reply, json);
}

static void get_snapshots(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	get_of_region(s, r, reply, snapshots_json);
}

static void get_volumes(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	get_of_region(s, r, reply, volumes_json);
}

static void get_images(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	get_of_region(s, r, reply, images_json);
}

/* --- POST /_sim/set: changes the world while it runs --- */

struct change {
	struct sim_server *server;
	struct sim_world *world;
	const json_t *json;
	json_t *made; /* ids of new snapshots */
	struct err *err;
};

/* Returns a copy of json without these members; NULL with *c->err. */
static json_t *change_rest(struct change *c, const char *const *names)
{
	json_t *copy = json_copy((json_t *)c->json);

	if (!copy)
		err_set(c->err, ENOMEM, "out of memory");
	for (; copy && *names; names++)
		json_object_del(copy, *names);
	return copy;
}

static int change_end_work(
	struct change *c, struct sim_region *r, struct sim_snapshot *s, const char *failure)
{
	struct sim_time now = sim_world_now(c->world);

	if (!sim_snapshot_is(s, "pending"))
		return err_set(c->err, EINVAL, "%s is not pending", s->id);
	if (failure && sim_snapshot_set(&s->run.failure, failure) < 0)
		return err_set(c->err, ENOMEM, "out of memory");
	if (!s->run.on)
		sim_region_start(r, s, 0, now); /* it was pending for ever */
	s->run.for_ms = sim_region_work_ms(r, now.mono) - s->run.from_ms;
	sim_region_settle(r, now);
	if (s->completion_ms)
		s->completion_ms = now.wall;
	return 0;
}

/* Carries out "finish" or "fail" for the snapshot `only`; if `only` is NULL, for all pending
 * snapshots, and "finish" also for volumes and images. */
static int change_end_all(struct change *c, struct sim_region *r, struct sim_snapshot *only)
{
	const char *failure = json_string_value(json_object_get(c->json, "fail"));

	if (!failure && !json_is_true(json_object_get(c->json, "finish")))
		return 0;
	if (only)
		return change_end_work(c, r, only, failure);
	if (!failure)
		sim_made_json_finish(r, sim_world_now(c->world));
	while (r->n_pending)
		if (change_end_work(c, r, r->pending[0], failure) < 0)
			return -c->err->errnum;
	return 0;
}

static int change_snapshot(struct change *c, struct sim_region *r, const char *id)
{
	const json_t *fields = json_object_get(c->json, "set");
	struct sim_snapshot *s = sim_region_edit(r, id);

	if (!s)
		return err_set(c->err, ENOENT, "%s has no snapshot %s", r->name, id);
	if (fields && sim_snapshot_json_change(c->world, r, s, fields, c->err) < 0)
		return -c->err->errnum;
	if (json_is_true(json_object_get(c->json, "delete")))
		sim_region_delete(r, s, sim_world_now(c->world).mono);
	return change_end_all(c, r, s);
}

static int change_add_snapshots(struct change *c, struct sim_region *r, const json_t *list)
{
	size_t i, first = r->n_stored;
	json_t *item;

	json_array_foreach(list, i, item) if (sim_snapshot_json_add(c->world, r, item, c->err) <
					      0) return err_context(c->err, "snapshots[%zu]", i);
	for (i = first; i < r->n_stored; i++)
		json_array_append_new(c->made, json_string_nocheck(r->stored[i]->id));
	return 0;
}

static int change_region(struct change *c, struct sim_region *r)
{
	static const char *const handled[] = {
		"region", "freeze", "finish", "fail", "snapshots", NULL};
	const json_t *freeze = json_object_get(c->json, "freeze");
	json_t *fields = change_rest(c, handled);
	int result;

	if (!fields)
		return -c->err->errnum;
	result = sim_world_json_region(c->world, r, fields, c->err);
	json_decref(fields);
	if (result == 0)
		result = change_add_snapshots(c, r, json_object_get(c->json, "snapshots"));
	if (result == 0 && freeze)
		sim_region_freeze(r, json_is_true(freeze), sim_world_now(c->world));
	return result < 0 ? result : change_end_all(c, r, NULL);
}

static int change_regions(struct change *c, const char *name)
{
	const char *snapshot = json_string_value(json_object_get(c->json, "snapshot"));
	bool made = json_object_get(c->json, "volume") || json_object_get(c->json, "image");
	struct sim_region *r;

	if (!strcmp(name, "*")) {
		for (size_t i = 0; i < c->world->n_regions; i++)
			if (change_region(c, c->world->regions[i]) < 0)
				return -c->err->errnum;
		return 0;
	}
	r = snapshot || made ? sim_world_region(c->world, name)
			     : sim_world_add_region(c->world, name);
	if (!r)
		return err_set(c->err, ENOENT, "no such region: %s", name);
	if (made)
		return sim_made_json_change(c->world, r, c->json, c->err);
	return snapshot ? change_snapshot(c, r, snapshot) : change_region(c, r);
}

static int change_key(struct change *c, const char *id)
{
	static const char *const handled[] = {"key", NULL};
	json_t *fields = change_rest(c, handled);
	int r;

	if (!fields)
		return -c->err->errnum;
	json_object_set_new(fields, "access_key", json_string(id));
	r = sim_world_json_key(c->world, fields, c->err);
	json_decref(fields);
	return r;
}

static int change_apply(struct change *c)
{
	const char *region = json_string_value(json_object_get(c->json, "region"));
	const char *key = json_string_value(json_object_get(c->json, "key"));

	if (region)
		return change_regions(c, region);
	if (key)
		return change_key(c, key);
	if (json_is_true(json_object_get(c->json, "reset_throttle"))) {
		sim_throttle_reset(c->server->throttle);
		return 0;
	}
	return sim_world_json_behaviour(c->world, c->json, c->err);
}

static int change_apply_all(struct change *c, const json_t *root)
{
	json_t *item;
	size_t i;

	c->json = root;
	if (!json_is_array(root))
		return change_apply(c);
	json_array_foreach(root, i, item)
	{
		c->json = item;
		if (change_apply(c) < 0)
			return err_context(c->err, "[%zu]", i);
	}
	return 0;
}

static void post_set(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	json_error_t where;
	json_t *root = json_loadb(r->body, r->body_len, JSON_REJECT_DUPLICATES, &where);
	struct err err = {0};
	struct change c = {.server = s, .world = s->world, .made = json_array(), .err = &err};

	if (!root) {
		err_set(&err, EINVAL, "line %d: %s", where.line, where.text);
	} else {
		pthread_rwlock_wrlock(&s->world->lock);
		change_apply_all(&c, root);
		pthread_rwlock_unlock(&s->world->lock);
	}
	json_decref(root);
	if (err.errnum) {
		json_decref(c.made);
		control_error(reply, &err);
		return;
	}
	control_reply(reply, json_pack("{s:o}", "snapshots", c.made));
}

/* --- the paths --- */

static const struct {
	const char *method;
	const char *path;
	void (*run)(
		struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply);
} endpoints[] = {
	{"GET", "/_sim/counts", get_counts},
	{"POST", "/_sim/reset-counts", post_reset_counts},
	{"GET", "/_sim/snapshots", get_snapshots},
	{"GET", "/_sim/volumes", get_volumes},
	{"GET", "/_sim/images", get_images},
	{"POST", "/_sim/faults", post_faults},
	{"DELETE", "/_sim/faults", post_faults},
	{"POST", "/_sim/set", post_set},
};

void sim_control_answer(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		if (!strcmp(r->method, endpoints[i].method) &&
			!strcmp(r->path, endpoints[i].path)) {
			endpoints[i].run(s, r, reply);
			return;
		}
	}
	err_set(&err, ENOENT, "no such endpoint: %s %s", r->method, r->path);
	control_error(reply, &err);
	reply->status = 404;
}
