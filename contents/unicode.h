/* SPDX-License-Identifier: MIT */
/* UTF-16 in the form that disks have. */
#ifndef EBSFS_UNICODE_H
#define EBSFS_UNICODE_H

#include <stddef.h>

/* Converts at most `units` little-endian UTF-16 units, up to a NUL, to UTF-8 with a NUL. Lone
 * surrogates are left out, as in the kernel. Returns the length of the whole text; a text of `size`
 * bytes or more is cut at the beginning of a character. */
size_t unicode_from_utf16(const void *text, size_t units, char *out, size_t size);

#endif
