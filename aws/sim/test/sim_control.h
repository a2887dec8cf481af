/* SPDX-License-Identifier: MIT */
/* The control side of the simulator: unsigned requests below /_sim/, by which tests look behind the
 * scenes and change them. */
/*
 *   GET /_sim/counts          {"total": n, "max_parallel": n,
 *                              "requests": {region: {action: n}},
 *                              "errors": {region: {action: {code: n}}},
 *                              "faults": {region: {action: {effect: n}}},
 *                              "copies": {region: {"started": n, "pending": n, "max_pending": n}}}
 *   POST /_sim/reset-counts
 *   GET /_sim/snapshots?region=R[&owner=ACCOUNT][&from=SLOT][&max=N]
 *                             a list of all that there is in truth, without delay, in the order of
 *                             their "slot", with the fields of sim_snapshot_json.c
 *   POST /_sim/faults         replaces the fault plan (sim_faults.h); DELETE clears it
 *   POST /_sim/set            one of these, or a list of them, carried out until one fails:
 *
 *     {"region": R, "snapshot": ID, "set": {fields}}   as in sim_snapshot_json.c, at once visible
 *     {"region": R, "snapshot": ID, "delete": true}    at once gone
 *     {"region": R, "snapshot": ID, "finish": true}    its work ends now
 *     {"region": R, "snapshot": ID, "fail": "why"}     its work ends now, in an error
 *     {"region": R, "finish": true}                    the same for all; or "fail"
 *     {"region": R, "freeze": true}                    its copies stand still; false: they go on
 *     {"region": R, "copy_limit": 3, …}                a region's members in sim_world_json.c; made
 *                                                      if need be
 *     {"key": ID, "revoked": true, …}                  a key's members there
 *     {"reset_throttle": true}                         all buckets are full again
 *     {"latency-ms": "50", …}                          settings of the command line
 *
 *   R may be "*": every region. Answers {"snapshots": [ids of new ones]}.
 *
 * What is wrong is answered with 400 and {"error": "…"}.
 */
#ifndef EBSFS_SIM_CONTROL_H
#define EBSFS_SIM_CONTROL_H

#include "sim_service.h"

/* Answers a request for a path below /_sim/ of a server with sim_test_hooks. */
void sim_control_answer(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply);

#endif
