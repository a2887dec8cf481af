/* SPDX-License-Identifier: MIT */
/* cache/journal: takes up journals of every older version, whole or not at all, and knows its index
 * of keys. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "cleanup.h"
#include "fault_vfs.h"
#include "journal_files.h"
#include "journal_fixture.h"
#include "journal_rows.h"

#define VERSIONS 5

/* The tables of each version, as its ebsfs made them of the version before. */
static const char *const versions[VERSIONS - 1] = {
	"CREATE TABLE copies (id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT, state TEXT, "
	"source_region TEXT, source_id TEXT, region TEXT, description TEXT, tags TEXT, kms_key_id "
	"TEXT, encrypted INTEGER, completion_minutes INTEGER, dry_run INTEGER, move INTEGER, "
	"acknowledged INTEGER, submitted INTEGER, copy_id TEXT, requested_ms INTEGER, submitted_ms "
	"INTEGER, started_ms INTEGER, ended_ms INTEGER, bytes INTEGER, attempts INTEGER, code "
	"TEXT, "
	"message TEXT, request_id TEXT);"
	"CREATE TABLE receipts (id INTEGER PRIMARY KEY AUTOINCREMENT, copy INTEGER, region TEXT, "
	"folder TEXT, name TEXT, is_folder INTEGER, file_name TEXT, text TEXT, mode INTEGER, uid "
	"INTEGER, gid INTEGER, mtime_ns INTEGER);"
	"CREATE INDEX receipts_by_copy ON receipts (copy);"
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('account', '111122223333')",
	"ALTER TABLE copies ADD COLUMN untold INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE copies ADD COLUMN checksum INTEGER;"
	"ALTER TABLE receipts ADD COLUMN checksum INTEGER;"
	"DROP INDEX receipts_by_copy",
	"ALTER TABLE copies ADD COLUMN label TEXT;"
	"ALTER TABLE copies ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE copies ADD COLUMN deleted_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE receipts ADD COLUMN mtime_set INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE receipts ADD COLUMN description TEXT;"
	"ALTER TABLE receipts ADD COLUMN tags TEXT;"
	"ALTER TABLE receipts ADD COLUMN file_mode INTEGER NOT NULL DEFAULT 420;"
	"ALTER TABLE copies ADD COLUMN key_label TEXT;"
	"CREATE UNIQUE INDEX copies_by_key ON copies (source_region, source_id, region, "
	"key_label) WHERE key_label IS NOT NULL",
};

/* The rows of version 4 have labels, and the living ones keys. */
static const char keys_of_version_4[] =
	"UPDATE copies SET label = '#' || id WHERE id IN (1, 3, 4);"
	"UPDATE copies SET key_label = ifnull(label, '') WHERE dry_run = 0 AND state IN ('queued', "
	"'submitting', 'pending', 'completed')";

/* The copies of an older journal, from id 1, and what the migration makes of their labels. */
static const struct {
	const char *state, *source, *region;
	int dry_run;
	const char *label;
} rows[] = {
	{"completed", "snap-1", "eu-west-1", 0, "#1"},
	{"completed", "snap-1", "eu-west-1", 0, NULL}, /* the newest completed one */
	{"pending", "snap-1", "eu-west-1", 0, "#3"}, {"queued", "snap-2", "eu-west-1", 0, "#4"},
	{"submitting", "snap-2", "eu-west-1", 0, NULL}, /* none is completed: the newest */
	{"completed", "snap-3", "eu-west-1", 0, NULL}, {"failed", "snap-3", "eu-west-1", 0, NULL},
	{"cancelled", "snap-3", "eu-west-1", 0, NULL}, {"error", "snap-3", "eu-west-1", 0, NULL},
	{"completed", "snap-3", "eu-west-1", 1, NULL}, /* a dry run has no key */
	{"completed", "snap-3", "us-west-2", 0, NULL}, /* another destination */
};

static void run(sqlite3 *db, const char *text)
{
	char *message = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
}

static sqlite3 *open_raw(const struct journal_fixture *f)
{
	sqlite3 *db;

	assert_int_equal(
		sqlite3_open_v2(f->db, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix"),
		SQLITE_OK);
	return db;
}

static void sql(const struct journal_fixture *f, const char *text)
{
	sqlite3 *db = open_raw(f);

	run(db, text);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t number(const struct journal_fixture *f, const char *query)
{
	sqlite3 *db = open_raw(f);
	sqlite3_stmt *statement;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	n = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

/* --- older journals --- */

enum { COMMITS = 7 };

static void add_rows(sqlite3 *db)
{
	char text[400];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(text, sizeof(text),
			"INSERT INTO copies (id, token, state, source_region, source_id, region, "
			"dry_run, move, encrypted, ended_ms) VALUES (%zu, 't%zu', '%s', "
			"'us-east-1', '%s', '%s', %d, 0, 0, %zu);"
			"INSERT INTO receipts (id, copy, region, folder, name, text, mtime_ns) "
			"VALUES (%zu, %zu, '%s', '', 'r%zu', '...', 5)",
			i + 1, i + 1, rows[i].state, rows[i].source, rows[i].region,
			rows[i].dry_run, i * 10, i + 1, i + 1, rows[i].region, i + 1);
		run(db, text);
	}
}

/* The checksums of version 3, and its count of transactions, here and in journal.commits. */
static void seal(const struct journal_fixture *f, sqlite3 *db)
{
	struct journal_commits commits;
	char path[120], text[160];
	struct err err;
	uint64_t sum = 0;
	int folder = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(folder >= 0);
	assert_int_equal(journal_rows_seal(db, "copies", &sum), SQLITE_DONE);
	assert_int_equal(journal_rows_seal(db, "receipts", &sum), SQLITE_DONE);
	snprintf(text, sizeof(text), "INSERT INTO meta VALUES ('commits', %d), ('checksum', %lld)",
		COMMITS, (long long)sum);
	run(db, text);
	snprintf(path, sizeof(path), "%s/journal.commits", f->dir);
	assert_int_equal(journal_commits_open(folder, path, &commits, &err), 0);
	assert_int_equal(journal_commits_make(folder, path, &commits, &err), 0);
	assert_int_equal(journal_commits_write(&commits, COMMITS), 0);
	journal_commits_close(&commits);
	close(folder);
}

static void make_version(struct journal_fixture *f, int version)
{
	char text[80];
	sqlite3 *db;

	journal_fixture_remove(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	db = open_raw(f);
	run(db, "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x65627366");
	for (int i = 0; i < version; i++)
		run(db, versions[i]);
	add_rows(db);
	if (version >= 4)
		run(db, keys_of_version_4);
	if (version >= 3)
		seal(f, db);
	snprintf(text, sizeof(text), "PRAGMA user_version = %d", version);
	run(db, text);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- what becomes of them --- */

static int see_copy(void *arg, const struct journal_copy *row)
{
	size_t i = (*(size_t *)arg)++;

	assert_true(row->id == (int64_t)i + 1);
	assert_string_equal(row->state, rows[i].state);
	assert_string_equal(row->source_id, rows[i].source);
	assert_string_equal(row->region, rows[i].region);
	assert_int_equal(row->dry_run, rows[i].dry_run);
	assert_true(row->ended_ms == (int64_t)i * 10);
	if (rows[i].label)
		assert_string_equal(row->label, rows[i].label);
	else
		assert_null(row->label);
	assert_false(row->adopted || row->untold || row->deleted_ms);
	return 0;
}

static int see_receipt(void *arg, const struct journal_receipt *row)
{
	size_t i = (*(size_t *)arg)++ - ARRAY_LEN(rows);

	assert_true(row->id == (int64_t)i + 1 && row->copy == row->id && row->mtime_ns == 5);
	assert_false(row->mtime_set || row->description || row->tags);
	assert_int_equal(row->file_mode, 0644);
	return 0;
}

static void read_all(struct journal_fixture *f)
{
	struct err err;
	size_t seen = 0;

	assert_int_equal(journal_read(f->j, 0, see_copy, see_receipt, &seen, &err), 0);
	assert_int_equal(seen, 2 * ARRAY_LEN(rows));
}

/* Opens a journal of an older version; afterwards it is one of this version in every respect. */
static void take_up(struct journal_fixture *f)
{
	struct journal_copy second = {.id = 100,
		.token = (char *)"t",
		.state = (char *)"queued",
		.source_region = (char *)"us-east-1",
		.source_id = (char *)"snap-1",
		.region = (char *)"eu-west-1"};
	struct journal_end end = {0};

	journal_fixture_open(f);
	read_all(f);
	assert_int_equal(journal_put_copy(f->j, &second, journal_fixture_done, &end), 0);
	journal_fixture_wait(f, &end);
	assert_int_equal(end.errnum, EEXIST);
	journal_fixture_reopen(f); /* which verifies checksums and counts */
	read_all(f);
	journal_fixture_close(f);
	assert_true(number(f, "PRAGMA user_version") == VERSIONS);
}

static void test_journals_of_every_version_are_taken_up(void **state)
{
	struct journal_fixture *f = *state;

	for (int version = 1; version < VERSIONS; version++) {
		make_version(f, version);
		take_up(f);
		/* The count of transactions goes on, or a loss of the next ones would not show. */
		assert_true(number(f, "SELECT value FROM meta WHERE key = 'commits'") >=
			    (version >= 3 ? COMMITS : 0));
	}
}

static void test_an_older_journal_is_verified_first(void **state)
{
	static const char *const damages[] = {
		"UPDATE copies SET source_id = 'snap-9' WHERE id = 1",
		"DELETE FROM copies WHERE id = 3",
		"UPDATE meta SET value = 6 WHERE key = 'commits'",
	};
	struct journal_fixture *f = *state;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		make_version(f, 3);
		sql(f, damages[i]);
		journal_fixture_refused(f, NULL, EINVAL, &err);
		assert_non_null(strstr(err.message, "damaged"));
		assert_true(number(f, "PRAGMA user_version") == 3);
	}
}

/* Opens the journal in a process that ends at the n-th write or sync of any of its files. Returns
 * false if there are no so many. */
static bool end_at(struct journal_fixture *f, int n)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		fault_vfs_exit(n);
		journal_fixture_open(f);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == FAULT_VFS_EXIT);
	return WEXITSTATUS(status) != 0;
}

static void test_a_migration_may_be_killed_at_any_write(void **state)
{
	struct journal_fixture *f = *state;
	int n = 0;

	for (int version = 1; version < VERSIONS; version++) {
		for (n = 0;; n++) {
			bool ended;

			make_version(f, version);
			ended = end_at(f, n);
			take_up(f);
			if (!ended)
				break;
		}
		print_message("version %d: killed at %d writes and syncs\n", version, n);
		assert_true(n > 10);
	}
}

/* --- the index of keys --- */

static void test_another_or_missing_index_is_damage(void **state)
{
	static const char *const damages[] = {
		"DROP INDEX copies_by_key",
		("DROP INDEX copies_by_key; CREATE UNIQUE INDEX copies_by_key ON copies "
		 "(source_region, source_id, region, key_label) WHERE key_label = ''"),
		"DROP INDEX copies_by_key; CREATE INDEX copies_by_key ON copies (source_region)",
	};
	struct journal_fixture *f = *state;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		make_version(f, 3);
		take_up(f);
		sql(f, damages[i]);
		journal_fixture_refused(f, NULL, EINVAL, &err);
		assert_non_null(strstr(err.message, "index of copies by key"));
		assert_non_null(strstr(err.message, "damaged"));
	}
}

static void test_damage_within_the_index_is_noticed(void **state)
{
	struct journal_fixture *f = *state;
	_cleanup_free_ char *data = NULL;
	size_t len, page, n = 0;
	struct err err;

	make_version(f, 3);
	take_up(f);
	page = (size_t)number(f, "PRAGMA page_size");
	data = journal_fixture_slurp(f->db, &len);
	/* Each key in it has its source's region. */
	for (size_t at = ((size_t)number(f, "SELECT rootpage FROM sqlite_master WHERE name = "
					    "'copies_by_key'") -
				 1) *
			 page,
		    end = at + page;
		at + 9 <= end; at++) {
		if (memcmp(data + at, "us-east-1", 9) != 0)
			continue;
		n++;
		data[at + 8] = '2';
		journal_fixture_spit(f->db, data, len);
		journal_fixture_refused(f, NULL, EINVAL, &err);
		assert_non_null(strstr(err.message, "damaged"));
		data[at + 8] = '1';
	}
	assert_true(n >= 5);
	journal_fixture_spit(f->db, data, len);
	journal_fixture_open(f);
}

/* A complete database whose rows and index do not belong together: a row is not in the index, or in
 * it although it has no key; the index has the entry of a row that is not there. */
static void test_rows_that_the_index_does_not_fit_are_damage(void **state)
{
	static const struct {
		const char *sql, *says;
	} damages[] = {
		{"UPDATE copies SET key_label = NULL WHERE id = 2", "row 2 of its copies"},
		{"UPDATE copies SET key_label = 'x' WHERE id = 7", "row 7 of its copies"},
		{"UPDATE copies SET key_label = '#2' WHERE id = 2", "row 2 of its copies"},
		{"PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, "
		 "'IS NOT NULL', '= 5') WHERE name = 'copies_by_key'; PRAGMA writable_schema = "
		 "RESET; DELETE FROM copies WHERE id = 2; PRAGMA writable_schema = 1; UPDATE "
		 "sqlite_master SET sql = replace(sql, '= 5', 'IS NOT NULL') WHERE name = "
		 "'copies_by_key'",
			"index of copies by key differs"},
	};
	struct journal_fixture *f = *state;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		make_version(f, 3);
		take_up(f);
		sql(f, damages[i].sql);
		journal_fixture_refused(f, NULL, EINVAL, &err);
		if (!strstr(err.message, damages[i].says) || !strstr(err.message, "damaged"))
			fail_msg("%zu: %s", i, err.message);
	}
}

/* The entries are all there, but a look-up would miss some. */
static void test_an_index_out_of_order_is_damage(void **state)
{
	struct journal_fixture *f = *state;
	_cleanup_free_ char *data = NULL;
	size_t len, page, at;
	struct err err;
	char first[2];

	make_version(f, 3);
	take_up(f);
	page = (size_t)number(f, "PRAGMA page_size");
	data = journal_fixture_slurp(f->db, &len);
	at = ((size_t)number(f, "SELECT rootpage FROM sqlite_master WHERE name = 'copies_by_key'") -
		     1) *
	     page;
	assert_int_equal(data[at], 10); /* a leaf of an index: 8 bytes, then where each entry is */
	memcpy(first, data + at + 8, 2);
	memcpy(data + at + 8, data + at + 12, 2);
	memcpy(data + at + 12, first, 2);
	journal_fixture_spit(f->db, data, len);
	journal_fixture_refused(f, NULL, EINVAL, &err);
	assert_non_null(strstr(err.message, "damaged"));
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, journal_fixture_set_up, journal_fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_journals_of_every_version_are_taken_up),
		TEST(test_an_older_journal_is_verified_first),
		TEST(test_a_migration_may_be_killed_at_any_write),
		TEST(test_another_or_missing_index_is_damage),
		TEST(test_damage_within_the_index_is_noticed),
		TEST(test_rows_that_the_index_does_not_fit_are_damage),
		TEST(test_an_index_out_of_order_is_damage),
	};

	fault_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
