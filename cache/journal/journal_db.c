/* SPDX-License-Identifier: MIT */
/* The journal's file: SQLite in WAL mode, every commit synced to disk. */
#include "journal_db.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "buf.h"
#include "cleanup.h"
#include "log.h"

/* How long to wait while another program (the sqlite3 shell, a backup) has the file locked. */
#define BUSY_MS 2000

#define N_TABLES 2
static const struct journal_table *const tables[N_TABLES] = {
	&journal_rows_copies, &journal_rows_receipts};

struct journal_db {
	sqlite3 *sqlite;
	sqlite3_stmt *insert[N_TABLES], *delete[N_TABLES], *count;
	struct journal_commits *commits;
	uint64_t n_commits, sum; /* number of transactions and sum of checksums on disk */
	uint64_t sum_now;        /* the sum of checksums in the open transaction */
	bool warned;             /* a warning was logged: journal.commits cannot be written */
};

static void finalizep(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

/* --- errors --- */

/* The errno of the last failed write to the log; 0 if it is not known. */
static int log_errno(sqlite3 *sqlite)
{
	sqlite3_file *log = NULL;
	int number = 0;

	sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
	return number;
}

static int db_errno(sqlite3 *sqlite, int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
	case SQLITE_ERROR: /* a header that makes no sense, a table that is not there */
		return EINVAL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_CONSTRAINT:
		return EEXIST;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return EACCES;
	}
	/* SQLite does not report quotas and limits as a full disk. */
	switch ((code & 0xff) == SQLITE_CANTOPEN ? sqlite3_system_errno(sqlite)
						 : log_errno(sqlite)) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ENOSPC;
	case EACCES:
	case EPERM:
		return EACCES;
	case EROFS:
		return EROFS;
	}
	return EIO;
}

static int db_err(sqlite3 *sqlite, struct err *err, const char *doing)
{
	int code = sqlite3_extended_errcode(sqlite), number = db_errno(sqlite, code);
	const char *path = sqlite3_db_filename(sqlite, "main"), *name = strrchr(path, '/');

	err_set(err, number, "the journal %s: %s: %s (SQLite %d)", path, doing,
		sqlite3_errmsg(sqlite), code);
	if (number == ENOSPC && name) {
		size_t n = strlen(err->message);

		snprintf(err->message + n, sizeof(err->message) - n, "; make room in %.*s",
			(int)(name - path), path);
	}
	return -number;
}

/* --- small statements --- */

int journal_db_exec(struct journal_db *db, const char *sql, const char *doing, struct err *err)
{
	if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return db_err(db->sqlite, err, doing);
}

int journal_db_query(struct journal_db *db, const char *sql, const char *param, int64_t *number,
	char **text, const char *doing, struct err *err)
{
	_cleanup_(finalizep) sqlite3_stmt *statement = NULL;
	const unsigned char *value;
	int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);

	if (number)
		*number = 0;
	if (text)
		*text = NULL;
	if (code == SQLITE_OK && param)
		code = sqlite3_bind_text(statement, 1, param, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_DONE)
		return 0;
	if (code != SQLITE_ROW)
		return db_err(db->sqlite, err, doing);
	if (number)
		*number = sqlite3_column_int64(statement, 0);
	value = sqlite3_column_text(statement, 0);
	if (text && value) {
		*text = strdup((const char *)value);
		if (!*text)
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* --- opening --- */

/* Exclusive locking keeps a second writer out even if the lock file was deleted, and needs no
 * shared-memory file, for which a full disk has no room. (A read-only connection needs one.) */
static int open_untouched(struct journal_db *db, const char *path, struct err *err)
{
	if (sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK)
		return db_err(db->sqlite, err, "opening");
	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	/* No statement can write, and closing does not checkpoint the log. */
	if (sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK)
		return db_err(db->sqlite, err, "opening");
	return journal_db_exec(
		db, "PRAGMA query_only = 1; PRAGMA locking_mode = EXCLUSIVE", "opening", err);
}

int journal_db_open(const char *path, struct journal_db **out, struct err *err)
{
	struct journal_db *db = calloc(1, sizeof(*db));
	int result;

	if (!db)
		return err_set(err, ENOMEM, "out of memory");
	result = open_untouched(db, path, err);
	if (result < 0) {
		journal_db_close(db);
		return result;
	}
	*out = db;
	return 0;
}

const char *journal_db_path(const struct journal_db *db)
{
	return sqlite3_db_filename(db->sqlite, "main");
}

bool journal_db_is_readonly(const struct journal_db *db)
{
	return sqlite3_db_readonly(db->sqlite, "main") == 1;
}

int journal_db_writable(struct journal_db *db, struct err *err)
{
	_cleanup_free_ char *mode = NULL;
	int result;

	if (sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL) != SQLITE_OK)
		return db_err(db->sqlite, err, "opening");
	result = journal_db_exec(db, "PRAGMA query_only = 0", "opening", err);
	if (result == 0)
		result = journal_db_query(
			db, "PRAGMA journal_mode = WAL", NULL, NULL, &mode, "preparing", err);
	if (result < 0)
		return result;
	/* A database in memory has an empty path and the mode "memory". */
	if (!mode || strcmp(mode, *journal_db_path(db) ? "wal" : "memory") != 0)
		return err_set(err, EIO,
			"the journal %s cannot have a write-ahead log (SQLite's journal mode is "
			"%s): name another directory with -o state_dir=",
			journal_db_path(db), mode ? mode : "?");
	return journal_db_exec(db,
		"PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024;"
		/* Checkpoints the log often, so that most rows are in the database file. */
		"PRAGMA wal_autocheckpoint = 128; PRAGMA journal_size_limit = 4194304",
		"preparing", err);
}

static int prepare_statement(
	struct journal_db *db, const char *sql, sqlite3_stmt **out, struct err *err)
{
	if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) ==
		SQLITE_OK)
		return 0;
	return db_err(db->sqlite, err, "preparing");
}

int journal_db_prepare(struct journal_db *db, struct journal_commits *commits, struct err *err)
{
	int64_t n = 0, sum = 0;
	int r = journal_db_counts(db, &n, &sum, err);

	/* Checkpoint what a migration or a crash left in the log. On a full disk it stays there. */
	sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	db->commits = commits;
	db->n_commits = (uint64_t)n;
	db->sum = db->sum_now = (uint64_t)sum;
	for (size_t t = 0; r == 0 && t < N_TABLES; t++) {
		_cleanup_buf_ struct buf insert = BUF_INIT, delete = BUF_INIT;

		if (journal_rows_sql_insert(tables[t], &insert) < 0 ||
			journal_rows_sql_delete(tables[t], &delete) < 0)
			return err_set(err, ENOMEM, "out of memory");
		r = prepare_statement(db, insert.data, &db->insert[t], err);
		if (r == 0)
			r = prepare_statement(db, delete.data, &db->delete[t], err);
	}
	return r < 0 ? r
		     : prepare_statement(db,
			       "INSERT OR REPLACE INTO meta VALUES ('commits', ?1), ('checksum', "
			       "?2)",
			       &db->count, err);
}

void journal_db_close(struct journal_db *db)
{
	if (!db)
		return;
	for (size_t t = 0; t < N_TABLES; t++) {
		sqlite3_finalize(db->insert[t]);
		sqlite3_finalize(db->delete[t]);
	}
	sqlite3_finalize(db->count);
	sqlite3_close(db->sqlite);
	free(db);
}

/* --- rows out of statements --- */

/* Sets the row's member to column `at`. A text is borrowed until the statement's next step. */
static void read_column(
	sqlite3_stmt *statement, int at, const struct journal_column *column, void *row)
{
	void *member = (char *)row + column->offset;
	sqlite3_value *value = sqlite3_column_value(statement, at);

	switch (column->kind) {
	case JOURNAL_TEXT:
		*(char **)member = (char *)sqlite3_value_text(value);
		break;
	case JOURNAL_I64:
		*(int64_t *)member = sqlite3_value_int64(value);
		break;
	case JOURNAL_INT:
		*(int *)member = sqlite3_value_int(value);
		break;
	case JOURNAL_U32:
		*(uint32_t *)member = (uint32_t)sqlite3_value_int64(value);
		break;
	case JOURNAL_BOOL:
		*(bool *)member = sqlite3_value_int(value) != 0;
		break;
	}
}

static void read_row(sqlite3_stmt *statement, const struct journal_table *table, void *row)
{
	for (size_t i = 0; i < table->n_columns; i++)
		read_column(statement, (int)i, &table->columns[i], row);
}

/* --- writing --- */

static size_t table_index(const struct journal_table *table)
{
	return table == tables[0] ? 0 : 1;
}

int journal_db_begin(struct journal_db *db, struct err *err)
{
	return journal_db_exec(db, "BEGIN IMMEDIATE", "writing", err);
}

static int bind_column(
	sqlite3_stmt *statement, int at, const struct journal_column *column, const void *row)
{
	const void *member = (const char *)row + column->offset;

	if (column->kind == JOURNAL_TEXT)
		return sqlite3_bind_text(statement, at, *(char *const *)member, -1, SQLITE_STATIC);
	return sqlite3_bind_int64(statement, at, journal_rows_number(column, row));
}

/* Sets *err to name the living copy that has the same key as `row`. Returns -errno. */
static int second_living_err(struct journal_db *db, const struct journal_copy *row, struct err *err)
{
	_cleanup_(finalizep) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite,
		"SELECT id, state FROM copies WHERE source_region = ?1 AND source_id = ?2"
		" AND region = ?3 AND key_label = ?4",
		-1, &statement, NULL);
	char label[JOURNAL_ROWS_KEY_LABEL_SIZE];
	const char *key[] = {row->source_region, row->source_id, row->region,
		journal_rows_key_label(row, label)};

	for (int i = 0; i < 4 && code == SQLITE_OK; i++)
		code = sqlite3_bind_text(statement, i + 1, key[i], -1, SQLITE_STATIC);
	if (code != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW)
		return -err->errnum;
	return err_set(err, EEXIST,
		"the journal %s: copy %lld (%s) of %s from %s to %s was not written, because copy "
		"%lld (%s) has the same source, destination and label; this is a bug of ebsfs, "
		"please report it",
		journal_db_path(db), (long long)row->id, row->state, row->source_id,
		row->source_region, row->region, (long long)sqlite3_column_int64(statement, 0),
		(const char *)sqlite3_column_text(statement, 1));
}

/* Implements replacing a row as a deletion and an insertion. */
int journal_db_put(
	struct journal_db *db, const struct journal_table *table, const void *row, struct err *err)
{
	sqlite3_stmt *statement = db->insert[table_index(table)];
	uint64_t sum = journal_rows_checksum(table, row);
	char label[JOURNAL_ROWS_KEY_LABEL_SIZE];
	int n = (int)table->n_columns, code = SQLITE_OK, result;

	result = journal_db_delete(db, table, journal_rows_number(&table->columns[0], row), err);
	if (result < 0)
		return result;
	for (int i = 0; i < n && code == SQLITE_OK; i++)
		code = bind_column(statement, i + 1, &table->columns[i], row);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(statement, n + 1, (int64_t)sum);
	if (code == SQLITE_OK && table == &journal_rows_copies)
		code = sqlite3_bind_text(
			statement, n + 2, journal_rows_key_label(row, label), -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	result = code == SQLITE_DONE ? 0 : db_err(db->sqlite, err, "writing");
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	db->sum_now += sum;
	if (result == -EEXIST && table == &journal_rows_copies)
		result = second_living_err(db, row, err);
	return result;
}

/* Runs a statement that deletes rows and returns their checksums. */
static int delete_rows(struct journal_db *db, sqlite3_stmt *statement, int code, struct err *err)
{
	int result;

	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(statement);
		if (code == SQLITE_ROW)
			db->sum_now -= (uint64_t)sqlite3_column_int64(statement, 0);
	}
	result = code == SQLITE_DONE ? 0 : db_err(db->sqlite, err, "writing");
	sqlite3_reset(statement);
	return result;
}

int journal_db_delete(
	struct journal_db *db, const struct journal_table *table, int64_t id, struct err *err)
{
	sqlite3_stmt *statement = db->delete[table_index(table)];

	return delete_rows(db, statement, sqlite3_bind_int64(statement, 1, id), err);
}

int journal_db_read_copy(
	struct journal_db *db, int64_t id, struct journal_copy *out, struct err *err)
{
	const struct journal_table *table = &journal_rows_copies;
	_cleanup_(finalizep) sqlite3_stmt *statement = NULL;
	_cleanup_buf_ struct buf sql = BUF_INIT;
	struct journal_copy row = {0};
	int code;

	if (journal_rows_sql_read_one(table, &sql) < 0)
		return err_set(err, ENOMEM, "out of memory");
	code = sqlite3_prepare_v2(db->sqlite, sql.data, -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(statement, 1, id);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_DONE)
		return err_set(err, ENOENT,
			"the journal %s has no copy %lld; this is a bug of ebsfs, please report it",
			journal_db_path(db), (long long)id);
	if (code != SQLITE_ROW)
		return db_err(db->sqlite, err, "reading");
	read_row(statement, table, &row);
	return journal_rows_copy(table, out, &row) < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

int journal_db_set_state(struct journal_db *db, const struct journal_copy *to, struct err *err)
{
	struct journal_copy row, changed;
	int result = journal_db_read_copy(db, to->id, &row, err);

	if (result < 0)
		return result;
	changed = row;
	changed.state = to->state;
	changed.message = to->message;
	changed.deleted_ms = to->deleted_ms;
	result = journal_db_put(db, &journal_rows_copies, &changed, err);
	journal_rows_finish(&journal_rows_copies, &row);
	return result;
}

static int put_counts(struct journal_db *db, struct err *err)
{
	int result = 0;

	sqlite3_bind_int64(db->count, 1, (int64_t)(db->n_commits + 1));
	sqlite3_bind_int64(db->count, 2, (int64_t)db->sum_now);
	if (sqlite3_step(db->count) != SQLITE_DONE)
		result = db_err(db->sqlite, err, "writing");
	sqlite3_reset(db->count);
	return result;
}

int journal_db_commit(struct journal_db *db, struct err *err)
{
	int result = put_counts(db, err);

	if (result == 0)
		result = journal_db_exec(db, "COMMIT", "writing", err);
	if (result < 0)
		return result;
	db->n_commits++;
	db->sum = db->sum_now;
	if (!db->commits)
		return 0;
	/* The rows are on disk. If writing the count fails, the commit is still good: only a later
	 * loss of rows could go unnoticed. */
	result = journal_commits_write(db->commits, db->n_commits);
	if (result < 0 && !db->warned)
		log_warning("journal.commits cannot be written: %s; copies are journalled, but "
			    "ebsfs could not tell whether the disk has lost them",
			strerror(-result));
	db->warned = result < 0;
	return 0;
}

void journal_db_rollback(struct journal_db *db)
{
	if (!sqlite3_get_autocommit(db->sqlite))
		sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	db->sum_now = db->sum;
	/* A commit whose sync failed is complete in the log, and a crash would make it reappear
	 * although it was reported as failed. Any later commit overwrites it, because it starts at
	 * the same place. */
	sqlite3_exec(db->sqlite,
		"BEGIN IMMEDIATE; INSERT INTO meta VALUES ('rollbacks', 1)"
		" ON CONFLICT (key) DO UPDATE SET value = value + 1; COMMIT",
		NULL, NULL, NULL);
	if (!sqlite3_get_autocommit(db->sqlite))
		sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

int journal_db_prune(struct journal_db *db, int64_t ended_before_ms, struct err *err)
{
	_cleanup_(finalizep) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite,
		"DELETE FROM copies WHERE ended_ms > 0 AND ended_ms < ?1"
		" AND key_label IS NULL"
		" AND id NOT IN (SELECT copy FROM receipts WHERE copy IS NOT NULL)"
		" RETURNING checksum",
		-1, &statement, NULL);
	int result;

	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(statement, 1, ended_before_ms);
	result = journal_db_begin(db, err);
	if (result == 0)
		result = delete_rows(db, statement, code, err);
	if (result == 0 && db->sum_now == db->sum)
		return journal_db_exec(db, "ROLLBACK", "pruning", err);
	if (result == 0)
		result = journal_db_commit(db, err);
	if (result < 0)
		journal_db_rollback(db);
	return result;
}

/* --- reading --- */

int journal_db_each(struct journal_db *db, const struct journal_table *table, journal_db_row *fn,
	void *arg, struct err *err)
{
	_cleanup_(finalizep) sqlite3_stmt *statement = NULL;
	_cleanup_buf_ struct buf sql = BUF_INIT;
	_cleanup_free_ void *row = calloc(1, table->size);
	int code, result = 0;

	if (!row || journal_rows_sql_read(table, &sql) < 0)
		return err_set(err, ENOMEM, "out of memory");
	code = sqlite3_prepare_v2(db->sqlite, sql.data, -1, &statement, NULL);
	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(statement);
		if (code != SQLITE_ROW)
			break;
		read_row(statement, table, row);
		result = fn(arg, row);
		if (result)
			return result;
	}
	return code == SQLITE_DONE ? 0 : db_err(db->sqlite, err, "reading");
}

/* Considers the ids of present rows, too, because reusing an id would replace a row. */
int journal_db_last_id(
	struct journal_db *db, const struct journal_table *table, int64_t *id, struct err *err)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"SELECT max((SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = '%s'),"
		" (SELECT ifnull(max(id), 0) FROM %s))",
		table->name, table->name);
	return journal_db_query(db, sql, NULL, id, NULL, "reading", err);
}

/* --- checksums --- */

int journal_db_counts(struct journal_db *db, int64_t *commits, int64_t *sum, struct err *err)
{
	int r = journal_db_query(db, "SELECT value FROM meta WHERE key = 'commits'", NULL, commits,
		NULL, "reading", err);

	return r < 0 ? r
		     : journal_db_query(db, "SELECT value FROM meta WHERE key = 'checksum'", NULL,
			       sum, NULL, "reading", err);
}

int journal_db_sum(struct journal_db *db, const struct journal_table *table, uint64_t *sum,
	uint64_t *keys, int64_t *wrong, struct err *err)
{
	if (journal_rows_check(db->sqlite, table->name, sum, keys, wrong) == SQLITE_DONE)
		return 0;
	return db_err(db->sqlite, err, "checking");
}

int journal_db_sum_keys(struct journal_db *db, uint64_t *keys, bool *sorted, struct err *err)
{
	if (journal_rows_check_keys(db->sqlite, keys, sorted) == SQLITE_DONE)
		return 0;
	return db_err(db->sqlite, err, "checking");
}

int journal_db_seal(struct journal_db *db, struct err *err)
{
	uint64_t sum = 0;
	char sql[200];

	for (size_t t = 0; t < N_TABLES; t++)
		if (journal_rows_seal(db->sqlite, tables[t]->name, &sum) != SQLITE_DONE)
			return db_err(db->sqlite, err, "preparing");
	snprintf(sql, sizeof(sql),
		"INSERT OR IGNORE INTO meta VALUES ('commits', 0);"
		"INSERT OR REPLACE INTO meta VALUES ('checksum', %lld)",
		(long long)sum);
	return journal_db_exec(db, sql, "preparing", err);
}
