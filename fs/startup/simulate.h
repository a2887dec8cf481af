/* SPDX-License-Identifier: MIT */
/* -o simulate: runs the simulated AWS in a child process, and makes this process use it. */
#ifndef EBSFS_SIMULATE_H
#define EBSFS_SIMULATE_H

#include "err.h"
#include "options.h"

struct simulate;

/* Starts the simulator, which is killed when this process ends, and points options and environment
 * to it. Call before any thread starts. 0 or -errno with *err. */
int simulate_start(struct options *o, struct simulate **out, struct err *err);
/* Kills the simulator: it saves nothing. NULL is permitted. */
void simulate_end(struct simulate *s);

#endif
