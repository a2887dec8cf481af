/* SPDX-License-Identifier: MIT */
/* The journal's files before SQLite opens them. */
#ifndef EBSFS_JOURNAL_FILES_H
#define EBSFS_JOURNAL_FILES_H

#include <stdbool.h>

#include "err.h"
#include "journal_commits.h"

/* Checks the database at `path`, its log and the files beside them, and changes none. It runs
 * before SQLite opens the database, because SQLite would delete the log of an empty one. Returns 0
 * or -errno with *err: -EINVAL is damage, with a message that says which, but not what to do. */
int journal_files_check(
	int folder, const char *path, const struct journal_commits *commits, struct err *err);

/* Creates the database if it is missing (an empty file is an empty database), and opens it for
 * writing once. folder: statedir_open(). Returns 0 or -errno with *err. */
int journal_files_make(int folder, const char *path, struct err *err);

/* Whether the database at `path` has a log. */
bool journal_files_has_log(int folder, const char *path);
/* Removes the log if it is empty: SQLite makes one to read a database that has none. Only while
 * the database is locked, or another program may have begun to use the log. */
void journal_files_drop_log(int folder, const char *path);

#endif
