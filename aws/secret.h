/* SPDX-License-Identifier: MIT */
/* Strings that are wiped when they are freed, and small files that hold secrets. */
#ifndef EBSFS_SECRET_H
#define EBSFS_SECRET_H

#include <stddef.h>

#include "buf.h"
#include "cleanup.h"

/* Wipes the string and frees it. NULL is permitted. */
void secret_free(char *s);
DEFINE_CLEANUP(char *, secret_free)
#define _cleanup_secret_ _cleanup_(secret_freep)

/* Reads a regular file of at most max bytes into out, which must be empty. Returns 0 or -errno:
 * -EINVAL if it is not a regular file, -EFBIG for a larger file, -EAGAIN if the file grew during
 * the read. */
int secret_file_read(const char *path, size_t max, struct buf *out);

/* Replaces path atomically by a file of mode 0600: writes a temporary file beside it, syncs it and
 * renames it. Returns 0 or -errno. */
int secret_file_replace(const char *path, const char *text, size_t len);

#endif
