/* SPDX-License-Identifier: MIT */
/* Fills a new world: the built-in account, a JSON file, snapshots by number. */
#ifndef EBSFS_SIM_SEED_H
#define EBSFS_SIM_SEED_H

#include <jansson.h>

#include "sim_region.h"

/* All of these return 0 or -errno with *err, and need the world's lock exclusively. */

/* All that the options ask for. */
int sim_seed_world(struct sim_world *w, const struct sim_options *o, struct err *err);

/* A world as JSON: its format is at the head of sim_world_json.c. */
int sim_seed_file(struct sim_world *w, const char *path, struct err *err);
int sim_seed_region(struct sim_world *w, struct sim_region *r, const json_t *json, struct err *err);
int sim_seed_key(struct sim_world *w, const json_t *json, struct err *err);
int sim_seed_behaviour(struct sim_world *w, const json_t *json, struct err *err);

/* A snapshot as JSON: its format is at the head of sim_snapshot_json.c. The id of the new one goes
 * to id (if not NULL). */
int sim_seed_snapshot(struct sim_world *w, struct sim_region *r, const json_t *json, char id[32],
	struct err *err);
/* Sets the fields that json has; all at once visible. */
int sim_seed_change(struct sim_world *w, struct sim_region *r, struct sim_snapshot *s,
	const json_t *json, struct err *err);
/* "2026-01-02T03:04:05Z", or relative to now: "-3d", "-5h", "10m", "-30s". */
int sim_seed_time(const struct sim_world *w, const json_t *json, int64_t *ms, struct err *err);
/* The snapshot with all its fields as JSON, under the names that the format has; NULL on ENOMEM. */
json_t *sim_seed_describe(const struct sim_region *r, const struct sim_snapshot *s,
	const struct sim_behaviour *b, struct sim_time now);

/* The built-in account, in sim_demo.c. */
int sim_demo_seed(struct sim_world *w);

#endif
