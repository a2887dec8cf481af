/* SPDX-License-Identifier: MIT */
/* The second half of a mv: the source is deleted, once and only once its copy is complete. */
#ifndef EBSFS_MOVE_CLEANUP_H
#define EBSFS_MOVE_CLEANUP_H

#include "engine.h"

/* The copy is completed, on disk too, and its row says that it moves. */
void move_cleanup_start(struct job *job);
/* Why the source is not deleted yet, in words; NULL: nobody is at it. */
const char *move_cleanup_reason(const struct job *job);
void move_cleanup_finish(struct copies *c);

#endif
