/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with a maximum, so that input from outside cannot exhaust memory. */
#ifndef EBSFS_BUF_H
#define EBSFS_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "cleanup.h"

/* Invariant: data is NULL and len 0, or data[len] is a NUL, so that text in data is a string. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* 0: BUF_MAX */
	int error;  /* the first failure (ENOMEM, EFBIG); later appends do nothing */
};

#define BUF_MAX  ((size_t)64 << 20)
#define BUF_INIT ((struct buf){0})

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b); /* frees the memory; the buffer may be used again */
/* Like buf_finish(), for a secret: overwrites the memory before freeing it. A buffer that grows
 * leaves copies of the secret in freed memory: give it its final size first (buf_resize). */
void buf_wipe(struct buf *b);
void buf_clear(struct buf *b); /* empties the buffer; keeps its memory and maximum */

/* Append. Return 0, -ENOMEM, or -EFBIG past the maximum; on failure nothing was appended. */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap);

/* Writes at an offset like pwrite, filling a gap with NULs. Returns as buf_add. */
int buf_write_at(struct buf *b, size_t offset, const void *data, size_t len);
/* Cuts or extends (with NULs) the contents to len bytes. Returns as buf_add. */
int buf_resize(struct buf *b, size_t len);

/* Returns the text as a string that the caller frees ("" if empty), and empties the buffer. NULL on
 * ENOMEM or after an earlier failure. */
char *buf_steal(struct buf *b);
/* Returns the text, borrowed; "" if the buffer is empty, never NULL. */
static inline const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

static inline void buf_finishp(struct buf *b)
{
	buf_finish(b);
}
#define _cleanup_buf_      _cleanup_(buf_finishp)
#define _cleanup_buf_wipe_ _cleanup_(buf_wipe)

#endif
