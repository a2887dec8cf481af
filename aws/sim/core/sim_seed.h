/* SPDX-License-Identifier: MIT */
/* Fills a new world from the options: the built-in account, generated snapshots, empty regions. */
#ifndef EBSFS_SIM_SEED_H
#define EBSFS_SIM_SEED_H

#include "sim_region.h"

/* The caller holds the world's lock exclusively. Returns 0 or -errno with *err. */
int sim_seed_world(struct sim_world *w, const struct sim_options *o, struct err *err);

#endif
