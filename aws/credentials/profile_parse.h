/* SPDX-License-Identifier: MIT */
/* One file of the AWS dialect of INI, parsed: sections, options, nested blocks. */
#ifndef EBSFS_PROFILE_PARSE_H
#define EBSFS_PROFILE_PARSE_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

/* Bounds. Organisations generate files with ten thousand profiles; nobody has these. */
#define PROFILE_FILE_MAX     ((size_t)8 << 20) /* bytes */
#define PROFILE_SECTIONS_MAX 50000
#define PROFILE_ENTRIES_MAX  500000 /* in a file */
#define PROFILE_OPTIONS_MAX  1000   /* in a section, nested ones included */

/* `key = value`. Of a block (`key =` and lines `inner = value` indented under it) there is one
 * entry with value NULL, and then one for each inner line, with block set. Option names are in
 * lower case; inner names are as written. */
struct profile_entry {
	const char *block; /* NULL: not in a block */
	const char *key;
	const char *value; /* lines of a folded value are joined by '\n' */
};

struct profile_section {
	const char *name; /* all that stood between the brackets */
	size_t first;     /* its entries are entries[first … first + n) */
	size_t n;
	unsigned line;
};

struct profile_file {
	char *path;      /* for messages */
	struct buf text; /* owns every string */
	struct profile_section *sections;
	size_t n_sections;
	struct profile_entry *entries;
	size_t n_entries;
};

/* Parses file->text (which it changes) under the name file->path; all else must be zero. The
 * dialect is that of Python's configparser as the AWS CLI uses it: LF, CR LF or CR ends a line,
 * white space is what Python takes for it (NO-BREAK SPACE too), '=' or ':' divides, comments are
 * whole lines that begin with '#' or ';', deeper indentation continues a value, a section or an
 * option given twice is an error. Returns 0, -EINVAL with "path:line: reason" in *err, or -ENOMEM.
 */
int profile_parse(struct profile_file *file, struct err *err);
/* Reads and parses a file; a missing one, or what is no regular file, is an empty one. Returns as
 * profile_parse(), or -errno of reading. */
int profile_file_load(struct profile_file *file, const char *path, struct err *err);
void profile_file_finish(struct profile_file *file); /* wipes */

/* The text without white space at both ends, as Python's str.strip() sees it; the end is cut off in
 * place. */
char *profile_strip(char *s);

/* The value of key ("region", or "ec2.endpoint_url" for one in a block) in a section; NULL if
 * absent or a block. Borrowed. */
const char *profile_file_get(
	const struct profile_file *file, const struct profile_section *section, const char *key);
/* By its whole name; NULL if absent. */
const struct profile_section *profile_file_section(
	const struct profile_file *file, const char *name);

#endif
