/* SPDX-License-Identifier: MIT */
/* Functions that the calls for images share. */
#ifndef EBSFS_SIM_IMAGE_CALLS_H
#define EBSFS_SIM_IMAGE_CALLS_H

#include "sim_call.h"

/* Returns the state of an image at this time: "pending", "available", or another that a test has
 * set; NULL: the image is gone. */
const char *sim_image_state(
	const struct sim_region *r, const struct sim_image *image, struct sim_time now);
/* Returns the caller's own image that is not gone; NULL after sim_fail(). */
struct sim_image *sim_image_own(struct sim_call *c, const char *id);
/* Returns the id of an image, disabled or not, that has the snapshot; NULL: no image has it. */
const char *sim_image_using(const struct sim_call *c, const char *snapshot_id);

#endif
