/* SPDX-License-Identifier: MIT */
/* Serves one request to the API: reads, delays, carries out and traces it. */
#include "sim_service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "encode.h"
#include "sim_actions.h"
#include "sim_ebs.h"

void sim_service_sleep(struct sim_server *s, int64_t ms)
{
	struct timespec until;

	if (ms <= 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&s->stop_lock);
	while (!s->stopping && pthread_cond_timedwait(&s->stop, &s->stop_lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&s->stop_lock);
}

static void request_finish(struct sim_request *q)
{
	sim_params_finish(&q->params);
	sim_auth_finish(&q->auth);
}

static void request_read(struct sim_server *s, struct sim_request *q)
{
	const struct sim_auth_request *r = q->http;
	const struct sim_action *action;
	struct sim_region *region = NULL;
	const char *why, *name;

	q->parsed = sim_params_parse(&q->params, r->query, strlen(r->query), false);
	if (q->parsed == 0)
		q->parsed = q->ebs ? sim_ebs_route(r, &q->params)
				   : sim_params_parse(&q->params, r->body, r->body_len, true);
	name = sim_params_get(&q->params, "Action");
	action = name ? sim_action_find(name) : NULL;
	q->action = action ? action->name : "unknown";
	if (sim_auth_parse(r, &q->auth, &why) == 0) {
		pthread_rwlock_rdlock(&s->world->lock);
		region = sim_world_region(s->world, q->auth.region);
		pthread_rwlock_unlock(&s->world->lock);
	}
	q->region = region ? region->name : "unknown"; /* a world never loses a region */
}

void sim_service_delay(struct sim_server *s, struct sim_reply *reply)
{
	struct sim_range latency;

	pthread_rwlock_rdlock(&s->world->lock);
	latency = s->world->behaviour.latency_ms;
	reply->wall_ms = sim_world_now(s->world).wall;
	pthread_rwlock_unlock(&s->world->lock);
	sim_service_sleep(s, sim_world_draw(s->world, latency));
}

void sim_service_run(struct sim_server *s, const struct sim_request *q, struct sim_reply *reply)
{
	struct sim_call c = {.reply = reply};

	if (q->parsed == 0) {
		sim_actions_answer(
			s->world, s->throttle, q->http, &q->params, reply->clock_error_ms, reply);
		return;
	}
	sim_reply_type(reply, "text/xml;charset=UTF-8");
	if (q->parsed == -ENOMEM)
		sim_fail_memory(&c);
	else
		sim_fail(&c, 400, "MalformedQueryString", "The query string is malformed");
}

/* Writes a request's line, with the parameters at its end as a query string, to stderr. */
static void request_trace(
	const struct sim_request *q, const struct sim_reply *reply, const char *note, int64_t ms)
{
	_cleanup_buf_ struct buf params = BUF_INIT;

	for (size_t i = 0; i < q->params.n; i++)
		form_add(&params, q->params.items[i].value, "%s", q->params.items[i].name);
	fprintf(stderr, "sim: %s %s %d %s%s%s %zu bytes %lld ms %s\n", q->region, q->action,
		reply->status, reply->code, note ? " fault " : "", note ? note : "",
		reply->body.len, (long long)ms, buf_str(&params));
}

void sim_service_answer(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	_cleanup_(request_finish) struct sim_request q = {
		.http = r, .ebs = sim_ebs_is_path(r->path)};
	int64_t begun = clock_mono_ms();
	const char *note = NULL;

	reply->json = q.ebs;
	request_read(s, &q);
	if (s->hooks) {
		note = s->hooks->serve(s, &q, reply);
	} else {
		sim_service_delay(s, reply);
		sim_service_run(s, &q, reply);
	}
	if (s->trace)
		request_trace(&q, reply, note, clock_mono_ms() - begun);
}
