/* SPDX-License-Identifier: MIT */
/* Disks that can be written: reads combine the written bytes with the snapshot's; writes run one
 * after the other. */
#include "disk_rw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "disk_inner.h"

#define SECTOR ((int64_t)OVERLAY_SECTOR)

/* --- reading --- */

struct disk_rw_read {
	struct disk_rw_read *prev, *next; /* of the reader */
	struct disk_reader *reader;       /* NULL: cancelled while a thread reads */
	struct disk *disk;
	disk_read_done *done;
	void *arg;
	int64_t offset;
	size_t size;
	int64_t from; /* the part of the range that the snapshot supplies */
	struct disk_read *base;
	char *bytes;
	struct disk_overlay_run *runs;
	int n_runs;
	struct disk_job job;
	bool working; /* the job is running */
	int result;
	bool *finished; /* while disk_rw_read() runs */
};

static void rw_read_free(struct disk_rw_read *read)
{
	free(read->bytes);
	free(read->runs);
	free(read);
}

void disk_rw_read_cancel(struct disk_rw_read *read)
{
	DL_DELETE(read->reader->rw_reads, read);
	read->reader = NULL;
	if (read->base)
		disk_read_cancel(read->base);
	if (!read->working)
		rw_read_free(read);
}

static void rw_read_end(
	struct disk_rw_read *read, const struct disk_data *data, const struct err *err)
{
	DL_DELETE(read->reader->rw_reads, read);
	if (read->finished)
		*read->finished = true;
	read->done(read->arg, data, err);
	rw_read_free(read);
}

static void rw_read_fail(struct disk_rw_read *read, int errnum)
{
	struct err err;

	err_set(&err, errnum, "cannot read what was written: %s", strerror(errnum));
	rw_read_end(read, NULL, &err);
}

/* All bytes are there. */
static void rw_read_whole(struct disk_rw_read *read)
{
	struct disk_data data = {
		.parts = {{read->bytes, read->size}}, .n_parts = 1, .len = read->size};

	if (read->result < 0)
		rw_read_fail(read, -read->result);
	else
		rw_read_end(read, &data, NULL);
}

static void rw_read_run(struct disk_job *job)
{
	struct disk_rw_read *read = JOB_OWNER(job, struct disk_rw_read);

	read->result = disk_overlay_read(
		read->disk->overlay, read->runs, read->n_runs, read->bytes, false);
}

static void rw_read_done(struct disk_job *job)
{
	struct disk_rw_read *read = JOB_OWNER(job, struct disk_rw_read);

	read->working = false;
	if (read->reader)
		rw_read_whole(read);
	else
		rw_read_free(read);
}

static void rw_read_drop(struct disk_job *job)
{
	rw_read_free(JOB_OWNER(job, struct disk_rw_read));
}

/* Copies the local bytes over the snapshot's: at once if they are in the page cache, else in a
 * thread. */
static void rw_read_local(struct disk_rw_read *read)
{
	struct disk *disk = read->disk;

	read->result =
		disk_overlay_read(disk->overlay, read->runs, read->n_runs, read->bytes, true);
	if (read->result != -EAGAIN) {
		rw_read_whole(read);
		return;
	}
	read->job = (struct disk_job){disk->d, rw_read_run, rw_read_done, rw_read_drop};
	read->working = disk_job_start(&read->job) == 0;
	if (!read->working)
		rw_read_fail(read, ENOMEM);
}

static void rw_read_from_snapshot(void *arg, const struct disk_data *data, const struct err *err)
{
	struct disk_rw_read *read = arg;
	char *to;

	read->base = NULL;
	if (err) {
		rw_read_end(read, NULL, err);
		return;
	}
	/* A sector that was written since the read began now has the writer's bytes. */
	read->n_runs = read->disk->overlay ? disk_overlay_runs(read->disk->overlay, read->offset,
						     read->size, &read->runs)
					   : 0;
	if (read->n_runs == 0) {
		rw_read_end(read, data, NULL);
		return;
	}
	read->bytes = malloc(read->size);
	if (read->n_runs < 0 || !read->bytes) {
		rw_read_fail(read, ENOMEM);
		return;
	}
	to = read->bytes + (read->from - read->offset);
	for (int i = 0; i < data->n_parts; i++) {
		memcpy(to, data->parts[i].iov_base, data->parts[i].iov_len);
		to += data->parts[i].iov_len;
	}
	rw_read_local(read);
}

/* The whole range is local: the snapshot is not read. */
static void rw_read_all_local(struct disk_rw_read *read)
{
	read->bytes = malloc(read->size + 1);
	read->n_runs = read->bytes ? disk_overlay_runs(read->disk->overlay, read->offset,
					     read->size, &read->runs)
				   : -ENOMEM;
	if (read->n_runs < 0)
		rw_read_fail(read, ENOMEM);
	else
		rw_read_local(read);
}

static void rw_read_start(struct disk_rw_read *read)
{
	struct disk_read *base;
	size_t len = read->size;
	bool ready;

	read->from = read->offset;
	if (read->disk->overlay && !disk_overlay_missing(read->disk->overlay, &read->from, &len)) {
		rw_read_all_local(read);
		return;
	}
	base = disk_read(read->reader, read->from, len, rw_read_from_snapshot, read, &ready);
	if (!ready && base)
		read->base = base;
	else if (!ready)
		rw_read_fail(read, ENOMEM);
}

struct disk_rw_read *disk_rw_read(struct disk_reader *r, int64_t offset, size_t size,
	disk_read_done *done, void *arg, bool *ready)
{
	struct disk_rw_read *read = calloc(1, sizeof(*read));
	int64_t left = (int64_t)r->disk->n_blocks * (int64_t)EBS_BLOCK_SIZE - offset;
	bool finished = false;

	*ready = false;
	if (!read)
		return NULL;
	if (size > DISK_READ_MAX)
		size = DISK_READ_MAX;
	if (left < (int64_t)size)
		size = left > 0 ? (size_t)left : 0;
	*read = (struct disk_rw_read){.reader = r,
		.disk = r->disk,
		.done = done,
		.arg = arg,
		.offset = offset,
		.size = size,
		.finished = &finished};
	DL_APPEND(r->rw_reads, read);
	r->written = true;
	rw_read_start(read);
	*ready = finished;
	if (finished)
		return NULL;
	read->finished = NULL;
	return read;
}

/* --- writing --- */

/* A write, one step of which is in progress. A write of data is one step. A write of zeros has
 * separate steps for the sectors at its beginning and end that it covers partly. */
struct disk_write {
	struct disk_write *prev, *next; /* of the disk, in their order; the first one runs */
	struct disk *disk;
	struct disk_reader *reader; /* NULL: closed */
	disk_write_done *done;
	void *arg;
	char *data;          /* NULL: a write of zeros */
	int64_t offset, len; /* the bytes that are still to be written */
	int64_t step;        /* bytes of this step */

	/* A step with data: its bytes, extended to whole sectors with the snapshot's bytes. */
	int64_t from, to;
	char *bytes;    /* NULL: zeros for whole sectors */
	int64_t sector; /* the sector that is being read for the step */
	struct disk_read *base;

	struct disk_overlay_run *runs;
	int n_runs;
	struct disk_job job;
	bool working; /* job runs */
	struct err err;
};

static void write_step(struct disk_write *w);

static void write_free(struct disk_write *w)
{
	free(w->data);
	free(w->bytes);
	free(w->runs);
	free(w);
}

/* Starts writes until one of them runs. */
static void writes_go(struct disk *disk)
{
	struct disk_write *w = disk->writing;

	if (!w || disk->write_runs)
		return;
	disk->write_runs = true;
	write_step(w);
}

/* Removes the write from the list; the caller frees it. */
static void write_leave(struct disk_write *w)
{
	if (w == w->disk->writing)
		w->disk->write_runs = false;
	DL_DELETE(w->disk->writing, w);
}

static void write_end(struct disk_write *w, const struct err *err)
{
	struct disk *disk = w->disk;

	write_leave(w);
	if (!err)
		disk->written_ms = clock_wall_ms();
	if (w->reader)
		w->done(w->arg, err);
	write_free(w);
	writes_go(disk);
}

static void write_fail(struct disk_write *w)
{
	write_end(w, &w->err);
}

static void write_fail_memory(struct disk_write *w)
{
	err_set(&w->err, ENOMEM, "out of memory");
	write_fail(w);
}

static void write_run(struct disk_job *job)
{
	struct disk_write *w = JOB_OWNER(job, struct disk_write);

	if (w->bytes)
		disk_overlay_write(w->disk->overlay, w->runs, w->n_runs, w->bytes, &w->err);
	else
		disk_overlay_zero(w->disk->overlay, w->runs, w->n_runs, &w->err);
}

static void write_ran(struct disk_job *job)
{
	struct disk_write *w = JOB_OWNER(job, struct disk_write);

	w->working = false;
	if (w->err.errnum) {
		write_fail(w);
		return;
	}
	if (w->bytes)
		disk_overlay_commit(w->disk->overlay, w->from, (size_t)(w->to - w->from));
	else
		disk_overlay_commit_zeros(w->disk->overlay, w->offset, w->step);
	free(steal(&w->bytes));
	free(steal(&w->runs));
	w->offset += w->step;
	w->len -= w->step;
	if (w->len > 0 && w->reader)
		write_step(w);
	else
		write_end(w, NULL);
}

static void write_drop(struct disk_job *job)
{
	struct disk_write *w = JOB_OWNER(job, struct disk_write);

	write_leave(w);
	write_free(w);
}

/* n_runs is the result of disk_disk_overlay_reserve…(). */
static void write_start(struct disk_write *w)
{
	if (w->n_runs < 0) {
		write_fail(w);
		return;
	}
	w->err.errnum = 0;
	w->job = (struct disk_job){w->disk->d, write_run, write_ran, write_drop};
	w->working = disk_job_start(&w->job) == 0;
	if (!w->working)
		write_fail_memory(w);
}

static void write_fill(struct disk_write *w);

/* A sector that the write covers partly has been read from the snapshot. */
static void write_filled(void *arg, const struct disk_data *data, const struct err *err)
{
	struct disk_write *w = arg;
	const char *from = data ? data->parts[0].iov_base : NULL;

	w->base = NULL;
	if (err) {
		w->err = *err;
		write_fail(w);
		return;
	}
	for (int64_t i = 0; i < SECTOR; i++) {
		int64_t at = w->sector + i;

		if (at < w->offset || at >= w->offset + w->step)
			w->bytes[at - w->from] = from[i];
	}
	w->sector = w->sector == w->from && w->to - w->from > SECTOR && w->to > w->offset + w->step
			    ? w->to - SECTOR
			    : -1;
	write_fill(w);
}

/* Reads the missing bytes of the first and of the last sector. */
static void write_fill(struct disk_write *w)
{
	struct disk_read *base;
	bool ready;

	if (w->sector < 0) {
		w->n_runs = disk_overlay_reserve(
			w->disk->overlay, w->from, (size_t)(w->to - w->from), &w->runs, &w->err);
		write_start(w);
		return;
	}
	base = disk_read(w->reader, w->sector, OVERLAY_SECTOR, write_filled, w, &ready);
	if (!ready && base)
		w->base = base;
	else if (!ready)
		write_fail_memory(w);
}

static void write_data(struct disk_write *w)
{
	const struct disk_overlay *o = w->disk->overlay;
	int64_t end = w->offset + w->step;

	w->from = disk_overlay_is_local(o, w->offset) ? w->offset : w->offset / SECTOR * SECTOR;
	w->to = disk_overlay_is_local(o, end - 1) ? end : (end + SECTOR - 1) / SECTOR * SECTOR;
	w->bytes = calloc(1, (size_t)(w->to - w->from));
	if (!w->bytes) {
		write_fail_memory(w);
		return;
	}
	if (w->data)
		memcpy(w->bytes + (w->offset - w->from), w->data, (size_t)w->step);
	w->sector = w->from < w->offset ? w->from : w->to > end ? w->to - SECTOR : -1;
	write_fill(w);
}

static void write_zeros(struct disk_write *w)
{
	w->n_runs =
		disk_overlay_reserve_zeros(w->disk->overlay, w->offset, w->step, &w->runs, &w->err);
	write_start(w);
}

static void write_step(struct disk_write *w)
{
	int64_t rest = SECTOR - w->offset % SECTOR;

	w->step = w->len;
	if (w->data) {
		write_data(w);
	} else if (rest < SECTOR || w->len < SECTOR) {
		w->step = rest < w->len ? rest : w->len;
		write_data(w);
	} else {
		w->step = w->len / SECTOR * SECTOR;
		write_zeros(w);
	}
}

static int write_add(struct disk_reader *r, char *data, int64_t len, int64_t offset,
	disk_write_done *done, void *arg)
{
	struct disk *disk = r->disk;
	struct disk_write *w = calloc(1, sizeof(*w));

	if (w && !disk->overlay)
		disk->overlay = disk_overlay_create(disk->d->options.overlay_dir, disk->n_blocks,
			disk->d->options.overlay_bytes);
	if (!w || !disk->overlay) {
		free(w);
		return -ENOMEM;
	}
	*w = (struct disk_write){.disk = disk,
		.reader = r,
		.done = done,
		.arg = arg,
		.data = data,
		.offset = offset,
		.len = len};
	DL_APPEND(disk->writing, w);
	writes_go(disk);
	return 0;
}

int disk_rw_write(struct disk_reader *r, const void *data, size_t len, int64_t offset,
	disk_write_done *done, void *arg)
{
	_cleanup_free_ char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	if (write_add(r, copy, (int64_t)len, offset, done, arg) < 0)
		return -ENOMEM;
	steal(&copy);
	return 0;
}

int disk_rw_zero(
	struct disk_reader *r, int64_t offset, int64_t len, disk_write_done *done, void *arg)
{
	return write_add(r, NULL, len, offset, done, arg);
}

/* --- the end --- */

void disk_rw_close(struct disk_reader *r)
{
	struct disk_write *w, *next;
	struct err err;

	err_set(&err, EIO, "the disk was closed before the write had ended");
	while (r->rw_reads)
		disk_rw_read_cancel(r->rw_reads);
	DL_FOREACH_SAFE(r->disk->writing, w, next)
	{
		if (w->reader != r)
			continue;
		w->reader = NULL;
		w->done(w->arg, &err);
		if (w->base)
			disk_read_cancel(steal(&w->base));
		if (w->working)
			continue;
		write_leave(w);
		write_free(w);
	}
	writes_go(r->disk);
}

struct disk_rw_sums disk_rw_sums(const struct disks *d, const char *region, const char *snapshot)
{
	struct disk_rw_sums sums = {0};
	const struct disk *disk;
	char key[200];

	snprintf(key, sizeof(key), "%s/%s", region, snapshot);
	HASH_FIND_STR(d->disks, key, disk);
	if (disk && disk->overlay)
		sums = (struct disk_rw_sums){disk_overlay_used(disk->overlay), disk->written_ms};
	return sums;
}
