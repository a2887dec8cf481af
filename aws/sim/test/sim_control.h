/* SPDX-License-Identifier: MIT */
/* Unsigned requests below /_sim/: tests read and change the world with them. */
/*
 *   GET /_sim/counts          {"total": n, "max_parallel": n,
 *                              "requests": {region: {action: n}},
 *                              "errors": {region: {action: {code: n}}},
 *                              "faults": {region: {action: {effect: n}}},
 *                              "copies": {region: {"started": n, "pending": n, "max_pending": n}},
 *                              "made": {region: {"volumes": n, "images": n}}}
 *   POST /_sim/reset-counts
 *   GET /_sim/snapshots?region=R[&owner=ACCOUNT][&from=SLOT][&max=N]
 *                             a list of all snapshots, without consistency delay, in the order of
 *                             their "slot", with the fields of sim_snapshot_json.c
 *   GET /_sim/volumes?region=R, /_sim/images?region=R
 *                             a list of the volumes or images that are not gone, with the members
 *                             of sim_made_json.c
 *   POST /_sim/faults         replaces the fault plan (sim_faults.h); DELETE clears it
 *   POST /_sim/set            one of these changes, or a list of them, which is carried out up to
 *                             the first failure:
 *
 *     {"region": R, "snapshot": ID, "set": {fields}}   as in sim_snapshot_json.c, visible at once
 *     {"region": R, "snapshot": ID, "delete": true}    invisible at once
 *     {"region": R, "snapshot": ID, "finish": true}    the pending snapshot completes now
 *     {"region": R, "snapshot": ID, "fail": "why"}     the pending snapshot fails now
 *     {"region": R, "volume": ID, "set": {fields}}     as in sim_made_json.c; null removes a field;
 *                                                      "instance" attaches the volume to it. Also
 *                                                      "finish", "delete", "vanish" (as with a bad
 *                                                      KMS key)
 *     {"region": R, "image": ID, "set": {fields}}      also "finish", "deregister"
 *     {"region": R, "finish": true}                    all that is pending or creating ends now
 *     {"region": R, "fail": "why"}                     all pending snapshots fail now
 *     {"region": R, "freeze": true}                    no progress of snapshots; false: they go on
 *     {"region": R, "copy_limit": 3, …}                a region's members in sim_world_json.c; the
 *                                                      region is created if needed
 *     {"key": ID, "revoked": true, …}                  an access key's members in the same file
 *     {"reset_throttle": true}                         all buckets are full again
 *     {"latency-ms": "50", …}                          the settings of the command line
 *
 *   R "*" is every region. The response is {"snapshots": [ids of the snapshots that were added]}.
 *
 * A wrong request gets status 400 and {"error": "…"}.
 */
#ifndef EBSFS_SIM_CONTROL_H
#define EBSFS_SIM_CONTROL_H

#include "sim_service.h"

/* Answers a request for a path below /_sim/ of a server with sim_test_hooks. */
void sim_control_answer(
	struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply);

#endif
