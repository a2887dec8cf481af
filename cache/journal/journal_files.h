/* SPDX-License-Identifier: MIT */
/* The journal's files without SQLite: the checks before it opens them, and journal.commits, the
 * number of transactions that the journal has on disk, kept beside it. */
#ifndef EBSFS_JOURNAL_FILES_H
#define EBSFS_JOURNAL_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* The journal counts its transactions. After the sync of each transaction, and before its
 * callbacks, ebsfs writes the same count into journal.commits, and syncs that file in the
 * background. A journal whose count is lower has lost acknowledged rows. If the journal's count is
 * higher, ebsfs was stopped or the power failed between the two writes. */
struct journal_commits {
	int fd;     /* -1: no file */
	bool known; /* the file exists and is valid */
	uint64_t count;
};

/* Opens journal.commits if it exists. folder: from statedir_open(). Returns 0 or -errno with *err.
 */
int journal_commits_open(
	int folder, const char *path, struct journal_commits *out, struct err *err);
/* Creates the file, or overwrites a damaged one, with a count of 0. Returns 0 or -errno with *err.
 */
int journal_commits_make(int folder, const char *path, struct journal_commits *c, struct err *err);
/* Returns 0 or -errno; -ENOENT: no file. A written count survives the end of the process;
 * journal_commits_sync() makes it survive a power failure. */
int journal_commits_write(struct journal_commits *c, uint64_t count);
void journal_commits_sync(const struct journal_commits *c);
void journal_commits_close(struct journal_commits *c);

/* Checks the database at `path`, its log and the files beside them, without changing any. Call it
 * before SQLite opens the database, because SQLite would delete the log of an empty database.
 * Returns 0 or -errno with *err: -EINVAL means damage; the message says what is damaged, but not
 * what to do. */
int journal_files_check(
	int folder, const char *path, const struct journal_commits *commits, struct err *err);

/* Creates the database if it is missing (an empty file is an empty database), and opens it for
 * writing once. folder: statedir_open(). Returns 0 or -errno with *err. */
int journal_files_make(int folder, const char *path, struct err *err);

/* Whether the database at `path` has a log. */
bool journal_files_has_log(int folder, const char *path);
/* Removes the log if it is empty: SQLite creates a log when it reads a database without one. Call
 * it only while the database is locked; otherwise another program may be using the log. */
void journal_files_drop_log(int folder, const char *path);

#endif
