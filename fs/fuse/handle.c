/* SPDX-License-Identifier: MIT */
/* The text of an open file: read in pieces, or collected until close(). */
#define FUSE_USE_VERSION 314
#include "handle.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>

#include "cleanup.h"
#include "pending_reply.h"

struct handle *handle_of(const struct fs *fs, struct node n)
{
	struct handle *h = fs->handles;

	while (h && node_number(h->node) != node_number(n))
		h = h->next;
	return h;
}

static void handle_reply_part(
	const struct buf *text, struct fuse_req *req, size_t size, off_t offset)
{
	size_t from = (size_t)offset < text->len ? (size_t)offset : text->len;
	size_t left = text->len - from;

	fuse_reply_buf(req, text->data ? text->data + from : NULL, left < size ? left : size);
}

void handle_reply(const struct handle *h, struct fuse_req *req, size_t size, off_t offset)
{
	handle_reply_part(&h->text, req, size, offset);
}

void handle_reply_text(
	const struct buf *text, off_t offset, size_t size, struct pending_reply *reply)
{
	handle_reply_part(text, pending_reply_request(reply), size, offset);
	pending_reply_done(reply);
}

pid_t handle_process(pid_t thread)
{
	char path[40], line[128];
	_cleanup_fclose_ FILE *f = NULL;
	int process;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &process) == 1)
			return process;
	return thread;
}

void handle_program_of(pid_t process, char *out, size_t size)
{
	char path[40];
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)process);
	f = fopen(path, "re");
	if (!f || !fgets(out, (int)size, f))
		snprintf(out, size, "a program");
	out[strcspn(out, "\n")] = '\0';
}

void handle_program(const struct handle *h, char *out, size_t size)
{
	handle_program_of(h->process, out, size);
}

bool handle_is_shared(const struct handle *h, const struct pending_reply *reply)
{
	pid_t thread = fuse_req_ctx(pending_reply_request(reply))->pid;

	return thread && h->process && handle_process(thread) != h->process;
}

void handle_read(const struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	handle_reply(h, pending_reply_request(reply), size, offset);
	pending_reply_done(reply);
}

void handle_read_anew(struct handle *h, int (*text)(struct fs *fs, struct node n, struct buf *out),
	off_t offset, size_t size, struct pending_reply *reply)
{
	int r;

	buf_clear(&h->text);
	r = text(h->fs, h->node, &h->text);
	if (r < 0) {
		pending_reply_errno(reply, -r);
		return;
	}
	h->told = true;
	handle_read(h, offset, size, reply);
}

static int handle_too_long(int r, struct err *err)
{
	return r == -EFBIG ? err_set(err, EFBIG, "the text is too long: %zu bytes at most",
				     HANDLE_TEXT_MAX)
			   : err_set(err, -r, "out of memory");
}

int handle_write(struct handle *h, const char *data, size_t len, off_t offset, struct err *err)
{
	int r = buf_write_at(&h->text, (size_t)offset, data, len);

	if (r < 0)
		return handle_too_long(r, err);
	h->dirty = true;
	return 0;
}

int handle_truncate(struct fs *fs, struct node n, struct handle *h, off_t size, struct err *err)
{
	int r;

	(void)fs;
	(void)n;
	/* truncate() by name opens no file, so no close() follows at which the text could be
	 * applied. */
	if (!h)
		return err_set(err, EPERM,
			"this text is written as a whole: open the file and write it anew");
	r = buf_resize(&h->text, (size_t)size);
	if (r < 0)
		return handle_too_long(r, err);
	h->dirty = true;
	return 0;
}

int handle_ignore_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	(void)fs;
	(void)n;
	(void)st;
	(void)which;
	(void)err;
	return 0;
}

void handle_drop(struct handle *h, struct pending_reply *reply)
{
	(void)h;
	pending_reply_ok(reply);
}

int handle_line(const struct handle *h, struct buf *out)
{
	size_t len = h->text.len;

	if (len && h->text.data[len - 1] == '\n')
		len--;
	buf_clear(out);
	return buf_add(out, buf_str(&h->text), len);
}
