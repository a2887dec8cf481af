/* SPDX-License-Identifier: MIT */
/* Small JSON documents that may hold secrets, by jansson. */
#ifndef EBSFS_JSONDOC_H
#define EBSFS_JSONDOC_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cleanup.h"

struct jsondoc;

/* Parses a JSON object. NULL if the text is not an object, or on ENOMEM. Duplicate keys and NULs in
 * strings are refused. */
struct jsondoc *jsondoc_parse(const char *text, size_t len);
struct jsondoc *jsondoc_create(void);      /* an empty object; NULL on ENOMEM */
void jsondoc_destroy(struct jsondoc *doc); /* wipes every string in it; NULL is permitted */
DEFINE_CLEANUP(struct jsondoc *, jsondoc_destroy)

/* Returns the string at a path of names ("accessToken.expiresAt"); NULL if it is absent or not a
 * string. Borrowed. */
const char *jsondoc_string(const struct jsondoc *doc, const char *path);
/* Reads a number without a fraction (1e3 counts). Returns 0, or -EINVAL if it is absent or not such
 * a number. */
int jsondoc_integer(const struct jsondoc *doc, const char *path, int64_t *out);

/* Sets a member of the outermost object; a string that it replaces is wiped. Returns 0, or -ENOMEM
 * (also for text that is not UTF-8). */
int jsondoc_set_string(struct jsondoc *doc, const char *name, const char *value);
/* Prints the document on one line, in one allocation. `out` must be empty; call buf_wipe() on it.
 * Returns 0 or -ENOMEM. */
int jsondoc_print(const struct jsondoc *doc, struct buf *out);

#endif
