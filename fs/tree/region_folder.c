/* SPDX-License-Identifier: MIT */
/* A region's folder and its snapshots/: both hold receipts, snapshots/ lists the snapshots too. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "clock.h"
#include "folders.h"
#include "nodes.h"
#include "receipts.h"
#include "region_folder.h"
#include "snapshot_folder.h"
#include "timespec.h"
#include "view.h"

static const struct fixed_child region_children[] = {
	{"snapshots", NODE_SNAPSHOTS, false},
	{"disks", NODE_DISKS, true},
	{"files", NODE_FILES, true},
	{"filter", NODE_FILTER, true},
	{"shared", NODE_SHARED, true},
	{"list", NODE_LIST, true},
	{"list.json", NODE_LIST_JSON, true},
	{"by", NODE_BY, true},
	{"volumes", NODE_VOLUMES, true},
	{"images", NODE_IMAGES, true},
};

static int region_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	if (folders_find(region_children, ARRAY_LEN(region_children), folder, name, child) == 0)
		return 0;
	if (receipts_find(fs, folder, name, child) == 0)
		return 0;
	return draft_find(fs, folder, name, child);
}

/* Finds the names without a request to EC2, but reports the lookup for prefetching: a shell that
 * expands a wildcard for the region looks up `snapshots`, `list` or `by` in every region before it
 * opens the first. */
static struct region_waiter *region_look(struct fs *fs, struct node folder, const char *name,
	region_done *done, void *arg, bool *ready)
{
	(void)done;
	(void)arg;
	if (name && (!strcmp(name, "snapshots") || !strcmp(name, "by") || !strcmp(name, "list") ||
			    !strcmp(name, "list.json")))
		regions_look(fs->regions, folder.region);
	*ready = true;
	return NULL;
}

/* From this position on the drafts follow. */
#define DRAFTS_FROM ((uint64_t)1 << 40)

/* Lists the receipts of a region's folder or of snapshots/, and the drafts there; *pos is 0 at
 * first. */
bool region_folder_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	uint64_t at;

	if (*pos < DRAFTS_FROM) {
		if (receipts_next(fs, folder, pos, out))
			return true;
		*pos = DRAFTS_FROM;
	}
	at = *pos - DRAFTS_FROM;
	if (!draft_next(fs, folder, &at, out))
		return false;
	*pos = at + DRAFTS_FROM;
	return true;
}

/* A name that begins with a dot becomes a draft, which requests no copy. */
int region_folder_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	return *name == '.' ? draft_create(fs, folder, name, mode, h, child, err)
			    : receipts_create_file(fs, folder, name, mode, h, child, err);
}

static int region_folder_mkdir(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err)
{
	return *name == '.' ? draft_mkdir(fs, folder, name, mode, child, err)
			    : receipts_create_folder(fs, folder, name, mode, child, err);
}

static int region_folder_symlink(struct fs *fs, struct node folder, const char *name,
	const char *target, struct node *child, struct err *err)
{
	if (*name == '.')
		return draft_symlink(fs, folder, name, target, child, err);
	return err_set(err, EPERM, "no link can be made here; to request a copy use cp");
}

/* A position counts the fixed children, then the receipts and drafts. */
static bool region_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	uint64_t fixed = ARRAY_LEN(region_children), at;

	if (*pos < fixed && folders_next(region_children, fixed, folder, pos, out))
		return true;
	at = *pos - fixed;
	if (!region_folder_next(fs, folder, &at, out))
		return false;
	*pos = at + fixed;
	return true;
}

static int snapshots_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	if (receipts_find(fs, folder, name, child) == 0 || draft_find(fs, folder, name, child) == 0)
		return 0;
	if (!ec2_is_snapshot_id(name))
		return -ENOENT;
	return snapshot_find_shown(fs, folder, name, NODE_SNAPSHOT, child);
}

/*
 * A position is the view's, or, from 2^32 on, a receipt. Neither moves while a listing is read, so
 * an offset always means the same entry. During a region's first listing the receipts follow at its
 * end.
 *
 * The own view's positions are slots, and a slot that is used again may lie behind a reader: then
 * the reader misses its new snapshot, which is younger than the reading. A snapshot that is there
 * all the while keeps its slot, and is met exactly once. A snapshot that leaves the listing and
 * comes back meanwhile may be met once, twice or never, as POSIX permits.
 */
#define RECEIPTS_FROM ((uint64_t)1 << 32)

static struct region_waiter *snapshots_ensure_next(
	struct fs *fs, struct node folder, uint64_t pos, region_done *done, void *arg, bool *ready)
{
	return view_ensure_next(
		region_own(fs_region(fs, folder)), pos < RECEIPTS_FROM ? pos : 0, done, arg, ready);
}

static bool snapshots_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct catalogue *c = fs_catalogue(fs, folder);
	const struct view *own = region_own(fs_region(fs, folder));
	bool complete = view_is_whole(own);
	uint64_t at;

	while (*pos < RECEIPTS_FROM) {
		catalogue_slot slot;

		if (!view_next(own, pos, &slot) || slot > NODE_SLOT_MAX) {
			if (!complete)
				return false;
			*pos = RECEIPTS_FROM;
			break;
		}
		snprintf(out->name, sizeof(out->name), "%s", catalogue_id(c, slot));
		out->node =
			(struct node){.kind = NODE_SNAPSHOT, .region = folder.region, .slot = slot};
		return true;
	}
	at = *pos - RECEIPTS_FROM;
	if (!region_folder_next(fs, folder, &at, out))
		return false;
	*pos = at + RECEIPTS_FROM;
	return true;
}

static struct region_waiter *snapshots_ensure(struct fs *fs, struct node folder, const char *name,
	region_done *done, void *arg, bool *ready)
{
	struct region *region = fs_region(fs, folder);
	struct node receipt;

	if (!name) {
		regions_look(fs->regions, folder.region);
		return view_ensure_begun(region_own(region), done, arg, ready);
	}
	/* Only a name with the form of an id needs a request to EC2: any other name is a receipt or
	 * does not exist. */
	if (receipts_find(fs, folder, name, &receipt) == 0 || !ec2_is_snapshot_id(name)) {
		*ready = true;
		return NULL;
	}
	return region_ensure_id(region, name, false, done, arg, ready);
}

/* Refuses changes of attributes other than times. */
static int folder_check_attr(int which, struct err *err)
{
	if (which & ~(FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
			    FUSE_SET_ATTR_MTIME_NOW | FUSE_SET_ATTR_CTIME))
		return err_set(err, EPERM,
			"a region's folders have the mount's owner and mode; only times can be "
			"set, and touch of snapshots/ reads the region again");
	return 0;
}

/* Accepts the times of `touch snapshots` without keeping them; ops_write.c lists the region again
 * for it. */
int region_folder_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	(void)fs;
	(void)n;
	(void)st;
	return folder_check_attr(which, err);
}

/* Keeps the time until the mount ends: rsync -a sets it after it has filled the folder. */
static int region_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	if (folder_check_attr(which, err) < 0)
		return -err->errnum;
	if (which & FUSE_SET_ATTR_MTIME_NOW)
		fs->region_times[n.region] = timespec_of_ms(clock_wall_ms());
	else if (which & FUSE_SET_ATTR_MTIME)
		fs->region_times[n.region] = st->st_mtim;
	return 0;
}

static int region_attr(struct fs *fs, struct node n, struct stat *st)
{
	if (fs->region_times[n.region].tv_sec || fs->region_times[n.region].tv_nsec)
		st->st_mtim = st->st_ctim = fs->region_times[n.region];
	return 0;
}

const struct node_ops region_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_EVER,
	.attr = region_attr,
	.find = region_find,
	.next = region_next,
	.ensure = region_look,
	.create = region_folder_create,
	.mkdir = region_folder_mkdir,
	.symlink = region_folder_symlink,
	.set_attr = region_set_attr,
};

const struct node_ops snapshots_ops = {
	.type = S_IFDIR,
	.mode = 0755,
	.trust = TRUST_EVER,
	.find = snapshots_find,
	.next = snapshots_next,
	.ensure = snapshots_ensure,
	.ensure_next = snapshots_ensure_next,
	.create = region_folder_create,
	.mkdir = region_folder_mkdir,
	.symlink = region_folder_symlink,
	.set_attr = region_folder_set_attr,
};
