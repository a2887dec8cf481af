/* SPDX-License-Identifier: MIT */
/* Decodes, encodes and cuts UTF-8, counts its characters (the unit of EC2's limits), and makes it
 * safe to show. */
#ifndef EBSFS_UTF8_H
#define EBSFS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

/* Decodes the first character of s[0..len), len > 0. Returns its length in bytes; 0 if it is
 * invalid, as overlong forms and surrogates are. */
size_t utf8_decode(const char *s, size_t len, uint32_t *c);
/* Whether s[0..len), len > 0, is the beginning of a longer character. */
bool utf8_is_cut(const char *s, size_t len);
/* Returns the greatest length, at most len, at which the text s can end without cutting a
 * character. s[len] must exist. */
size_t utf8_whole(const char *s, size_t len);
/* Appends the character. Results as buf_add. */
int utf8_encode(struct buf *out, uint32_t c);
/* Returns the number of characters in s[0..len), -1 if it is not UTF-8. */
ssize_t utf8_count(const char *s, size_t len);
/* Returns the length in bytes of the first n characters of the string s. An invalid byte counts as
 * a character. */
size_t utf8_prefix(const char *s, size_t n);

/* Whether a character can move a terminal's cursor, end a line, or reverse text: controls (C0, DEL,
 * C1), line separators, bidirectional controls, byte order marks, non-characters. */
bool utf8_is_unprintable(uint32_t c);

/* Makes text from outside safe for one line of a log, a status or an error: white space becomes a
 * space, any other unprintable character and any invalid byte '?'. In place; the text never grows.
 * Returns its new length. */
size_t utf8_make_line(char *s);
/* Appends the string s, made safe in the same way. Results as buf_add. */
int utf8_put_line(struct buf *out, const char *s);

#endif
