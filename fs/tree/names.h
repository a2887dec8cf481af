/* SPDX-License-Identifier: MIT */
/* Names: tag keys as file names, and the names that copying tools make. */
#ifndef EBSFS_NAMES_H
#define EBSFS_NAMES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether the kernel takes it as the name of a file: not empty, "." or "..", no '/', not too long.
 */
bool names_is_file(const char *name);

/* A tag's key as a file name: '%' is "%25", '/' is "%2F", a key of only dots has its dots as "%2E",
 * and each byte of an unprintable character (utf8.h) is %XX: a name cannot command a terminal or
 * break a line of find's output. False if it is empty or longer than a file name may be. */
bool names_escape(const char *key, char out[NAME_MAX + 1]);
/* The key that a file name stands for; false if names_escape() never makes such a name (so that
 * each key has one name). */
bool names_unescape(const char *name, char out[NAME_MAX + 1]);

/* rsync writes `NAME` first as `.NAME.XXXXXX` (six letters or digits) and renames it when it is
 * whole. False if `name` is not such a name. */
bool names_rsync_target(const char *name, char out[NAME_MAX + 1]);

/* "A" for "A.snapshot" and for "A": what a receipt's status is called after. Never fails for a name
 * of at most NAME_MAX. */
void names_stem(const char *name, char out[NAME_MAX + 1]);
size_t names_stem_len(const char *name);
/* Whether name is stem + suffix (".status"); then out is the stem. */
bool names_strip(const char *name, const char *suffix, char out[NAME_MAX + 1]);

#endif
