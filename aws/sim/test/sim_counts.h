/* SPDX-License-Identifier: MIT */
/* Counts requests by region and action, with their errors and faults. */
#ifndef EBSFS_SIM_COUNTS_H
#define EBSFS_SIM_COUNTS_H

#include <jansson.h>
#include <stdbool.h>

#include "sim_world.h"

struct sim_counts;

struct sim_counts *sim_counts_create(void);    /* NULL on ENOMEM */
void sim_counts_destroy(struct sim_counts *c); /* NULL is permitted */

/* Counts a request as received, and as in progress until sim_counts_end(). region and action are
 * names that this world and this API have, or "unknown". Called from any thread. */
void sim_counts_begin(struct sim_counts *c, const char *region, const char *action);
/* Counts a request's end. code: its error, "" if none; fault: the injected fault, NULL if none. */
void sim_counts_end(struct sim_counts *c, const char *region, const char *action, const char *code,
	const char *fault);
void sim_counts_reset(struct sim_counts *c);

/* Returns all counts, with those of the world's regions, in the form of GET /_sim/counts; NULL on
 * ENOMEM. The caller holds the world's lock. */
json_t *sim_counts_json(struct sim_counts *c, const struct sim_world *w);

#endif
