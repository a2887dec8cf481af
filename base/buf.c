/* SPDX-License-Identifier: MIT */
/* The growing byte buffer. */
#include "buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_finish(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.max = b->max};
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_finish(b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = '\0';
}

static int buf_fail(struct buf *b, int errnum)
{
	if (!b->error)
		b->error = errnum;
	return -b->error;
}

/* Makes room for contents of len bytes and a NUL. */
static int buf_reserve(struct buf *b, size_t len)
{
	size_t max = b->max ? b->max : BUF_MAX, cap = b->cap ? b->cap : 64;
	char *data;

	if (b->error)
		return -b->error;
	if (len > max)
		return buf_fail(b, EFBIG);
	if (len < b->cap)
		return 0;
	while (cap <= len)
		cap += cap;
	if (cap > max + 1)
		cap = max + 1;
	data = realloc(b->data, cap);
	if (!data)
		return buf_fail(b, ENOMEM);
	if (!b->data)
		data[0] = '\0';
	b->data = data;
	b->cap = cap;
	return 0;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	if (len > SIZE_MAX / 4)
		return buf_fail(b, EFBIG);
	if (!len || len >= b->cap - b->len || b->error)
		return buf_write_at(b, b->len, data, len);
	/* The usual case: the buffer has room. */
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n, r;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return buf_fail(b, EINVAL);
	r = buf_reserve(b, b->len + (size_t)n);
	if (r < 0)
		return r;
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int buf_write_at(struct buf *b, size_t offset, const void *data, size_t len)
{
	size_t end = offset + len;
	int r;

	if (end < offset)
		return buf_fail(b, EFBIG);
	r = buf_reserve(b, end > b->len ? end : b->len);
	if (r < 0)
		return r;
	if (offset > b->len)
		memset(b->data + b->len, 0, offset - b->len);
	if (len)
		memcpy(b->data + offset, data, len);
	if (end > b->len) {
		b->len = end;
		b->data[end] = '\0';
	}
	return 0;
}

int buf_resize(struct buf *b, size_t len)
{
	int r = buf_reserve(b, len);

	if (r < 0)
		return r;
	if (len > b->len)
		memset(b->data + b->len, 0, len - b->len);
	b->len = len;
	b->data[len] = '\0';
	return 0;
}

char *buf_steal(struct buf *b)
{
	char *s;

	if (b->error || buf_reserve(b, b->len) < 0)
		return NULL;
	s = b->data;
	*b = (struct buf){.max = b->max};
	return s;
}
