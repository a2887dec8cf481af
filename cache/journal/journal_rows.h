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
	JOURNAL_TEXT, /* char *, NULL is SQL's NULL */
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

/* The first column is the key. */
struct journal_table {
	const char *name;
	size_t size; /* of the struct */
	size_t n_columns;
	const struct journal_column *columns;
};

extern const struct journal_table journal_rows_copies;   /* struct journal_copy */
extern const struct journal_table journal_rows_receipts; /* struct journal_receipt */

/* The column `key_label` of a row of `copies`: its label ("" if it has none) if it is a living
 * copy, "KIND LABEL PLACE" of a row with a kind, else NULL. Of the living ones a key
 * (source_region, source_id, region, key_label) has one at most, by a unique index of these
 * columns; they are never pruned. Returns out or NULL.
 */
#define JOURNAL_ROWS_KEY_LABEL_SIZE 512
const char *journal_rows_key_label(
	const struct journal_copy *row, char out[JOURNAL_ROWS_KEY_LABEL_SIZE]);

/* The member's value; 0 for a text. */
int64_t journal_rows_number(const struct journal_column *column, const void *row);

/* Append SQL for a table. insert: the parameters ?1, ?2 … are the columns in order, then the
 * checksum, then of copies the key_label; delete: ?1 is the key, and the statement returns the
 * checksum of the deleted row; read returns the columns in order, sorted by key; read_one those of
 * the row whose key is ?1. Results as buf_add. */
int journal_rows_sql_insert(const struct journal_table *table, struct buf *out);
int journal_rows_sql_delete(const struct journal_table *table, struct buf *out);
int journal_rows_sql_read(const struct journal_table *table, struct buf *out);
int journal_rows_sql_read_one(const struct journal_table *table, struct buf *out);

/* Copies a row with its texts. Returns 0 or -ENOMEM (then *to is all zero). */
int journal_rows_copy(const struct journal_table *table, void *to, const void *from);
void journal_rows_finish(
	const struct journal_table *table, void *row); /* frees the texts; the row is all zero */

/*
 * A row's checksum is the sum over its values, each with its table's and its column's name. NULL
 * and 0 add nothing, so a column that a later version adds, empty in old rows, changes no checksum.
 * Each row has its own in the column `checksum`; the journal has the sum of all (meta, `checksum`),
 * which shows a row that is missing or is an older version.
 */
uint64_t journal_rows_checksum(const struct journal_table *table, const void *row);

/* For a table of any version, by its columns' names. All return SQLITE_DONE or another code of
 * SQLite. check: *sum is the sum over all rows, *keys that over the keys of living copies, *wrong
 * the id of a row whose own checksum or key_label differs, 0 if there is none. check_keys: *keys is
 * the sum over the entries of the index of keys, *sorted whether they are in its order: read from
 * the index alone. seal: gives each row its checksum and adds it to *sum. */
int journal_rows_check(
	struct sqlite3 *db, const char *table, uint64_t *sum, uint64_t *keys, int64_t *wrong);
int journal_rows_check_keys(struct sqlite3 *db, uint64_t *keys, bool *sorted);
int journal_rows_seal(struct sqlite3 *db, const char *table, uint64_t *sum);

#endif
