/* SPDX-License-Identifier: MIT */
/* The user's command that is run when a copy ends. */
#ifndef EBSFS_ON_END_H
#define EBSFS_ON_END_H

#include <uv.h>

#include "copies.h"

struct on_end;

/* The command was started for the copy of this row. */
typedef void on_end_started(void *arg, int64_t row);
/* *out is NULL for command NULL. 0 or -ENOMEM. */
int on_end_create(uv_loop_t *loop, const char *command, on_end_started *started, void *arg,
	struct on_end **out);
/* Running commands go on; waiting ones are dropped, and their rows say so. NULL is permitted. */
void on_end_destroy(struct on_end *o);

/* Runs `/bin/sh -c COMMAND` for an ended copy, with its facts in the environment: EBSFS_STATE,
 * EBSFS_REGION, EBSFS_SNAPSHOT, EBSFS_SOURCE_REGION, EBSFS_SOURCE_SNAPSHOT, EBSFS_DESCRIPTION,
 * EBSFS_CODE, EBSFS_MESSAGE, EBSFS_REQUEST_ID, EBSFS_REQUESTED, EBSFS_STARTED, EBSFS_ENDED (ISO
 * 8601); each "" where unknown. No part of it is ever text of the command. Standard input is empty.
 * Some run at once, the others wait; `started` is told of each, maybe before this returns. Nothing,
 * if the command waits for this copy already, or o is NULL. */
void on_end_run(struct on_end *o, const struct copy *copy);

#endif
