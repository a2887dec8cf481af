/* SPDX-License-Identifier: MIT */
/* The journal's tables as data: their SQL, copies of rows, checksums. */
#include "journal_rows.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "checksum.h"
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
	COPY(JOURNAL_TEXT, label),
	COPY(JOURNAL_BOOL, adopted),
	COPY(JOURNAL_I64, deleted_ms),
	COPY(JOURNAL_TEXT, kind),
	COPY(JOURNAL_TEXT, place),
	COPY(JOURNAL_TEXT, options),
	COPY(JOURNAL_INT, generation),
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
	RECEIPT(JOURNAL_BOOL, mtime_set),
	RECEIPT(JOURNAL_TEXT, description),
	RECEIPT(JOURNAL_TEXT, tags),
	RECEIPT(JOURNAL_U32, file_mode),
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
	bool keyed = table == &journal_rows_copies;

	buf_printf(out, "INSERT INTO %s (", table->name);
	add_columns(table, out);
	buf_printf(out, ", \"checksum\"%s) VALUES (", keyed ? ", \"key_label\"" : "");
	for (size_t i = 0; i <= table->n_columns + keyed; i++)
		buf_printf(out, "%s?%zu", i ? ", " : "", i + 1);
	return buf_puts(out, ")");
}

int journal_rows_sql_delete(const struct journal_table *table, struct buf *out)
{
	return buf_printf(out, "DELETE FROM %s WHERE \"%s\" = ?1 RETURNING \"checksum\"",
		table->name, table->columns[0].name);
}

static void add_select(const struct journal_table *table, struct buf *out)
{
	buf_puts(out, "SELECT ");
	add_columns(table, out);
	buf_printf(out, " FROM %s", table->name);
}

int journal_rows_sql_read(const struct journal_table *table, struct buf *out)
{
	add_select(table, out);
	return buf_printf(out, " ORDER BY \"%s\"", table->columns[0].name);
}

int journal_rows_sql_read_one(const struct journal_table *table, struct buf *out)
{
	add_select(table, out);
	return buf_printf(out, " WHERE \"%s\" = ?1", table->columns[0].name);
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

int journal_copy_copy(struct journal_copy *to, const struct journal_copy *from)
{
	return journal_rows_copy(&journal_rows_copies, to, from);
}

int journal_receipt_copy(struct journal_receipt *to, const struct journal_receipt *from)
{
	return journal_rows_copy(&journal_rows_receipts, to, from);
}

void journal_rows_finish(const struct journal_table *table, void *row)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (table->columns[i].kind == JOURNAL_TEXT)
			free(*text_at(&table->columns[i], row));
	}
	memset(row, 0, table->size);
}

static bool is_living(int64_t dry_run, const char *state)
{
	return !dry_run && state &&
	       (strcmp(state, "completed") == 0 || strcmp(state, "queued") == 0 ||
		       strcmp(state, "submitting") == 0 || strcmp(state, "pending") == 0);
}

/* Kinds and labels contain no space, so the parts cannot be confused. */
static const char *key_label(const char *kind, const char *place, const char *label,
	char out[JOURNAL_ROWS_KEY_LABEL_SIZE])
{
	snprintf(out, JOURNAL_ROWS_KEY_LABEL_SIZE, "%s%s%s%s%s", kind ? kind : "", kind ? " " : "",
		label ? label : "", kind ? " " : "", kind && place ? place : "");
	return out;
}

const char *journal_rows_key_label(
	const struct journal_copy *row, char out[JOURNAL_ROWS_KEY_LABEL_SIZE])
{
	return is_living(row->dry_run, row->state)
		       ? key_label(row->kind, row->place, row->label, out)
		       : NULL;
}

/* --- checksums --- */

/* The start value for the checksums of one column. */
static uint64_t column_seed(const char *table, const char *column)
{
	return checksum_add(checksum_add(0, table, strlen(table)), column, strlen(column));
}

static uint64_t number_checksum(uint64_t seed, int64_t n)
{
	return n ? checksum_add(seed + 1, &n, sizeof(n)) : 0;
}

static uint64_t text_checksum(uint64_t seed, const void *data, size_t len)
{
	return checksum_add(seed + 2, data ? data : "", len);
}

uint64_t journal_rows_checksum(const struct journal_table *table, const void *row)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < table->n_columns; i++) {
		const struct journal_column *column = &table->columns[i];
		uint64_t seed = column_seed(table->name, column->name);
		const char *value;

		if (column->kind != JOURNAL_TEXT) {
			sum += number_checksum(seed, journal_rows_number(column, row));
			continue;
		}
		value = *(char *const *)((const char *)row + column->offset);
		if (value)
			sum += text_checksum(seed, value, strlen(value));
	}
	return sum;
}

/* The columns of the index of keys, in its order. */
#define KEY_COLUMNS 4
#define KEY_LABEL   "key_label"
static const char *const key_columns[KEY_COLUMNS] = {
	"source_region", "source_id", "region", KEY_LABEL};

/* A scan over all rows of a table: the id, the checksum, then every column. */
#define FIRST_COLUMN 2
#define COLUMNS_MAX  64

struct scan {
	sqlite3_stmt *statement;
	int n;
	uint64_t seeds[COLUMNS_MAX]; /* by column; 0: computed from other columns, not summed */
	/* Positions of the columns from which key_label is computed; 0: the table lacks the column.
	 */
	int state, dry_run, label, kind, place, key[KEY_COLUMNS];
};

static void scan_column(struct scan *s, const char *table, int at, const char *name)
{
	if (strcmp(name, "state") == 0)
		s->state = at;
	else if (strcmp(name, "dry_run") == 0)
		s->dry_run = at;
	else if (strcmp(name, "label") == 0)
		s->label = at;
	else if (strcmp(name, "kind") == 0)
		s->kind = at;
	else if (strcmp(name, "place") == 0)
		s->place = at;
	for (int i = 0; i < KEY_COLUMNS; i++)
		if (strcmp(name, key_columns[i]) == 0)
			s->key[i] = at;
	if (strcmp(name, "checksum") != 0 && strcmp(name, KEY_LABEL) != 0)
		s->seeds[at] = column_seed(table, name);
}

/* Returns SQLITE_OK or another code of SQLite. */
static int scan_begin(struct scan *s, sqlite3 *db, const char *table)
{
	char sql[80];
	int code;

	snprintf(sql, sizeof(sql), "SELECT id, checksum, * FROM %s", table);
	code = sqlite3_prepare_v2(db, sql, -1, &s->statement, NULL);
	s->n = sqlite3_column_count(s->statement);
	if (s->n > COLUMNS_MAX)
		return SQLITE_ERROR;
	for (int i = FIRST_COLUMN; code == SQLITE_OK && i < s->n; i++) {
		const char *name = sqlite3_column_name(s->statement, i);

		if (!name)
			return SQLITE_NOMEM;
		scan_column(s, table, i, name);
	}
	return code;
}

static uint64_t scan_row(const struct scan *s)
{
	uint64_t sum = 0;

	for (int i = FIRST_COLUMN; i < s->n; i++) {
		sqlite3_value *value;
		int type;

		if (!s->seeds[i])
			continue;
		value = sqlite3_column_value(s->statement, i);
		type = sqlite3_value_type(value);
		if (type == SQLITE_INTEGER)
			sum += number_checksum(s->seeds[i], sqlite3_value_int64(value));
		else if (type != SQLITE_NULL)
			sum += text_checksum(s->seeds[i], sqlite3_value_blob(value),
				(size_t)sqlite3_value_bytes(value));
	}
	return sum;
}

static const char *scan_text(sqlite3_stmt *statement, int at)
{
	return (const char *)sqlite3_column_text(statement, at);
}

/* A key's checksum, from the positions of its columns. *text is the key: its columns, each with its
 * NUL, so that memcmp() sorts like the index. */
static uint64_t key_checksum(
	sqlite3_stmt *statement, const int columns[KEY_COLUMNS], int64_t id, struct buf *text)
{
	buf_clear(text);
	for (int i = 0; i < KEY_COLUMNS; i++) {
		const char *value = scan_text(statement, columns[i]);

		buf_add(text, value ? value : "", value ? strlen(value) + 1 : 1);
	}
	return checksum_add((uint64_t)id, text->data, text->len);
}

/* Whether the row's stored key_label is right. Adds the checksum of its key to *keys. */
static bool scan_key(const struct scan *s, int64_t id, struct buf *text, uint64_t *keys)
{
	const int key = s->key[KEY_COLUMNS - 1];
	char label[JOURNAL_ROWS_KEY_LABEL_SIZE];
	const char *is;

	if (!key)
		return true;
	is = scan_text(s->statement, key);
	if (!is_living(sqlite3_column_int64(s->statement, s->dry_run),
		    scan_text(s->statement, s->state)))
		return !is;
	*keys += key_checksum(s->statement, s->key, id, text);
	/* Journals of version 4 have no kinds. */
	key_label(s->kind ? scan_text(s->statement, s->kind) : NULL,
		s->place ? scan_text(s->statement, s->place) : NULL,
		scan_text(s->statement, s->label), label);
	return is && strcmp(is, label) == 0;
}

int journal_rows_check_keys(sqlite3 *db, uint64_t *keys, bool *sorted)
{
	static const int columns[KEY_COLUMNS] = {1, 2, 3, 4};
	_cleanup_buf_ struct buf text = BUF_INIT, last = BUF_INIT;
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db,
		"SELECT id, source_region, source_id, region, key_label FROM copies INDEXED BY "
		"copies_by_key WHERE key_label IS NOT NULL",
		-1, &statement, NULL);

	*keys = 0;
	*sorted = true;
	if (code == SQLITE_OK)
		code = SQLITE_ROW;
	while (code == SQLITE_ROW && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct buf previous = last;

		*keys +=
			key_checksum(statement, columns, sqlite3_column_int64(statement, 0), &text);
		if (previous.len && memcmp(previous.data, text.data,
					    previous.len < text.len ? previous.len : text.len) > 0)
			*sorted = false;
		last = text;
		text = previous;
	}
	sqlite3_finalize(statement);
	return text.error || last.error ? SQLITE_NOMEM : code;
}

int journal_rows_check(
	sqlite3 *db, const char *table, uint64_t *sum, uint64_t *keys, int64_t *wrong)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct scan s = {0};
	int code = scan_begin(&s, db, table);

	*sum = *keys = 0;
	*wrong = 0;
	while (code == SQLITE_OK || code == SQLITE_ROW) {
		uint64_t one;
		int64_t id;

		code = sqlite3_step(s.statement);
		if (code != SQLITE_ROW)
			break;
		one = scan_row(&s);
		id = sqlite3_column_int64(s.statement, 0);
		if (sqlite3_column_type(s.statement, 1) != SQLITE_INTEGER ||
			(uint64_t)sqlite3_column_int64(s.statement, 1) != one ||
			!scan_key(&s, id, &text, keys))
			*wrong = id;
		*sum += one;
	}
	sqlite3_finalize(s.statement);
	return text.error ? SQLITE_NOMEM : code;
}

static int seal_row(sqlite3_stmt *write, int64_t id, uint64_t sum)
{
	sqlite3_bind_int64(write, 1, id);
	sqlite3_bind_int64(write, 2, (int64_t)sum);
	sqlite3_step(write);
	return sqlite3_reset(write);
}

int journal_rows_seal(sqlite3 *db, const char *table, uint64_t *sum)
{
	struct scan s = {0};
	sqlite3_stmt *write = NULL;
	int code = scan_begin(&s, db, table);
	char sql[80];

	snprintf(sql, sizeof(sql), "UPDATE %s SET checksum = ?2 WHERE id = ?1", table);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db, sql, -1, &write, NULL);
	while (code == SQLITE_OK && (code = sqlite3_step(s.statement)) == SQLITE_ROW) {
		uint64_t one = scan_row(&s);

		*sum += one;
		code = seal_row(write, sqlite3_column_int64(s.statement, 0), one);
	}
	sqlite3_finalize(s.statement);
	sqlite3_finalize(write);
	return code;
}
