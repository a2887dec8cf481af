/* SPDX-License-Identifier: MIT */
/* The control side of the simulator: /_sim/. */
#include <string.h>

#include "sim_http.h"

static void reply_json(struct sim_reply *reply, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;

	json_decref(json);
	if (!text || buf_puts(&reply->body, text) < 0 || buf_putc(&reply->body, '\n') < 0)
		reply->status = 500;
	reply->content_type = "application/json";
	free(text);
}

static void get_counts(struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	json_t *json;

	pthread_rwlock_rdlock(&s->world->lock);
	json = sim_counts_json(s->counts, s->world);
	pthread_rwlock_unlock(&s->world->lock);
	reply_json(reply, json);
}

static void reset_counts(struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	pthread_rwlock_wrlock(&s->world->lock);
	for (size_t i = 0; i < s->world->n_regions; i++) {
		s->world->regions[i]->max_copies = 0;
		s->world->regions[i]->copies_started = 0;
	}
	pthread_rwlock_unlock(&s->world->lock);
	sim_counts_reset(s->counts);
	reply_json(reply, json_object());
}

static const struct {
	const char *method;
	const char *path;
	void (*run)(struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply);
} endpoints[] = {
	{"GET", "/_sim/counts", get_counts},
	{"POST", "/_sim/reset-counts", reset_counts},
};

void sim_control_answer(struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		if (!strcmp(r->method, endpoints[i].method) && !strcmp(r->path, endpoints[i].path)) {
			endpoints[i].run(s, r, reply);
			return;
		}
	}
	reply->status = 404;
	buf_printf(&reply->body, "no such control endpoint: %s %s\n", r->method, r->path);
}
