/* SPDX-License-Identifier: MIT */
/* File names: tag keys as file names, and the temporary names of copying tools. */
#ifndef EBSFS_NAMES_H
#define EBSFS_NAMES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether the kernel accepts it as a file name: not empty, "." or "..", without '/', at most
 * NAME_MAX bytes.
 */
bool names_is_file(const char *name);

/* Writes a tag's key as a file name: '%' becomes "%25", '/' "%2F", each dot of a key of only dots
 * "%2E", and each byte of an unprintable character (utf8.h) %XX, so that a name cannot control a
 * terminal or break a line of find's output. Returns false if the key is empty or its name longer
 * than NAME_MAX. */
bool names_escape(const char *key, char out[NAME_MAX + 1]);
/* Writes the key of a file name. Returns false for a name that names_escape() never makes, so that
 * each key has exactly one name. */
bool names_unescape(const char *name, char out[NAME_MAX + 1]);

/* Writes NAME for a temporary name of rsync, `.NAME.XXXXXX` (six letters or digits), which rsync
 * renames when the file is complete. Returns false for any other name. */
bool names_rsync_target(const char *name, char out[NAME_MAX + 1]);

/* Writes the stem of a receipt's name, which its status is named after: "A" for "A.snapshot" and
 * for "A". The name has at most NAME_MAX bytes. */
void names_stem(const char *name, char out[NAME_MAX + 1]);
size_t names_stem_len(const char *name);
/* Whether name is a stem with this suffix (".status"); writes the stem. */
bool names_strip(const char *name, const char *suffix, char out[NAME_MAX + 1]);

#endif
