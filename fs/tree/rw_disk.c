/* SPDX-License-Identifier: MIT */
/* disks/<id>.rw: a snapshot's contents as a disk that can be written. The written bytes stay on
 * this machine, and are lost when the mount ends. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/falloc.h>

#include "disk_rw.h"
#include "disks.h"
#include "nodes.h"
#include "timespec.h"

static int rw_disk_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct disk_rw_sums sums;
	int r = disks_attr(fs, n, st);

	if (r < 0)
		return r;
	/* The snapshots of other accounts can be written, too. */
	st->st_mode |= S_IWUSR;
	sums = disk_rw_sums(fs->disks, region_name(fs_region(fs, n)),
		catalogue_id(fs_catalogue(fs, n), n.slot));
	st->st_blocks += sums.bytes / 512;
	if (st->st_blocks > st->st_size / 512)
		st->st_blocks = st->st_size / 512;
	if (sums.last_ms)
		st->st_mtim = st->st_ctim = timespec_of_ms(sums.last_ms);
	return 0;
}

static int rw_disk_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	(void)fs;
	(void)n;
	return disks_open_reader(h, err);
}

/* --- reading --- */

static void rw_disk_cancel_read(void *work)
{
	disk_rw_read_cancel(work);
}

static void rw_disk_cancel_seek(void *work)
{
	disk_rw_seek_cancel(work);
}

static void rw_disk_read(struct handle *h, off_t offset, size_t size, struct pending_reply *a)
{
	struct disks_request *r = disks_request_create(h, a, rw_disk_cancel_read);
	struct disk_rw_read *read;
	bool ready;

	if (!r)
		return;
	read = disk_rw_read(h->disk, offset, size, disks_request_read, r, &ready);
	disks_request_wait(r, read, ready);
}

static void rw_disk_lseek(struct handle *h, off_t offset, int whence, struct pending_reply *a)
{
	struct disk_rw_seek *seek;
	struct disks_request *r;
	bool ready;

	if (offset < 0 || offset >= disk_size(h->disk)) {
		pending_reply_errno(a, ENXIO);
		return;
	}
	r = disks_request_create(h, a, rw_disk_cancel_seek);
	if (!r)
		return;
	seek = disk_rw_seek(h->disk, offset, whence == SEEK_HOLE, disks_request_found, r, &ready);
	disks_request_wait(r, seek, ready);
}

/* --- writing --- */

/* A write in progress. It is not interrupted, because its caller would not know how many bytes were
 * written. */
struct rw_disk_write {
	struct disks_request request;
	size_t len;
};

static void rw_disk_written(void *arg, const struct err *err)
{
	struct rw_disk_write *w = arg;

	if (err) {
		disks_request_fail(
			&w->request, err); /* frees w, whose first member is the request */
		return;
	}
	fuse_reply_write(pending_reply_request(w->request.reply), w->len);
	pending_reply_done(w->request.reply);
	free(w);
}

static void rw_disk_zeroed(void *arg, const struct err *err)
{
	struct rw_disk_write *w = arg;

	if (err) {
		disks_request_fail(&w->request, err);
		return;
	}
	pending_reply_ok(w->request.reply);
	free(w);
}

static struct rw_disk_write *rw_disk_write_create(
	struct handle *h, size_t len, struct pending_reply *a)
{
	struct rw_disk_write *w = calloc(1, sizeof(*w));

	if (!w) {
		pending_reply_errno(a, ENOMEM);
		return NULL;
	}
	*w = (struct rw_disk_write){.request = {.reply = a, .handle = h}, .len = len};
	return w;
}

static void rw_disk_write(
	struct handle *h, const char *data, size_t len, off_t offset, struct pending_reply *a)
{
	int64_t left = disk_size(h->disk) - offset;
	struct rw_disk_write *w;
	struct err err;

	if (left <= 0 && len) {
		err_set(&err, ENOSPC, "a disk does not grow; it ends at byte %lld",
			(long long)disk_size(h->disk));
		pending_reply_err(a, &err);
		return;
	}
	if ((int64_t)len > left)
		len = (size_t)left; /* a write across the disk's end is cut, as on a block device */
	w = rw_disk_write_create(h, len, a);
	if (!w)
		return;
	if (!len)
		rw_disk_written(w, NULL);
	else if (disk_rw_write(h->disk, data, len, offset, rw_disk_written, w) < 0)
		disks_request_fail(
			&w->request, &(struct err){.errnum = ENOMEM, .message = "out of memory"});
}

static void rw_disk_fallocate(
	struct handle *h, int mode, off_t offset, off_t len, struct pending_reply *a)
{
	int64_t left = disk_size(h->disk) - offset;
	struct rw_disk_write *w;

	if (!(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) ||
		(mode & ~(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE))) {
		pending_reply_errno(a, EOPNOTSUPP);
		return;
	}
	if (len > left && !(mode & FALLOC_FL_KEEP_SIZE)) {
		pending_reply_errno(a, ENOSPC);
		return;
	}
	if (len > left)
		len = left;
	w = rw_disk_write_create(h, 0, a);
	if (!w)
		return;
	if (len <= 0)
		rw_disk_zeroed(w, NULL);
	else if (disk_rw_zero(h->disk, offset, len, rw_disk_zeroed, w) < 0)
		disks_request_fail(
			&w->request, &(struct err){.errnum = ENOMEM, .message = "out of memory"});
}

/* Refuses to change the size. O_TRUNC also calls this. */
static int rw_disk_truncate(
	struct fs *fs, struct node n, struct handle *h, off_t size, struct err *err)
{
	struct stat st;

	(void)h;
	if (disks_attr(fs, n, &st) == 0 && st.st_size == size)
		return 0;
	return err_set(err, EPERM,
		"a disk keeps its size; write into it without cutting it, as dd does with "
		"conv=notrunc");
}

static int rw_disk_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	(void)fs;
	(void)n;
	(void)st;
	if (which & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		return err_set(err, EPERM, "mode and owner of a disk are ebsfs's own");
	return 0;
}

const struct node_ops rw_disk_ops = {
	.type = S_IFREG,
	.mode = 0600,
	.trust = TRUST_LISTING,
	.cached = true,
	.local = true,
	.counted = NODE_SNAPSHOT,
	.attr = rw_disk_attr,
	.open_read = disks_open_reader,
	.open_write = rw_disk_open_write,
	.read = rw_disk_read,
	.lseek = rw_disk_lseek,
	.write_later = rw_disk_write,
	.fallocate = rw_disk_fallocate,
	.truncate = rw_disk_truncate,
	.commit = handle_drop,
	.set_attr = rw_disk_set_attr,
	.release = disks_release,
};
