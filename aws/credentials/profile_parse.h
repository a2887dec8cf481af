/* SPDX-License-Identifier: MIT */
/* Parses one file of the AWS CLI's INI dialect: sections, options, nested blocks. */
#ifndef EBSFS_PROFILE_PARSE_H
#define EBSFS_PROFILE_PARSE_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

/* Bounds of a file: larger than the generated files of large organisations (ten thousand profiles).
 */
#define PROFILE_FILE_MAX     ((size_t)8 << 20) /* bytes */
#define PROFILE_SECTIONS_MAX 50000
#define PROFILE_ENTRIES_MAX  500000 /* in a file */
#define PROFILE_OPTIONS_MAX  1000   /* in a section, nested ones included */

/* An option, `key = value`. A block (`key =` and indented lines `inner = value`) has one entry with
 * value NULL, and one entry per inner line with block set. Option names are in lower case; inner
 * names are as written. */
struct profile_entry {
	const char *block; /* the option that this inner line belongs to; NULL: not in a block */
	const char *key;
	const char *value; /* several lines are joined by '\n' */
};

struct profile_section {
	const char *name; /* the text between the brackets */
	size_t first;     /* the section's entries are entries[first … first + n) */
	size_t n;
	unsigned line;
};

struct profile_file {
	char *path;      /* for messages */
	struct buf text; /* memory of every string */
	struct profile_section *sections;
	size_t n_sections;
	struct profile_entry *entries;
	size_t n_entries;
};

/* Parses file->text (and changes it); messages call the file file->path; the other members must be
 * zero. The dialect is that of Python's configparser as the AWS CLI uses it: LF, CR LF or CR ends a
 * line, white space is as in Python (including NO-BREAK SPACE), '=' or ':' divides, comments are
 * whole lines that begin with '#' or ';', a larger indent continues a value, a section or an option
 * that occurs twice is an error. Returns 0, -EINVAL with "path:line: reason" in *err, or -ENOMEM.
 */
int profile_parse(struct profile_file *file, struct err *err);
/* Reads and parses a file. A missing file, or anything but a regular file, counts as empty. Returns
 * as profile_parse(), or -errno if the file cannot be read. */
int profile_file_load(struct profile_file *file, const char *path, struct err *err);
void profile_file_finish(struct profile_file *file); /* frees and wipes secrets */

/* Strips white space at both ends, as Python's str.strip(): returns the new start, and cuts off the
 * end in place. */
char *profile_strip(char *s);

/* Returns the value of a key in a section ("region", or "ec2.endpoint_url" in a block); NULL if it
 * is absent or a block. Borrowed. */
const char *profile_file_get(
	const struct profile_file *file, const struct profile_section *section, const char *key);
/* Finds a section by the whole text between its brackets; NULL if absent. */
const struct profile_section *profile_file_section(
	const struct profile_file *file, const char *name);

#endif
