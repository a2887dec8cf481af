/* SPDX-License-Identifier: MIT */
/* Zones, volumes and images as JSON. The members are those of the tables in sim_made_json.c. */
#ifndef EBSFS_SIM_MADE_JSON_H
#define EBSFS_SIM_MADE_JSON_H

#include <jansson.h>

#include "sim_region.h"

/* As in sim_world_json.h, all functions need the world's lock. Those with *err return 0 or -errno.
 */

/* Adds a zone, or changes the zone of that name; adds a volume or an image, visible at once. */
int sim_made_json_zone(struct sim_region *r, const json_t *json, struct err *err);
int sim_made_json_volume(struct sim_region *r, const json_t *json, struct err *err);
int sim_made_json_image(struct sim_region *r, const json_t *json, struct err *err);

/* Carries out a change of POST /_sim/set to the volume or image whose id is "volume" or "image".
 * "set" has new members, and null removes a member; "finish" ends the creation; "vanish" makes the
 * volume disappear, as with a bad KMS key; "delete" and "deregister" end it. */
int sim_made_json_change(
	struct sim_world *w, struct sim_region *r, const json_t *change, struct err *err);
/* Ends the creation of all volumes and images of a region. */
void sim_made_json_finish(struct sim_region *r, struct sim_time now);

/* Return the list for GET /_sim/volumes or /_sim/images: the volumes or images that are not gone.
 * NULL on ENOMEM. */
json_t *sim_made_json_volumes(const struct sim_region *r, struct sim_time now);
json_t *sim_made_json_images(const struct sim_region *r, struct sim_time now);

#endif
