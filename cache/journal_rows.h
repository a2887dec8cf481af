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

/* SQL for a table, its parameters ?1, ?2 … in the order of the columns (delete: the key); read
 * gives the columns in their order, by key. Results as buf_add. */
int journal_rows_sql_put(const struct journal_table *table, struct buf *out);
int journal_rows_sql_delete(const struct journal_table *table, struct buf *out);
int journal_rows_sql_read(const struct journal_table *table, struct buf *out);

/* A row of its own. Returns 0 or -ENOMEM (then *to is all zero). */
int journal_rows_copy(const struct journal_table *table, void *to, const void *from);
void journal_rows_finish(
	const struct journal_table *table, void *row); /* frees the texts; the row is all zero */

#endif
