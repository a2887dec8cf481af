/* SPDX-License-Identifier: MIT */
/* filter/ and shared/: folders of links to the snapshots of a view. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "filter_folders.h"
#include "folders.h"
#include "nodes.h"
#include "tree.h"

static bool is_no_term(const char *name)
{
	return strchr(name, '.') && !strchr(name, '=');
}

static int filter_refuses(struct fs *fs, struct node n, const char *name, struct err *err)
{
	struct filter_folder *folder = n.kind == NODE_FILTER ? NULL : filter_folders_get(fs, n);
	struct filter_folder *child;

	if (n.kind == NODE_FILTER_FOLDER && !folder)
		return err_set(err, ESTALE, "this folder is gone; open it by its whole path");
	if (!name && folder && folder->world)
		return err_set(err, EFBIG,
			"this would list every public snapshot of the region, or every one of "
			"Amazon's: add a term owner=self, owner=ACCOUNT, snapshot-id=ID, "
			"volume-id=ID or "
			"tag:KEY=VALUE below it, or open one snapshot by its id");
	/* Shells, file managers and cp look up names of their own in every folder. */
	if (!name || is_no_term(name) || (folder && ec2_is_snapshot_id(name)) ||
		(!folder && !strcmp(name, "README")))
		return 0;
	return filter_folders_need(fs->filters, n.region, folder, name, &child, err);
}

static const struct fixed_child filter_children[] = {{"README", NODE_FILTER_README, false}};

static int find_term(struct fs *fs, uint32_t region, struct filter_folder *parent, const char *name,
	struct node *child)
{
	struct filter_folder *found;
	struct err err;
	int r;

	if (is_no_term(name))
		return -ENOENT;
	r = filter_folders_need(fs->filters, region, parent, name, &found, &err);
	if (r < 0)
		return r;
	filter_folders_show(fs->filters, found);
	*child = filter_folders_node(fs->filters, found);
	return 0;
}

static int filter_find(struct fs *fs, struct node n, const char *name, struct node *child)
{
	if (folders_find(filter_children, ARRAY_LEN(filter_children), n, name, child) == 0)
		return 0;
	return find_term(fs, n.region, NULL, name, child);
}

static bool filter_next(struct fs *fs, struct node n, uint64_t *pos, struct tree_entry *out)
{
	(void)fs;
	return folders_next(filter_children, ARRAY_LEN(filter_children), n, pos, out);
}

/* Returns whether the folder shows the snapshot. shared/ leaves out the account's own snapshots,
 * which EC2 cannot exclude: the query is restorable-by self. */
static bool folder_shows(struct fs *fs, const struct filter_folder *folder, const struct view *v,
	catalogue_slot slot)
{
	return slot <= NODE_SLOT_MAX && view_has(v, slot) &&
	       (*folder->term || !region_owns(regions_at(fs->regions, folder->region), slot));
}

static struct node link_node(const struct filter_folder *folder, catalogue_slot slot)
{
	return (struct node){.kind = NODE_SNAPSHOT_LINK,
		.region = folder->region,
		.slot = slot,
		.sub = 1 + folder->depth};
}

static int find_id(struct fs *fs, struct filter_folder *folder, const char *id, struct node *child)
{
	struct filter_folder *target = filter_folders_for_id(fs->filters, folder, id);
	struct view *v = target ? filter_folders_look(fs->filters, target) : NULL;
	catalogue_slot slot =
		catalogue_find_shown(region_catalogue(regions_at(fs->regions, folder->region)), id);

	if (!v)
		return -ENOMEM;
	if (slot == CATALOGUE_NONE || !folder_shows(fs, target, v, slot))
		return -ENOENT;
	*child = link_node(folder, slot);
	return 0;
}

static int folder_find_child(struct fs *fs, struct node n, const char *name, struct node *child)
{
	struct filter_folder *folder = filter_folders_get(fs, n);

	if (!folder)
		return -ENOENT;
	if (ec2_is_snapshot_id(name))
		return find_id(fs, folder, name, child);
	return *folder->term ? find_term(fs, n.region, folder, name, child) : -ENOENT;
}

static bool folder_next_child(struct fs *fs, struct node n, uint64_t *pos, struct tree_entry *out)
{
	struct filter_folder *folder = filter_folders_get(fs, n);
	struct view *v = folder && !folder->world ? filter_folders_look(fs->filters, folder) : NULL;
	catalogue_slot slot;

	while (v && view_next(v, pos, &slot)) {
		if (!folder_shows(fs, folder, v, slot))
			continue;
		snprintf(out->name, sizeof(out->name), "%s",
			catalogue_id(fs_catalogue(fs, n), slot));
		out->node = link_node(folder, slot);
		return true;
	}
	return false;
}

/* Returns whether the view shows this id without a request to EC2. */
static bool shows_id_now(const struct view *v, catalogue_slot slot)
{
	return slot != CATALOGUE_NONE && view_has(v, slot) &&
	       (view_arriving(v) || view_freshness(v, clock_mono_ms()) == VIEW_FRESH);
}

static struct region_waiter *folder_ensure(
	struct fs *fs, struct node n, const char *name, region_done *done, void *arg, bool *ready)
{
	struct filter_folder *folder = filter_folders_get(fs, n);
	struct region *region = fs_region(fs, n);
	struct view *v;

	*ready = !folder || (name && !ec2_is_snapshot_id(name));
	if (*ready)
		return NULL;
	if (name)
		folder = filter_folders_for_id(fs->filters, folder, name);
	else if (!*folder->term && !region_knows_owner(region))
		return view_ensure(region_own(region), false, done, arg, ready);
	v = folder ? filter_folders_look(fs->filters, folder) : NULL;
	if (!v)
		return NULL;
	if (!name)
		return view_ensure_begun(v, done, arg, ready);
	*ready = shows_id_now(v, catalogue_find_shown(fs_catalogue(fs, n), name));
	return *ready ? NULL : view_ensure(v, false, done, arg, ready);
}

static struct region_waiter *folder_ensure_next(
	struct fs *fs, struct node n, uint64_t pos, region_done *done, void *arg, bool *ready)
{
	struct filter_folder *folder = filter_folders_get(fs, n);
	struct view *v = folder && !folder->world ? filter_folders_look(fs->filters, folder) : NULL;

	*ready = !v;
	if (!v)
		return NULL;
	/* The view was closed after this folder was opened: its listing begins again. */
	if (!view_is_whole(v) && !view_listing_now(v))
		return view_ensure_begun(v, done, arg, ready);
	return view_ensure_next(v, pos, done, arg, ready);
}

static int folder_attr(struct fs *fs, struct node n, struct stat *st)
{
	(void)st;
	return filter_folders_get(fs, n) ? 0 : -ESTALE;
}

static int filter_readme_text(struct fs *fs, struct node n, struct buf *out)
{
	(void)fs;
	(void)n;
	return buf_puts(out,
		"EC2's own filters, as folders that open by name:\n"
		"\n"
		"    ls filter/tag:Name=db*/status=completed/\n"
		"    ls filter/owner=self/storage-tier=archive/\n"
		"    ls filter/volume-id=vol-0123456789abcdef0/\n"
		"\n"
		"A folder has a link to each snapshot that EC2 finds, own or not. Folders within "
		"each other: all conditions hold; the same name again: either value.\n"
		"\n"
		"NAME=VALUE, NAME being one of EC2's filters: description, encrypted, owner-alias, "
		"owner-id, progress, snapshot-id, start-time, status, storage-tier, tag:KEY, "
		"tag-key, transfer-type, volume-id, volume-size;\n"
		"or owner=self, owner=amazon, owner=ACCOUNT; or restorable-by=self, "
		"restorable-by=all, restorable-by=ACCOUNT.\n"
		"Without either: your own, and those that others share with you.\n"
		"\n"
		"* is any text and ? any character (quote them for the shell). %2A %3F %5C %2F are "
		"the characters * ? \\ / themselves.\n"
		"restorable-by=all and owner=amazon need a term that narrows them, or a snapshot's "
		"id below them: filter/restorable-by=all/snap-ID.\n"
		"Dates have no ranges: start-time=2026-01-*, or by/day.\n");
}

#define READ_ONLY                                                                                  \
	"EC2 fills it with what its filters find; a file that asks for a copy goes into "          \
	"regions/REGION/"

const struct node_ops filter_ops = {.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_EVER,
	.instead = READ_ONLY,
	.refuses = filter_refuses,
	.find = filter_find,
	.next = filter_next};
const struct node_ops filter_readme_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_EVER,
	.instead = "ebsfs writes this file itself; copy it elsewhere to edit it",
	.text = filter_readme_text};
const struct node_ops filter_folder_ops = {.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_EVER,
	.counted = NODE_FILTER_FOLDER,
	.instead = READ_ONLY,
	.attr = folder_attr,
	.refuses = filter_refuses,
	.find = folder_find_child,
	.next = folder_next_child,
	.ensure = folder_ensure,
	.ensure_next = folder_ensure_next};
const struct node_ops shared_ops = {.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_EVER,
	.instead = "EC2 lists here what others share with the account; a file that asks for a "
		   "copy goes into regions/REGION/",
	.find = folder_find_child,
	.next = folder_next_child,
	.ensure = folder_ensure,
	.ensure_next = folder_ensure_next};
