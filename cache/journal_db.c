/* SPDX-License-Identifier: MIT */
/* The journal's file: SQLite in WAL mode, every commit synced to disk. */
#include "journal_db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>

#include "buf.h"
#include "cleanup.h"
#include "statedir.h"

/* How long another program (a person's sqlite3, a backup) may keep the file locked. */
#define BUSY_MS 2000

#define N_TABLES 2
static const struct journal_table *const tables[N_TABLES] = {
	&journal_rows_copies, &journal_rows_receipts};

struct journal_db {
	sqlite3 *sqlite;
	sqlite3_stmt *put[N_TABLES], *delete[N_TABLES];
};

static void finalizep(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

/* --- errors --- */

/* Why the last write to the log failed, as the system said it; 0 if it is not known. */
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
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return EACCES;
	}
	/* Quotas and limits are full disks too, though not to SQLite. */
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
	int code = sqlite3_extended_errcode(sqlite);

	return err_set(err, db_errno(sqlite, code), "the journal %s: %s: %s (SQLite %d)",
		sqlite3_db_filename(sqlite, "main"), doing, sqlite3_errmsg(sqlite), code);
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

/* SQLite opens them by their names. That is as good as by the folder's descriptor: nobody else can
 * change the folder, or the way to it (statedir.h). */
static int check_files(int folder, const char *path, struct err *err)
{
	static const char *const beside[] = {"-wal", "-shm", "-journal"};
	int result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_LEN(beside); i++) {
		_cleanup_free_ char *name = NULL;

		if (asprintf(&name, "%s%s", path, beside[i]) < 0) {
			name = NULL;
			return err_set(err, ENOMEM, "out of memory");
		}
		result = statedir_check(folder, name, err);
	}
	return result;
}

int journal_db_make(int folder, const char *path, struct err *err)
{
	_cleanup_close_ int fd = -1;
	int result = check_files(folder, path, err);

	if (result < 0)
		return result;
	fd = statedir_file(folder, path, O_RDWR | O_CREAT, err);
	if (fd < 0)
		return fd;
	return fsync(folder) < 0 ? err_set(err, errno, "%s: %s", path, strerror(errno)) : 0;
}

/* Exclusive locking keeps a second writer out even where the lock file was deleted, and does
 * without the shared-memory file, for which a full disk has no room. (A connection opened read-only
 * needs it.) */
static int open_untouched(struct journal_db *db, const char *path, struct err *err)
{
	if (sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		return db_err(db->sqlite, err, "opening");
	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	/* No statement can write, and closing does not move the log into the file. */
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
	if (!mode || strcmp(mode, "wal") != 0)
		return err_set(err, EIO, "the journal %s cannot be written ahead (mode %s)",
			journal_db_path(db), mode ? mode : "?");
	return journal_db_exec(db,
		"PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024;"
		"PRAGMA journal_size_limit = 4194304",
		"preparing", err);
}

int journal_db_prepare(struct journal_db *db, struct err *err)
{
	for (size_t t = 0; t < N_TABLES; t++) {
		_cleanup_buf_ struct buf put = BUF_INIT, delete = BUF_INIT;

		if (journal_rows_sql_put(tables[t], &put) < 0 ||
			journal_rows_sql_delete(tables[t], &delete) < 0)
			return err_set(err, ENOMEM, "out of memory");
		if (sqlite3_prepare_v3(db->sqlite, put.data, -1, SQLITE_PREPARE_PERSISTENT,
			    &db->put[t], NULL) != SQLITE_OK ||
			sqlite3_prepare_v3(db->sqlite, delete.data, -1, SQLITE_PREPARE_PERSISTENT,
				&db->delete[t], NULL) != SQLITE_OK)
			return db_err(db->sqlite, err, "preparing");
	}
	return 0;
}

void journal_db_close(struct journal_db *db)
{
	if (!db)
		return;
	for (size_t t = 0; t < N_TABLES; t++) {
		sqlite3_finalize(db->put[t]);
		sqlite3_finalize(db->delete[t]);
	}
	sqlite3_close(db->sqlite);
	free(db);
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

	switch (column->kind) {
	case JOURNAL_TEXT:
		return sqlite3_bind_text(statement, at, *(char *const *)member, -1, SQLITE_STATIC);
	case JOURNAL_I64:
		return sqlite3_bind_int64(statement, at, *(const int64_t *)member);
	case JOURNAL_INT:
		return sqlite3_bind_int64(statement, at, *(const int *)member);
	case JOURNAL_U32:
		return sqlite3_bind_int64(statement, at, *(const uint32_t *)member);
	case JOURNAL_BOOL:
		return sqlite3_bind_int64(statement, at, *(const bool *)member);
	}
	return SQLITE_MISUSE;
}

int journal_db_put(
	struct journal_db *db, const struct journal_table *table, const void *row, struct err *err)
{
	sqlite3_stmt *statement = db->put[table_index(table)];
	int code = SQLITE_OK, result;

	for (size_t i = 0; i < table->n_columns && code == SQLITE_OK; i++)
		code = bind_column(statement, (int)i + 1, &table->columns[i], row);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	result = code == SQLITE_DONE ? 0 : db_err(db->sqlite, err, "writing");
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return result;
}

int journal_db_delete(
	struct journal_db *db, const struct journal_table *table, int64_t id, struct err *err)
{
	sqlite3_stmt *statement = db->delete[table_index(table)];
	int code = sqlite3_bind_int64(statement, 1, id), result;

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	result = code == SQLITE_DONE ? 0 : db_err(db->sqlite, err, "writing");
	sqlite3_reset(statement);
	return result;
}

int journal_db_commit(struct journal_db *db, struct err *err)
{
	return journal_db_exec(db, "COMMIT", "writing", err);
}

void journal_db_rollback(struct journal_db *db)
{
	if (!sqlite3_get_autocommit(db->sqlite))
		sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	/* A commit whose sync failed stands complete in the log, and after a crash would be read as
	 * done, though it was reported as not done. Any later commit begins at the same place and
	 * so wipes it out. */
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

	if (sqlite3_prepare_v2(db->sqlite,
		    "DELETE FROM copies WHERE ended_ms > 0 AND ended_ms < ?1"
		    " AND NOT EXISTS (SELECT 1 FROM receipts WHERE receipts.copy = copies.id)",
		    -1, &statement, NULL) != SQLITE_OK ||
		sqlite3_bind_int64(statement, 1, ended_before_ms) != SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_DONE)
		return db_err(db->sqlite, err, "pruning");
	return 0;
}

/* --- reading --- */

static void read_column(
	sqlite3_stmt *statement, int at, const struct journal_column *column, void *row)
{
	void *member = (char *)row + column->offset;

	switch (column->kind) {
	case JOURNAL_TEXT:
		*(char **)member = (char *)sqlite3_column_text(statement, at);
		break;
	case JOURNAL_I64:
		*(int64_t *)member = sqlite3_column_int64(statement, at);
		break;
	case JOURNAL_INT:
		*(int *)member = sqlite3_column_int(statement, at);
		break;
	case JOURNAL_U32:
		*(uint32_t *)member = (uint32_t)sqlite3_column_int64(statement, at);
		break;
	case JOURNAL_BOOL:
		*(bool *)member = sqlite3_column_int(statement, at) != 0;
		break;
	}
}

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
		for (size_t i = 0; i < table->n_columns; i++)
			read_column(statement, (int)i, &table->columns[i], row);
		result = fn(arg, row);
		if (result)
			return result;
	}
	return code == SQLITE_DONE ? 0 : db_err(db->sqlite, err, "reading");
}

int journal_db_last_id(
	struct journal_db *db, const struct journal_table *table, int64_t *id, struct err *err)
{
	char sql[100];

	snprintf(
		sql, sizeof(sql), "SELECT seq FROM sqlite_sequence WHERE name = '%s'", table->name);
	return journal_db_query(db, sql, NULL, id, NULL, "reading", err);
}
