/* SPDX-License-Identifier: MIT */
/* disks/: the contents of the region's snapshots as raw disks, <id>.img; and .ebsfs/budget, the
 * costs of reading them. */
#define FUSE_USE_VERSION 314
#include "disks.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "clock.h"
#include "disk_copy.h"
#include "nodes.h"
#include "num.h"
#include "preflight.h"
#include "receipts.h"
#include "snapshot_folder.h"
#include "view.h"

/* --- the folder --- */

/* Returns the kind of disk that a name stands for, and the snapshot's id in the name; NODE_ROOT:
 * none. */
static enum node_kind disk_name_id(const char *name, char id[NAME_MAX + 1])
{
	enum node_kind kind = NODE_ROOT;

	if (receipts_strip(name, DISK_SUFFIX, id))
		kind = NODE_DISK;
	else if (receipts_strip(name, DISK_RW_SUFFIX, id))
		kind = NODE_DISK_RW;
	return kind != NODE_ROOT && ec2_is_snapshot_id(id) ? kind : NODE_ROOT;
}

static int disks_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	char id[NAME_MAX + 1];
	enum node_kind kind = disk_name_id(name, id);

	if (disk_copy_find(fs, folder, name, child) == 0)
		return 0;
	return kind == NODE_ROOT ? -ENOENT : snapshot_find_shown(fs, folder, id, kind, child);
}

/* From this position on follow the links of copies; a receipt's number is added to it. */
#define COPIES_FROM ((uint64_t)1 << 40)

/* The positions below are those of the view of the account's own snapshots. */
static bool disks_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	catalogue_slot slot;
	uint64_t at;

	if (*pos >= COPIES_FROM || !view_next(region_own(fs_region(fs, folder)), pos, &slot) ||
		slot > NODE_SLOT_MAX) {
		at = *pos < COPIES_FROM ? 0 : *pos - COPIES_FROM;
		if (!disk_copy_next(fs, folder, &at, out))
			return false;
		*pos = COPIES_FROM + at;
		return true;
	}
	snprintf(out->name, sizeof(out->name), "%s" DISK_SUFFIX,
		catalogue_id(fs_catalogue(fs, folder), slot));
	out->node = (struct node){.kind = NODE_DISK, .region = folder.region, .slot = slot};
	return true;
}

static struct region_waiter *disks_ensure(struct fs *fs, struct node folder, const char *name,
	region_done *done, void *arg, bool *ready)
{
	struct region *region = fs_region(fs, folder);
	char id[NAME_MAX + 1];
	struct node copy;

	if (!name)
		return view_ensure(region_own(region), false, done, arg, ready);
	if (disk_copy_find(fs, folder, name, &copy) < 0 && disk_name_id(name, id) != NODE_ROOT)
		return region_ensure_id(region, id, false, done, arg, ready);
	*ready = true;
	return NULL;
}

const struct node_ops disks_ops = {
	.type = S_IFDIR,
	.mode = 0700,
	.trust = TRUST_EVER,
	.instead = "to copy a snapshot to another region, copy its .snapshot file into that "
		   "region's folder",
	.create = disk_copy_create,
	.find = disks_find,
	.next = disks_next,
	.ensure = disks_ensure,
};

/* --- a disk --- */

int disks_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct catalogue_snapshot s;
	int r = snapshot_child_attr(fs, n, st);

	if (r < 0)
		return r;
	catalogue_get(fs_catalogue(fs, n), n.slot, &s);
	st->st_size = (off_t)s.volume_gib << 30;
	st->st_blocks = s.full_size > 0 ? s.full_size / 512 + (s.full_size % 512 > 0) : 0;
	st->st_blksize = (blksize_t)EBS_BLOCK_SIZE;
	return 0;
}

/* Refuses snapshots that the EBS direct APIs cannot read. (AWS, "EBS direct APIs", FAQ) */
static int disk_check(const struct catalogue *c, const struct catalogue_snapshot *s,
	catalogue_slot slot, struct err *err)
{
	const char *outpost = catalogue_field_value(c, slot, "OutpostArn");

	if (s->state == EC2_SNAPSHOT_PENDING)
		return err_set(err, EBUSY,
			"the snapshot is pending; its disk can be read once it is completed");
	if (s->state != EC2_SNAPSHOT_COMPLETED)
		return err_set(err, EIO,
			"the snapshot's state is %s; only completed ones can be read",
			*s->state_text ? s->state_text : "unknown");
	if (preflight_snapshot_is_archived(c, slot, clock_wall_ms()))
		return err_set(err, EOPNOTSUPP,
			"the snapshot is archived; restore it to the standard tier first (aws ec2 "
			"restore-snapshot-tier)");
	if (outpost && *outpost)
		return err_set(err, EOPNOTSUPP,
			"the snapshot lies on an Outpost, and EBS direct APIs do not read local "
			"snapshots; copy it to the region first");
	return 0;
}

int disks_find_facts(struct fs *fs, struct node n, struct disk_facts *out, struct err *err)
{
	const struct catalogue *c = fs_catalogue(fs, n);
	struct catalogue_snapshot s;

	if (!catalogue_get(c, n.slot, &s) || !s.exists)
		return err_set(err, ENOENT, "the snapshot is gone");
	if (disk_check(c, &s, n.slot, err) < 0)
		return -err->errnum;
	*out = (struct disk_facts){.region = region_name(fs_region(fs, n)),
		.snapshot = s.id,
		.volume = s.volume_id,
		.start_ms = s.start_ms,
		.volume_gib = s.volume_gib};
	return 0;
}

int disks_open_reader(struct handle *h, struct err *err)
{
	struct disk_facts facts;
	char reader[32];

	if (disks_find_facts(h->fs, h->node, &facts, err) < 0)
		return -err->errnum;
	handle_program(h, reader, sizeof(reader));
	if (disk_open(h->fs->disks, &facts, reader, &h->disk) < 0)
		return err_set(err, ENOMEM, "out of memory");
	return 0;
}

void disks_release(struct handle *h)
{
	if (h->disk)
		disk_close(h->disk);
}

void disks_explain(struct fs *fs, struct node n, struct err *err)
{
	struct catalogue_snapshot s;

	if (!*err->code || !catalogue_get(fs_catalogue(fs, n), n.slot, &s))
		return;
	if (err->errnum == EACCES && s.encryption == EC2_ENCRYPTION_PRESENT)
		err_context(err, "the snapshot is encrypted, which needs kms:Decrypt on %s",
			*s.kms_key_id ? s.kms_key_id : "its key");
	else if (!region_owns(fs_region(fs, n), n.slot) &&
		 (err->errnum == ENOENT || err->errnum == EACCES || err->errnum == EINVAL)) {
		err->errnum = EOPNOTSUPP;
		err_context(err,
			"the snapshot is %s's; EBS direct APIs read only shared "
			"snapshots, no public ones; copy it first",
			s.owner_id);
	}
}

void disks_request_fail(struct disks_request *r, const struct err *err)
{
	struct err explained = *err;

	disks_explain(r->handle->fs, r->handle->node, &explained);
	pending_reply_err(r->reply, &explained);
	free(r);
}

void disks_request_read(void *arg, const struct disk_data *data, const struct err *err)
{
	struct disks_request *r = arg;

	if (err) {
		disks_request_fail(r, err);
		return;
	}
	fuse_reply_iov(pending_reply_request(r->reply), data->parts, data->n_parts);
	pending_reply_done(r->reply);
	free(r);
}

void disks_request_found(void *arg, int64_t found, const struct err *err)
{
	struct disks_request *r = arg;

	if (err) {
		disks_request_fail(r, err);
		return;
	}
	if (found < 0)
		fuse_reply_err(pending_reply_request(r->reply), ENXIO);
	else
		fuse_reply_lseek(pending_reply_request(r->reply), found);
	pending_reply_done(r->reply);
	free(r);
}

static void disks_request_interrupted(void *arg)
{
	struct disks_request *r = arg;

	r->cancel(r->work);
	free(r);
}

struct disks_request *disks_request_create(
	struct handle *h, struct pending_reply *a, void (*cancel)(void *work))
{
	struct disks_request *r = calloc(1, sizeof(*r));

	if (!r) {
		pending_reply_errno(a, ENOMEM);
		return NULL;
	}
	r->reply = a;
	r->handle = h;
	r->cancel = cancel;
	return r;
}

void disks_request_wait(struct disks_request *r, void *work, bool ready)
{
	if (ready)
		return;
	if (work) {
		r->work = work;
		pending_reply_on_interrupt(r->reply, disks_request_interrupted, r);
		return;
	}
	pending_reply_errno(r->reply, ENOMEM);
	free(r);
}

static void disk_cancel_read(void *work)
{
	disk_read_cancel(work);
}

static void disk_cancel_seek(void *work)
{
	disk_seek_cancel(work);
}

static void disk_read_at(struct handle *h, off_t offset, size_t size, struct pending_reply *a)
{
	struct disks_request *r = disks_request_create(h, a, disk_cancel_read);
	struct disk_read *read;
	bool ready;

	if (!r)
		return;
	read = disk_read(h->disk, offset, size, disks_request_read, r, &ready);
	disks_request_wait(r, read, ready);
}

static void disk_lseek(struct handle *h, off_t offset, int whence, struct pending_reply *a)
{
	struct disks_request *r;
	struct disk_seek *seek;
	bool ready;

	if (offset < 0 || offset >= disk_size(h->disk)) {
		pending_reply_errno(a, ENXIO);
		return;
	}
	r = disks_request_create(h, a, disk_cancel_seek);
	if (!r)
		return;
	seek = disk_seek(h->disk, offset, whence == SEEK_HOLE, disks_request_found, r, &ready);
	disks_request_wait(r, seek, ready);
}

const struct node_ops disk_ops = {
	.type = S_IFREG,
	.mode = 0400,
	.trust = TRUST_LISTING,
	.cached = true,
	.counted = NODE_SNAPSHOT,
	.instead =
		"a snapshot's contents cannot be changed; ID.rw beside ID.img can be written, for "
		"the life of the mount",
	.attr = disks_attr,
	.open_read = disks_open_reader,
	.read = disk_read_at,
	.lseek = disk_lseek,
	.release = disks_release,
};

/* --- .ebsfs/budget --- */

static int budget_file_text(struct fs *fs, struct node n, struct buf *out)
{
	(void)n;
	budget_text(fs->budget, clock_wall_ms(), out);
	return out->error ? -out->error : 0;
}

static int budget_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	(void)fs;
	(void)n;
	(void)h;
	(void)err;
	return 0;
}

static void budget_commit(struct handle *h, struct pending_reply *a)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	double dollars;
	struct err err;

	if (!h->dirty || !h->text.len) {
		pending_reply_ok(a);
		return;
	}
	h->dirty = false;
	if (handle_line(h, &line) < 0) {
		pending_reply_errno(a, ENOMEM);
	} else if (num_parse_double(buf_str(&line), 0, BUDGET_DOLLARS_MAX, &dollars) < 0) {
		err_set(&err, EINVAL,
			"'%.40s' is not a number of dollars; write for example: echo 5 > "
			".ebsfs/budget",
			buf_str(&line));
		pending_reply_err(a, &err);
	} else {
		budget_set_limit(h->fs->budget, dollars, clock_wall_ms());
		pending_reply_ok(a);
	}
}

const struct node_ops budget_ops = {
	.type = S_IFREG,
	.mode = 0644,
	.trust = TRUST_NEVER,
	.local = true,
	.text = budget_file_text,
	.open_write = budget_open_write,
	.write = handle_write,
	.truncate = handle_truncate,
	.commit = budget_commit,
	.set_attr = handle_ignore_attr,
};
