/* SPDX-License-Identifier: MIT */
/* The second half of a mv: the source is deleted, once and only once its copy is complete. */
#ifndef EBSFS_MOVE_CLEANUP_H
#define EBSFS_MOVE_CLEANUP_H

#include "engine.h"

/* The copy is completed, on disk too, and its row says that it moves. */
void mover_start(struct entry *e);
/* Why the source is not deleted yet, in words; NULL: nobody is at it. */
const char *mover_reason(const struct entry *e);
void mover_finish(struct copies *c);

#endif
