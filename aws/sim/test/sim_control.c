/* SPDX-License-Identifier: MIT */
/* The control side of the simulator. */
#include "sim_control.h"

#include <errno.h>
#include <string.h>

#include "num.h"
#include "sim_seed.h"

void sim_control_reply(struct sim_reply *reply, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;

	json_decref(json);
	if (!text || buf_puts(&reply->body, text) < 0 || buf_putc(&reply->body, '\n') < 0)
		reply->status = 500;
	sim_reply_type(reply, "application/json");
	free(text);
}

void sim_control_error(struct sim_reply *reply, const struct err *err)
{
	reply->status = err->errnum == ENOMEM ? 500 : 400;
	sim_control_reply(reply, json_pack("{s:s}", "error", err->message));
}

static void get_counts(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	json_t *json;

	pthread_rwlock_rdlock(&s->world->lock);
	json = sim_counts_json(s->counts, s->world);
	pthread_rwlock_unlock(&s->world->lock);
	sim_control_reply(reply, json);
}

static void reset_counts(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	pthread_rwlock_wrlock(&s->world->lock);
	for (size_t i = 0; i < s->world->n_regions; i++) {
		struct sim_region *region = s->world->regions[i];

		sim_region_settle(region, sim_world_now(s->world));
		region->max_copies = sim_region_copies(region, SIM_ACCOUNT);
		region->copies_started = 0;
	}
	pthread_rwlock_unlock(&s->world->lock);
	sim_counts_reset(s->counts);
	sim_control_reply(reply, json_object());
}

static void set_faults(
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
		sim_faults_load(s->faults, plan, &err);
	json_decref(plan);
	if (err.errnum)
		sim_control_error(reply, &err);
	else
		sim_control_reply(reply, json_object());
}

static size_t number(const struct sim_params *p, const char *name, size_t fallback)
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
	size_t max = number(p, "max", SIZE_MAX), slots = sim_region_slots(region);
	struct sim_bulk_scratch scratch;
	json_t *list = json_array();

	for (size_t slot = number(p, "from", 0); slot < slots && json_array_size(list) < max;
		slot++) {
		const struct sim_snapshot *s = sim_region_at(region, slot, &scratch);

		if (s->deleted || (owner && strcmp(owner, s->owner_id)))
			continue;
		if (json_array_append_new(list,
			    sim_seed_describe(region, s, &w->behaviour, sim_world_now(w))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static void get_snapshots(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
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
		json = snapshots_json(s->world, region, &p);
	pthread_rwlock_unlock(&s->world->lock);
	sim_params_finish(&p);
	if (err.errnum)
		sim_control_error(reply, &err);
	else
		sim_control_reply(reply, json);
}

static const struct {
	const char *method;
	const char *path;
	void (*run)(
		struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply);
} endpoints[] = {
	{"GET", "/_sim/counts", get_counts},
	{"POST", "/_sim/reset-counts", reset_counts},
	{"GET", "/_sim/snapshots", get_snapshots},
	{"POST", "/_sim/faults", set_faults},
	{"DELETE", "/_sim/faults", set_faults},
	{"POST", "/_sim/set", sim_control_set},
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
	sim_control_error(reply, &err);
	reply->status = 404;
}
