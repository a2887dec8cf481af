/* SPDX-License-Identifier: MIT */
/* Nodes: their numbers, and their paths for messages. */
#include "node.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "by_node.h"
#include "disk_copy.h"
#include "disks.h"
#include "filter_folders.h"
#include "inode_space.h"
#include "names.h"
#include "receipts.h"

/* From the top: 1 bit zero, 7 kind, 8 region, 25 slot, 23
 * sub. The root is number 1, as FUSE requires: kind 0 and sub 1. */
#define KIND_BITS   7
#define REGION_BITS 8
#define SLOT_BITS   25
#define SUB_BITS    23

static_assert(1 + KIND_BITS + REGION_BITS + SLOT_BITS + SUB_BITS == 64, "a node number's bits");
static_assert(NODE_KINDS <= 1 << KIND_BITS, "the kind fits into its bits");
static_assert(NODE_SLOT_MAX == (1u << SLOT_BITS) - 1, "the slot fits into its bits");
static_assert(NODE_SUB_MAX == (1u << SUB_BITS) - 1, "the sub fits into its bits");

/* Inodes on disks have numbers of another form: the highest bit is 1, then 16 bits of the file
 * system's number, 47 of the inode. */
#define INODE_FLAG      ((uint64_t)1 << 63)
#define INODE_BITS      47
#define INODE_SLOT_BITS (INODE_BITS - SUB_BITS)

struct node node_of_inode(uint32_t filesystem, uint64_t inode)
{
	return (struct node){.kind = NODE_INODE,
		.region = filesystem,
		.slot = (uint32_t)(inode >> SUB_BITS) & ((1u << INODE_SLOT_BITS) - 1),
		.sub = (uint32_t)inode & NODE_SUB_MAX};
}

uint64_t node_inode(struct node n)
{
	return (uint64_t)n.slot << SUB_BITS | n.sub;
}

uint64_t node_number(struct node n)
{
	if (n.kind == NODE_ROOT)
		return 1;
	if (n.kind == NODE_INODE)
		return INODE_FLAG | (uint64_t)n.region << INODE_BITS | node_inode(n);
	return (((uint64_t)n.kind << REGION_BITS | n.region) << SLOT_BITS | n.slot) << SUB_BITS |
	       n.sub;
}

struct node node_of(uint64_t number)
{
	if (number & INODE_FLAG)
		return node_of_inode(
			number >> INODE_BITS & NODE_FILESYSTEM_MAX, number & NODE_INODE_MAX);
	return (struct node){
		.kind = (enum node_kind)(
			number >> (SUB_BITS + SLOT_BITS + REGION_BITS) & ((1u << KIND_BITS) - 1)),
		.region = number >> (SUB_BITS + SLOT_BITS) & ((1u << REGION_BITS) - 1),
		.slot = number >> SUB_BITS & ((1u << SLOT_BITS) - 1),
		.sub = number & ((1u << SUB_BITS) - 1),
	};
}

/* --- paths --- */

/* The names of kinds whose name is fixed; those directly below the root include the folder. */
static const char *const fixed_names[NODE_KINDS] = {
	[NODE_ROOT] = "",
	[NODE_README] = "README",
	[NODE_COPIES] = "copies",
	[NODE_COPIES_JSON] = "copies.json",
	[NODE_CONTROL] = ".ebsfs",
	[NODE_HEALTH] = ".ebsfs/health",
	[NODE_METRICS] = ".ebsfs/metrics",
	[NODE_VERSION] = ".ebsfs/version",
	[NODE_LAST_ERROR] = ".ebsfs/last-error",
	[NODE_BUDGET] = ".ebsfs/budget",
	[NODE_REGIONS] = "regions",
	[NODE_FILTER_README] = "/README",
	[NODE_LIST] = "/list",
	[NODE_LIST_JSON] = "/list.json",
	[NODE_BY] = "/by",
	[NODE_BY_TAG] = "/by/tag",
	[NODE_BY_NAME] = "/by/name",
	[NODE_BY_VOLUME] = "/by/volume",
	[NODE_BY_DAY] = "/by/day",
	[NODE_BY_STATE] = "/by/state",
	[NODE_VOLUMES] = "/volumes",
	[NODE_DESCRIPTION] = "/description",
	[NODE_METADATA] = "/metadata.json",
	[NODE_TAGS] = "/tags",
	[NODE_STATUS] = "/status",
	[NODE_WAIT] = "/.wait",
	[NODE_SHARED_WITH] = "/shared-with",
	[NODE_USED_BY] = "/used-by",
};

static void node_path_of_snapshot(struct fs *fs, struct node n, struct buf *out)
{
	struct catalogue *c = fs_catalogue(fs, n);
	const char *id = catalogue_id(c, n.slot), *key;
	char name[NAME_MAX + 1];

	buf_printf(out, "/snapshots/%s", id);
	if (n.kind == NODE_SNAPSHOT_FILE)
		buf_printf(out, "/%s.snapshot", id);
	key = n.kind == NODE_TAG ? catalogue_key_text(c, n.sub) : NULL;
	if (key && names_escape(key, name))
		buf_printf(out, "/tags/%s", name);
}

static void node_path_of_disk(struct fs *fs, struct node n, struct buf *out)
{
	const struct receipt *r;
	const struct handle *h;

	buf_puts(out, "/disks");
	if (n.kind == NODE_DISK || n.kind == NODE_DISK_RW)
		buf_printf(out, "/%s%s", catalogue_id(fs_catalogue(fs, n), n.slot),
			n.kind == NODE_DISK ? DISK_SUFFIX : DISK_RW_SUFFIX);
	else if (n.kind == NODE_DISK_COPY && (h = handle_of(fs, n)))
		buf_printf(out, "/%s", h->copy->name);
	else if (n.kind == NODE_DISK_LINK && (r = receipts_get(fs->receipts, n)))
		buf_printf(out, "/%s", r->name);
}

static void node_path_of_files(struct fs *fs, struct node n, struct buf *out)
{
	buf_puts(out, "/files");
	if (n.kind != NODE_FILES)
		buf_printf(out, "/%s", catalogue_id(fs_catalogue(fs, n), n.slot));
	if (n.kind == NODE_PARTITIONS)
		buf_puts(out, "/partitions");
}

static void node_path_of_receipt(struct fs *fs, struct node n, struct buf *out)
{
	const struct receipt *r = receipts_get(fs->receipts, n);
	char stem[NAME_MAX + 1];

	if (!r) {
		buf_puts(out, "/a receipt that is gone");
		return;
	}
	receipts_stem(r->name, stem);
	receipt_folder_path(fs, receipts_folder(r), out);
	buf_putc(out, '/');
	if (n.kind == NODE_RECEIPT_STATUS)
		buf_printf(out, "%s.status", stem);
	else if (n.kind == NODE_RECEIPT_WAIT)
		buf_printf(out, "%s.wait", stem);
	else if (n.kind == NODE_RECEIPT_COPY)
		buf_printf(out, "%s.copy", stem);
	else
		buf_puts(out, r->name);
	if (n.kind == NODE_RECEIPT && r->is_folder && r->file_name)
		buf_printf(out, "/%s", r->file_name);
}

/* Writes a draft's path, which ends with the draft's name after its folder's path. */
static const char *node_path_of_draft(
	struct fs *fs, struct node n, const char *name, char out[NODE_PATH_SIZE])
{
	const struct draft *d = drafts_get(fs->drafts, n);
	_cleanup_buf_ struct buf path = BUF_INIT;
	char stem[NAME_MAX + 1];

	if (!d) {
		buf_puts(&path, "a file that is gone");
	} else if (n.kind == NODE_DRAFT_STATUS) {
		receipts_stem(d->name, stem);
		buf_printf(&path, "%s.status", stem);
	} else {
		buf_puts(&path, d->name);
	}
	if (name)
		buf_printf(&path, "/%s", name);
	if (d)
		return node_path(fs, node_of(d->folder), buf_str(&path), out);
	snprintf(out, NODE_PATH_SIZE, "%s", buf_str(&path));
	return out;
}

const char *node_path(struct fs *fs, struct node n, const char *name, char out[NODE_PATH_SIZE])
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	if (n.kind >= NODE_DRAFT && n.kind <= NODE_DRAFT_STATUS)
		return node_path_of_draft(fs, n, name, out);
	if (n.kind == NODE_INODE)
		inode_space_path(fs, n, &path);
	else if (n.kind >= NODE_REGION)
		buf_printf(&path, "regions/%s", region_name(fs_region(fs, n)));
	if (receipt_kind_takes(n) && n.kind != NODE_REGION)
		receipt_folder_path(fs, n, &path);
	else if (n.kind >= NODE_FILTER && n.kind <= NODE_SHARED)
		filter_folders_path(fs, n, &path);
	else if (n.kind >= NODE_BY_KEY && n.kind <= NODE_BY_LATEST)
		by_node_path(fs, n, &path);
	else if (n.kind >= NODE_DISKS && n.kind <= NODE_DISK_LINK)
		node_path_of_disk(fs, n, &path);
	else if (n.kind >= NODE_FILES && n.kind <= NODE_PARTITIONS)
		node_path_of_files(fs, n, &path);
	else if (n.kind >= NODE_FOLDER)
		node_path_of_receipt(fs, n, &path);
	else if (n.kind >= NODE_SNAPSHOT || n.kind == NODE_SNAPSHOT_LINK)
		node_path_of_snapshot(fs, n, &path);
	if (fixed_names[n.kind])
		buf_puts(&path, fixed_names[n.kind]);
	if (name)
		buf_printf(&path, "%s%s", path.len ? "/" : "", name);
	snprintf(out, NODE_PATH_SIZE, "%s", path.len ? path.data : ".");
	return out;
}
