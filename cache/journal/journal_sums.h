/* SPDX-License-Identifier: MIT */
/* The checksums of the journal's rows, each in a column `checksum` beside the others. */
#ifndef EBSFS_JOURNAL_SUMS_H
#define EBSFS_JOURNAL_SUMS_H

#include <stdint.h>

#include "journal_rows.h"

struct sqlite3;

/*
 * The sum of the checksums of a row's values, each with its table's and its column's name. NULL and
 * 0 add nothing: a column that a later version adds, empty in the rows that are there, changes no
 * checksum. The journal as a whole has the sum of its rows' checksums (meta, `checksum`), which
 * shows a row that is missing, or is an older one than it should be.
 */
uint64_t journal_sums_row(const struct journal_table *table, const void *row);

/* Of a table of any version, by its columns' names. Both return SQLITE_DONE or SQLite's code.
 * check: *sum is the rows' sum, and *wrong the key of a row with another checksum, 0 if there is
 * none; write: each row is given its checksum, and *sum grows by them. */
int journal_sums_check(struct sqlite3 *db, const char *table, uint64_t *sum, int64_t *wrong);
int journal_sums_write(struct sqlite3 *db, const char *table, uint64_t *sum);

#endif
