/* SPDX-License-Identifier: MIT */
/* Small JSON documents that may hold secrets. The only file behind this header that knows jansson.
 */
#ifndef EBSFS_JSONDOC_H
#define EBSFS_JSONDOC_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cleanup.h"

struct jsondoc;

/* An object from text; NULL if it is not one (or cannot be kept). Duplicate keys and NULs in
 * strings are refused. */
struct jsondoc *jsondoc_parse(const char *text, size_t len);
struct jsondoc *jsondoc_create(void);      /* empty; NULL on ENOMEM */
void jsondoc_destroy(struct jsondoc *doc); /* wipes every string in it; NULL is permitted */
DEFINE_CLEANUP(struct jsondoc *, jsondoc_destroy)

/* The member at a path of names ("accessToken.expiresAt"). A string: NULL if it is absent or
 * something else. Borrowed. */
const char *jsondoc_string(const struct jsondoc *doc, const char *path);
/* A number without a fraction (1e3 counts). Returns 0, or -EINVAL if it is absent or something
 * else. */
int jsondoc_integer(const struct jsondoc *doc, const char *path, int64_t *out);

/* Sets a member of the outermost object; the string it replaces is wiped. Returns 0 or -ENOMEM (or
 * not UTF-8). */
int jsondoc_set_string(struct jsondoc *doc, const char *name, const char *value);
/* The document as text on one line, in one piece of memory. Returns 0 or -ENOMEM. out must be
 * empty; secret_buf_finish() it. */
int jsondoc_print(const struct jsondoc *doc, struct buf *out);

#endif
