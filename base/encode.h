/* SPDX-License-Identifier: MIT */
/* Encodings of bytes as text: percent, hex, Base64, JSON strings. */
#ifndef EBSFS_ENCODE_H
#define EBSFS_ENCODE_H

#include <stdint.h>

#include "buf.h"

/* RFC 3986: all but A-Z a-z 0-9 - . _ ~ becomes %XX (upper case); keep_slash leaves '/' alone.
 * Results as buf_add. */
int encode_percent(struct buf *out, const char *s, size_t len, int keep_slash);
/* Decodes %XX; plus_is_space for form bodies. A bad escape stays as it is. Results as buf_add. */
int decode_percent(struct buf *out, const char *s, size_t len, int plus_is_space);
/* Lower-case hex; out has room for 2 * len + 1. Returns out. */
char *encode_hex(const void *data, size_t len, char *out);
/* Base64 with padding. Results as buf_add. */
int encode_base64(struct buf *out, const void *data, size_t len);
/* A JSON string with its quotes; unprintable characters (utf8.h) are escaped, bytes that are not
 * UTF-8 become U+FFFD. Results as buf_add. */
int encode_json_string(struct buf *out, const char *s, size_t len);

#endif
