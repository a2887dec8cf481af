/* SPDX-License-Identifier: MIT */
/* UTF-16 as it is on disks. */
#ifndef EBSFS_UNICODE_H
#define EBSFS_UNICODE_H

#include <stddef.h>

/* Converts at most `units` little-endian UTF-16 units, up to a NUL, to UTF-8 with a NUL. Lone
 * surrogates are left out, as the kernel does it. Returns the whole text's length, which is cut at
 * a character's beginning if it is not below `size`. */
size_t unicode_from_utf16(const void *text, size_t units, char *out, size_t size);

#endif
