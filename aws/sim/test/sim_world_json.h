/* SPDX-License-Identifier: MIT */
/* Worlds and snapshots as JSON. The formats are at the heads of sim_world_json.c and
 * sim_snapshot_json.c. */
#ifndef EBSFS_SIM_WORLD_JSON_H
#define EBSFS_SIM_WORLD_JSON_H

#include <jansson.h>

#include "sim_region.h"

/* Every function here needs the world's lock, exclusively if it changes the world; those with *err
 * return 0 or -errno. */

/* --- sim_world_json.c --- */

/* Adds the contents of the file at `path` to w. */
int sim_world_json_load(struct sim_world *w, const char *path, struct err *err);
/* Sets the members of a region, of an access key or of the behaviour. */
int sim_world_json_region(
	struct sim_world *w, struct sim_region *r, const json_t *json, struct err *err);
int sim_world_json_key(struct sim_world *w, const json_t *json, struct err *err);
int sim_world_json_behaviour(struct sim_world *w, const json_t *json, struct err *err);

/* --- sim_snapshot_json.c --- */

/* Adds a snapshot to r. */
int sim_snapshot_json_add(
	struct sim_world *w, struct sim_region *r, const json_t *json, struct err *err);
/* Sets the fields that json has, visible at once. */
int sim_snapshot_json_change(struct sim_world *w, struct sim_region *r, struct sim_snapshot *s,
	const json_t *json, struct err *err);
/* Returns every field of s under the names of the format. The caller frees the object; NULL on
 * ENOMEM. */
json_t *sim_snapshot_json_write(const struct sim_region *r, const struct sim_snapshot *s,
	const struct sim_behaviour *b, struct sim_time now);
/* Reads "2026-01-02T03:04:05Z", or a time relative to now: "-3d", "-5h", "10m", "-30s". */
int sim_snapshot_json_time(
	const struct sim_world *w, const json_t *json, int64_t *ms, struct err *err);

#endif
