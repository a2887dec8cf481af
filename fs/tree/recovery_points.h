/* SPDX-License-Identifier: MIT */
/* The recovery point of each volume in each region: the start of the newest completed copy's
 * source. */
#ifndef EBSFS_RECOVERY_POINTS_H
#define EBSFS_RECOVERY_POINTS_H

#include "buf.h"

struct fs;

/* At most so many series; the oldest recovery points come first, the others are counted. */
#define RECOVERY_POINTS_MAX 1000

/* Appends the metrics, from the catalogues and the journal as they are: asks EC2 nothing. Results
 * as buf_add. */
int recovery_points_metrics(struct fs *fs, struct buf *out);

#endif
