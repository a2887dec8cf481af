/* SPDX-License-Identifier: MIT */
/* DeleteSnapshot. */
#ifndef EBSFS_SIM_DELETE_H
#define EBSFS_SIM_DELETE_H

#include "sim_call.h"

sim_action_fn sim_delete_snapshot;
extern const char *const sim_delete_params[];

#endif
