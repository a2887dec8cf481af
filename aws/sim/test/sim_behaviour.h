/* SPDX-License-Identifier: MIT */
/* The settings of struct sim_behaviour by name: for the command line and for POST /_sim/set. */
#ifndef EBSFS_SIM_BEHAVIOUR_H
#define EBSFS_SIM_BEHAVIOUR_H

#include <stdbool.h>
#include <stdio.h>

#include "sim.h"

/* Whether there is a setting of that name ("copy-seconds"), and whether it is a flag, which needs
 * no value. */
bool sim_behaviour_has(const char *name, bool *is_flag);
/* Sets it from text: "2", "0.5-4", "steps"; flags "true" or "false". Returns 0 or -EINVAL with
 * *err. */
int sim_behaviour_set(
	struct sim_behaviour *b, const char *name, const char *value, struct err *err);
void sim_behaviour_help(FILE *out);

#endif
