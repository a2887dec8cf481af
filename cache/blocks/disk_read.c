/* SPDX-License-Identifier: MIT */
/* Reads of disks: combines the bytes of the blocks that a read covers. */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "disk_inner.h"

struct part {
	struct disk_read *read;
	struct disk_wait wait;
	uint32_t index;
	size_t offset, len;       /* within the block */
	struct disk_block *block; /* the block whose data are used */
	void *bytes;              /* bytes that were read from the cache */
};

struct disk_read {
	struct disk_read *prev, *next; /* of the reader */
	struct disk_reader *reader;
	disk_read_done *done;
	void *arg;
	struct part *parts[DISK_PARTS_MAX];
	int n_parts, pending;
	struct err err;
	bool *finished; /* while disk_read() runs */
};

/* The contents of blocks that were never written. */
static unsigned char zeros[EBS_BLOCK_SIZE];

static void part_free(struct part *p)
{
	disk_wait_remove(&p->wait);
	if (p->block)
		disk_block_unuse(p->block);
	free(p->bytes);
	free(p);
}

static void read_free(struct disk_read *read)
{
	DL_DELETE(read->reader->reads, read);
	for (int i = 0; i < read->n_parts; i++)
		part_free(read->parts[i]);
	free(read);
}

void disk_read_cancel(struct disk_read *read)
{
	read_free(read);
}

static void read_finish(struct disk_read *read)
{
	struct disk_data data = {.n_parts = read->n_parts};

	for (int i = 0; i < read->n_parts && !read->err.errnum; i++) {
		const struct part *p = read->parts[i];

		data.parts[i].iov_len = p->len;
		data.parts[i].iov_base = p->block   ? p->block->data->data + p->offset
					 : p->bytes ? p->bytes
						    : zeros;
		data.len += p->len;
	}
	if (read->finished)
		*read->finished = true;
	read->done(
		read->arg, read->err.errnum ? NULL : &data, read->err.errnum ? &read->err : NULL);
	read_free(read);
}

static void read_step(struct disk_read *read)
{
	if (--read->pending == 0)
		read_finish(read);
}

static void part_fail(struct part *p, const struct err *err)
{
	if (!p->read->err.errnum)
		p->read->err = *err;
	read_step(p->read);
}

static void part_fail_memory(struct part *p)
{
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	part_fail(p, &err);
}

static void part_look(struct part *p);

/* Reads a part of a block whose digest was compared before, if it is still in the kernel's page
 * cache. Bytes that come from the disk must be compared again: if a write fails, the kernel drops
 * the pages, and then reads the old contents. */
static void part_read(struct part *p, struct disk_window *w)
{
	struct disk *disk = p->read->reader->disk;

	p->bytes = malloc(p->len);
	if (!p->bytes) {
		part_fail_memory(p);
		return;
	}
	if (block_file_read_part(disk->file, p->index, p->offset, p->bytes, p->len) == 0) {
		disk->d->stats.cached++;
		read_step(p->read);
		return;
	}
	free(steal(&p->bytes));
	window_set(w->checked, p->index % WINDOW_BLOCKS, false);
	part_look(p);
}

static void part_look(struct part *p)
{
	struct disk_window *w;

	switch (disk_block_want(p->read->reader->disk, p->index, &p->wait, &p->block, &w)) {
	case BLOCK_HERE:
	case BLOCK_ZERO:
		read_step(p->read);
		break;
	case BLOCK_CHECKED:
		part_read(p, w);
		break;
	case BLOCK_NOMEM:
		part_fail_memory(p);
		break;
	case BLOCK_COMING:
		break;
	}
}

static void part_woken(void *arg, const struct err *err)
{
	if (err)
		part_fail(arg, err);
	else
		part_look(arg);
}

void disk_read_exactly(struct disk_reader *r)
{
	r->exactly = true;
}

/* Reads ahead while a reader proceeds from block to block. Its reads may overtake each other by a
 * few blocks. */
static void reader_ahead(struct disk_reader *r, uint32_t first, uint32_t last)
{
	struct disk *disk = r->disk;

	if (first > r->last + 2 || first + 2 < r->last)
		r->ahead = 0;
	else if (last > r->last && r->ahead < AHEAD_MAX)
		r->ahead = r->ahead ? r->ahead * 2 : AHEAD_FIRST;
	if (last > r->last || first + 2 < r->last)
		r->last = last;
	for (uint32_t i = last + 1; i - last <= r->ahead && i < disk->n_blocks; i++)
		if (!(r->written && disk->overlay && disk_overlay_has_block(disk->overlay, i)) &&
			!disk_block_ahead(disk, i))
			break;
}

static int read_add_part(struct disk_read *read, int64_t offset, size_t size)
{
	struct part *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->read = read;
	p->wait = (struct disk_wait){.wake = part_woken, .arg = p};
	p->index = (uint32_t)(offset / (int64_t)EBS_BLOCK_SIZE);
	p->offset = (size_t)(offset % (int64_t)EBS_BLOCK_SIZE);
	p->len = EBS_BLOCK_SIZE - p->offset;
	if (p->len > size)
		p->len = size;
	read->parts[read->n_parts++] = p;
	return 0;
}

static struct disk_read *read_create(struct disk_reader *r, int64_t offset, size_t size)
{
	struct disk_read *read = calloc(1, sizeof(*read));

	if (!read)
		return NULL;
	read->reader = r;
	DL_APPEND(r->reads, read);
	while (size > 0) {
		size_t len;

		if (read_add_part(read, offset, size) < 0) {
			read_free(read);
			return NULL;
		}
		len = read->parts[read->n_parts - 1]->len;
		offset += (int64_t)len;
		size -= len;
	}
	return read;
}

struct disk_read *disk_read(struct disk_reader *r, int64_t offset, size_t size,
	disk_read_done *done, void *arg, bool *ready)
{
	int64_t left = (int64_t)r->disk->n_blocks * (int64_t)EBS_BLOCK_SIZE - offset;
	struct disk_read *read;
	bool finished = false;
	uint32_t first, last;

	if (size > DISK_READ_MAX)
		size = DISK_READ_MAX;
	if (left < (int64_t)size)
		size = left > 0 ? (size_t)left : 0;
	read = read_create(r, offset, size);
	*ready = false;
	if (!read)
		return NULL;
	read->done = done;
	read->arg = arg;
	read->finished = &finished;
	read->pending = read->n_parts + 1;
	if (read->n_parts) {
		first = read->parts[0]->index;
		last = read->parts[read->n_parts - 1]->index;
		for (int i = 0; i < read->n_parts; i++)
			part_look(read->parts[i]);
		if (!r->exactly)
			reader_ahead(r, first, last);
	}
	read_step(read);
	*ready = finished;
	if (finished)
		return NULL;
	read->finished = NULL;
	return read;
}
