/* SPDX-License-Identifier: MIT */
/* The actions that the simulator knows, and the way of a request through signature, permission and
 * throttling to its action. */
#ifndef EBSFS_SIM_ACTIONS_H
#define EBSFS_SIM_ACTIONS_H

#include "sim_auth.h"
#include "sim_call.h"
#include "sim_throttle.h"

struct sim_action {
	const char *name;
	bool sts;
	bool writes; /* needs the world exclusively */
	sim_action_fn *run;
	const char *const *params; /* permitted ones, NULL-terminated, beside those that every
				      request may have */
	struct sim_rate rate;
};

/* NULL if there is none of that name. */
const struct sim_action *sim_action_find(const char *name);

/* Answers a request. clock_error_ms is added to the simulator's clock for this one. Takes and
 * releases the world's lock. */
void sim_actions_answer(struct sim_world *w, struct sim_throttle *t,
	const struct sim_auth_request *r, const struct sim_params *params, int64_t clock_error_ms,
	struct sim_reply *reply);

/* Judges the signature and fills c->key, c->region and c->sts. Returns 0, or -1 after sim_fail().
 */
int sim_access_authenticate(struct sim_call *c, const struct sim_auth_request *r);
/* Whether the key may do this. Returns 0, or -1 after sim_fail(). */
int sim_access_authorize(struct sim_call *c, const char *action);

#endif
