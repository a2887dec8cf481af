/* SPDX-License-Identifier: MIT */
/* Links to a snapshot's folder from other folders of its region. */
#include <errno.h>

#include "nodes.h"
#include "snapshot_folder.h"

static int snapshot_link_text(struct fs *fs, struct node n, struct buf *out)
{
	const struct catalogue *c = fs_catalogue(fs, n);

	if (!catalogue_exists(c, n.slot))
		return -ENOENT;
	for (uint32_t i = 0; i < n.sub; i++)
		buf_puts(out, "../");
	return buf_printf(out, "snapshots/%s", catalogue_id(c, n.slot));
}

const struct node_ops snapshot_link_ops = {
	.type = S_IFLNK,
	.mode = 0777,
	.trust = TRUST_BRIEFLY,
	.counted = NODE_SNAPSHOT,
	.instead = "ebsfs computes it from EC2's listing; what it leads to can be read and copied",
	.attr = snapshot_child_attr,
	.text = snapshot_link_text,
};
