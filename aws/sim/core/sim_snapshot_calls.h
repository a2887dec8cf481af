/* SPDX-License-Identifier: MIT */
/* CreateVolume and CreateSnapshot: enough to seed a world through the API. */
#ifndef EBSFS_SIM_SNAPSHOT_CALLS_H
#define EBSFS_SIM_SNAPSHOT_CALLS_H

#include "sim_call.h"

sim_action_fn sim_create_volume, sim_create_snapshot;
extern const char *const sim_create_volume_params[];
extern const char *const sim_create_snapshot_params[];

#endif
