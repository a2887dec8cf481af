/* SPDX-License-Identifier: MIT */
/* -o simulate: a simulated AWS in a child process, and this process's configuration turned to it.
 */
#ifndef EBSFS_SIMULATE_H
#define EBSFS_SIMULATE_H

#include "err.h"
#include "options.h"

struct simulate;

/* Starts the simulator (it ends with this process) and points options and environment to it. Call
 * before any thread. 0 or -errno with *err. */
int simulate_start(struct options *o, struct simulate **out, struct err *err);
void simulate_end(struct simulate *s); /* NULL is permitted */

#endif
