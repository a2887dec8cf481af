/* SPDX-License-Identifier: MIT */
/* The checksums of the journal's rows, each in a column `checksum` beside the others. */
#include "journal_sums.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "checksum.h"

/* Where the checksum of a column's values begins. */
static uint64_t column_seed(const char *table, const char *column)
{
	return checksum_add(checksum_add(0, table, strlen(table)), column, strlen(column));
}

static uint64_t number(uint64_t seed, int64_t n)
{
	return n ? checksum_add(seed + 1, &n, sizeof(n)) : 0;
}

static uint64_t text(uint64_t seed, const void *data, size_t len)
{
	return checksum_add(seed + 2, data ? data : "", len);
}

uint64_t journal_sums_row(const struct journal_table *table, const void *row)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < table->n_columns; i++) {
		const struct journal_column *column = &table->columns[i];
		uint64_t seed = column_seed(table->name, column->name);
		const char *value;

		if (column->kind != JOURNAL_TEXT) {
			sum += number(seed, journal_rows_number(column, row));
			continue;
		}
		value = *(char *const *)((const char *)row + column->offset);
		if (value)
			sum += text(seed, value, strlen(value));
	}
	return sum;
}

/* --- whole tables --- */

/* A statement over all rows: the key, the checksum, then every column. */
#define FIRST_COLUMN 2
#define COLUMNS_MAX  64

struct scan {
	sqlite3_stmt *statement;
	int n;
	uint64_t seeds[COLUMNS_MAX]; /* 0: the checksum itself */
};

/* SQLITE_OK, or SQLite's code. */
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
		s->seeds[i] = strcmp(name, "checksum") != 0 ? column_seed(table, name) : 0;
	}
	return code;
}

static uint64_t scan_row(const struct scan *s)
{
	uint64_t sum = 0;

	for (int i = FIRST_COLUMN; i < s->n; i++) {
		int type = sqlite3_column_type(s->statement, i);

		if (!s->seeds[i] || type == SQLITE_NULL)
			continue;
		if (type == SQLITE_INTEGER)
			sum += number(s->seeds[i], sqlite3_column_int64(s->statement, i));
		else
			sum += text(s->seeds[i], sqlite3_column_blob(s->statement, i),
				(size_t)sqlite3_column_bytes(s->statement, i));
	}
	return sum;
}

int journal_sums_check(sqlite3 *db, const char *table, uint64_t *sum, int64_t *wrong)
{
	struct scan s = {0};
	int code = scan_begin(&s, db, table);

	*sum = 0;
	*wrong = 0;
	while (code == SQLITE_OK || code == SQLITE_ROW) {
		uint64_t one;

		code = sqlite3_step(s.statement);
		if (code != SQLITE_ROW)
			break;
		one = scan_row(&s);
		if (sqlite3_column_type(s.statement, 1) != SQLITE_INTEGER ||
			(uint64_t)sqlite3_column_int64(s.statement, 1) != one)
			*wrong = sqlite3_column_int64(s.statement, 0);
		*sum += one;
	}
	sqlite3_finalize(s.statement);
	return code;
}

static int write_one(sqlite3_stmt *write, int64_t id, uint64_t sum)
{
	sqlite3_bind_int64(write, 1, id);
	sqlite3_bind_int64(write, 2, (int64_t)sum);
	sqlite3_step(write);
	return sqlite3_reset(write);
}

int journal_sums_write(sqlite3 *db, const char *table, uint64_t *sum)
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
		code = write_one(write, sqlite3_column_int64(s.statement, 0), one);
	}
	sqlite3_finalize(s.statement);
	sqlite3_finalize(write);
	return code;
}
