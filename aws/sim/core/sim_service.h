/* SPDX-License-Identifier: MIT */
/* A running simulator, and how it serves one request to the API. */
#ifndef EBSFS_SIM_SERVICE_H
#define EBSFS_SIM_SERVICE_H

#include <pthread.h>
#include <stdbool.h>

#include "sim_auth.h"
#include "sim_call.h"
#include "sim_throttle.h"
#include "sim_world.h"

struct sim_server {
	struct sim_world *world;
	struct sim_throttle *throttle;
	const struct sim_hooks *hooks; /* NULL: none */
	void *hooks_data;              /* owned by the hooks */
	bool trace;
	pthread_mutex_t stop_lock; /* guards stopping */
	pthread_cond_t stop;
	bool stopping;
};

/* A request to the API, read but not yet verified. */
struct sim_request {
	const struct sim_auth_request *http; /* borrowed */
	struct sim_params params;
	bool ebs;                    /* the path belongs to the EBS direct APIs */
	int parsed;                  /* 0, or -errno if the parameters are malformed */
	struct sim_auth auth;        /* as the request claims */
	const char *region, *action; /* names that this world and this API have, or "unknown" */
};

/* The hooks by which the test part (../test/) extends a simulator. Every member is required. A
 * server without hooks has no paths below /_sim/, because requests for them, which are unsigned,
 * would be obeyed for every local user. */
struct sim_hooks {
	/* Called before the world is filled: creates server->hooks_data and loads the files that
	 * the options name. Returns 0 or -errno with *err. */
	int (*start)(struct sim_server *s, const struct sim_options *o, struct err *err);
	/* Frees server->hooks_data; also called after a start that failed. */
	void (*stop)(struct sim_server *s);
	/* Answers an unsigned request for a path below /_sim/. Called from any thread. */
	void (*control)(
		struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply);
	/* Serves a request to the API by sim_service_delay() and sim_service_run(), with counting
	 * and faults around them. Returns a static text for the trace, NULL for none. Called from
	 * any thread. */
	const char *(*serve)(struct sim_server *s, struct sim_request *q, struct sim_reply *reply);
};

/* Answers a request to the API. Called from any thread, as is everything below. */
void sim_service_answer(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply);
/* Sleeps for the world's latency, and sets reply->wall_ms, the time of the response's Date. */
void sim_service_delay(struct sim_server *s, struct sim_reply *reply);
/* Verifies the request and carries it out. */
void sim_service_run(struct sim_server *s, const struct sim_request *q, struct sim_reply *reply);
/* Sleeps for ms, or until the server stops. */
void sim_service_sleep(struct sim_server *s, int64_t ms);

#endif
