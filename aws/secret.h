/* SPDX-License-Identifier: MIT */
/* Memory that held secrets, wiped when it goes; and small files read into such memory. */
#ifndef EBSFS_SECRET_H
#define EBSFS_SECRET_H

#include <stddef.h>

#include "buf.h"
#include "cleanup.h"

/* Wipes the string and frees it. NULL is permitted. */
void secret_free(char *s);
DEFINE_CLEANUP(char *, secret_free)
#define _cleanup_secret_ _cleanup_(secret_freep)

/* Wipes all that the buffer ever held and finishes it. A buffer that grows leaves copies behind:
 * give it its final size first (buf_resize), as secret_file_read() does. */
void secret_buf_finish(struct buf *b);
#define _cleanup_secret_buf_ _cleanup_(secret_buf_finish)

/* Reads a regular file of at most max bytes into out, which must be empty. Returns 0 or -errno:
 * -EINVAL if it is no regular file, -EFBIG if it is larger, -EAGAIN if it changed while it was
 * read. */
int secret_file_read(const char *path, size_t max, struct buf *out);

/* Puts a file of mode 0600 in the place of path, or leaves the old one: written beside it, synced,
 * renamed. Returns 0 or -errno. */
int secret_file_replace(const char *path, const char *text, size_t len);

#endif
