/* SPDX-License-Identifier: MIT */
/* UTF-8: counted in characters, as EC2 measures its limits, cut, and made safe to show. */
#ifndef EBSFS_UTF8_H
#define EBSFS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

/* Decodes the character at the beginning of s[0..len), len > 0. Returns its bytes, 0 if there is
 * none (overlong forms and surrogates are none). */
size_t utf8_decode(const char *s, size_t len, uint32_t *c);
/* Characters in s[0..len), or -1 if it is not UTF-8. */
ssize_t utf8_count(const char *s, size_t len);
/* How many bytes of the string s hold at most n characters. A byte that is not UTF-8 counts as a
 * character. */
size_t utf8_prefix(const char *s, size_t n);

/* Characters that move a terminal's cursor, end a line, or turn the text around them: controls (C0,
 * DEL, C1), line separators, bidirectional controls, byte order marks, non-characters. */
bool utf8_is_unprintable(uint32_t c);

/* Makes text from outside safe within one line that a person reads (a log, a status, an error):
 * white space becomes a space, any other unprintable character and any byte that is not UTF-8
 * becomes '?'. In place; the text never grows. Returns its new length. */
size_t utf8_make_line(char *s);
/* Appends the string s, made safe. Results as buf_add. */
int utf8_put_line(struct buf *out, const char *s);

#endif
