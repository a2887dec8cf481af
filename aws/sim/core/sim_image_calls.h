/* SPDX-License-Identifier: MIT */
/* Shared by the calls of images. */
#ifndef EBSFS_SIM_IMAGE_CALLS_H
#define EBSFS_SIM_IMAGE_CALLS_H

#include "sim_call.h"

/* The state of an image at this time: "pending", "available", or what a test has set; NULL: it is
 * gone. */
const char *sim_image_state(
	const struct sim_region *r, const struct sim_image *image, struct sim_time now);
/* Returns the caller's own image that is not gone; NULL after sim_fail(). */
struct sim_image *sim_image_own(struct sim_call *c, const char *id);
/* Returns the id of an image that has the snapshot, disabled ones too; NULL: none. */
const char *sim_image_using(const struct sim_call *c, const char *snapshot_id);

#endif
