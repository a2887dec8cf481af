/* SPDX-License-Identifier: MIT */
/* One request to the API from beginning to end: counted, delayed, made to fail if the plan says so,
 * answered. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "sim_actions.h"
#include "sim_server.h"

struct service {
	const struct sim_auth_request *request;
	struct sim_params params;
	int parsed;                  /* 0 or -errno */
	struct sim_auth auth;        /* as claimed, not verified */
	const char *region, *action; /* names for counting and for faults */
	struct sim_fault fault;
};

static void service_finish(struct service *q)
{
	sim_params_finish(&q->params);
	sim_auth_finish(&q->auth);
	sim_fault_finish(&q->fault);
}

static void read_request(struct sim_server *s, struct service *q)
{
	const struct sim_auth_request *r = q->request;
	const struct sim_action *action;
	struct sim_region *region = NULL;
	const char *why, *name;

	q->parsed = sim_params_parse(&q->params, r->query, strlen(r->query), false);
	if (q->parsed == 0)
		q->parsed = sim_params_parse(&q->params, r->body, r->body_len, true);
	name = sim_params_get(&q->params, "Action");
	action = name ? sim_action_find(name) : NULL;
	q->action = action ? action->name : "unknown";
	if (sim_auth_parse(r, &q->auth, &why) == 0) {
		pthread_rwlock_rdlock(&s->world->lock);
		region = sim_world_region(s->world, q->auth.region);
		pthread_rwlock_unlock(&s->world->lock);
	}
	q->region = region ? region->name : "unknown"; /* a region is never taken away */
}

static void revoke_key(struct sim_server *s, const char *id)
{
	struct sim_access_key *key;

	pthread_rwlock_wrlock(&s->world->lock);
	key = sim_world_key(s->world, id);
	if (key)
		key->revoked = true;
	pthread_rwlock_unlock(&s->world->lock);
}

static void carry_out(struct sim_server *s, struct service *q, struct sim_reply *reply)
{
	struct sim_call c = {.reply = reply};

	if (q->parsed == 0) {
		sim_actions_answer(s->world, s->throttle, q->request, &q->params,
			reply->clock_error_ms, reply);
		return;
	}
	sim_reply_type(reply, "text/xml;charset=UTF-8");
	if (q->parsed == -ENOMEM)
		sim_fail_memory(&c);
	else
		sim_fail(&c, 400, "MalformedQueryString", "The query string is malformed");
}

/* The faults that replace the answer; without "after", they replace the work too. */
static bool prevents_work(const struct sim_fault *f)
{
	return !f->after && f->effect != SIM_FAULT_NONE && f->effect != SIM_FAULT_SLOW &&
	       f->effect != SIM_FAULT_CLOCK && f->effect != SIM_FAULT_REVOKE &&
	       f->effect != SIM_FAULT_TRICKLE && f->effect != SIM_FAULT_CUT &&
	       f->effect != SIM_FAULT_MALFORMED;
}

static void work(struct sim_server *s, struct service *q, struct sim_reply *reply)
{
	const struct sim_fault *f = &q->fault;
	bool waits = f->effect == SIM_FAULT_SLOW || f->effect == SIM_FAULT_HANG;

	if (f->effect == SIM_FAULT_CLOCK)
		reply->clock_error_ms = f->seconds_ms;
	if (f->effect == SIM_FAULT_REVOKE)
		revoke_key(s, q->auth.access_key);
	if (waits && !f->after)
		sim_server_sleep(s, f->seconds_ms);
	sim_reply_type(reply, "text/xml;charset=UTF-8");
	if (!prevents_work(f))
		carry_out(s, q, reply);
	if (waits && f->after)
		sim_server_sleep(s, f->seconds_ms);
	sim_fault_spoil(f, reply);
	reply->wall_ms += reply->clock_error_ms;
}

static void wait_latency(struct sim_server *s, struct sim_reply *reply)
{
	struct sim_range latency;

	pthread_rwlock_rdlock(&s->world->lock);
	latency = s->world->behaviour.latency_ms;
	reply->wall_ms = sim_world_now(s->world).wall;
	pthread_rwlock_unlock(&s->world->lock);
	sim_server_sleep(s, sim_world_draw(s->world, latency));
}

void sim_service_answer(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	_cleanup_(service_finish) struct service q = {.request = r};
	int64_t begun = clock_mono_ms();
	const char *fault;

	read_request(s, &q);
	sim_counts_begin(s->counts, q.region, q.action);
	sim_faults_pick(s->faults, q.region, q.action, &q.params, &q.fault);
	fault = sim_fault_name(&q.fault);
	wait_latency(s, reply);
	work(s, &q, reply);
	sim_counts_end(s->counts, q.region, q.action, reply->code, fault);
	if (s->trace)
		fprintf(stderr, "sim: %s %s %d %s%s%s %zu bytes %lld ms\n", q.region, q.action,
			reply->status, reply->code, fault ? " fault " : "", fault ? fault : "",
			reply->body.len, (long long)(clock_mono_ms() - begun));
}
