/* SPDX-License-Identifier: MIT */
/* The user's command that is run when a copy ends. */
#ifndef EBSFS_ON_END_H
#define EBSFS_ON_END_H

#include <uv.h>

#include "copies.h"

struct on_end;

/* Called when the command was started for the copy of this row. */
typedef void on_end_started(void *arg, int64_t row);
/* Creates a runner for `command`. For command NULL, *out is NULL. 0 or -ENOMEM. */
int on_end_create(uv_loop_t *loop, const char *command, on_end_started *started, void *arg,
	struct on_end **out);
/* Running commands continue. Commands that wait to be started are dropped; their rows stay marked
 * (journal_copy.untold), so the next mount runs them. NULL is permitted. */
void on_end_destroy(struct on_end *o);

/* Runs `/bin/sh -c COMMAND` for an ended copy, with its facts in the environment: EBSFS_STATE,
 * EBSFS_REGION, EBSFS_SNAPSHOT, EBSFS_SOURCE_REGION, EBSFS_SOURCE_SNAPSHOT, EBSFS_DESCRIPTION,
 * EBSFS_CODE, EBSFS_MESSAGE, EBSFS_REQUEST_ID, EBSFS_REQUESTED, EBSFS_STARTED, EBSFS_ENDED (ISO
 * 8601); "" where unknown. EBSFS_KIND and EBSFS_RESULT are the job's kind and the id of its result.
 * None of these values becomes part of the command's text. Standard input is empty. At most 8
 * commands run at a time, further ones wait; on_end_create()'s `started` is called for each that
 * starts, possibly before on_end_run() returns. Does nothing if a command for this copy is waiting
 * already, or if o is NULL. */
void on_end_run(struct on_end *o, const struct copy *copy);

#endif
