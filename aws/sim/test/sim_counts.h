/* SPDX-License-Identifier: MIT */
/* Counts every request by region and action, with the errors that it was given. */
#ifndef EBSFS_SIM_COUNTS_H
#define EBSFS_SIM_COUNTS_H

#include <jansson.h>
#include <stdbool.h>

#include "sim_world.h"

struct sim_counts;

struct sim_counts *sim_counts_create(void);    /* NULL on ENOMEM */
void sim_counts_destroy(struct sim_counts *c); /* NULL is permitted */

/* A request has come: counts it and that it is being worked on, until the end is called. region and
 * action are names of this world and of this API, or "unknown". From any thread. */
void sim_counts_begin(struct sim_counts *c, const char *region, const char *action);
/* code: the error that it was given, "" if none; fault: an injected fault's name, NULL if none. */
void sim_counts_end(struct sim_counts *c, const char *region, const char *action, const char *code,
	const char *fault);
void sim_counts_reset(struct sim_counts *c);

/* All counts with those of the world's regions (the caller holds its lock), as GET /_sim/counts
 * shows them; NULL on ENOMEM. */
json_t *sim_counts_json(struct sim_counts *c, const struct sim_world *w);

#endif
