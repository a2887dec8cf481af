/* SPDX-License-Identifier: MIT */
/* Writes JSON objects into a buffer, member by member. Two reasons not to use jansson: it escapes
 * either none of the characters that control a terminal (utf8.h) or every character beyond ASCII,
 * and to show 100,000 copies it would need a tree of all of them in memory. */
#ifndef EBSFS_JSON_H
#define EBSFS_JSON_H

#include <stdint.h>

#include "buf.h"

/* An object, whose '{' and '}' the caller writes into `out`. */
struct json {
	struct buf *out;
	const char *indent; /* before each member: "\n  " */
};

/* Begins a member: writes a comma (unless the member is the first) and the name; the caller writes
 * the value. */
void json_name(const struct json *j, const char *name);
/* Writes a member whose value is a string; writes nothing for NULL and "". */
void json_text(const struct json *j, const char *name, const char *value);
/* Writes a member whose value is a number. */
void json_number(const struct json *j, const char *name, int64_t value);

#endif
