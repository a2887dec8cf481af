/* SPDX-License-Identifier: MIT */
/* Zones, volumes and images as JSON. The members are those of the tables in sim_made_json.c. */
#ifndef EBSFS_SIM_MADE_JSON_H
#define EBSFS_SIM_MADE_JSON_H

#include <jansson.h>

#include "sim_region.h"

/* As in sim_world_json.h, all need the world's lock. */

/* Adds a zone or changes the one of that name; adds a volume or an image, visible at once. */
int sim_made_json_zone(struct sim_region *r, const json_t *json, struct err *err);
int sim_made_json_volume(struct sim_region *r, const json_t *json, struct err *err);
int sim_made_json_image(struct sim_region *r, const json_t *json, struct err *err);

/* Carries out a change of POST /_sim/set: "volume" or "image" is an id; "set" has new members, null
 * removes one; "finish": it is no longer creating or pending; "vanish": the volume is gone, as with
 * a bad key; "delete", "deregister". */
int sim_made_json_change(
	struct sim_world *w, struct sim_region *r, const json_t *change, struct err *err);
/* Ends the creation of all volumes and images of a region. */
void sim_made_json_finish(struct sim_region *r, struct sim_time now);

/* The volumes or images that are not gone, by GET /_sim/volumes and /_sim/images. NULL on ENOMEM.
 */
json_t *sim_made_json_volumes(const struct sim_region *r, struct sim_time now);
json_t *sim_made_json_images(const struct sim_region *r, struct sim_time now);

#endif
