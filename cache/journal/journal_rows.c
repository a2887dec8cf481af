/* SPDX-License-Identifier: MIT */
/* The journal's tables as data. */
#include "journal_rows.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"

#define COLUMN(type, kind, name)                                                                   \
	{                                                                                          \
#name, kind, offsetof(type, name)                                                  \
	}
#define COPY(kind, name)    COLUMN(struct journal_copy, kind, name)
#define RECEIPT(kind, name) COLUMN(struct journal_receipt, kind, name)

static const struct journal_column copy_columns[] = {
	COPY(JOURNAL_I64, id),
	COPY(JOURNAL_TEXT, token),
	COPY(JOURNAL_TEXT, state),
	COPY(JOURNAL_TEXT, source_region),
	COPY(JOURNAL_TEXT, source_id),
	COPY(JOURNAL_TEXT, region),
	COPY(JOURNAL_TEXT, description),
	COPY(JOURNAL_TEXT, tags),
	COPY(JOURNAL_TEXT, kms_key_id),
	COPY(JOURNAL_BOOL, encrypted),
	COPY(JOURNAL_INT, completion_minutes),
	COPY(JOURNAL_BOOL, dry_run),
	COPY(JOURNAL_BOOL, move),
	COPY(JOURNAL_BOOL, acknowledged),
	COPY(JOURNAL_BOOL, submitted),
	COPY(JOURNAL_TEXT, copy_id),
	COPY(JOURNAL_I64, requested_ms),
	COPY(JOURNAL_I64, submitted_ms),
	COPY(JOURNAL_I64, started_ms),
	COPY(JOURNAL_I64, ended_ms),
	COPY(JOURNAL_I64, bytes),
	COPY(JOURNAL_INT, attempts),
	COPY(JOURNAL_TEXT, code),
	COPY(JOURNAL_TEXT, message),
	COPY(JOURNAL_TEXT, request_id),
	COPY(JOURNAL_BOOL, untold),
};

static const struct journal_column receipt_columns[] = {
	RECEIPT(JOURNAL_I64, id),
	RECEIPT(JOURNAL_I64, copy),
	RECEIPT(JOURNAL_TEXT, region),
	RECEIPT(JOURNAL_TEXT, folder),
	RECEIPT(JOURNAL_TEXT, name),
	RECEIPT(JOURNAL_BOOL, is_folder),
	RECEIPT(JOURNAL_TEXT, file_name),
	RECEIPT(JOURNAL_TEXT, text),
	RECEIPT(JOURNAL_U32, mode),
	RECEIPT(JOURNAL_U32, uid),
	RECEIPT(JOURNAL_U32, gid),
	RECEIPT(JOURNAL_I64, mtime_ns),
};

const struct journal_table journal_rows_copies = {
	"copies", sizeof(struct journal_copy), ARRAY_LEN(copy_columns), copy_columns};
const struct journal_table journal_rows_receipts = {
	"receipts", sizeof(struct journal_receipt), ARRAY_LEN(receipt_columns), receipt_columns};

static void add_columns(const struct journal_table *table, struct buf *out)
{
	for (size_t i = 0; i < table->n_columns; i++)
		buf_printf(out, "%s\"%s\"", i ? ", " : "", table->columns[i].name);
}

int64_t journal_rows_number(const struct journal_column *column, const void *row)
{
	const void *member = (const char *)row + column->offset;

	switch (column->kind) {
	case JOURNAL_TEXT:
		break;
	case JOURNAL_I64:
		return *(const int64_t *)member;
	case JOURNAL_INT:
		return *(const int *)member;
	case JOURNAL_U32:
		return *(const uint32_t *)member;
	case JOURNAL_BOOL:
		return *(const bool *)member;
	}
	return 0;
}

int journal_rows_sql_insert(const struct journal_table *table, struct buf *out)
{
	buf_printf(out, "INSERT INTO %s (", table->name);
	add_columns(table, out);
	buf_puts(out, ", \"checksum\") VALUES (");
	for (size_t i = 0; i <= table->n_columns; i++)
		buf_printf(out, "%s?%zu", i ? ", " : "", i + 1);
	return buf_puts(out, ")");
}

int journal_rows_sql_delete(const struct journal_table *table, struct buf *out)
{
	return buf_printf(out, "DELETE FROM %s WHERE \"%s\" = ?1 RETURNING \"checksum\"",
		table->name, table->columns[0].name);
}

int journal_rows_sql_read(const struct journal_table *table, struct buf *out)
{
	buf_puts(out, "SELECT ");
	add_columns(table, out);
	return buf_printf(out, " FROM %s ORDER BY \"%s\"", table->name, table->columns[0].name);
}

static char **text_at(const struct journal_column *column, void *row)
{
	return (char **)((char *)row + column->offset);
}

int journal_rows_copy(const struct journal_table *table, void *to, const void *from)
{
	bool complete = true;

	memcpy(to, from, table->size);
	for (size_t i = 0; i < table->n_columns; i++) {
		char **text = text_at(&table->columns[i], to);

		if (table->columns[i].kind != JOURNAL_TEXT || !*text)
			continue;
		*text = strdup(*text);
		complete = complete && *text;
	}
	if (complete)
		return 0;
	journal_rows_finish(table, to);
	return -ENOMEM;
}

void journal_rows_finish(const struct journal_table *table, void *row)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (table->columns[i].kind == JOURNAL_TEXT)
			free(*text_at(&table->columns[i], row));
	}
	memset(row, 0, table->size);
}
