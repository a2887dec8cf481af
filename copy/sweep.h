/* SPDX-License-Identifier: MIT */
/* Copies that ended long ago go from the table into the history. */
#ifndef EBSFS_SWEEP_H
#define EBSFS_SWEEP_H

#include "inner.h"

int sweep_init(struct copies *c); /* 0 or -ENOMEM */
void sweep_finish(struct copies *c);
/* Something has ended, or was taken from the history for a moment. */
void sweep_soon(struct copies *c);

#endif
