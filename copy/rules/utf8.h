/* SPDX-License-Identifier: MIT */
/* UTF-8 text measured in characters, as EC2 measures its limits. */
#ifndef EBSFS_UTF8_H
#define EBSFS_UTF8_H

#include <stddef.h>
#include <sys/types.h>

/* Characters in s[0..len), or -1 if it is not UTF-8 (overlong forms and surrogates are not). */
ssize_t utf8_count(const char *s, size_t len);
/* How many bytes of the string s hold at most n characters. A byte that is not UTF-8 counts as a
 * character. */
size_t utf8_prefix(const char *s, size_t n);

#endif
