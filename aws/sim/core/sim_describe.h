/* SPDX-License-Identifier: MIT */
/* DescribeSnapshots, and the item that it shares with the calls that make a snapshot. */
#ifndef EBSFS_SIM_DESCRIBE_H
#define EBSFS_SIM_DESCRIBE_H

#include "sim_call.h"

/* Writes a snapshot's fields as the caller may see them; tags NULL: an empty set. */
void sim_item_write(struct sim_call *c, const struct sim_snapshot *s, const struct sim_view *v,
	const struct sim_tags *tags);

#endif
