/* SPDX-License-Identifier: MIT */
/* -o simulate: runs the simulated AWS in a child process, and makes this process use it. */
#ifndef EBSFS_SIMULATE_H
#define EBSFS_SIMULATE_H

#include "err.h"
#include "options.h"

struct simulate;

/* Starts the simulator, and sets options and environment so that this process uses it. The
 * simulator is killed when this process ends. Call before any thread starts. Returns 0 or -errno
 * with *err. */
int simulate_start(struct options *o, struct simulate **out, struct err *err);
/* Kills the simulator, which has nothing to save. NULL is permitted. */
void simulate_end(struct simulate *s);

#endif
