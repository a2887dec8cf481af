/* SPDX-License-Identifier: MIT */
/* Writes objects of JSON into a text, member by member. By hand and not by jansson: that escapes
 * either no character that controls a terminal (utf8.h) or every one beyond ASCII, and it would
 * need a tree of 100,000 copies to show them. */
#ifndef EBSFS_JSON_H
#define EBSFS_JSON_H

#include <stdint.h>

#include "buf.h"

/* An object, whose '{' and '}' the caller writes into `out`. */
struct json {
	struct buf *out;
	const char *indent; /* before each member: "\n  " */
};

/* Writes the comma, if it is not the first member, and the name; the caller writes the value. */
void json_name(const struct json *j, const char *name);
/* Nothing for NULL and "". */
void json_text(const struct json *j, const char *name, const char *value);
void json_number(const struct json *j, const char *name, int64_t value);

#endif
