/* SPDX-License-Identifier: MIT */
/* by/: the account's own snapshots of a region, sorted into folders of links. */
#ifndef EBSFS_BY_H
#define EBSFS_BY_H

#include <stddef.h>

#include "buf.h"
#include "fs.h"

/* Appends the path of a folder below by/ or of a `latest`, without the region: "/by/name/db". */
void by_path(struct fs *fs, struct node n, struct buf *out);

/* How many tags have no place in by/, because the name of a folder for their key or value would be
 * longer than NAME_MAX. */
size_t by_left_out(struct region *region);

#endif
