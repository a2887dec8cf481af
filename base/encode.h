/* SPDX-License-Identifier: MIT */
/* Encodings of bytes as text: percent, hex, Base64, JSON strings. */
#ifndef EBSFS_ENCODE_H
#define EBSFS_ENCODE_H

#include <stdint.h>

#include "buf.h"

/* Percent-encodes (RFC 3986) all bytes but A-Z a-z 0-9 - . _ ~ as %XX, upper case; keep_slash: not
 * '/' either. Results as buf_add. */
int encode_percent(struct buf *out, const char *s, size_t len, int keep_slash);
/* Decodes %XX; plus_is_space: for form bodies. A malformed escape is kept. Results as buf_add. */
int decode_percent(struct buf *out, const char *s, size_t len, int plus_is_space);
/* Lower-case hex; out needs room for 2 * len + 1 bytes. Returns out. */
char *encode_hex(const void *data, size_t len, char *out);
/* Base64 with padding. Results as buf_add. */
int encode_base64(struct buf *out, const void *data, size_t len);
/* A JSON string with its quotes; unprintable characters (utf8.h) are escaped, bytes that are not
 * UTF-8 become U+FFFD. Results as buf_add. */
int encode_json_string(struct buf *out, const char *s, size_t len);

#endif
