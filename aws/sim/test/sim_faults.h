/* SPDX-License-Identifier: MIT */
/* The fault plan: which requests fail, and how. */
/*
 * JSON, from --faults FILE or POST /_sim/faults:
 *
 *   {"seed": 7, "rules": [{"action": "CopySnapshot", "nth": 2, "effect": "reset", "after": true}]}
 *
 * A rule matches a request if each of these members that it has matches:
 *   "action", "region"   a name, with the wildcards * and ?
 *   "param"              {"SourceSnapshotId": "snap-0a*"}: parameters, with wildcards; EBS's calls
 *                        also have SnapshotId and BlockIndex
 *
 * A rule counts its matches, and applies to a matching request (it "strikes") if each of these
 * members that it has holds:
 *   "nth": 2             the second match; or a list, [1, 3]
 *   "every": 3           the third, sixth, ninth…
 *   "from": 2, "to": 5   from the second to the fifth
 *   "probability": 0.1   at random, from the plan's seed
 *   "times": 4           the rule has struck fewer than four times
 *
 * The first rule that strikes sets the request's fault. Every rule counts its matches, even after
 * another rule has struck.
 *
 * "after": whether the request is carried out before the fault hides its result; false by default,
 * true for effects with *.
 *
 * "effect", with its members and their defaults in brackets:
 *   "error"        "status" (500), "code" (InternalError), "message"
 *   "throttle"     503 RequestLimitExceeded; for EBS's calls 400 ThrottlingException
 *   "reset"        the connection is reset without a response
 *   "hang"         no response for "seconds" (3600), then a reset
 *   "slow"         the response is "seconds" (1) late; always carried out
 *   "trickle" *    the body is sent piece by piece over "seconds" (1)
 *   "cut" *        the connection is closed after "bytes" of the body (half of it)
 *   "corrupt" *    one bit of the body is changed, at "bytes" (half of it)
 *   "short" *      a block ends after "bytes" (half of it); its length and digest headers match
 *   "header" *     the header "name" gets the value "value"; it is added if absent
 *   "malformed" *  the body is not well-formed XML
 *   "empty" *      the body is empty
 *   "body" *       any response: "status" (200), "content_type", "body"
 *   "html"         "status" (500): an HTML page, like that of a proxy
 *   "bomb" *       entities within entities within entities
 *   "huge" *       "bytes" (80 MB) of well-formed items
 *   "long" *       one element of "bytes" (80 MB)
 *   "deep" *       "depth" (100000) of elements within elements
 *   "clock"        the server's clock and Date are "seconds" (3600) fast for this request
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
	SIM_FAULT_CORRUPT,
	SIM_FAULT_SHORT,
	SIM_FAULT_HEADER,
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
	int64_t amount; /* bytes or depth; -1: the default */
	char code[80];
	char message[256];
	char content_type[80];
	char name[40], value[96]; /* of a header */
	char *body;               /* freed by sim_fault_finish() */
};
void sim_fault_finish(struct sim_fault *f);
/* Returns the effect's name, for counting; NULL for SIM_FAULT_NONE. */
const char *sim_fault_name(const struct sim_fault *f);

struct sim_faults;

struct sim_faults *sim_faults_create(void);    /* NULL on ENOMEM */
void sim_faults_destroy(struct sim_faults *f); /* NULL is permitted */
/* Replaces the plan; an invalid plan changes nothing. Called from any thread. Returns 0 or -errno
 * with *err.
 */
int sim_faults_load(struct sim_faults *f, const json_t *plan, struct err *err);
int sim_faults_load_file(struct sim_faults *f, const char *path, struct err *err);

/* Writes the fault of this request; the caller frees it by sim_fault_finish(). Called from any
 * thread. */
void sim_faults_pick(struct sim_faults *f, const char *region, const char *action,
	const struct sim_params *params, struct sim_fault *out);

/* Applies the fault to a response that is ready to be sent. */
void sim_fault_apply(const struct sim_fault *f, struct sim_reply *reply);

#endif
