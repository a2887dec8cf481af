/* SPDX-License-Identifier: MIT */
/* A file of catalogue blocks. */
#include "catalogue_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue_block.h"
#include "checksum.h"
#include "file.h"
#include "isotime.h"
#include "statedir.h"

/*
 * The header, then the blocks, each after its length. Numbers have this machine's byte order; the
 * magic number differs on another. The header contains the checksum of the blocks and, at its end,
 * its own.
 */
#define MAGIC   0x7461632d66736265u
#define VERSION 3

struct header {
	uint64_t magic;
	uint32_t version, size;
	char scope[72];
	int64_t listed_ms;
	uint64_t length; /* of all blocks */
	uint32_t ids, texts;
	uint64_t blocks_sum, header_sum;
};

struct catalogue_file {
	int fd;
	int folder; /* writing; else -1 */
	char *path;
	off_t at;      /* where the next block begins */
	uint64_t sum;  /* of the blocks written */
	uint64_t left; /* bytes of blocks to be read */
};

static uint64_t header_sum(const struct header *h)
{
	return checksum_add(VERSION, h, offsetof(struct header, header_sum));
}

static struct catalogue_file *file_create(void)
{
	struct catalogue_file *f = calloc(1, sizeof(*f));

	if (f) {
		f->fd = f->folder = -1;
		f->at = sizeof(struct header);
	}
	return f;
}

static void file_destroy(struct catalogue_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->folder >= 0)
		close(f->folder);
	free(f->path);
	free(f);
}

/* --- writing --- */

struct catalogue_file *catalogue_file_create(const char *path, struct err *err)
{
	struct catalogue_file *f = file_create();

	if (!f || !(f->path = strdup(path)))
		err_set(err, ENOMEM, "out of memory");
	else
		f->folder = statedir_open_parent(path, true, err);
	if (f && f->folder >= 0)
		f->fd = statedir_begin(f->folder, path, err);
	if (f && f->fd >= 0)
		return f;
	catalogue_file_discard(f);
	return NULL;
}

int catalogue_file_add(struct catalogue_file *f, const struct buf *block, struct err *err)
{
	uint64_t length = block->len;
	int r = file_write(f->fd, &length, sizeof(length), f->at);

	if (r == 0)
		r = file_write(f->fd, block->data, block->len, f->at + (off_t)sizeof(length));
	if (r < 0)
		return err_set(err, -r, "%s.new: %s", f->path, strerror(-r));
	f->sum = checksum_add(f->sum, &length, sizeof(length));
	f->sum = checksum_add(f->sum, block->data, block->len);
	f->at += (off_t)(sizeof(length) + block->len);
	return 0;
}

int catalogue_file_commit(
	struct catalogue_file *f, const struct catalogue_file_facts *facts, struct err *err)
{
	struct header h = {.magic = MAGIC,
		.version = VERSION,
		.size = sizeof(h),
		.listed_ms = facts->listed_ms,
		.length = (uint64_t)f->at - sizeof(h),
		.ids = facts->ids,
		.texts = facts->texts,
		.blocks_sum = f->sum};
	int r;

	snprintf(h.scope, sizeof(h.scope), "%s", facts->scope);
	h.header_sum = header_sum(&h);
	r = file_write(f->fd, &h, sizeof(h), 0);
	if (r < 0)
		err_set(err, -r, "%s: %s", f->path, strerror(-r));
	else
		r = statedir_commit(f->folder, f->fd, f->path, err);
	if (r < 0)
		catalogue_file_discard(f);
	else
		file_destroy(f);
	return r;
}

void catalogue_file_discard(struct catalogue_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		statedir_abandon(f->folder, f->path);
	file_destroy(f);
}

/* --- reading --- */

static int read_all(int fd, void *data, size_t len, off_t offset)
{
	ssize_t n = file_read(fd, data, len, offset);

	return n < 0 ? (int)n : (size_t)n < len ? -EBADMSG : 0;
}

static int read_header(
	int fd, const char *path, const char *scope, struct header *h, struct err *err)
{
	int r = read_all(fd, h, sizeof(*h), 0);
	struct stat st;

	if (r == 0 && h->magic == MAGIC && (h->version != VERSION || h->size != sizeof(*h)))
		return err_set(err, ESTALE, "%s was written by another version of ebsfs", path);
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (r == 0 &&
		(h->magic != MAGIC || h->header_sum != header_sum(h) ||
			(uint64_t)st.st_size != sizeof(*h) + h->length || h->ids > h->length ||
			h->texts > h->length || !isotime_is_date(h->listed_ms)))
		r = -EBADMSG;
	if (r == -EBADMSG)
		return err_set(err, EBADMSG, "%s is damaged", path);
	if (r < 0)
		return err_set(err, -r, "%s: %s", path, strerror(-r));
	h->scope[sizeof(h->scope) - 1] = '\0';
	if (strcmp(h->scope, scope) != 0)
		return err_set(err, ESTALE, "%s was written for another account or endpoint", path);
	return 0;
}

int catalogue_file_next(struct catalogue_file *f, struct buf *block, struct err *err)
{
	uint64_t length;
	int r;

	if (!f->left)
		return 0;
	r = f->left < sizeof(length) ? -EBADMSG : read_all(f->fd, &length, sizeof(length), f->at);
	if (r == 0 && (length > CATALOGUE_BLOCK_MAX || length > f->left - sizeof(length)))
		r = -EBADMSG;
	if (r == 0)
		r = buf_resize(block, length);
	if (r == 0)
		r = read_all(f->fd, block->data, length, f->at + (off_t)sizeof(length));
	if (r < 0)
		return err_set(
			err, -r, "%s: %s", f->path, r == -EBADMSG ? "damaged" : strerror(-r));
	f->at += (off_t)(sizeof(length) + length);
	f->left -= sizeof(length) + length;
	return 1;
}

/* Reads all blocks once and compares their checksum. */
static int check_blocks(struct catalogue_file *f, const struct header *h, struct err *err)
{
	_cleanup_buf_ struct buf block = BUF_INIT;
	uint64_t sum = 0, length;
	int r;

	f->left = h->length;
	while ((r = catalogue_file_next(f, &block, err)) > 0) {
		length = block.len;
		sum = checksum_add(
			checksum_add(sum, &length, sizeof(length)), block.data, block.len);
	}
	if (r == 0 && sum != h->blocks_sum)
		return err_set(err, EBADMSG, "%s is damaged", f->path);
	f->at = sizeof(*h);
	f->left = h->length;
	return r;
}

static int open_at_path(const char *path, int flags, struct err *err)
{
	_cleanup_close_ int folder = statedir_open_parent(path, false, err);

	return folder < 0 ? folder : statedir_file(folder, path, flags, err);
}

struct catalogue_file *catalogue_file_open(
	const char *path, const char *scope, struct catalogue_file_facts *facts, struct err *err)
{
	struct catalogue_file *f = file_create();
	struct header h;

	if (!f || !(f->path = strdup(path))) {
		err_set(err, ENOMEM, "out of memory");
		catalogue_file_close(f);
		return NULL;
	}
	f->fd = open_at_path(path, O_RDONLY, err);
	if (f->fd < 0 || read_header(f->fd, path, scope, &h, err) < 0 ||
		check_blocks(f, &h, err) < 0) {
		catalogue_file_close(f);
		return NULL;
	}
	*facts = (struct catalogue_file_facts){
		.listed_ms = h.listed_ms, .ids = h.ids, .texts = h.texts};
	snprintf(facts->scope, sizeof(facts->scope), "%s", h.scope);
	return f;
}

void catalogue_file_close(struct catalogue_file *f)
{
	if (f)
		file_destroy(f);
}

int catalogue_file_stamp(const char *path, const char *scope, int64_t listed_ms, struct err *err)
{
	_cleanup_close_ int fd = open_at_path(path, O_RDWR, err);
	struct header h;
	int r;

	if (fd < 0)
		return fd;
	if (read_header(fd, path, scope, &h, err) < 0)
		return -err->errnum;
	h.listed_ms = listed_ms;
	h.header_sum = header_sum(&h);
	/* Less than a sector: a crash leaves the old header or the new one. */
	r = file_write(fd, &h, sizeof(h), 0);
	return r < 0 ? err_set(err, -r, "%s: %s", path, strerror(-r)) : 0;
}
