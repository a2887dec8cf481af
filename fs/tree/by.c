/* SPDX-License-Identifier: MIT */
/*
 * by/: the account's own snapshots of a region, sorted into folders of links.
 *
 * A folder of links is a group of a grouping (groups.h). A position in it is that of a snapshot in
 * the order of start time, in the folders above a group's number: each means the same entry while
 * the groups change between two reads of a folder.
 */
#include "by.h"

#include <errno.h>
#include <string.h>

#include "by_node.h"
#include "folders.h"
#include "groups.h"
#include "names.h"
#include "nodes.h"
#include "timespec.h"
#include "view.h"

static struct region_waiter *by_ensure(struct fs *fs, struct node folder, const char *name,
	region_done *done, void *arg, bool *ready)
{
	if (!name)
		regions_look(fs->regions, folder.region);
	return view_ensure(region_own(fs_region(fs, folder)), false, done, arg, ready);
}

/* --- by/ --- */

static const struct fixed_child by_children[] = {
	{"tag", NODE_BY_TAG, false},
	{"name", NODE_BY_NAME, false},
	{"volume", NODE_BY_VOLUME, false},
	{"day", NODE_BY_DAY, false},
	{"state", NODE_BY_STATE, false},
};

static int by_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	(void)fs;
	return folders_find(by_children, ARRAY_LEN(by_children), folder, name, child);
}

static bool by_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	(void)fs;
	return folders_next(by_children, ARRAY_LEN(by_children), folder, pos, out);
}

/* --- folders whose entries are the groups of a grouping --- */

/* Returns the grouping that the folder lists. NULL on ENOMEM. */
static const struct grouping *by_grouping(struct fs *fs, struct node n)
{
	struct groups *groups = region_groups(fs_region(fs, n));

	if (!groups)
		return NULL;
	switch (n.kind) {
	case NODE_BY_TAG:
		return groups_by(groups, GROUPS_TAG_KEY, NULL);
	case NODE_BY_NAME:
		return groups_by(groups, GROUPS_TAG, "Name");
	case NODE_BY_KEY:
		return groups_by(
			groups, GROUPS_TAG, catalogue_key_text(fs_catalogue(fs, n), n.sub));
	case NODE_BY_VOLUME:
		return groups_by(groups, GROUPS_VOLUME, NULL);
	case NODE_BY_DAY:
		return groups_by(groups, GROUPS_DAY, NULL);
	default:
		return groups_by(groups, GROUPS_STATE, NULL);
	}
}

/* Fills in the entry of a group in its folder. Returns false if the entry's name would be too long,
 * or its key has no number. */
static bool by_group_entry(struct fs *fs, struct node folder, const struct grouping *x,
	const struct group *group, struct tree_entry *out)
{
	if (folder.kind == NODE_BY_TAG) {
		uint32_t key = catalogue_key_number(fs_catalogue(fs, folder), group->value);

		out->node = (struct node){.kind = NODE_BY_KEY, .region = folder.region, .sub = key};
		return key <= NODE_SUB_MAX && names_escape(group->value, out->name);
	}
	out->node = by_node(folder, x, group);
	return names_escape_value(group->value, out->name);
}

static int by_groups_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	const struct grouping *x = by_grouping(fs, folder);
	struct tree_entry entry;
	struct group group;
	char value[NAME_MAX + 1];

	if (!x)
		return -ENOMEM;
	if (!names_unescape_value(name, value) || !groups_find(x, value, &group) ||
		!by_group_entry(fs, folder, x, &group, &entry))
		return -ENOENT;
	*child = entry.node;
	return 0;
}

static bool by_groups_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	const struct grouping *x = by_grouping(fs, folder);
	struct group group;

	while (x && *pos <= UINT32_MAX && groups_next(x, (uint32_t)*pos, &group)) {
		*pos = (uint64_t)group.number + 1;
		if (by_group_entry(fs, folder, x, &group, out))
			return true;
	}
	return false;
}

/* On ENOMEM the listing fails instead of ending early. */
static struct region_waiter *by_groups_ensure_next(
	struct fs *fs, struct node folder, uint64_t pos, region_done *done, void *arg, bool *ready)
{
	(void)pos;
	(void)done;
	(void)arg;
	*ready = by_grouping(fs, folder) != NULL;
	return NULL;
}

static int by_key_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct groups *groups = region_groups(fs_region(fs, n));
	const struct grouping *keys = groups ? groups_by(groups, GROUPS_TAG_KEY, NULL) : NULL;
	struct group group;

	(void)st;
	if (!keys)
		return -ENOMEM;
	return groups_find(keys, catalogue_key_text(fs_catalogue(fs, n), n.sub), &group) ? 0
											 : -ENOENT;
}

/* --- folders of links --- */

/* Returns the index of the first snapshot of a group at or after this position. */
static size_t by_group_index(const struct groups *groups, const struct group *group, uint64_t from)
{
	size_t low = 0, high = group->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (groups_position(groups, group->slots[middle]) < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct node by_link(struct node folder, catalogue_slot slot)
{
	return (struct node){.kind = NODE_SNAPSHOT_LINK,
		.region = folder.region,
		.slot = slot,
		.sub = by_node_depth(folder)};
}

static int by_group_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	const struct groups *groups = region_groups(fs_region(fs, folder));
	catalogue_slot slot = catalogue_find_shown(fs_catalogue(fs, folder), name);
	struct group group;
	size_t i;
	int r = by_node_group(fs, folder, &group);

	if (r < 0)
		return r;
	if (!strcmp(name, BY_LATEST)) {
		*child = folder;
		child->kind = NODE_BY_LATEST;
		return groups_latest(groups, &group) == CATALOGUE_NONE ? -ENOENT : 0;
	}
	if (slot == CATALOGUE_NONE || slot > NODE_SLOT_MAX)
		return -ENOENT;
	i = by_group_index(groups, &group, groups_position(groups, slot));
	while (i < group.n && group.slots[i] != slot &&
		groups_position(groups, group.slots[i]) == groups_position(groups, slot))
		i++;
	*child = by_link(folder, slot);
	return i < group.n && group.slots[i] == slot ? 0 : -ENOENT;
}

/* Position 0 is the entry `latest`; position 1 + P is the link to the snapshot at position P. */
static bool by_group_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	const struct groups *groups = region_groups(fs_region(fs, folder));
	struct group group;

	if (by_node_group(fs, folder, &group) < 0)
		return false;
	if (!*pos) {
		++*pos;
		strcpy(out->name, BY_LATEST);
		out->node = folder;
		out->node.kind = NODE_BY_LATEST;
		if (groups_latest(groups, &group) != CATALOGUE_NONE)
			return true;
	}
	for (size_t i = by_group_index(groups, &group, *pos - 1); i < group.n; i++) {
		catalogue_slot slot = group.slots[i];

		if (slot > NODE_SLOT_MAX)
			continue;
		*pos = groups_position(groups, slot) + 2;
		snprintf(out->name, sizeof(out->name), "%s",
			catalogue_id(fs_catalogue(fs, folder), slot));
		out->node = by_link(folder, slot);
		return true;
	}
	return false;
}

static struct region_waiter *by_group_ensure_next(
	struct fs *fs, struct node folder, uint64_t pos, region_done *done, void *arg, bool *ready)
{
	struct group group;

	(void)pos;
	(void)done;
	(void)arg;
	*ready = by_node_group(fs, folder, &group) != -ENOMEM;
	return NULL;
}

/* The folder has the time of its newest snapshot. */
static int by_group_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct group group;
	int r = by_node_group(fs, n, &group);

	if (r == 0)
		st->st_mtim = st->st_ctim = timespec_of_ms(
			catalogue_start_ms(fs_catalogue(fs, n), group.slots[group.n - 1]));
	return r;
}

/* --- latest --- */

/* Finds the link that `latest` stands for now. Returns 0 or -errno. */
static int by_latest(struct fs *fs, struct node n, struct node *link)
{
	struct group group;
	catalogue_slot slot;
	int r = by_node_group(fs, n, &group);

	if (r < 0)
		return r;
	slot = groups_latest(region_groups(fs_region(fs, n)), &group);
	*link = by_link(n, slot);
	return slot == CATALOGUE_NONE ? -ENOENT : 0;
}

static int by_latest_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct node link;
	int r = by_latest(fs, n, &link);

	return r < 0 ? r : snapshot_link_ops.attr(fs, link, st);
}

static int by_latest_text(struct fs *fs, struct node n, struct buf *out)
{
	struct node link;
	int r = by_latest(fs, n, &link);

	return r < 0 ? r : snapshot_link_ops.text(fs, link, out);
}

/* --- values that are left out --- */

/* Returns whether the text fits into a name: an escaped name is at most three times as long as its
 * text. */
static bool by_fits(const char *text)
{
	char name[NAME_MAX + 1];

	return strnlen(text, NAME_MAX / 3 + 1) <= NAME_MAX / 3 || names_escape(text, name);
}

size_t by_left_out(struct region *region)
{
	const struct catalogue *c = region_catalogue(region);
	const struct view *own = region_own(region);
	catalogue_slot slots = catalogue_slots(c);
	struct ec2_tag tag;
	size_t n = 0;

	for (catalogue_slot slot = 0; slot < slots; slot++)
		for (unsigned i = 0; view_has(own, slot) && catalogue_tag(c, slot, i, &tag); i++)
			n += !by_fits(tag.key) || !by_fits(tag.value);
	return n;
}

/* --- the operations --- */

#define BY_INSTEAD                                                                                 \
	"ebsfs sorts the snapshots by what EC2 says of them: to sort one otherwise, write its "    \
	"tag, snapshots/ID/tags/KEY; to ask for a copy, cp its snapshot file into another "        \
	"region's folder"

const struct node_ops by_ops = {.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_EVER,
	.instead = BY_INSTEAD,
	.find = by_find,
	.next = by_next};

#define BY_GROUPS_OPS(name, how_long, attributes)                                                  \
	const struct node_ops name = {.type = S_IFDIR,                                             \
		.mode = 0555,                                                                      \
		.trust = how_long,                                                                 \
		.instead = BY_INSTEAD,                                                             \
		.attr = attributes,                                                                \
		.find = by_groups_find,                                                            \
		.next = by_groups_next,                                                            \
		.ensure = by_ensure,                                                               \
		.ensure_next = by_groups_ensure_next}

BY_GROUPS_OPS(by_field_ops, TRUST_EVER, NULL);
BY_GROUPS_OPS(by_key_ops, TRUST_BRIEFLY, by_key_attr);

const struct node_ops by_group_ops = {.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_BRIEFLY,
	.instead = BY_INSTEAD,
	.attr = by_group_attr,
	.find = by_group_find,
	.next = by_group_next,
	.ensure = by_ensure,
	.ensure_next = by_group_ensure_next};

const struct node_ops by_latest_ops = {.type = S_IFLNK,
	.mode = 0777,
	.trust = TRUST_BRIEFLY,
	.instead = BY_INSTEAD,
	.attr = by_latest_attr,
	.text = by_latest_text};
