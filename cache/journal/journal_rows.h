/* SPDX-License-Identifier: MIT */
/* The journal's tables as data: which column is which member, so that storing, reading, copying and
 * freeing cannot disagree. */
#ifndef EBSFS_JOURNAL_ROWS_H
#define EBSFS_JOURNAL_ROWS_H

#include <stddef.h>

#include "buf.h"
#include "journal.h"

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

/* A number, of whatever type the member has. */
int64_t journal_rows_number(const struct journal_column *column, const void *row);

/* SQL for a table. insert: its parameters ?1, ?2 … are the columns in their order, then the
 * checksum; delete: ?1 is the key, and it gives the checksum of the row that was there; read gives
 * the columns in their order, by key. Results as buf_add. */
int journal_rows_sql_insert(const struct journal_table *table, struct buf *out);
int journal_rows_sql_delete(const struct journal_table *table, struct buf *out);
int journal_rows_sql_read(const struct journal_table *table, struct buf *out);

/* A row of its own. Returns 0 or -ENOMEM (then *to is all zero). */
int journal_rows_copy(const struct journal_table *table, void *to, const void *from);
void journal_rows_finish(
	const struct journal_table *table, void *row); /* frees the texts; the row is all zero */

#endif
