/* SPDX-License-Identifier: MIT */
/* The journal's database: SQLite behind a few calls. Synchronous; one thread at a time. */
#ifndef EBSFS_JOURNAL_DB_H
#define EBSFS_JOURNAL_DB_H

#include <stdint.h>

#include "err.h"
#include "journal.h"
#include "journal_files.h"
#include "journal_rows.h"

struct journal_db;

/* journal_db_open(): opens and locks the database, without writing to it. journal_db_writable():
 * permits writing. EINVAL from any function here means that the database is damaged. Return 0 or
 * -errno with *err. */
int journal_db_open(const char *path, struct journal_db **out, struct err *err);
/* The path of a database in memory, which is lost when it is closed. */
#define JOURNAL_DB_MEMORY ":memory:"
int journal_db_writable(struct journal_db *db, struct err *err);
/* Prepares the database for transactions. Call it after the tables exist and before the first
 * transaction. *commits is borrowed, and counts the transactions; NULL: they are not counted.
 * Returns 0 or -errno with *err. */
int journal_db_prepare(struct journal_db *db, struct journal_commits *commits, struct err *err);
void journal_db_close(struct journal_db *db); /* NULL is permitted */

const char *journal_db_path(const struct journal_db *db);

/* After a first query: whether the file's header forbids this SQLite to write (file format write
 * version above 2, https://www.sqlite.org/fileformat.html, 1.3.3). The file itself can be written:
 * journal_files_make() opened it so. */
bool journal_db_is_readonly(const struct journal_db *db);

/* Runs SQL that returns no rows. doing: the operation, for the error message ("writing"). Returns 0
 * or -errno with *err. */
int journal_db_exec(struct journal_db *db, const char *sql, const char *doing, struct err *err);
/* Runs SQL and sets *number and *text (either pointer may be NULL) to the first column of the first
 * row; to 0 and NULL if there is no row. The caller frees *text. param: the value of ?1; NULL:
 * none. Returns 0 or -errno with *err. */
int journal_db_query(struct journal_db *db, const char *sql, const char *param, int64_t *number,
	char **text, const char *doing, struct err *err);

/* A transaction: begin, changes, commit. If any of these fails, call rollback, which also makes
 * sure that the failed transaction does not reappear after a crash. Return 0 or -errno with *err.
 * Two errors concern only the row, not the database: EEXIST (another living copy has the same key)
 * and ENOENT (no row has this id). */
int journal_db_begin(struct journal_db *db, struct err *err);
int journal_db_put(
	struct journal_db *db, const struct journal_table *table, const void *row, struct err *err);
/* Reads the row of a copy. The caller finishes *out. */
int journal_db_read_copy(
	struct journal_db *db, int64_t id, struct journal_copy *out, struct err *err);
/* Implements journal_set_copy_state(). Reads only id, state, message and deleted_ms of *to. */
int journal_db_set_state(struct journal_db *db, const struct journal_copy *to, struct err *err);
int journal_db_delete(
	struct journal_db *db, const struct journal_table *table, int64_t id, struct err *err);
int journal_db_commit(struct journal_db *db, struct err *err);
void journal_db_rollback(struct journal_db *db);

/* Call journal_rows_check() and journal_rows_check_keys(). Return 0 or -errno with *err. */
int journal_db_sum(struct journal_db *db, const struct journal_table *table, uint64_t *sum,
	uint64_t *keys, int64_t *wrong, struct err *err);
int journal_db_sum_keys(struct journal_db *db, uint64_t *keys, bool *sorted, struct err *err);
/* Reads two values that the journal stores: its number of transactions, and the sum of its rows'
 * checksums. Returns 0 or -errno with *err. */
int journal_db_counts(struct journal_db *db, int64_t *commits, int64_t *sum, struct err *err);
/* Within the open transaction: stores every row's checksum, their sum and, if the journal has no
 * count of transactions, a count of 0. Returns 0 or -errno with *err. */
int journal_db_seal(struct journal_db *db, struct err *err);

/* Deletes copies that have no receipt, ended before the given time and are not alive, in a
 * transaction of its own. Returns 0 or -errno with *err. */
int journal_db_prune(struct journal_db *db, int64_t ended_before_ms, struct err *err);
/* Calls fn for every row of the table, in the order of ids. The row's texts are borrowed for the
 * call. A non-zero result of fn ends the reading and is returned; otherwise returns 0 or -errno
 * with *err. */
typedef int journal_db_row(void *arg, const void *row);
int journal_db_each(struct journal_db *db, const struct journal_table *table, journal_db_row *fn,
	void *arg, struct err *err);
/* Sets *id to the highest id that the table has ever had; 0: none. Returns 0 or -errno with *err.
 */
int journal_db_last_id(
	struct journal_db *db, const struct journal_table *table, int64_t *id, struct err *err);

#endif
