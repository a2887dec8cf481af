/* SPDX-License-Identifier: MIT */
/* The EBS direct APIs: REST and JSON, beside EC2's Query API. */
#ifndef EBSFS_SIM_EBS_H
#define EBSFS_SIM_EBS_H

#include "sim_actions.h"

/* Whether a path belongs to the EBS direct APIs. */
bool sim_ebs_is_path(const char *path);
/* Adds the parameters Action, SnapshotId and BlockIndex, which the method and path contain; adds
 * nothing for an unknown path. Returns as sim_params_parse(). */
int sim_ebs_route(const struct sim_auth_request *r, struct sim_params *params);

#endif
