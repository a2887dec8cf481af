/* SPDX-License-Identifier: MIT */
/* The nodes of by/. The node of a folder of links contains the numbers of its group and its
 * grouping (groups.h), and whether it is below tag/, where a link's target needs one ".." more. The
 * node of `latest` contains the same. */
#ifndef EBSFS_BY_NODE_H
#define EBSFS_BY_NODE_H

#include "buf.h"
#include "groups.h"
#include "node.h"

#define BY_LATEST "latest"

/* Returns the node of a group's folder of links; `folder` lists the groups of the grouping. */
struct node by_node(struct node folder, const struct grouping *x, const struct group *group);
/* Finds the group of a folder of links, or of its `latest`. Returns 0, -ENOENT or -ENOMEM. */
int by_node_group(struct fs *fs, struct node n, struct group *out);
/* Returns the number of folders between a link in the folder and the region's folder. */
uint32_t by_node_depth(struct node n);

/* Appends the path of a tag key's folder, a folder of links or a `latest`, without the region:
 * "/by/name/db". */
void by_node_path(struct fs *fs, struct node n, struct buf *out);

#endif
