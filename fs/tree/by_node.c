/* SPDX-License-Identifier: MIT */
/* The nodes of by/: their numbers, and their paths for messages. */
#include "by_node.h"

#include <errno.h>

#include "fs.h"
#include "names.h"

/* A group's node: slot has the lower 25 bits of its number. sub: from the top, 1 bit for tag/, 15
 * of the grouping's number, the upper 7 of the group's. */
#define GROUP_LOW_BITS  25
#define GROUP_HIGH_BITS 7
#define BELOW_TAG       (1u << 22)

struct node by_node(struct node folder, const struct grouping *x, const struct group *group)
{
	return (struct node){.kind = NODE_BY_GROUP,
		.region = folder.region,
		.slot = group->number & ((1u << GROUP_LOW_BITS) - 1),
		.sub = (folder.kind == NODE_BY_KEY ? BELOW_TAG : 0) |
		       groups_number(x) << GROUP_HIGH_BITS | group->number >> GROUP_LOW_BITS};
}

static uint32_t by_node_grouping(struct node n)
{
	return (n.sub & (BELOW_TAG - 1)) >> GROUP_HIGH_BITS;
}

int by_node_group(struct fs *fs, struct node n, struct group *out)
{
	struct groups *groups = region_groups(fs_region(fs, n));
	uint32_t high = n.sub & ((1u << GROUP_HIGH_BITS) - 1);
	uint32_t number = high << GROUP_LOW_BITS | n.slot;
	const struct grouping *x = groups ? groups_numbered(groups, by_node_grouping(n)) : NULL;

	if (!x)
		return -ENOMEM;
	return groups_next(x, number, out) && out->number == number ? 0 : -ENOENT;
}

uint32_t by_node_depth(struct node n)
{
	return n.sub & BELOW_TAG ? 4 : 3;
}

/* --- paths --- */

static const char *by_node_field(enum groups_field field)
{
	switch (field) {
	case GROUPS_VOLUME:
		return "volume";
	case GROUPS_DAY:
		return "day";
	case GROUPS_STATE:
		return "state";
	default:
		return "name";
	}
}

static void by_node_path_of_group(struct fs *fs, struct node n, struct buf *out)
{
	const struct grouping *x;
	struct group group;
	char name[NAME_MAX + 1];

	if (by_node_group(fs, n, &group) < 0) {
		buf_puts(out, "/a folder that is gone");
		return;
	}
	x = groups_numbered(region_groups(fs_region(fs, n)), by_node_grouping(n));
	if (!(n.sub & BELOW_TAG))
		buf_printf(out, "/%s", by_node_field(groups_field(x)));
	else if (names_escape(groups_key(x), name))
		buf_printf(out, "/tag/%s", name);
	if (names_escape_value(group.value, name))
		buf_printf(out, "/%s", name);
}

void by_node_path(struct fs *fs, struct node n, struct buf *out)
{
	const char *key = catalogue_key_text(fs_catalogue(fs, n), n.sub);
	char name[NAME_MAX + 1];

	buf_puts(out, "/by");
	if (n.kind != NODE_BY_KEY)
		by_node_path_of_group(fs, n, out);
	else if (key && names_escape(key, name))
		buf_printf(out, "/tag/%s", name);
	if (n.kind == NODE_BY_LATEST)
		buf_puts(out, "/" BY_LATEST);
}
