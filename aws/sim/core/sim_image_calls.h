/* SPDX-License-Identifier: MIT */
/* What the calls of images share. */
#ifndef EBSFS_SIM_IMAGE_CALLS_H
#define EBSFS_SIM_IMAGE_CALLS_H

#include "sim_call.h"

/* The state of an image at this time: "pending", "available", or what a test has set; NULL: it is
 * gone. */
const char *sim_image_state(
	const struct sim_region *r, const struct sim_image *image, struct sim_time now);
/* Returns the id of an image that has the snapshot, disabled ones too; NULL: none. */
const char *sim_image_using(const struct sim_call *c, const char *snapshot_id);

#endif
