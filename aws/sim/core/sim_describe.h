/* SPDX-License-Identifier: MIT */
/* A snapshot as an XML element, shared by DescribeSnapshots and CreateSnapshot. */
#ifndef EBSFS_SIM_DESCRIBE_H
#define EBSFS_SIM_DESCRIBE_H

#include "sim_call.h"

/* Writes the fields of a snapshot that are visible to the caller's account; tags NULL: an empty
 * set. */
void sim_item_write(struct sim_call *c, const struct sim_snapshot *s, const struct sim_view *v,
	const struct sim_tags *tags);

#endif
