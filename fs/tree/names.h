/* SPDX-License-Identifier: MIT */
/* Tag keys as file names, and the scratch names of editors. */
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
 * terminal or break a line of find's output. Of a key that has the form of an editor's scratch file
 * the first character is written so. Returns false if the key is empty or its name longer
 * than NAME_MAX. */
bool names_escape(const char *key, char out[NAME_MAX + 1]);
/* Writes the key of a file name. Returns false for a name that names_escape() never makes, so that
 * each key has exactly one name. */
bool names_unescape(const char *name, char out[NAME_MAX + 1]);

/* The same for a tag's value. The empty one is NAMES_EMPTY, which names_escape() never makes. */
#define NAMES_EMPTY "%empty"
bool names_escape_value(const char *value, char out[NAME_MAX + 1]);
bool names_unescape_value(const char *name, char out[NAME_MAX + 1]);

/* Whether a file in tags/ is an editor's own and no tag: it begins with a dot, ends with '~', is
 * `#…#` or `4913`. A key of such a form is written otherwise. */
bool names_is_scratch(const char *name);

/* Whether a tag's key is AWS's or ebsfs's own, and read-only. */
bool names_is_reserved(const char *key);

#endif
