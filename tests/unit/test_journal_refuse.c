/* SPDX-License-Identifier: MIT */
/* cache/journal: refuses other journals with a reason, and leaves them untouched. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
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
#include "journal_fixture.h"

/* --- what is refused --- */

static void test_a_second_ebsfs_is_told_who_has_it(void **state)
{
	struct journal_fixture *f = *state;
	char pid[40];
	struct err err;

	journal_fixture_open(f);
	journal_fixture_refused(f, NULL, EBUSY, &err);
	snprintf(pid, sizeof(pid), "process %d:", (int)getpid());
	assert_non_null(strstr(err.message, pid));
	assert_non_null(strstr(err.message, "state_dir"));
	journal_fixture_reopen(f);
}

/* Opens the journal, says so, and holds it until it is killed. */
static void hold_until_killed(struct journal_fixture *f, int fd)
{
	journal_fixture_open(f);
	if (write(fd, "x", 1) == 1)
		pause();
	_exit(1);
}

static void test_the_file_itself_is_locked_too(void **state)
{
	struct journal_fixture *f = *state;
	char lock[120], opened = 0;
	struct err err;
	pid_t child;
	int fds[2];

	/* In another process: locks of one do not exclude each other. */
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0)
		hold_until_killed(f, fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &opened, 1), 1);
	close(fds[0]);
	snprintf(lock, sizeof(lock), "%s/journal.lock", f->dir);
	assert_int_equal(unlink(lock), 0);
	journal_fixture_refused(f, NULL, EBUSY, &err);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	journal_fixture_open(f);
}

/* Opening must fail and leave every byte of the journal and its log as it was. */
static void refused_untouched(struct journal_fixture *f, const char *account, struct err *err)
{
	_cleanup_free_ char *before = NULL, *after = NULL, *log_before = NULL, *log_after = NULL;
	size_t len, len_after, log_len = 0, log_len_after = 0;
	char log[120];

	snprintf(log, sizeof(log), "%s-wal", f->db);
	before = journal_fixture_slurp(f->db, &len);
	if (access(log, F_OK) == 0)
		log_before = journal_fixture_slurp(log, &log_len);
	journal_fixture_refused(f, account, EINVAL, err);
	assert_null(strchr(err->message, '\n')); /* it is printed as one line */
	after = journal_fixture_slurp(f->db, &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	assert_int_equal(access(log, F_OK) == 0, log_before != NULL);
	if (access(log, F_OK) == 0)
		log_after = journal_fixture_slurp(log, &log_len_after);
	assert_int_equal(log_len, log_len_after);
	if (log_len)
		assert_memory_equal(log_before, log_after, log_len);
}

static void test_what_is_no_journal_is_refused_and_untouched(void **state)
{
	static const char header[] = "SQLite format 3\0\x10\0\x02\x02\0\x40\x20\x20";
	struct journal_fixture *f = *state;
	char data[8192];
	struct err err;

	memset(data, 'x', sizeof(data));
	journal_fixture_spit(f->db, data, sizeof(data));
	refused_untouched(f, NULL, &err);
	assert_non_null(strstr(err.message, f->db));
	assert_non_null(strstr(err.message, "damaged"));
	journal_fixture_spit(f->db, "garbage", 7);
	refused_untouched(f, NULL, &err);
	memcpy(data, header, sizeof(header));
	journal_fixture_spit(f->db, data, sizeof(data));
	refused_untouched(f, NULL, &err);
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(
		sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix"),
		SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_another_programs_database_is_refused(void **state)
{
	struct journal_fixture *f = *state;
	struct err err;

	sql(f->db, "CREATE TABLE copies (id INTEGER)");
	refused_untouched(f, NULL, &err);
	assert_non_null(strstr(err.message, "not a journal"));
}

/* A journal with a few hundred rows, closed. */
static void make_journal(struct journal_fixture *f)
{
	struct journal_end end = {0};

	journal_fixture_open(f);
	for (int i = 1; i <= 500; i++) {
		struct journal_copy row = journal_fixture_copy(i);

		journal_put_copy(f->j, &row, i == 500 ? journal_fixture_done : NULL, &end);
	}
	journal_fixture_wait(f, &end);
	journal_fixture_close(f);
}

static void test_a_damaged_journal_is_refused_and_untouched(void **state)
{
	struct journal_fixture *f = *state;
	_cleanup_free_ char *data = NULL;
	struct err err;
	size_t len;

	make_journal(f);
	data = journal_fixture_slurp(f->db, &len);
	assert_true(len > 65536);
	/* Pages of rows overwritten, in the middle. */
	memset(data + len / 2, 0x5a, 8192);
	journal_fixture_spit(f->db, data, len);
	refused_untouched(f, NULL, &err);
	assert_non_null(strstr(err.message, "damaged"));
	/* The header's name of the program; the tables say that this is a journal. */
	journal_fixture_close(f);
	journal_fixture_remove(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	make_journal(f);
	sql(f->db, "PRAGMA application_id = 1");
	refused_untouched(f, NULL, &err);
	assert_non_null(strstr(err.message, "damaged"));
	/* A format that SQLite only reads. */
	journal_fixture_close(f);
	journal_fixture_remove(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	make_journal(f);
	free(data);
	data = journal_fixture_slurp(f->db, &len);
	data[18] = 6;
	journal_fixture_spit(f->db, data, len);
	refused_untouched(f, NULL, &err);
	assert_non_null(strstr(err.message, "damaged"));
	/* The end cut off. */
	journal_fixture_close(f);
	journal_fixture_remove(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	make_journal(f);
	assert_int_equal(truncate(f->db, 20000), 0);
	refused_untouched(f, NULL, &err);
}

static void test_a_newer_version_is_refused_and_untouched(void **state)
{
	struct journal_fixture *f = *state;
	_cleanup_free_ char *db = NULL, *log = NULL;
	size_t db_len, log_len;
	sqlite3 *newer;
	struct err err;
	char path[120];

	make_journal(f);
	sql(f->db, "PRAGMA user_version = 99");
	refused_untouched(f, NULL, &err);
	assert_non_null(strstr(err.message, "newer"));

	/* A newer one that was killed: the version stands only in its log. */
	sql(f->db, "PRAGMA user_version = 1");
	assert_int_equal(sqlite3_open_v2(f->db, &newer, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(newer, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	snprintf(path, sizeof(path), "%s-wal", f->db);
	db = journal_fixture_slurp(f->db, &db_len);
	log = journal_fixture_slurp(path, &log_len);
	assert_int_equal(sqlite3_close(newer), SQLITE_OK);
	assert_true(log_len > 0);
	journal_fixture_spit(f->db, db, db_len);
	journal_fixture_spit(path, log, log_len);
	refused_untouched(f, NULL, &err);
	assert_non_null(strstr(err.message, "newer"));
}

static void test_another_accounts_journal_is_refused(void **state)
{
	static const struct {
		const char *account;
		int result;
	} table[] = {
		{NULL, 0},
		{"", 0}, /* unknown so far */
		{"111122223333", 0},
		{"444455556666", -EINVAL},
		{NULL, 0},
		{"111122223333", 0},
	};
	struct journal_fixture *f = *state;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].result) {
			refused_untouched(f, table[i].account, &err);
			assert_non_null(strstr(err.message, "111122223333"));
			assert_non_null(strstr(err.message, "state_dir"));
			continue;
		}
		assert_int_equal(journal_open(&f->loop, f->dir, table[i].account, &f->j, &err), 0);
		journal_fixture_close(f);
	}
}

static void test_an_unfinished_beginning_is_taken_up(void **state)
{
	struct journal_fixture *f = *state;

	journal_fixture_spit(f->db, "", 0);
	journal_fixture_open(f);
	assert_int_equal(journal_fixture_put(f, 1), 0);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, journal_fixture_set_up, journal_fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_second_ebsfs_is_told_who_has_it),
		TEST(test_the_file_itself_is_locked_too),
		TEST(test_what_is_no_journal_is_refused_and_untouched),
		TEST(test_another_programs_database_is_refused),
		TEST(test_a_damaged_journal_is_refused_and_untouched),
		TEST(test_a_newer_version_is_refused_and_untouched),
		TEST(test_another_accounts_journal_is_refused),
		TEST(test_an_unfinished_beginning_is_taken_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
