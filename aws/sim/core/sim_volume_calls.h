/* SPDX-License-Identifier: MIT */
/* Functions that the calls for volumes share. */
#ifndef EBSFS_SIM_VOLUME_CALLS_H
#define EBSFS_SIM_VOLUME_CALLS_H

#include "sim_call.h"

/* Returns the state of a volume at this time: "creating", "available", "in-use", "deleting", or
 * another that a test has set; NULL: the volume is gone. */
const char *sim_volume_state(
	const struct sim_region *r, const struct sim_volume *v, struct sim_time now);
/* Returns the caller's own volume that is not gone; NULL after sim_fail(). */
struct sim_volume *sim_volume_own(struct sim_call *c, const char *id);
/* Writes the XML elements of a volume. */
void sim_volume_write(struct sim_call *c, const struct sim_volume *v, const char *state);

#endif
