/* SPDX-License-Identifier: MIT */
/* The journal's write-ahead log, read as SQLite's documentation describes it: what a crash leaves
 * in it, and what only damage does. */
#ifndef EBSFS_JOURNAL_WAL_H
#define EBSFS_JOURNAL_WAL_H

#include "err.h"

enum journal_wal {
	JOURNAL_WAL_WHOLE,    /* SQLite reads every transaction in it that was synced */
	JOURNAL_WAL_BROKEN,   /* a synced transaction stands behind the place where SQLite stops */
	JOURNAL_WAL_HEADLESS, /* its header is not valid: SQLite would read none of its frames */
};

/* Reads the whole log, and changes nothing. Returns 0 or -errno with *err. */
int journal_wal_read(int fd, const char *path, enum journal_wal *out, struct err *err);

#endif
