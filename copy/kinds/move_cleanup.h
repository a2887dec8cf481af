/* SPDX-License-Identifier: MIT */
/* The second half of a mv: deletes the source after its copy is complete. */
#ifndef EBSFS_MOVE_CLEANUP_H
#define EBSFS_MOVE_CLEANUP_H

#include "engine.h"

/* Starts the deletion of the source, if the ended job has completed and its row moves. */
void move_cleanup_start(struct job *job);
/* Implements job_kind.follow_up: appends the status line `move`, which says what happened or will
 * happen to the source. */
void move_cleanup_describe(const struct copy *copy, struct buf *out);
void move_cleanup_finish(struct copies *c);

#endif
