/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with a maximum: nothing from outside can eat memory through it. */
#ifndef EBSFS_BUF_H
#define EBSFS_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "cleanup.h"

/* Invariant: data is NULL (and len 0), or data[len] is a NUL, so that data is a string when it
 * holds text. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* 0: BUF_MAX */
	int error;  /* the first failure (ENOMEM, EFBIG); sticky: later appends do nothing */
};

#define BUF_MAX  ((size_t)64 << 20)
#define BUF_INIT ((struct buf){0})

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b); /* frees; the buffer may be used again */
void buf_clear(struct buf *b);  /* empties, keeps the memory and the maximum */

/* Append. Return 0, or -ENOMEM, or -EFBIG past the maximum (then nothing of this call was
 * appended). */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap);

/* Writes at an offset as pwrite does, filling a gap with NULs. Same results. */
int buf_write_at(struct buf *b, size_t offset, const void *data, size_t len);
/* Cuts or extends (with NULs) to len. Same results. */
int buf_resize(struct buf *b, size_t len);

/* The text as a string the caller frees ("" if empty); the buffer is empty afterwards. NULL on
 * ENOMEM or sticky error. */
char *buf_steal(struct buf *b);
/* Never NULL. */
static inline const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

static inline void buf_finishp(struct buf *b)
{
	buf_finish(b);
}
#define _cleanup_buf_ _cleanup_(buf_finishp)

#endif
