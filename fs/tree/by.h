/* SPDX-License-Identifier: MIT */
/* by/: the account's own snapshots of a region, sorted into folders of links. */
#ifndef EBSFS_BY_H
#define EBSFS_BY_H

#include <stddef.h>

struct region;

/* Returns the number of tags that have no folder in by/, because the folder's name for their key or
 * value would be longer than NAME_MAX. */
size_t by_left_out(struct region *region);

#endif
