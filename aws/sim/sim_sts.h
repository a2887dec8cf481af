/* SPDX-License-Identifier: MIT */
/* STS: GetCallerIdentity. */
#ifndef EBSFS_SIM_STS_H
#define EBSFS_SIM_STS_H

#include "sim_call.h"

sim_action_fn sim_sts_identity;

#endif
