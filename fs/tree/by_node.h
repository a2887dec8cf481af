/* SPDX-License-Identifier: MIT */
/* The nodes of by/: a folder of links has the numbers of its group and its grouping (groups.h), and
 * whether it is below tag/, from where links are one folder longer; so has `latest` in it. */
#ifndef EBSFS_BY_NODE_H
#define EBSFS_BY_NODE_H

#include "buf.h"
#include "groups.h"
#include "node.h"

#define BY_LATEST "latest"

/* The folder of links for a group of the grouping that `folder` lists. */
struct node by_node(struct node folder, const struct grouping *x, const struct group *group);
/* The group of a folder of links or of its `latest`. Returns 0, -ENOENT or -ENOMEM. */
int by_node_group(struct fs *fs, struct node n, struct group *out);
/* How many folders lie between a link in it and the region's folder. */
uint32_t by_node_depth(struct node n);

/* Appends the path of a tag key's folder, a folder of links or a `latest`, without the region:
 * "/by/name/db". */
void by_node_path(struct fs *fs, struct node n, struct buf *out);

#endif
