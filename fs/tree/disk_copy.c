/* SPDX-License-Identifier: MIT */
/*
 * A disk as the thing to copy. A file made in a region's disks/ takes no bytes: copy_file_range()
 * from a disk of another region only notes how much of it is covered. If that is all of it when the
 * file is closed, the snapshot's text is written to the receipt NAME.img in the region's folder, as
 * if cp had written it: one rule decides about both. Then NAME.img is a link to the copy's disk,
 * for as long as the receipt is there.
 */
#define FUSE_USE_VERSION 314
#include "disk_copy.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "disks.h"
#include "last_error.h"
#include "nodes.h"
#include "receipts.h"
#include "timespec.h"

/* The most bytes of one reply; the kernel continues after them. */
#define COPIED_MAX ((size_t)1 << 31)

static struct node disk_copy_receipts(struct node folder)
{
	return (struct node){.kind = NODE_REGION, .region = folder.region};
}

/* --- files that are being made --- */

static struct handle *disk_copy_by_name(const struct fs *fs, struct node folder, const char *name)
{
	struct handle *h;

	for (h = fs->handles; h; h = h->next)
		if (h->copy && h->node.kind == NODE_DISK_COPY && h->node.region == folder.region &&
			!strcmp(h->copy->name, name))
			return h;
	return NULL;
}

/* Returns a number that no open file has, and that the kernel has not seen recently. */
static struct node disk_copy_number(const struct fs *fs, struct node folder)
{
	static uint32_t latest;
	struct node n = {.kind = NODE_DISK_COPY, .region = folder.region};

	do
		n.slot = latest = (latest + 1) & NODE_SLOT_MAX;
	while (handle_of(fs, n));
	return n;
}

int disk_copy_create(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	char stem[NAME_MAX + 1];

	(void)mode;
	if (*name == '.' || !receipts_strip(name, DISK_SUFFIX, stem))
		return err_set(err, EPERM,
			"a disk's name ends in " DISK_SUFFIX
			" and does not begin with a dot; to copy a snapshot to another region, "
			"copy its .snapshot file into that region's folder");
	h->copy = calloc(1, sizeof(*h->copy));
	if (!h->copy)
		return err_set(err, ENOMEM, "out of memory");
	snprintf(h->copy->name, sizeof(h->copy->name), "%s", name);
	*child = disk_copy_number(fs, folder);
	return 0;
}

static int disk_copy_attr(struct fs *fs, struct node n, struct stat *st)
{
	const struct handle *h = handle_of(fs, n);

	if (!h)
		return -ENOENT;
	st->st_size = h->copy->covered;
	return 0;
}

static void disk_copy_release(struct handle *h)
{
	free(h->copy);
}

static int disk_copy_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	(void)fs;
	(void)n;
	(void)h;
	return err_set(err, EBUSY, "the file is being written by another program");
}

static void disk_copy_read(struct handle *h, off_t offset, size_t size, struct pending_reply *a)
{
	handle_read(h, offset, size, a);
}

/* Returns the disk that the writing process reads; NODE_ROOT: none. */
static struct node disk_copy_read_by(const struct fs *fs, const struct pending_reply *a)
{
	pid_t process = handle_process(fuse_req_ctx(pending_reply_request(a))->pid);

	for (const struct handle *h = fs->handles; h; h = h->next)
		if ((h->node.kind == NODE_DISK || h->node.kind == NODE_DISK_RW) &&
			handle_process(h->process) == process)
			return h->node;
	return (struct node){.kind = NODE_ROOT};
}

static int disk_copy_advise(
	struct fs *fs, struct node to, struct node source, const char *why, struct err *err)
{
	const char *id = "ID", *from = "REGION";

	if (source.kind != NODE_ROOT) {
		id = catalogue_id(fs_catalogue(fs, source), source.slot);
		from = region_name(fs_region(fs, source));
	}
	return err_set(err, EOPNOTSUPP,
		"%s; EC2 copies a snapshot without its bytes passing here: cp "
		"regions/%s/snapshots/%s/%s.snapshot regions/%s/",
		why, from, id, id, region_name(fs_region(fs, to)));
}

/* Refuses a write. The error is reported once: the close after it succeeds and requests no copy. */
static void disk_copy_write(
	struct handle *h, const char *data, size_t len, off_t offset, struct pending_reply *a)
{
	struct err err;

	(void)data;
	(void)len;
	(void)offset;
	h->copy->refused = true;
	disk_copy_advise(h->fs, h->node, disk_copy_read_by(h->fs, a),
		"a disk's bytes cannot be written into a region", &err);
	pending_reply_err(a, &err);
}

static void disk_copy_range(struct handle *from, off_t from_offset, struct handle *h, off_t offset,
	size_t len, struct pending_reply *a)
{
	struct disk_copy *copy = h->copy;
	const char *why = NULL;
	struct err err;

	if (from->node.kind != NODE_DISK || from->node.region == h->node.region)
		why = "only a disk of another region, ID.img, can be copied here";
	else if (copy->source.kind != NODE_ROOT &&
		 node_number(copy->source) != node_number(from->node))
		why = "a copy has one source";
	else if (from_offset != offset || offset > copy->covered || h->committed)
		why = "a disk is copied as a whole, from its beginning";
	if (why) {
		copy->refused = true;
		disk_copy_advise(h->fs, h->node,
			from->node.kind == NODE_DISK ? from->node
						     : (struct node){.kind = NODE_ROOT},
			why, &err);
		pending_reply_err(a, &err);
		return;
	}
	copy->source = from->node;
	copy->size = disk_size(from->disk);
	if ((int64_t)len > copy->size - offset)
		len = copy->size > offset ? (size_t)(copy->size - offset) : 0;
	if (len > COPIED_MAX)
		len = COPIED_MAX;
	if (offset + (int64_t)len > copy->covered)
		copy->covered = offset + (int64_t)len;
	fuse_reply_write(pending_reply_request(a), len);
	pending_reply_done(a);
}

/* Requests the copy: writes the source's text into the receipt that the handle names. */
static void disk_copy_request(struct handle *h, struct pending_reply *a)
{
	struct node text = h->copy->source;
	_cleanup_buf_ struct buf out = BUF_INIT;
	int r;

	text.kind = NODE_SNAPSHOT_FILE;
	r = snapshot_file_ops.text(h->fs, text, &out);
	if (r < 0)
		pending_reply_errno(a, -r);
	else
		receipts_write(h->fs, disk_copy_receipts(h->node), h->copy->name, &out, h->uid, a);
}

static void disk_copy_commit(struct handle *h, struct pending_reply *a)
{
	struct disk_copy *copy = h->copy;
	struct err err;
	char why[100];

	if (copy->refused || !copy->covered || h->committed || handle_is_shared(h, a)) {
		pending_reply_ok(a);
		return;
	}
	if (copy->covered == copy->size) {
		h->committed = true;
		disk_copy_request(h, a);
		return;
	}
	copy->refused = true;
	snprintf(why, sizeof(why), "only %lld of the disk's %lld bytes were copied",
		(long long)copy->covered, (long long)copy->size);
	disk_copy_advise(h->fs, h->node, copy->source, why, &err);
	pending_reply_err(a, &err);
}

/* Accepts the attributes that cp -p sets before it closes the file; touch needs no more. */
static int disk_copy_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	const struct handle *h = handle_of(fs, n);

	(void)st;
	(void)which;
	return h && h->copy->covered ? 0
				     : disk_copy_advise(fs, n, (struct node){.kind = NODE_ROOT},
					       "an empty disk cannot be made", err);
}

static int disk_copy_truncate(
	struct fs *fs, struct node n, struct handle *h, off_t size, struct err *err)
{
	(void)h;
	if (!size)
		return 0;
	return disk_copy_advise(fs, n, (struct node){.kind = NODE_ROOT},
		"a disk's bytes cannot be written into a region", err);
}

const struct node_ops disk_copy_ops = {
	.type = S_IFREG,
	.mode = 0600,
	.trust = TRUST_NEVER,
	.attr = disk_copy_attr,
	.read = disk_copy_read,
	.open_write = disk_copy_open_write,
	.write_later = disk_copy_write,
	.copy_range = disk_copy_range,
	.truncate = disk_copy_truncate,
	.commit = disk_copy_commit,
	.set_attr = disk_copy_set_attr,
	.release = disk_copy_release,
};

/* --- links to the disks of copies --- */

/* Returns the id of a receipt's copy, if it has a link in disks/; else NULL. */
static const char *disk_link_id(const struct fs *fs, const struct receipt *r)
{
	char stem[NAME_MAX + 1];
	const struct copy *copy;

	if (!r || r->is_folder || receipts_folder(r).kind != NODE_REGION ||
		!receipts_strip(r->name, DISK_SUFFIX, stem))
		return NULL;
	copy = receipts_copy(fs, r);
	return copy ? copy->row.copy_id : NULL;
}

int disk_copy_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	const struct handle *h = disk_copy_by_name(fs, folder, name);
	const struct receipt *r;

	if (h && !h->committed) {
		*child = h->node;
		return 0;
	}
	r = receipts_by_name(fs->receipts, disk_copy_receipts(folder), name);
	if (!disk_link_id(fs, r))
		return -ENOENT;
	*child = receipts_node_of(r, NODE_DISK_LINK);
	return 0;
}

bool disk_copy_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	while (*pos < receipts_count(fs->receipts)) {
		const struct receipt *r =
			receipts_get(fs->receipts, (struct node){.slot = (uint32_t)(*pos)++});

		if (!r || r->region != folder.region || !disk_link_id(fs, r))
			continue;
		snprintf(out->name, sizeof(out->name), "%s", r->name);
		out->node = receipts_node_of(r, NODE_DISK_LINK);
		return true;
	}
	return false;
}

static int disk_link_text(struct fs *fs, struct node n, struct buf *out)
{
	const char *id = disk_link_id(fs, receipts_get(fs->receipts, n));

	return id ? buf_printf(out, "%s" DISK_SUFFIX, id) : -ENOENT;
}

static int disk_link_attr(struct fs *fs, struct node n, struct stat *st)
{
	const struct receipt *r = receipts_get(fs->receipts, n);

	if (!disk_link_id(fs, r))
		return -ENOENT;
	st->st_mtim = st->st_ctim = timespec_of_ns(r->mtime_ns);
	return 0;
}

/* Removes the receipt, and the link with it. */
static void disk_link_remove(struct fs *fs, struct node n, struct pending_reply *a)
{
	struct receipt *r = receipts_get(fs->receipts, n);

	if (r)
		receipt_remove(fs, r, a);
	else
		pending_reply_errno(a, ENOENT);
}

const struct node_ops disk_link_ops = {
	.type = S_IFLNK,
	.mode = 0777,
	.trust = TRUST_NEVER,
	.attr = disk_link_attr,
	.text = disk_link_text,
	.remove = disk_link_remove,
};
