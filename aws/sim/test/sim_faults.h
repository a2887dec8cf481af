/* SPDX-License-Identifier: MIT */
/* The fault plan: which requests shall go wrong, and how. */
/*
 * JSON, from --faults FILE or POST /_sim/faults:
 *
 *   {"seed": 7, "rules": [{"action": "CopySnapshot", "nth": 2, "effect": "reset", "after": true}]}
 *
 * A rule fits a request if all of these that it has do:
 *   "action", "region"   names, with the wildcards * and ?
 *   "param"              {"SourceSnapshotId": "snap-0a*"}: parameters, with wildcards
 *
 * It counts the requests that fit it, and strikes if all of these that it has hold:
 *   "nth": 2             the second one; or a list, [1, 3]
 *   "every": 3           the third, sixth, ninth…
 *   "from": 2, "to": 5   in between, both included
 *   "probability": 0.1   by chance, from the plan's seed
 *   "times": 4           so often at most
 *
 * The first rule that strikes decides. Every rule counts, whether or not another has struck.
 *
 * "after": whether the request is carried out, though nobody learns of it; by default false, but
 * true for those with *. "effect":
 *   "error"        "status" (500), "code" (InternalError), "message"
 *   "throttle"     503 RequestLimitExceeded
 *   "reset"        the connection is reset without an answer
 *   "hang"         no answer for "seconds" (3600), then a reset
 *   "slow"         the answer comes "seconds" (1) later; always carried out
 *   "trickle" *    its body comes piece by piece over "seconds" (1)
 *   "cut" *        the connection ends after "bytes" of the body (half of it)
 *   "malformed" *  the body is not XML any more
 *   "empty" *      the body is empty
 *   "body" *       "status" (200), "content_type", "body": whatever you like
 *   "html"         "status" (500): a page for people, as a proxy gives
 *   "bomb" *       entities within entities within entities
 *   "huge" *       "bytes" (80 MB) of well-formed items
 *   "long" *       one element of "bytes" (80 MB)
 *   "deep" *       "depth" (100000) of elements within elements
 *   "clock"        the server's clock is "seconds" (3600) wrong for this request, its Date too
 *   "revoke"       the access key is revoked, from this request on
 */
#ifndef EBSFS_SIM_FAULTS_H
#define EBSFS_SIM_FAULTS_H

#include <jansson.h>

#include "sim_call.h"

enum sim_effect {
	SIM_FAULT_NONE,
	SIM_FAULT_ERROR,
	SIM_FAULT_THROTTLE,
	SIM_FAULT_RESET,
	SIM_FAULT_HANG,
	SIM_FAULT_SLOW,
	SIM_FAULT_TRICKLE,
	SIM_FAULT_CUT,
	SIM_FAULT_MALFORMED,
	SIM_FAULT_EMPTY,
	SIM_FAULT_BODY,
	SIM_FAULT_HTML,
	SIM_FAULT_BOMB,
	SIM_FAULT_HUGE,
	SIM_FAULT_LONG,
	SIM_FAULT_DEEP,
	SIM_FAULT_CLOCK,
	SIM_FAULT_REVOKE,
	SIM_N_EFFECTS,
};

struct sim_fault {
	enum sim_effect effect;
	bool after;
	int status;
	int64_t seconds_ms;
	int64_t amount; /* bytes or depth; -1: not given */
	char code[80];
	char message[256];
	char content_type[80];
	char *body; /* freed by sim_fault_finish() */
};
void sim_fault_finish(struct sim_fault *f);
/* The effect's name, for counting; NULL for SIM_FAULT_NONE. */
const char *sim_fault_name(const struct sim_fault *f);

struct sim_faults;

struct sim_faults *sim_faults_create(void);    /* NULL on ENOMEM */
void sim_faults_destroy(struct sim_faults *f); /* NULL is permitted */
/* Replaces the plan; on an error the old one stays. From any thread. Returns 0 or -errno with *err.
 */
int sim_faults_load(struct sim_faults *f, const json_t *plan, struct err *err);
int sim_faults_load_file(struct sim_faults *f, const char *path, struct err *err);

/* What shall happen to this request; to be freed by sim_fault_finish(). From any thread. */
void sim_faults_pick(struct sim_faults *f, const char *region, const char *action,
	const struct sim_params *params, struct sim_fault *out);

/* Changes a response that is ready to be sent as the fault says. */
void sim_fault_apply(const struct sim_fault *f, struct sim_reply *reply);

#endif
