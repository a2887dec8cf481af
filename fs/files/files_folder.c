/* SPDX-License-Identifier: MIT */
/* files/ and files/<id>/: the snapshots, and the partitions of their disks. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "dir_reply.h"
#include "disks.h"
#include "files_table.h"
#include "inode.h"
#include "nodes.h"
#include "ops.h"
#include "snapshot_folder.h"
#include "view.h"

/* --- files/ --- */

static int files_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	if (!ec2_is_snapshot_id(name))
		return -ENOENT;
	return snapshot_find_shown(fs, folder, name, NODE_FILES_DISK, child);
}

/* The positions are those of the view of the account's own snapshots. */
static bool files_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	catalogue_slot slot;

	if (!view_next(region_own(fs_region(fs, folder)), pos, &slot) || slot > NODE_SLOT_MAX)
		return false;
	snprintf(out->name, sizeof(out->name), "%s", catalogue_id(fs_catalogue(fs, folder), slot));
	out->node = (struct node){.kind = NODE_FILES_DISK, .region = folder.region, .slot = slot};
	return true;
}

static struct region_waiter *files_ensure(struct fs *fs, struct node folder, const char *name,
	region_done *done, void *arg, bool *ready)
{
	struct region *region = fs_region(fs, folder);

	if (!name)
		return view_ensure(region_own(region), false, done, arg, ready);
	if (ec2_is_snapshot_id(name))
		return region_ensure_id(region, name, false, done, arg, ready);
	*ready = true;
	return NULL;
}

#define INSTEAD "a snapshot's files cannot be changed; copy them out of the mount"

const struct node_ops files_ops = {
	.type = S_IFDIR,
	.mode = 0500,
	.trust = TRUST_EVER,
	.instead = INSTEAD,
	.find = files_find,
	.next = files_next,
	.ensure = files_ensure,
};

/* --- files/<id>/ --- */

/* Returns whether the name is a partition's; *number: its number, 0 for "disk". */
static bool partition_number(const char *name, uint32_t *number)
{
	char again[INODE_SPACE_NAME];

	*number = strcmp(name, "disk") ? (uint32_t)strtoul(name, NULL, 10) : 0;
	return !strcmp(inode_space_name(*number, again), name);
}

struct partition_look {
	struct node folder;
	uint32_t number;
};

/* Looks a partition up: opens its file system, because the partition's node is the file system's
 * root. */
static void partition_look(void *arg, struct files_disk *disk, struct pending_reply *reply)
{
	const struct partition_look *look = arg;
	struct fs *fs = pending_reply_fs(reply);
	const struct reader_partition *p = NULL;
	struct inode_space *space;
	struct err err;
	uint32_t i = 0;

	while (i < files_table(disk)->count && files_partition(disk, i)->number != look->number)
		i++;
	p = files_partition(disk, i);
	if (!p) {
		pending_reply_errno(reply, ENOENT);
		return;
	}
	if (!p->readable) {
		err_set(&err, EOPNOTSUPP, "the files of this partition cannot be read: %s",
			*p->note ? p->note : "its contents are unknown");
		pending_reply_err(reply, &err);
		return;
	}
	space = inode_space_get(fs, look->folder, disk, i, &err);
	if (!space) {
		pending_reply_err(reply, &err);
		return;
	}
	inode_ask_entry(space, &(struct files_ask){.type = READER_STAT}, reply);
	inode_space_release(space);
}

static void files_disk_lookup(
	struct fs *fs, struct node folder, const char *name, struct pending_reply *reply)
{
	struct partition_look look = {.folder = folder};
	struct fuse_entry_param e;
	struct node n = folder;
	int r;

	if (!strcmp(name, "partitions")) {
		n.kind = NODE_PARTITIONS;
		r = ops_entry(fs, n, &e);
		if (r < 0) {
			pending_reply_errno(reply, -r);
			return;
		}
		ops_reply_entry(pending_reply_request(reply), &e);
		pending_reply_done(reply);
	} else if (partition_number(name, &look.number)) {
		files_table_get(fs, folder, partition_look, &look, sizeof(look), reply);
	} else {
		pending_reply_errno(reply, ENOENT);
	}
}

struct files_disk_list {
	struct node folder;
	off_t offset;
	size_t size;
	bool plus;
};

/* Adds the partitions of a disk. Partitions without readable files appear only in the text of
 * `partitions`. A partition's attributes are those of its root; the kernel looks them up when it
 * needs them, because that opens the file system. */
static void files_disk_add(struct dir_reply *d, struct fs *fs, struct files_disk *disk)
{
	struct node n = d->folder;
	struct fuse_entry_param e;
	uint64_t at;

	if (!dir_reply_add_dots(d))
		return;
	n.kind = NODE_PARTITIONS;
	at = dir_reply_position(d);
	if (at == 0) {
		if (ops_entry(fs, n, &e) < 0 || !dir_reply_add(d, "partitions", &e, 1))
			return;
		at = 1;
	}
	for (uint32_t i = (uint32_t)at - 1; i < files_table(disk)->count; i++) {
		char name[INODE_SPACE_NAME];

		e = (struct fuse_entry_param){
			.attr = {.st_ino = node_number(n) + i + 1, .st_mode = S_IFDIR}};
		if (files_partition(disk, i)->readable &&
			!dir_reply_add(d, inode_space_name(files_partition(disk, i)->number, name),
				&e, (uint64_t)i + 2))
			return;
	}
}

static void files_disk_list(void *arg, struct files_disk *disk, struct pending_reply *reply)
{
	const struct files_disk_list *list = arg;
	struct dir_reply d;

	if (dir_reply_begin(&d, pending_reply_request(reply), list->folder, list->offset,
		    list->size, list->plus) < 0) {
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	files_disk_add(&d, pending_reply_fs(reply), disk);
	dir_reply_send(&d);
	pending_reply_done(reply);
	dir_reply_finish(&d);
}

static void files_disk_readdir(
	struct handle *h, off_t offset, size_t size, bool plus, struct pending_reply *reply)
{
	struct files_disk_list list = {h->node, offset, size, plus};

	files_table_get(h->fs, h->node, files_disk_list, &list, sizeof(list), reply);
}

const struct node_ops files_disk_ops = {
	.type = S_IFDIR,
	.mode = 0500,
	.trust = TRUST_LISTING,
	.cached = true,
	.counted = NODE_SNAPSHOT,
	.instead = INSTEAD,
	.attr = snapshot_child_attr,
	.lookup = files_disk_lookup,
	.readdir = files_disk_readdir,
};
