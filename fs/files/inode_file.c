/* SPDX-License-Identifier: MIT */
/* Reads files on disks: ebsfs-reader locates their data on the disk, and a disk_reader reads the
 * data. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "disk.h"
#include "inode.h"

/* State of an open file. */
struct inode_file {
	struct inode_space *space;
	struct disk_reader *disk;
	struct reader_extent extents[READER_EXTENTS_MAX]; /* the extents of the last reply */
	unsigned n;
};

/* --- a request of the kernel --- */

struct inode_piece {
	struct inode_piece *next;
	struct inode_job *job;
	struct disk_read *read;
	struct files_request *ask;
	char *to; /* where the bytes go; NULL: they are the whole reply, sent from the disk's own
		     memory */
	size_t len;
};

/* A read or a seek, which goes through the extents of its range; a read starts to read each of
 * them. */
struct inode_job {
	struct handle *handle;
	struct pending_reply *reply; /* NULL: the reply has been sent */
	struct files_request *map;
	uint64_t offset, at, end; /* offset: of the request; [at, end) is still to be handled */
	int whence;               /* SEEK_DATA or SEEK_HOLE; SEEK_SET marks a read */
	char *data;
	struct inode_piece *pieces;
	unsigned pending;
	struct err err;
};

static void job_free(struct inode_job *j)
{
	struct inode_piece *p, *next;

	for (p = j->pieces; p; p = next) {
		next = p->next;
		if (p->read)
			disk_read_cancel(p->read);
		if (p->ask)
			files_cancel(p->ask);
		free(p);
	}
	if (j->map)
		files_cancel(j->map);
	free(j->data);
	free(j);
}

static void job_interrupted(void *arg)
{
	job_free(arg);
}

/* One of the pieces that the job waits for has ended. After the last one the reply is sent. */
static void job_step(struct inode_job *j)
{
	if (--j->pending)
		return;
	if (j->err.errnum) {
		inode_reply_err(j->handle->file->space, j->reply, &j->err);
	} else if (j->reply) {
		fuse_reply_buf(
			pending_reply_request(j->reply), j->data, (size_t)(j->at - j->offset));
		pending_reply_done(j->reply);
	}
	job_free(j);
}

static void job_fail(struct inode_job *j, const struct err *err)
{
	if (!j->err.errnum)
		j->err = *err;
	j->end = j->at;
}

static void job_fail_memory(struct inode_job *j)
{
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	job_fail(j, &err);
}

/* --- data --- */

static void piece_done(struct inode_piece *p, size_t len, const struct err *err)
{
	struct err early;

	if (!err && len != p->len) {
		err_set(&early, EIO, "the file's data end too early");
		err = &early;
	}
	if (err)
		job_fail(p->job, err);
	job_step(p->job);
}

static void piece_read_done(void *arg, const struct disk_data *data, const struct err *err)
{
	struct inode_piece *p = arg;
	char *to = p->to;

	p->read = NULL;
	if (data && data->len == p->len && !to) {
		fuse_reply_iov(pending_reply_request(p->job->reply), data->parts, data->n_parts);
		pending_reply_done(steal(&p->job->reply));
	} else if (data && data->len == p->len) {
		for (int i = 0; i < data->n_parts; i++)
			to = mempcpy(to, data->parts[i].iov_base, data->parts[i].iov_len);
	}
	piece_done(p, data ? data->len : 0, err);
}

static void piece_bytes_done(void *arg, const void *answer, size_t len, const struct err *err)
{
	struct inode_piece *p = arg;

	p->ask = NULL;
	if (!err && len == p->len)
		memcpy(p->to, answer, len);
	piece_done(p, len, err);
}

/* Reads a piece into memory. Returns false on ENOMEM. */
static bool piece_start_bytes(struct inode_piece *p, uint64_t at)
{
	struct inode_job *j = p->job;
	struct inode_space *space = j->handle->file->space;
	struct files_ask ask = {.type = READER_READ,
		.inode = node_inode(j->handle->node),
		.offset = at,
		.length = p->len};
	char program[INODE_PROGRAM_SIZE];

	p->ask = files_ask(
		space->system, &ask, inode_program(space, j->reply, program), piece_bytes_done, p);
	return p->ask;
}

static bool piece_start_read(struct inode_piece *p, uint64_t disk)
{
	struct disk_read *read;
	bool ready;

	read = disk_read(
		p->job->handle->file->disk, (int64_t)disk, p->len, piece_read_done, p, &ready);
	if (read)
		p->read = read;
	return ready || read;
}

/* Reads the bytes [at, at + len) of a file, which lie in one extent. */
static void job_read(struct inode_job *j, const struct reader_extent *e, uint64_t at, size_t len)
{
	size_t size = (size_t)(j->end - j->offset);
	struct inode_piece *p;

	if (!j->data && (len < size || e->kind != READER_DISK)) {
		j->data = calloc(1, size);
		if (!j->data) {
			job_fail_memory(j);
			return;
		}
	}
	if (e->kind == READER_HOLE)
		return;
	p = calloc(1, sizeof(*p));
	if (!p) {
		job_fail_memory(j);
		return;
	}
	*p = (struct inode_piece){.next = j->pieces,
		.job = j,
		.to = j->data ? j->data + (at - j->offset) : NULL,
		.len = len};
	j->pieces = p;
	j->pending++;
	if (e->kind == READER_BYTES ? piece_start_bytes(p, at)
				    : piece_start_read(p, e->disk + (at - e->offset)))
		return;
	j->pending--;
	job_fail_memory(j);
}

/* --- extents --- */

/* Returns the extent with this byte of the file; NULL: it is not known yet. */
static const struct reader_extent *file_extent(const struct inode_file *f, uint64_t at)
{
	for (unsigned low = 0, high = f->n; low < high;) {
		unsigned middle = (low + high) / 2;
		const struct reader_extent *e = &f->extents[middle];

		if (at < e->offset)
			high = middle;
		else if (at >= e->offset + e->length)
			low = middle + 1;
		else
			return e;
	}
	return NULL;
}

static void job_look(struct inode_job *j);

static void job_got_map(void *arg, const void *answer, size_t len, const struct err *err)
{
	struct inode_job *j = arg;
	struct inode_file *f = j->handle->file;

	j->map = NULL;
	if (err) {
		job_fail(j, err);
	} else if (len) {
		memcpy(f->extents, answer, len);
		f->n = (unsigned)(len / sizeof(f->extents[0]));
	} else {
		j->end = j->at; /* the end of the file */
	}
	job_look(j);
}

/* Seeks in one extent. Returns true if the position was found and replied. */
static bool job_seek(struct inode_job *j, const struct reader_extent *e)
{
	if ((e->kind == READER_HOLE) != (j->whence == SEEK_HOLE))
		return false;
	fuse_reply_lseek(pending_reply_request(j->reply), (off_t)j->at);
	pending_reply_done(steal(&j->reply));
	return true;
}

/* Replies to a seek at the end of the file, which counts as a hole. */
static void job_seek_end(struct inode_job *j)
{
	fuse_req_t req = pending_reply_request(j->reply);

	if (j->whence == SEEK_HOLE && j->at > j->offset)
		fuse_reply_lseek(req, (off_t)j->at);
	else
		fuse_reply_err(req, ENXIO);
	pending_reply_done(steal(&j->reply));
}

static void job_ask_map(struct inode_job *j)
{
	struct inode_space *space = j->handle->file->space;
	struct files_ask ask = {.type = READER_MAP,
		.inode = node_inode(j->handle->node),
		.offset = j->at,
		.length = READER_SIZE_MAX - j->at};
	char program[INODE_PROGRAM_SIZE];

	j->map = files_ask(
		space->system, &ask, inode_program(space, j->reply, program), job_got_map, j);
	if (j->map)
		j->pending++;
	else
		job_fail_memory(j);
}

/* Handles the extents that are known. */
static void job_look(struct inode_job *j)
{
	const struct reader_extent *e = NULL;

	while (j->at < j->end && !j->err.errnum) {
		uint64_t at = j->at, to = j->end;

		e = file_extent(j->handle->file, at);
		if (!e)
			break;
		if (j->whence != SEEK_SET && job_seek(j, e)) {
			j->end = j->at;
			break;
		}
		if (to > e->offset + e->length)
			to = e->offset + e->length;
		if (e->kind == READER_BYTES && to - at > READER_READ_MAX)
			to = at + READER_READ_MAX;
		if (j->whence == SEEK_SET)
			job_read(j, e, at, (size_t)(to - at));
		j->at = to;
	}
	if (j->at < j->end && !j->err.errnum)
		job_ask_map(j);
	else if (j->whence != SEEK_SET && j->reply && !j->err.errnum)
		job_seek_end(j);
	/* The job waits for more than this call, so an interrupt must be able to end it. */
	if (j->pending > 1 && j->reply && !pending_reply_on_interrupt(j->reply, job_interrupted, j))
		return;
	job_step(j);
}

/* --- operations --- */

static struct inode_file *inode_file_of(struct handle *h)
{
	struct inode_space *s = inode_space_of(h->fs, h->node);
	char program[INODE_PROGRAM_SIZE];

	if (h->file)
		return h->file;
	h->file = calloc(1, sizeof(*h->file));
	if (!h->file)
		return NULL;
	handle_program(h, program, sizeof(program));
	if (disk_open(h->fs->disks, files_disk_facts(s->disk), program, &h->file->disk) < 0) {
		free(steal(&h->file));
		return NULL;
	}
	h->file->space = s;
	inode_space_hold(s);
	return h->file;
}

static void job_start(
	struct handle *h, uint64_t offset, uint64_t size, int whence, struct pending_reply *reply)
{
	struct inode_job *j = calloc(1, sizeof(*j));
	const struct reader_attributes *kept;

	if (!j || !inode_file_of(h)) {
		free(j);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	/* The end of the file limits the read; otherwise the reader would get a request for bytes
	 * after the end. */
	kept = inode_space_kept(h->file->space, node_inode(h->node));
	if (kept && size > (kept->size > offset ? kept->size - offset : 0))
		size = kept->size > offset ? kept->size - offset : 0;
	*j = (struct inode_job){.handle = h,
		.reply = reply,
		.offset = offset,
		.at = offset,
		.end = offset + size,
		.whence = whence,
		.pending = 1};
	job_look(j);
}

void inode_read(struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	job_start(
		h, (uint64_t)offset, size < DISK_READ_MAX ? size : DISK_READ_MAX, SEEK_SET, reply);
}

void inode_lseek(struct handle *h, off_t offset, int whence, struct pending_reply *reply)
{
	if (offset < 0 || (uint64_t)offset >= READER_SIZE_MAX)
		pending_reply_errno(reply, ENXIO);
	else
		job_start(h, (uint64_t)offset, READER_SIZE_MAX - (uint64_t)offset, whence, reply);
}

void inode_file_release(struct handle *h)
{
	if (!h->file)
		return;
	disk_close(h->file->disk);
	inode_space_release(h->file->space);
	free(h->file);
}
