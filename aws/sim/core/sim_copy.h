/* SPDX-License-Identifier: MIT */
/* CopySnapshot. */
#ifndef EBSFS_SIM_COPY_H
#define EBSFS_SIM_COPY_H

#include "sim_call.h"

sim_action_fn sim_copy_snapshot;
extern const char *const sim_copy_params[];

/* What is wrong with a PresignedUrl for copying from that region and snapshot to c->region, in
 * words; NULL if it is good. */
const char *sim_presigned_fault(const struct sim_call *c, const char *url,
	const char *source_region, const char *source_id);

#endif
