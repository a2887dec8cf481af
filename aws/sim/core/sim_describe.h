/* SPDX-License-Identifier: MIT */
/* DescribeSnapshots, and the item that it shares with the calls that make a snapshot. */
#ifndef EBSFS_SIM_DESCRIBE_H
#define EBSFS_SIM_DESCRIBE_H

#include "sim_call.h"

sim_action_fn sim_describe_snapshots;
extern const char *const sim_describe_params[];

/* Writes a snapshot's fields as the caller may see them; tags NULL: an empty set. */
void sim_item_write(struct sim_call *c, const struct sim_snapshot *s, const struct sim_view *v,
	const struct sim_tags *tags);

/* A page token: where to go on, for this query only. */
#define SIM_TOKEN_SIZE 80
const char *sim_page_token(struct sim_call *c, size_t slot, char out[SIM_TOKEN_SIZE]);
/* Returns 0, or -1 after sim_fail(). */
int sim_page_position(struct sim_call *c, const char *token, size_t *slot);

#endif
