/* SPDX-License-Identifier: MIT */
/* The recovery point of each volume in each region: the time at which the source of its newest
 * completed copy was started. */
#ifndef EBSFS_RECOVERY_POINTS_H
#define EBSFS_RECOVERY_POINTS_H

#include "buf.h"

struct fs;

/* The most series; the oldest recovery points come first, and the rest is only counted. */
#define RECOVERY_POINTS_MAX 1000

/* Appends the metrics, from the catalogues and the journal; sends no request to EC2. Results as
 * buf_add. */
int recovery_points_metrics(struct fs *fs, struct buf *out);

#endif
