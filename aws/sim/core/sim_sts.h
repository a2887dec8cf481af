/* SPDX-License-Identifier: MIT */
/* STS: who one is, and keys of roles. */
#ifndef EBSFS_SIM_STS_H
#define EBSFS_SIM_STS_H

#include "sim_call.h"

sim_action_fn sim_sts_identity;
/* In sim_sts_assume.c. The second one is not signed: c->key is NULL. */
sim_action_fn sim_sts_assume_role, sim_sts_assume_role_with_web_identity;
extern const char *const sim_sts_assume_params[], *const sim_sts_web_params[];

#endif
