/* SPDX-License-Identifier: MIT */
/* The journal's tables as data: one list of columns and struct members serves storing, reading,
 * copying, freeing and checksums. */
#ifndef EBSFS_JOURNAL_ROWS_H
#define EBSFS_JOURNAL_ROWS_H

#include <stddef.h>

#include "buf.h"
#include "journal.h"

struct sqlite3;

enum journal_kind {
	JOURNAL_TEXT, /* char *; NULL is stored as SQL's NULL */
	JOURNAL_I64,
	JOURNAL_INT,
	JOURNAL_U32,
	JOURNAL_BOOL,
};

struct journal_column {
	const char *name;
	enum journal_kind kind;
	size_t offset;
};

/* The first column is the row's id. */
struct journal_table {
	const char *name;
	size_t size; /* of the struct */
	size_t n_columns;
	const struct journal_column *columns;
};

extern const struct journal_table journal_rows_copies;   /* struct journal_copy */
extern const struct journal_table journal_rows_receipts; /* struct journal_receipt */

/* The value of the column `key_label` for a row of `copies`; NULL if the copy is not alive. For a
 * copy of a snapshot: its label, or "". For a row with a kind: "KIND LABEL PLACE". A unique index
 * of (source_region, source_id, region, key_label) permits one living copy for each key. Rows with
 * a key_label are never pruned. Returns out or NULL. */
#define JOURNAL_ROWS_KEY_LABEL_SIZE 512
const char *journal_rows_key_label(
	const struct journal_copy *row, char out[JOURNAL_ROWS_KEY_LABEL_SIZE]);

/* The value of the row's member for this column, as a number; 0 for a text. */
int64_t journal_rows_number(const struct journal_column *column, const void *row);

/* Append an SQL statement for a table. insert: its parameters ?1, ?2 … are the columns in order,
 * the checksum and, for `copies`, the key_label. delete: ?1 is the id; the statement returns the
 * checksum of the deleted row. read: returns the columns of all rows, in order of ids. read_one:
 * returns the columns of the row with id ?1. Results as buf_add. */
int journal_rows_sql_insert(const struct journal_table *table, struct buf *out);
int journal_rows_sql_delete(const struct journal_table *table, struct buf *out);
int journal_rows_sql_read(const struct journal_table *table, struct buf *out);
int journal_rows_sql_read_one(const struct journal_table *table, struct buf *out);

/* Copies a row with its texts. Returns 0 or -ENOMEM (then *to is all zero). */
int journal_rows_copy(const struct journal_table *table, void *to, const void *from);
void journal_rows_finish(
	const struct journal_table *table, void *row); /* frees the texts; the row is all zero */

/* A row's checksum is a sum over its values, each hashed with the names of its table and column.
 * NULL and 0 add nothing, so a column that a later version adds, empty in old rows, changes no
 * checksum. Each row stores its checksum in the column `checksum`. The table meta stores the sum of
 * all checksums (`checksum`), which reveals a row that is missing or older than the last write. */
uint64_t journal_rows_checksum(const struct journal_table *table, const void *row);

/* These functions read the columns' names from the database, so they work with a table of any
 * version. All return SQLITE_DONE or another code of SQLite. check: sets *sum to the sum of all
 * rows' checksums, *keys to the sum over the keys of living copies, *wrong to the id of a row whose
 * stored checksum or key_label is wrong (0: none). check_keys: reads only the index of keys; sets
 * *keys to the sum over its entries, and *sorted to whether they are in order. seal: stores each
 * row's checksum, and adds it to *sum. */
int journal_rows_check(
	struct sqlite3 *db, const char *table, uint64_t *sum, uint64_t *keys, int64_t *wrong);
int journal_rows_check_keys(struct sqlite3 *db, uint64_t *keys, bool *sorted);
int journal_rows_seal(struct sqlite3 *db, const char *table, uint64_t *sum);

#endif
