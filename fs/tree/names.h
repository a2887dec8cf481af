/* SPDX-License-Identifier: MIT */
/* Tag keys as file names, and the scratch names of editors. */
#ifndef EBSFS_NAMES_H
#define EBSFS_NAMES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Returns whether the kernel accepts the name for a file: not empty, "." or "..", without '/', at
 * most NAME_MAX bytes. */
bool names_is_file(const char *name);

/* Writes a tag's key as a file name: '%' becomes "%25", '/' "%2F", each dot of a key of only dots
 * "%2E", and each byte of an unprintable character (utf8.h) %XX, so that a name cannot control a
 * terminal or break a line of find's output. Of a key that has the form of an editor's scratch file
 * the first character is written so. Returns false if the key is empty or its name longer
 * than NAME_MAX. */
bool names_escape(const char *key, char out[NAME_MAX + 1]);
/* Writes the key of a file name. Returns false for a name that names_escape() never writes, so that
 * each key has exactly one name. */
bool names_unescape(const char *name, char out[NAME_MAX + 1]);

/* names_escape() and names_unescape() for a tag's value. An empty value is written as NAMES_EMPTY,
 * which names_escape() never writes. */
#define NAMES_EMPTY "%empty"
bool names_escape_value(const char *value, char out[NAME_MAX + 1]);
bool names_unescape_value(const char *name, char out[NAME_MAX + 1]);

/* Returns whether a file in tags/ is an editor's scratch file and not a tag: its name begins with a
 * dot, ends with '~', is `#…#` or `4913`. A key of such a form is escaped. */
bool names_is_scratch(const char *name);

/* Returns whether a tag's key belongs to AWS or ebsfs, and is read-only. */
bool names_is_reserved(const char *key);

#endif
