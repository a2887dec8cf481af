/* SPDX-License-Identifier: MIT */
/* The command line of ebsfs-sim, and the settings of struct sim_behaviour by name. */
#ifndef EBSFS_SIM_OPTIONS_H
#define EBSFS_SIM_OPTIONS_H

#include "sim.h"

/* Fills *o from a command line; argv[0] is ignored, strings are borrowed from argv. Returns 0, 1
 * after --help was printed, or -EINVAL with *err. */
int sim_options_parse(struct sim_options *o, int argc, char **argv, struct err *err);

/* Sets a setting of the behaviour by its name ("copy-seconds") from a text: "2", "0.5-4", "steps",
 * and "true" or "false" for a flag. Returns 0 or -EINVAL with *err. */
int sim_options_set_behaviour(
	struct sim_behaviour *b, const char *name, const char *value, struct err *err);

#endif
