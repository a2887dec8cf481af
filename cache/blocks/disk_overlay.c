/* SPDX-License-Identifier: MIT */
/* The bytes written into one disk. */
#include "disk_overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cleanup.h"
#include "ebs.h"
#include "hash.h"
#include "statedir.h"

/* A block of the disk has a place of the same size in the file, in the order in which blocks are
 * first written. So the file's length is bounded by the data, and not by the disk: ext4's files
 * end below 16 TiB. Space is counted in pages, as file systems allocate it; a block that has only
 * sectors of zeros counts as a page, which bounds the map's memory. */
#define BLOCK         ((int64_t)EBS_BLOCK_SIZE)
#define PAGE          4096
#define BLOCK_SECTORS (EBS_BLOCK_SIZE / OVERLAY_SECTOR)
#define BLOCK_PAGES   (EBS_BLOCK_SIZE / PAGE)

struct block {
	UT_hash_handle hh;
	uint32_t index; /* number in the disk */
	uint32_t place; /* number of its place in the file */
	unsigned n_pages;
	uint8_t local[BLOCK_SECTORS / 8];
	uint8_t pages[BLOCK_PAGES / 8]; /* pages that have space in the file */
};

struct disk_overlay {
	const char *dir;
	uint32_t n_blocks;
	int64_t max, used;
	_Atomic int fd; /* the file; -1: no byte was written yet */
	struct block *blocks;
	/* Bit sets, one bit a block; NULL: no bit is set. zero: the whole block was zeroed; a
	 * struct block takes precedence. data: the block has pages in the file. */
	uint8_t *zero, *data;
};

struct disk_overlay *disk_overlay_create(const char *dir, uint32_t n_blocks, int64_t max_bytes)
{
	struct disk_overlay *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	*o = (struct disk_overlay){.dir = dir, .n_blocks = n_blocks, .max = max_bytes, .fd = -1};
	return o;
}

void disk_overlay_destroy(struct disk_overlay *o)
{
	struct block *b, *next;

	if (!o)
		return;
	HASH_ITER (hh, o->blocks, b, next) {
		HASH_DEL(o->blocks, b);
		free(b);
	}
	if (o->fd >= 0)
		close(o->fd);
	free(o->zero);
	free(o->data);
	free(o);
}

/* --- the map --- */

static bool bit_get(const uint8_t *bits, size_t n)
{
	return bits[n / 8] >> n % 8 & 1;
}

static void bit_set(uint8_t *bits, size_t n, bool value)
{
	bits[n / 8] = (uint8_t)((bits[n / 8] & ~(1u << n % 8)) | (unsigned)value << n % 8);
}

static void bits_set(uint8_t *bits, size_t from, size_t to, bool value)
{
	for (; from < to && from % 8; from++)
		bit_set(bits, from, value);
	if (to > from && to - from >= 8) {
		memset(bits + from / 8, value ? 0xff : 0, (to - from) / 8);
		from += (to - from) / 8 * 8;
	}
	for (; from < to; from++)
		bit_set(bits, from, value);
}

/* The part of a range that lies in one block. */
struct span {
	uint32_t index;
	size_t from, to; /* bytes within the block */
};

/* Returns the part of the remaining range that lies in its first block. */
static struct span span_next(int64_t at, int64_t left)
{
	struct span s = {.index = (uint32_t)(at / BLOCK), .from = (size_t)(at % BLOCK)};

	s.to = left < BLOCK - (int64_t)s.from ? s.from + (size_t)left : (size_t)BLOCK;
	return s;
}

static struct block *block_find(const struct disk_overlay *o, uint32_t index)
{
	struct block *b;

	HASH_FIND(hh, o->blocks, &index, sizeof(index), b);
	return b;
}

static bool block_is_zero(const struct disk_overlay *o, uint32_t index)
{
	return o->zero && bit_get(o->zero, index);
}

int64_t disk_overlay_used(const struct disk_overlay *o)
{
	return o->used;
}

bool disk_overlay_is_local(const struct disk_overlay *o, int64_t at)
{
	struct span s = span_next(at, 1);
	const struct block *b = block_find(o, s.index);

	return b ? bit_get(b->local, s.from / OVERLAY_SECTOR) : block_is_zero(o, s.index);
}

bool disk_overlay_has_block(const struct disk_overlay *o, uint32_t block)
{
	const struct block *b = block_find(o, block);

	if (!b)
		return block_is_zero(o, block);
	for (size_t i = 0; i < sizeof(b->local); i++)
		if (b->local[i] != 0xff)
			return false;
	return true;
}

bool disk_overlay_missing(const struct disk_overlay *o, int64_t *at, size_t *len)
{
	int64_t end = *at + (int64_t)*len, from = *at, to = end;

	while (from < to && disk_overlay_is_local(o, from))
		from += OVERLAY_SECTOR - from % OVERLAY_SECTOR;
	while (from < to && disk_overlay_is_local(o, to - 1))
		to -= (to - 1) % OVERLAY_SECTOR + 1;
	if (from >= to)
		return false;
	*at = from;
	*len = (size_t)(to - from);
	return true;
}

uint32_t disk_overlay_next_data(const struct disk_overlay *o, uint32_t block)
{
	if (!o->data)
		return o->n_blocks;
	for (; block < o->n_blocks; block++) {
		if (block % 8 == 0 && !o->data[block / 8])
			block += 7;
		else if (bit_get(o->data, block))
			return block;
	}
	return o->n_blocks;
}

/* Appends a piece, or extends the last piece if the new one continues it. */
static int runs_add(struct disk_overlay_run **runs, int *n, int64_t at, size_t offset, size_t len)
{
	struct disk_overlay_run *last = *n ? *runs + *n - 1 : NULL, *grown;

	if (last && last->offset + last->len == offset &&
		(at < 0 ? last->at < 0 : last->at >= 0 && last->at + (int64_t)last->len == at)) {
		last->len += len;
		return 0;
	}
	if ((*n & (*n - 1)) == 0) {
		grown = realloc(*runs, (size_t)(*n ? 2 * *n : 1) * sizeof(*grown));
		if (!grown) {
			free(steal(runs));
			return -ENOMEM;
		}
		*runs = grown;
	}
	(*runs)[(*n)++] = (struct disk_overlay_run){at, offset, len};
	return 0;
}

int disk_overlay_runs(
	const struct disk_overlay *o, int64_t at, size_t len, struct disk_overlay_run **runs)
{
	size_t done = 0;
	int n = 0;

	*runs = NULL;
	while (done < len) {
		int64_t pos = at + (int64_t)done;
		struct span s = span_next(pos, OVERLAY_SECTOR - pos % OVERLAY_SECTOR);
		const struct block *b = block_find(o, s.index);
		size_t part = s.to - s.from < len - done ? s.to - s.from : len - done;

		if (disk_overlay_is_local(o, pos) &&
			runs_add(runs, &n,
				b && bit_get(b->pages, s.from / PAGE)
					? b->place * BLOCK + (int64_t)s.from
					: -1,
				done, part) < 0)
			return -ENOMEM;
		done += part;
	}
	return n;
}

/* --- writing: the map --- */

static int64_t block_space(unsigned n_pages)
{
	return (int64_t)(n_pages ? n_pages : 1) * PAGE;
}

/* Returns the space that a write of this part needs. */
static int64_t span_space(const struct disk_overlay *o, struct span s)
{
	const struct block *b = block_find(o, s.index);
	unsigned n = b ? b->n_pages : 0;

	for (size_t page = s.from / PAGE; page * PAGE < s.to; page++)
		n += !b || !bit_get(b->pages, page);
	return block_space(n) - (b ? block_space(b->n_pages) : 0);
}

/* Returns the block, and gives it a place in the file if necessary. NULL on ENOMEM. */
static struct block *block_make(struct disk_overlay *o, uint32_t index)
{
	struct block *b = block_find(o, index);

	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->index = index;
	b->place = HASH_COUNT(o->blocks);
	if (block_is_zero(o, index))
		memset(b->local, 0xff, sizeof(b->local));
	HASH_ADD(hh, o->blocks, index, sizeof(b->index), b);
	if (!b->hh.tbl) {
		free(b);
		return NULL;
	}
	o->used += block_space(0);
	return b;
}

static void block_set_pages(
	struct disk_overlay *o, struct block *b, size_t from, size_t to, bool value)
{
	o->used -= block_space(b->n_pages);
	for (; from < to; from++) {
		if (bit_get(b->pages, from) != value)
			b->n_pages += value ? 1u : -1u;
		bit_set(b->pages, from, value);
	}
	o->used += block_space(b->n_pages);
	bit_set(o->data, b->index, b->n_pages > 0);
}

static int disk_overlay_make_maps(struct disk_overlay *o)
{
	size_t size = o->n_blocks / 8 + 1;

	if (!o->zero)
		o->zero = calloc(size, 1);
	if (!o->data)
		o->data = calloc(size, 1);
	return o->zero && o->data ? 0 : -ENOMEM;
}

static int disk_overlay_refuse(const struct disk_overlay *o, struct err *err)
{
	return err_set(err, ENOSPC,
		"what was written into this disk has reached its limit of %.6g MiB; -o rw_size= "
		"sets another",
		(double)o->max / (1 << 20));
}

static int disk_overlay_refuse_memory(struct disk_overlay_run **runs, struct err *err)
{
	free(steal(runs));
	return err_set(err, ENOMEM, "out of memory");
}

int disk_overlay_reserve(struct disk_overlay *o, int64_t at, size_t len,
	struct disk_overlay_run **runs, struct err *err)
{
	int64_t end = at + (int64_t)len, more = 0;
	int n = 0;

	*runs = NULL;
	for (int64_t pos = at; pos < end; pos = (pos / BLOCK + 1) * BLOCK)
		more += span_space(o, span_next(pos, end - pos));
	if (more > 0 && o->used + more > o->max)
		return disk_overlay_refuse(o, err);
	if (disk_overlay_make_maps(o) < 0)
		return disk_overlay_refuse_memory(runs, err);
	for (int64_t pos = at; pos < end; pos = (pos / BLOCK + 1) * BLOCK) {
		struct span s = span_next(pos, end - pos);
		struct block *b = block_make(o, s.index);

		if (!b || runs_add(runs, &n, b->place * BLOCK + (int64_t)s.from, (size_t)(pos - at),
				  s.to - s.from) < 0)
			return disk_overlay_refuse_memory(runs, err);
		block_set_pages(o, b, s.from / PAGE, (s.to + PAGE - 1) / PAGE, true);
	}
	return n;
}

void disk_overlay_commit(struct disk_overlay *o, int64_t at, size_t len)
{
	int64_t end = at + (int64_t)len;

	for (int64_t pos = at; pos < end; pos = (pos / BLOCK + 1) * BLOCK) {
		struct span s = span_next(pos, end - pos);

		bits_set(block_find(o, s.index)->local, s.from / OVERLAY_SECTOR,
			(s.to + OVERLAY_SECTOR - 1) / OVERLAY_SECTOR, true);
	}
}

/* --- zeros: the map --- */

static bool span_is_whole(struct span s)
{
	return s.from == 0 && s.to == (size_t)BLOCK;
}

/* Makes the struct block that a partly zeroed block needs. */
static int zeros_make(struct disk_overlay *o, struct span s, struct err *err)
{
	if (span_is_whole(s) || block_find(o, s.index) || block_is_zero(o, s.index))
		return 0;
	if (o->used + block_space(0) > o->max)
		return disk_overlay_refuse(o, err);
	return block_make(o, s.index) ? 0 : err_set(err, ENOMEM, "out of memory");
}

/* An iteration over the written blocks of a range, which may be as long as the disk. */
struct blocks_in {
	int64_t at, end; /* the range */
	int64_t index;   /* of the next block; -1: the iteration goes over all written blocks,
			  * because they are fewer */
	struct block *next;
};

static struct blocks_in blocks_begin(const struct disk_overlay *o, int64_t at, int64_t end)
{
	bool all = (end - at) / BLOCK > (int64_t)HASH_COUNT(o->blocks);

	return (struct blocks_in){at, end, all ? -1 : at / BLOCK, o->blocks};
}

/* Returns the next block and the range's part of it; NULL after the last. */
static struct block *blocks_next(const struct disk_overlay *o, struct blocks_in *in, struct span *s)
{
	struct block *b;

	while (in->index < 0 ? in->next != NULL : in->index * BLOCK < in->end) {
		int64_t from, to;

		b = in->index < 0 ? in->next : block_find(o, (uint32_t)in->index++);
		if (!b)
			continue;
		in->next = b->hh.next;
		from = b->index * BLOCK > in->at ? b->index * BLOCK : in->at;
		to = (b->index + 1) * BLOCK < in->end ? (b->index + 1) * BLOCK : in->end;
		if (from >= to)
			continue;
		*s = span_next(from, to - from);
		return b;
	}
	return NULL;
}

/* Only the first and the last block of the range can be zeroed partly. */
int disk_overlay_reserve_zeros(struct disk_overlay *o, int64_t at, int64_t len,
	struct disk_overlay_run **runs, struct err *err)
{
	int64_t end = at + len, last = (end - 1) / BLOCK * BLOCK;
	struct blocks_in in;
	struct block *b;
	struct span s;
	int n = 0;

	*runs = NULL;
	if (disk_overlay_make_maps(o) < 0)
		return disk_overlay_refuse_memory(runs, err);
	if (zeros_make(o, span_next(at, len), err) < 0 ||
		(last > at && zeros_make(o, span_next(last, end - last), err) < 0))
		return -err->errnum;
	in = blocks_begin(o, at, end);
	while ((b = blocks_next(o, &in, &s)))
		if (b->n_pages && runs_add(runs, &n, b->place * BLOCK + (int64_t)s.from, s.from,
					  s.to - s.from) < 0)
			return disk_overlay_refuse_memory(runs, err);
	return n;
}

void disk_overlay_commit_zeros(struct disk_overlay *o, int64_t at, int64_t len)
{
	int64_t end = at + len;
	struct blocks_in in = blocks_begin(o, at, end);
	struct block *b;
	struct span s;

	bits_set(o->zero, (size_t)((at + BLOCK - 1) / BLOCK), (size_t)(end / BLOCK), true);
	while ((b = blocks_next(o, &in, &s))) {
		bits_set(b->local, s.from / OVERLAY_SECTOR, s.to / OVERLAY_SECTOR, true);
		block_set_pages(o, b, (s.from + PAGE - 1) / PAGE, s.to / PAGE, false);
	}
}

/* --- the file --- */

/* Without O_TMPFILE (some network file systems) the file has a name for a moment, and is empty. */
static int disk_overlay_open_named(int folder)
{
	char name[40];
	int fd;

	snprintf(name, sizeof(name), ".rw-%d", (int)getpid());
	unlinkat(folder, name, 0);
	fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	unlinkat(folder, name, 0);
	return fd;
}

static int disk_overlay_open(struct disk_overlay *o, struct err *err)
{
	_cleanup_close_ int folder = -1;

	if (o->fd >= 0)
		return 0;
	folder = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 && errno == ENOENT)
		folder = statedir_open(o->dir, true, err);
	else if (folder < 0)
		err_set(err, errno, "cannot open %s: %s", o->dir, strerror(errno));
	if (folder < 0)
		return -err->errnum;
	o->fd = openat(folder, ".", O_RDWR | O_TMPFILE | O_EXCL | O_CLOEXEC, 0600);
	if (o->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
		o->fd = disk_overlay_open_named(folder);
	else if (o->fd < 0)
		o->fd = -errno;
	if (o->fd >= 0)
		return 0;
	err_set(err, -o->fd, "cannot make a file in %s: %s", o->dir, strerror(-o->fd));
	o->fd = -1;
	return -err->errnum;
}

static int run_read(int fd, int64_t at, char *data, size_t len, bool nowait)
{
	while (len) {
		struct iovec part = {data, len};
		ssize_t n = preadv2(fd, &part, 1, at, nowait ? RWF_NOWAIT : 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0 || (nowait && (size_t)n < len))
			break; /* zeros follow after the file's end */
		data += n;
		at += n;
		len -= (size_t)n;
	}
	if (len && nowait)
		return -EAGAIN;
	memset(data, 0, len);
	return 0;
}

int disk_overlay_read(const struct disk_overlay *o, const struct disk_overlay_run *runs, int n,
	void *data, bool nowait)
{
	int r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		char *to = (char *)data + runs[i].offset;

		if (runs[i].at < 0 || o->fd < 0)
			memset(to, 0, runs[i].len);
		else
			r = run_read(o->fd, runs[i].at, to, runs[i].len, nowait);
	}
	return r == -EOPNOTSUPP && nowait ? -EAGAIN : r;
}

static int run_write(int fd, int64_t at, const char *data, size_t len)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EFBIG ? -ENOSPC : -errno;
		data += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int disk_overlay_fail(const struct disk_overlay *o, int r, struct err *err)
{
	return r == 0 ? 0
		      : err_set(err, -r, "the write was not stored in %s: %s", o->dir,
				strerror(-r));
}

int disk_overlay_write(struct disk_overlay *o, const struct disk_overlay_run *runs, int n,
	const void *data, struct err *err)
{
	int r = 0;

	if (disk_overlay_open(o, err) < 0)
		return -err->errnum;
	for (int i = 0; i < n && r == 0; i++)
		r = run_write(o->fd, runs[i].at, (const char *)data + runs[i].offset, runs[i].len);
	return disk_overlay_fail(o, r, err);
}

/* Writes zeros if the file system cannot make holes. */
static int run_zero(int fd, const struct disk_overlay_run *run)
{
	static const char zeros[1 << 16];
	size_t done = 0;
	int r = 0;

	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, run->at, (off_t)run->len) ==
		0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	while (done < run->len && r == 0) {
		size_t part = run->len - done < sizeof(zeros) ? run->len - done : sizeof(zeros);

		r = run_write(fd, run->at + (int64_t)done, zeros, part);
		done += part;
	}
	return r;
}

int disk_overlay_zero(
	struct disk_overlay *o, const struct disk_overlay_run *runs, int n, struct err *err)
{
	int r = 0;

	for (int i = 0; i < n && r == 0 && o->fd >= 0; i++)
		r = run_zero(o->fd, &runs[i]);
	return disk_overlay_fail(o, r, err);
}
