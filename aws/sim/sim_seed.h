/* SPDX-License-Identifier: MIT */
/* Fills a new world: the built-in account, a JSON file, snapshots by number. */
#ifndef EBSFS_SIM_SEED_H
#define EBSFS_SIM_SEED_H

#include "sim_world.h"

/* All that the options ask for. Returns 0 or -errno with *err. */
int sim_seed_world(struct sim_world *w, const struct sim_options *o, struct err *err);

/* The built-in account, in sim_demo.c. Returns 0 or -ENOMEM. */
int sim_demo_seed(struct sim_world *w);

#endif
