/* SPDX-License-Identifier: MIT */
/* volumes/, its zones and images/: folders of receipts that request volumes and images. They show
 * this mount's receipts, not all volumes and images of the account. */
#include <errno.h>
#include <string.h>

#include "nodes.h"
#include "receipts.h"
#include "region_folder.h"
#include "zones.h"

/* --- volumes/ --- */

static struct region_waiter *volumes_ensure(struct fs *fs, struct node folder, const char *name,
	region_done *done, void *arg, bool *ready)
{
	/* A zone that a receipt names opens without a request to EC2. */
	if (name && zones_find(fs->zones, folder.region, name) != ZONES_NONE) {
		*ready = true;
		return NULL;
	}
	return zones_ensure(fs->zones, folder.region, done, arg, ready);
}

static int volumes_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	uint32_t zone = zones_find(fs->zones, folder.region, name);

	if (zone == ZONES_NONE)
		return -ENOENT;
	*child = (struct node){.kind = NODE_ZONE, .region = folder.region, .slot = zone};
	return 0;
}

static bool volumes_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	uint32_t at = (uint32_t)*pos;

	if (!zones_next(fs->zones, folder.region, &at))
		return false;
	snprintf(out->name, sizeof(out->name), "%s", zones_name(fs->zones, folder.region, at));
	out->node = (struct node){.kind = NODE_ZONE, .region = folder.region, .slot = at};
	*pos = (uint64_t)at + 1;
	return true;
}

const struct node_ops volumes_ops = {
	.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_EVER,
	.instead = "a text that asks for a volume goes into the folder of its zone, volumes/ZONE/",
	.find = volumes_find,
	.next = volumes_next,
	.ensure = volumes_ensure,
};

/* --- a zone, images/ --- */

static int made_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	return receipts_find(fs, folder, name, child) == 0 ? 0
							   : draft_find(fs, folder, name, child);
}

/* An image's name is its file's, so a temporary file registers nothing: sed -i and perl -pi write
 * one, and rename it. */
static int images_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	return draft_is_temporary(h, mode)
		       ? draft_create(fs, folder, name, mode, h, child, err)
		       : region_folder_create(fs, folder, name, mode, h, child, err);
}

static int made_mkdir(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err)
{
	if (*name == '.')
		return draft_mkdir(fs, folder, name, mode, child, err);
	return err_set(err, EPERM,
		"a %s is requested by one file, not by a folder: copy the snapshot file itself "
		"(<id>.snapshot) here",
		folder.kind == NODE_ZONE ? "volume" : "image");
}

static int made_symlink(struct fs *fs, struct node folder, const char *name, const char *target,
	struct node *child, struct err *err)
{
	if (*name == '.')
		return draft_symlink(fs, folder, name, target, child, err);
	return err_set(err, EPERM, "no link can be made here; copy the snapshot file with cp");
}

const struct node_ops zone_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_EVER,
	.find = made_find,
	.next = region_folder_next,
	.create = region_folder_create,
	.mkdir = made_mkdir,
	.symlink = made_symlink,
	.set_attr = region_folder_set_attr,
};

const struct node_ops images_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_EVER,
	.find = made_find,
	.next = region_folder_next,
	.create = images_create,
	.mkdir = made_mkdir,
	.symlink = made_symlink,
	.set_attr = region_folder_set_attr,
};
