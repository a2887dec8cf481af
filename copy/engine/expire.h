/* SPDX-License-Identifier: MIT */
/* Copies that ended long ago go from the table into the history, and back for a moment. */
#ifndef EBSFS_EXPIRE_H
#define EBSFS_EXPIRE_H

#include "engine.h"

int expire_init(struct copies *c); /* 0 or -ENOMEM */
void expire_finish(struct copies *c);
/* Something has ended. */
void expire_soon(struct copies *c);
/* One that ended long ago; it stays until the loop turns. NULL: not known, or no memory. */
struct copy *expire_recall(struct copies *c, int64_t row);

#endif
