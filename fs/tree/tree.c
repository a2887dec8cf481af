/* SPDX-License-Identifier: MIT */
/* The tree: the table of the kinds of node, the attributes that all kinds share, and how long the
 * kernel may cache attributes and names. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hash.h"
#include "nodes.h"
#include "receipts.h"
#include "view.h"

static const struct node_ops *const table[NODE_KINDS] = {
	[NODE_ROOT] = &root_ops,
	[NODE_README] = &readme_ops,
	[NODE_COPIES] = &copies_ops,
	[NODE_COPIES_JSON] = &copies_json_ops,
	[NODE_CONTROL] = &control_ops,
	[NODE_HEALTH] = &health_ops,
	[NODE_METRICS] = &metrics_ops,
	[NODE_VERSION] = &version_ops,
	[NODE_LAST_ERROR] = &last_error_ops,
	[NODE_BUDGET] = &budget_ops,
	[NODE_REGIONS] = &regions_ops,
	[NODE_REGION] = &region_ops,
	[NODE_FILTER] = &filter_ops,
	[NODE_FILTER_README] = &filter_readme_ops,
	[NODE_FILTER_FOLDER] = &filter_folder_ops,
	[NODE_SHARED] = &shared_ops,
	[NODE_SNAPSHOT_LINK] = &snapshot_link_ops,
	[NODE_LIST] = &list_ops,
	[NODE_LIST_JSON] = &list_json_ops,
	[NODE_BY] = &by_ops,
	[NODE_BY_TAG] = &by_field_ops,
	[NODE_BY_NAME] = &by_field_ops,
	[NODE_BY_VOLUME] = &by_field_ops,
	[NODE_BY_DAY] = &by_field_ops,
	[NODE_BY_STATE] = &by_field_ops,
	[NODE_BY_KEY] = &by_key_ops,
	[NODE_BY_GROUP] = &by_group_ops,
	[NODE_BY_LATEST] = &by_latest_ops,
	[NODE_SNAPSHOTS] = &snapshots_ops,
	[NODE_SNAPSHOT] = &snapshot_ops,
	[NODE_DESCRIPTION] = &description_ops,
	[NODE_METADATA] = &metadata_ops,
	[NODE_TAGS] = &tags_ops,
	[NODE_TAG] = &tag_ops,
	[NODE_DISKS] = &disks_ops,
	[NODE_DISK] = &disk_ops,
	[NODE_DISK_RW] = &rw_disk_ops,
	[NODE_DISK_COPY] = &disk_copy_ops,
	[NODE_DISK_LINK] = &disk_link_ops,
	[NODE_VOLUMES] = &volumes_ops,
	[NODE_ZONE] = &zone_ops,
	[NODE_IMAGES] = &images_ops,
	[NODE_FILES] = &files_ops,
	[NODE_FILES_DISK] = &files_disk_ops,
	[NODE_PARTITIONS] = &partitions_ops,
	[NODE_INODE] = &inode_ops,
	[NODE_FILESYSTEM] = &filesystem_ops,
	[NODE_STATUS] = &status_ops,
	[NODE_WAIT] = &wait_ops,
	[NODE_SHARED_WITH] = &shared_with_ops,
	[NODE_USED_BY] = &used_by_ops,
	[NODE_SNAPSHOT_FILE] = &snapshot_file_ops,
	[NODE_FOLDER] = &folder_ops,
	[NODE_DRAFT] = &draft_ops,
	[NODE_DRAFT_FOLDER] = &draft_folder_ops,
	[NODE_DRAFT_LINK] = &draft_link_ops,
	[NODE_DRAFT_STATUS] = &draft_status_ops,
	[NODE_RECEIPT_STATUS] = &receipt_status_ops,
	[NODE_RECEIPT_WAIT] = &receipt_wait_ops,
	[NODE_RECEIPT_COPY] = &receipt_copy_ops,
	[NODE_RECEIPT] = &receipt_ops,
};

const struct node_ops *tree_ops(struct node n)
{
	return table[n.kind];
}

/* Applies uid=, gid= and umask=. Users outside the group can only read: they own nothing that can
 * be changed, so the bits for others have no write permission. */
static void tree_attr_share(const struct fs *fs, struct stat *st)
{
	const struct options *o = fs->options;
	mode_t owner = st->st_mode & 0700;

	if (st->st_uid == fs->uid || (o->allow_other && !fs_group_writes(fs)))
		st->st_uid = o->uid.given ? o->uid.value : fs->uid;
	if (o->gid.given && st->st_gid == fs->gid)
		st->st_gid = o->gid.value;
	if (o->umask.given && !S_ISLNK(st->st_mode))
		st->st_mode = (st->st_mode & ~(mode_t)0777) |
			      ((owner | owner >> 3 | owner >> 6) & ~o->umask.value & 0775);
}

int tree_attr(struct fs *fs, struct node n, struct stat *st)
{
	const struct node_ops *ops = tree_ops(n);
	bool folder = S_ISDIR(ops->type);
	int r;

	memset(st, 0, sizeof(*st));
	st->st_ino = node_number(n);
	st->st_mode = ops->type | ops->mode;
	/* Folders have 1, too: find and perl would take a larger number for the number of
	 * subfolders. */
	st->st_nlink = 1;
	st->st_uid = fs->uid;
	st->st_gid = fs->gid;
	st->st_blksize = 4096;
	st->st_size = -1;
	st->st_mtim.tv_sec =
		ops->trust == TRUST_NEVER ? clock_wall_ms() / 1000 : fs->started_ms / 1000;
	st->st_ctim = st->st_mtim;
	if (ops->attr) {
		r = ops->attr(fs, n, st);
		if (r < 0)
			return r;
	}
	if (st->st_size < 0 && ops->text) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		r = ops->text(fs, n, &text);
		if (r < 0)
			return r;
		st->st_size = (off_t)text.len;
	}
	if (st->st_size < 0)
		st->st_size = 0;
	if (!folder && !ops->lseek)
		st->st_blocks = (st->st_size + 511) / 512;
	if (!st->st_atim.tv_sec)
		st->st_atim = st->st_mtim;
	/* A kind that only its owner may open belongs to the mounting user. */
	if (ops->mode & 077)
		tree_attr_share(fs, st);
	if (fs->options->read_only)
		st->st_mode &= ~(mode_t)0222;
	return 0;
}

uint64_t tree_generation(struct fs *fs, struct node n)
{
	const struct node_ops *counted = table[tree_ops(n)->counted];

	return counted->generation ? counted->generation(fs, n) : 0;
}

/* Returns at least a second, even if the listing is stale: changes invalidate the kernel's cache,
 * and one second saves most lookups when a program walks through the tree. */
static double listing_seconds(struct fs *fs, struct node n)
{
	double left = (double)view_valid_ms(region_own(fs_region(fs, n)), clock_mono_ms()) / 1000;

	return left > 1 ? left : 1;
}

/* For a name whose folder may lose it at any time: names are never invalidated, and with half a
 * second a name is right within a second of the change. */
#define BRIEFLY_SECONDS 0.5

double tree_attr_seconds(struct fs *fs, struct node n)
{
	switch (tree_ops(n)->trust) {
	case TRUST_EVER:
		return 86400;
	case TRUST_BRIEFLY:
		return BRIEFLY_SECONDS;
	case TRUST_LISTING:
		return listing_seconds(fs, n);
	default:
		return 0;
	}
}

struct uncached_name {
	uint64_t number;
	UT_hash_handle hh;
};

static bool tree_name_is_uncached(const struct fs *fs, struct node n)
{
	uint64_t number = node_number(n);
	const struct uncached_name *found;

	HASH_FIND(hh, fs->uncached_names, &number, sizeof(number), found);
	return found;
}

int tree_uncache_name(struct fs *fs, struct node n)
{
	struct uncached_name *added;

	if (tree_name_is_uncached(fs, n))
		return 0;
	added = calloc(1, sizeof(*added));
	if (!added)
		return -ENOMEM;
	added->number = node_number(n);
	HASH_ADD(hh, fs->uncached_names, number, sizeof(added->number), added);
	if (!added->hh.tbl) {
		free(added);
		return -ENOMEM;
	}
	return 1;
}

void tree_free_uncached_names(struct fs *fs)
{
	struct uncached_name *name, *next;

	HASH_ITER (hh, fs->uncached_names, name, next) {
		HASH_DEL(fs->uncached_names, name);
		free(name);
	}
}

double tree_name_seconds(struct fs *fs, struct node n)
{
	if (tree_name_is_uncached(fs, n))
		return 0;
	/* A name in a snapshot's folder exists as long as the folder; only the texts change. */
	if (n.kind == NODE_STATUS || n.kind == NODE_WAIT)
		return listing_seconds(fs, n);
	if (n.kind < NODE_REGIONS)
		return 86400;
	return tree_attr_seconds(fs, n);
}

int tree_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	const struct node_ops *ops = tree_ops(folder);

	if (!ops->find)
		return -ENOTDIR;
	return ops->find(fs, folder, name, child);
}
