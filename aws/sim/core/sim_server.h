/* SPDX-License-Identifier: MIT */
/* What the parts of a running simulator share. */
#ifndef EBSFS_SIM_SERVER_H
#define EBSFS_SIM_SERVER_H

#include <pthread.h>
#include <stdbool.h>

#include "sim_auth.h"
#include "sim_call.h"
#include "sim_counts.h"
#include "sim_faults.h"
#include "sim_throttle.h"
#include "sim_world.h"

struct sim_server {
	struct sim_world *world;
	struct sim_throttle *throttle;
	struct sim_counts *counts;
	struct sim_faults *faults;
	bool trace;
	bool control;              /* answers the paths below /_sim/ */
	pthread_mutex_t stop_lock; /* guards stopping */
	pthread_cond_t stop;
	bool stopping;
};

/* Sleeps, but not past the server's end. */
void sim_server_sleep(struct sim_server *s, int64_t ms);

/* Answers a request to the API, with all that goes with it: counting, latency, faults. In
 * sim_service.c. */
void sim_service_answer(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply);

/* Answers an unsigned request for a path below /_sim/. In sim_control.c. */
void sim_control_answer(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply);

#endif
