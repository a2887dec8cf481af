/* SPDX-License-Identifier: MIT */
/* Encodes bytes as text: percent-encoding, hex, Base64, JSON strings, forms. */
#ifndef EBSFS_ENCODE_H
#define EBSFS_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* Percent-encodes (RFC 3986) all bytes except A-Z a-z 0-9 - . _ ~ as %XX, upper case; keep_slash:
 * does not encode '/' either. Returns as buf_add. */
int encode_percent(struct buf *out, const char *s, size_t len, int keep_slash);
/* Decodes %XX; plus_is_space, for form bodies: also decodes '+' to a space. Copies a malformed
 * escape unchanged. Returns as buf_add. */
int decode_percent(struct buf *out, const char *s, size_t len, int plus_is_space);
/* Writes lower-case hex; out needs room for 2 * len + 1 bytes. Returns out. */
char *encode_hex(const void *data, size_t len, char *out);
/* Appends Base64 with padding. Returns as buf_add. */
int encode_base64(struct buf *out, const void *data, size_t len);
/* Appends a JSON string with its quotes; unprintable characters (utf8.h) are escaped, bytes that
 * are not UTF-8 become U+FFFD. Returns as buf_add. */
int encode_json_string(struct buf *out, const char *s, size_t len);

/* Appends "&name=value" to a form, percent-encoded (a space is "%20", never '+'), so that the form
 * can be a body as well as a query; a NULL value appends nothing. The name is printf-like:
 * form_add(&form, value, "Filter.%zu.Name", i + 1). Failures stay in the buffer (buf.error). */
void form_add(struct buf *form, const char *value, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
void form_add_number(struct buf *form, int value, const char *name);
void form_add_true(struct buf *form, bool value, const char *name); /* false appends nothing */

#endif
