/* SPDX-License-Identifier: MIT */
/* The second half of a mv: the source is deleted, once and only once its copy is complete. */
#ifndef EBSFS_MOVE_CLEANUP_H
#define EBSFS_MOVE_CLEANUP_H

#include "engine.h"

/* Begins for a copy that has ended and whose row moves, if the copy has completed. */
void move_cleanup_start(struct job *job);
/* job_kind.follow_up: the line `move` of a status, for a row that moves: what became of the source,
 * or will. */
void move_cleanup_describe(const struct copy *copy, struct buf *out);
void move_cleanup_finish(struct copies *c);

#endif
