/* SPDX-License-Identifier: MIT */
/* Checks, creates and migrates the journal's schema. */
#include "journal_schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "journal_rows.h"
#include "log.h"

#define APPLICATION_ID 0x65627366 /* "ebsf" */

/* The index has only plain columns, so that journal_rows_check_keys() can read its entries without
 * the rows. */
#define KEYS_INDEX                                                                                 \
	"CREATE UNIQUE INDEX copies_by_key ON copies (source_region, source_id, region, "          \
	"key_label) WHERE key_label IS NOT NULL"
/* The SQL form of "alive" in journal_rows_key_label(). A change of the meaning needs a migration.
 */
#define LIVING "(dry_run = 0 AND state IN ('queued', 'submitting', 'pending', 'completed'))"

/* migrations[n] migrates version n of the schema to n + 1. Only append: users have journals of
 * every version. */
static const char *const migrations[] = {
	/* AUTOINCREMENT: an id is never reused, even after its row was deleted. */
	"CREATE TABLE copies (id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT, state TEXT, "
	"source_region TEXT,"
	" source_id TEXT, region TEXT, description TEXT, tags TEXT, kms_key_id TEXT, encrypted "
	"INTEGER,"
	" completion_minutes INTEGER, dry_run INTEGER, move INTEGER, acknowledged INTEGER, "
	"submitted INTEGER,"
	" copy_id TEXT, requested_ms INTEGER, submitted_ms INTEGER, started_ms INTEGER, ended_ms "
	"INTEGER,"
	" bytes INTEGER, attempts INTEGER, code TEXT, message TEXT, request_id TEXT);"
	"CREATE TABLE receipts (id INTEGER PRIMARY KEY AUTOINCREMENT, copy INTEGER, region TEXT, "
	"folder TEXT,"
	" name TEXT, is_folder INTEGER, file_name TEXT, text TEXT, mode INTEGER, uid INTEGER, gid "
	"INTEGER,"
	" mtime_ns INTEGER);"
	"CREATE INDEX receipts_by_copy ON receipts (copy);"
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;",
	/* untold 0: the user's command counts as started for copies that ended before this version.
	 */
	"ALTER TABLE copies ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;",
	/* Rows get their checksums, and the journal its counts, in the same transaction:
	   journal_db_seal(). The index goes, because damage of it would not be noticed. */
	"ALTER TABLE copies ADD COLUMN checksum INTEGER;"
	"ALTER TABLE receipts ADD COLUMN checksum INTEGER;"
	"DROP INDEX IF EXISTS receipts_by_copy;",
	/* The columns of a copy's key and of a receipt's folder. Of several living copies of a key
	   the newest completed one keeps it, else the newest. No request has the other ones' labels
	   (`copy.again` has no '#'). EC2 is not asked. */
	"ALTER TABLE copies ADD COLUMN label TEXT;"
	"ALTER TABLE copies ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE copies ADD COLUMN deleted_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE receipts ADD COLUMN mtime_set INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE receipts ADD COLUMN description TEXT;"
	"ALTER TABLE receipts ADD COLUMN tags TEXT;"
	"ALTER TABLE receipts ADD COLUMN file_mode INTEGER NOT NULL DEFAULT 420;" /* 0644 */
	"ALTER TABLE copies ADD COLUMN key_label TEXT;"
	"UPDATE copies SET label = '#' || id WHERE id IN (SELECT id FROM (SELECT id, row_number() "
	"OVER (PARTITION BY source_region, source_id, region ORDER BY state = 'completed' DESC, id "
	"DESC) AS place FROM copies WHERE " LIVING ") WHERE place > 1);"
	"UPDATE copies SET key_label = ifnull(label, '') WHERE " LIVING ";" KEYS_INDEX ";",
	/* Rows of other kinds than copies. The key_label of a row without a kind is as it was. */
	"ALTER TABLE copies ADD COLUMN kind TEXT;"
	"ALTER TABLE copies ADD COLUMN place TEXT;"
	"ALTER TABLE copies ADD COLUMN options TEXT;"
	"ALTER TABLE copies ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;",
};
#define SCHEMA_VERSION ((int)ARRAY_LEN(migrations))
#define SEALED_VERSION 3 /* rows have checksums from here on */
#define KEYED_VERSION  4 /* the index of keys is there from here on */

/* --- checks --- */

/* An unknown account ("") matches every journal. */
static int check_account(struct journal_db *db, const char *account, struct err *err)
{
	_cleanup_free_ char *kept = NULL;
	int result = journal_db_query(db, "SELECT value FROM meta WHERE key = 'account'", NULL,
		NULL, &kept, "reading", err);

	if (result < 0)
		return result;
	if (!kept || !*kept || !*account || strcmp(kept, account) == 0)
		return 0;
	return err_set(err, EPERM,
		"the journal %s holds the copies of account %s, but this mount is of account %s: "
		"give this mount a directory of its own with -o state_dir=",
		journal_db_path(db), kept, account);
}

/* SQLite's verdict is a heading, "*** in database main ***", and a line per finding. */
static const char *first_finding(char *verdict)
{
	char *line = strchr(verdict, '\n');

	line = line ? line + 1 : verdict;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* The quick check does not compare the index of keys with the rows: check_keys() does, in a tenth
 * of the time of the full one. */
static int check_damage(struct journal_db *db, struct err *err)
{
	_cleanup_free_ char *verdict = NULL;
	int result = journal_db_query(
		db, "PRAGMA quick_check(1)", NULL, NULL, &verdict, "checking", err);

	if (result < 0)
		return result;
	if (verdict && strcmp(verdict, "ok") == 0)
		return 0;
	return err_set(err, EINVAL, "the journal %s: %s", journal_db_path(db),
		verdict ? first_finding(verdict) : "SQLite's check gave no result");
}

/* Checks that the index of keys exists with the right definition. No other check does. */
static int check_keys_index(struct journal_db *db, struct err *err)
{
	int64_t there;
	int result = journal_db_query(db,
		"SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql = ?1", KEYS_INDEX,
		&there, NULL, "reading", err);

	if (result < 0 || there)
		return result;
	return err_set(err, EINVAL, "the journal %s: its index of copies by key is missing",
		journal_db_path(db));
}

static int check_version(struct journal_db *db, int64_t version, struct err *err)
{
	if (version <= SCHEMA_VERSION)
		return 0;
	return err_set(err, EPERM,
		"the journal %s was written by a newer ebsfs (version %d of its tables, this one "
		"knows %d): use the newer ebsfs, or another directory with -o state_dir=; nothing "
		"was changed",
		journal_db_path(db), (int)version, SCHEMA_VERSION);
}

/* --- checking the rows --- */

/* Checks that the index of keys has exactly the keys of the rows, in order. */
static int check_keys(struct journal_db *db, uint64_t keys, struct err *err)
{
	uint64_t indexed;
	bool sorted;
	int r = journal_db_sum_keys(db, &indexed, &sorted, err);

	if (r < 0 || (indexed == keys && sorted))
		return r;
	return err_set(err, EINVAL,
		"the journal %s: its index of copies by key differs from its copies",
		journal_db_path(db));
}

static int check_table(struct journal_db *db, const struct journal_table *table, uint64_t *sum,
	uint64_t *keys, struct err *err)
{
	int64_t wrong = 0;
	int r = journal_db_sum(db, table, sum, keys, &wrong, err);

	if (r < 0 || !wrong)
		return r;
	return err_set(err, EINVAL,
		"the journal %s: row %" PRId64 " of its %s has a wrong checksum",
		journal_db_path(db), wrong, table->name);
}

static int check_counts(struct journal_db *db, uint64_t sum, bool has_sums,
	const struct journal_commits *commits, struct err *err)
{
	int64_t kept = 0, count = 0;
	int r = 0;

	if (has_sums)
		r = journal_db_counts(db, &count, &kept, err);
	if (r < 0)
		return r;
	if ((uint64_t)count < commits->count)
		return err_set(err, EINVAL,
			"the journal %s lacks the last %" PRIu64 " of %" PRIu64
			" transactions that were written to it",
			journal_db_path(db), commits->count - (uint64_t)count, commits->count);
	if (has_sums && (uint64_t)kept != sum)
		return err_set(err, EINVAL,
			"the journal %s: rows are missing, or older than the last write",
			journal_db_path(db));
	return 0;
}

/* Checks the rows' checksums, the keys and the number of transactions. version 0: no tables yet. */
static int check_rows(struct journal_db *db, int64_t version, const struct journal_commits *commits,
	struct err *err)
{
	bool has_sums = version >= SEALED_VERSION;
	uint64_t copies = 0, receipts = 0, keys = 0, none;
	int r = 0;

	if (has_sums && !commits->known)
		log_warning(
			"journal.commits is %s: ebsfs cannot tell whether the journal lacks its "
			"newest transactions",
			commits->fd < 0 ? "missing" : "damaged");
	if (has_sums)
		r = check_table(db, &journal_rows_copies, &copies, &keys, err);
	if (r == 0 && has_sums)
		r = check_table(db, &journal_rows_receipts, &receipts, &none, err);
	if (r == 0 && version >= KEYED_VERSION)
		r = check_keys(db, keys, err);
	return r < 0 ? r : check_counts(db, copies + receipts, has_sums, commits, err);
}

/* --- checking the whole --- */

/* Returns 0 or -errno with *err. EINVAL: the journal is damaged; EPERM: it is undamaged, but not
 * for this ebsfs. */
static int check_content(struct journal_db *db, const struct journal_commits *commits,
	const char *account, struct err *err)
{
	int64_t application, version, n_tables, n_own = 0;
	int result = journal_db_query(
		db, "PRAGMA application_id", NULL, &application, NULL, "reading", err);

	if (result == 0)
		result = journal_db_query(
			db, "PRAGMA user_version", NULL, &version, NULL, "reading", err);
	if (result == 0)
		result = journal_db_query(db, "SELECT count(*) FROM sqlite_master", NULL, &n_tables,
			NULL, "reading", err);
	if (result == 0)
		result = journal_db_query(db,
			"SELECT count(*) FROM sqlite_master WHERE type = 'table'"
			" AND name IN ('meta', 'copies', 'receipts')",
			NULL, &n_own, NULL, "reading", err);
	if (result < 0)
		return result;
	/* An empty database: new, or ebsfs was stopped before it had created the tables. */
	if (!application && !version && !n_tables)
		return check_rows(db, 0, commits, err);
	if (application != APPLICATION_ID && n_own == 3)
		return err_set(err, EINVAL,
			"the journal %s: its header does not say that it is a journal of ebsfs",
			journal_db_path(db));
	if (application != APPLICATION_ID)
		return err_set(err, EPERM,
			"%s is a database, but not a journal of ebsfs: move it away, or name "
			"another "
			"directory with -o state_dir=; nothing was changed",
			journal_db_path(db));
	if (journal_db_is_readonly(db))
		return err_set(err, EINVAL,
			"the journal %s is of a newer SQLite, or damaged: its header forbids "
			"writing",
			journal_db_path(db));
	result = check_version(db, version, err);
	if (result == 0)
		result = check_damage(db, err);
	if (result == 0 && version >= KEYED_VERSION)
		result = check_keys_index(db, err);
	if (result == 0)
		result = check_rows(db, version, commits, err);
	return result < 0 ? result : check_account(db, account, err);
}

int journal_schema_damaged(struct err *err)
{
	struct err why = *err;

	return err_set(err, EINVAL,
		"%s: it is damaged, and was left as it is; restore all of journal.* from a backup, "
		"or go on without it as DAMAGED JOURNAL in ebsfs(1) says",
		why.message);
}

int journal_schema_check(struct journal_db *db, const struct journal_commits *commits,
	const char *account, struct err *err)
{
	int result = check_content(db, commits, account, err);

	if (result == -EINVAL)
		return journal_schema_damaged(err);
	if (result == -EPERM)
		err->errnum = EINVAL;
	return result < 0 ? -err->errnum : 0;
}

/* --- migration --- */

static int migrate_one(struct journal_db *db, int version, struct err *err)
{
	char end[100];
	int result = journal_db_exec(db, "BEGIN IMMEDIATE", "preparing", err);

	snprintf(end, sizeof(end), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		APPLICATION_ID, version + 1);
	if (result == 0)
		result = journal_db_exec(db, migrations[version], "preparing", err);
	/* New checksums, because a migration may change values. */
	if (result == 0 && version + 1 >= SEALED_VERSION)
		result = journal_db_seal(db, err);
	if (result == 0)
		result = journal_db_exec(db, end, "preparing", err);
	return result;
}

int journal_schema_migrate(struct journal_db *db, const char *account, struct err *err)
{
	int64_t version;
	int result =
		journal_db_query(db, "PRAGMA user_version", NULL, &version, NULL, "reading", err);

	for (; result == 0 && version < SCHEMA_VERSION; version++)
		result = migrate_one(db, (int)version, err);
	if (result < 0 || !*account)
		return result;
	return journal_db_query(db,
		"INSERT INTO meta VALUES ('account', ?1)"
		" ON CONFLICT (key) DO UPDATE SET value = ?1 WHERE value <> ?1",
		account, NULL, NULL, "noting the account", err);
}
