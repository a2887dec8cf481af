/* SPDX-License-Identifier: MIT */
/* cache/journal: full disks, failing disks, kill -9. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "cleanup.h"
#include "fault_vfs.h"
#include "journal_fixture.h"

/* --- disks that fail --- */

#define CODE(code, errnum)                                                                         \
	{                                                                                          \
#code, code, errnum                                                                \
	}

static void test_a_failed_write_fails_its_transaction_and_no_other(void **state)
{
	static const struct {
		const char *name;
		int code, errnum;
	} codes[] = {CODE(SQLITE_FULL, ENOSPC), CODE(SQLITE_IOERR_WRITE, EIO),
		CODE(SQLITE_IOERR_FSYNC, EIO)};
	struct journal_fixture *f = *state;
	struct journal_ids ids;
	int id = 0;

	journal_fixture_open(f);
	assert_int_equal(journal_fixture_put(f, ++id), 0);
	for (size_t c = 0; c < ARRAY_LEN(codes); c++) {
		enum fault_kind kind =
			codes[c].code == SQLITE_IOERR_FSYNC ? FAULT_SYNC : FAULT_WRITE;

		/* At each of its calls in turn, until the transaction has no more. */
		for (int after = 0;; after++) {
			int result;

			fault_vfs_plan(kind, after, 1, codes[c].code);
			result = journal_fixture_put(f, ++id);
			if (fault_vfs_calls(kind) <= after) {
				assert_int_equal(result, 0);
				assert_true(after > 0);
				break;
			}
			assert_int_equal(result, codes[c].errnum);
			assert_int_equal(journal_last_error(f->j)->errnum, codes[c].errnum);
			fault_vfs_plan(kind, 0, 0, 0);
			id++;
			assert_int_equal(journal_fixture_put(f, id), 0);
			assert_null(journal_last_error(f->j));
			journal_fixture_reopen(f);
			ids = journal_fixture_ids(f);
			assert_false(journal_fixture_has(&ids, id - 1));
			assert_true(journal_fixture_has(&ids, id));
			journal_fixture_ids_finish(&ids);
		}
	}
	assert_true(id > 10);
}

static void test_all_that_shared_the_failed_transaction_hear_of_it(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_end ends[20] = {0};

	journal_fixture_open(f);
	assert_int_equal(journal_fixture_put(f, 100), 0);
	fault_vfs_plan(FAULT_SYNC, 0, 1, SQLITE_IOERR_FSYNC);
	for (int i = 0; i < 20; i++) {
		struct journal_copy row = journal_fixture_copy(i + 1);

		journal_put_copy(f->j, &row, journal_fixture_done, &ends[i]);
	}
	journal_fixture_wait(f, &ends[19]);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ends[i].called, 1);
		assert_int_equal(ends[i].errnum, EIO);
	}
}

static void test_one_turn_is_one_transaction(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_end end = {0};

	journal_fixture_open(f);
	assert_int_equal(journal_fixture_put(f, 1000), 0);
	fault_vfs_plan(FAULT_SYNC, 0, 0, 0);
	for (int i = 1; i <= 200; i++) {
		struct journal_copy row = journal_fixture_copy(i);

		journal_put_copy(f->j, &row, i == 200 ? journal_fixture_done : NULL, &end);
	}
	journal_fixture_wait(f, &end);
	assert_int_equal(fault_vfs_calls(FAULT_SYNC), 1);
	/* And none without one: it is on disk when it is said to be. */
	assert_int_equal(journal_fixture_put(f, 201), 0);
	assert_int_equal(fault_vfs_calls(FAULT_SYNC), 2);
}

/* The files as a crash at this moment would leave them, opened elsewhere. */
static struct journal_ids crash_image(struct journal_fixture *f)
{
	struct journal_fixture *image;
	struct journal_ids ids;
	void *state;
	char path[120], log[120];

	journal_fixture_set_up(&state);
	image = state;
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {
			"journal.db", "journal.db-wal", "journal.commits"};
		_cleanup_free_ char *data = NULL;
		size_t len;

		snprintf(log, sizeof(log), "%s/%s", f->dir, names[i]);
		if (access(log, F_OK) < 0) /* closed: its content is in the file */
			continue;
		snprintf(path, sizeof(path), "%s/%s", image->dir, names[i]);
		data = journal_fixture_slurp(log, &len);
		journal_fixture_spit(path, data, len);
	}
	journal_fixture_open(image);
	ids = journal_fixture_ids(image);
	journal_fixture_tear_down(&state);
	return ids;
}

static void test_what_was_reported_as_failed_does_not_come_back_after_a_crash(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_ids ids;

	journal_fixture_open(f);
	assert_int_equal(journal_fixture_put(f, 1), 0);
	/* The log has the whole transaction, and only its sync failed; the next one too, as it
	 * would on a broken disk. */
	for (int count = 1; count <= 2; count++) {
		fault_vfs_plan(FAULT_SYNC, 0, count, SQLITE_IOERR_FSYNC);
		assert_int_equal(journal_fixture_put(f, 1 + count), EIO);
		fault_vfs_plan(FAULT_SYNC, 0, 0, 0);
		ids = crash_image(f);
		assert_int_equal(ids.n_copies, 1);
		assert_true(ids.copies[0] == 1);
		journal_fixture_ids_finish(&ids);
	}
	assert_int_equal(journal_fixture_put(f, 4), 0);
	ids = crash_image(f);
	assert_int_equal(ids.n_copies, 2);
	assert_true(journal_fixture_has(&ids, 4));
	journal_fixture_ids_finish(&ids);
}

static void test_close_waits_for_a_slow_disk(void **state)
{
	enum { N = 500 };
	struct journal_fixture *f = *state;
	struct journal_ids ids;

	journal_fixture_open(f);
	fault_vfs_slow(5);
	for (int i = 1; i <= N; i++) {
		struct journal_copy row = journal_fixture_copy(i);

		assert_int_equal(journal_put_copy(f->j, &row, NULL, NULL), 0);
	}
	uv_run(&f->loop, UV_RUN_NOWAIT);
	journal_close(f->j);
	f->j = NULL;
	fault_vfs_slow(0);
	ids = crash_image(f);
	assert_int_equal(ids.n_copies, N);
	journal_fixture_ids_finish(&ids);
}

/* --- a full disk --- */

struct full {
	char filler[120];
	bool mounted;
};

/* A small file system of its own in the fixture's directory; without the right to mount, a limit on
 * the size of files does for it. Mounts that end elsewhere end in this process's namespace too: a
 * private copy of a FUSE mount would keep its process from ending. */
static void small_disk(struct journal_fixture *f, struct full *full)
{
	full->mounted = unshare(CLONE_NEWNS) == 0 &&
			mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 &&
			mount("tmpfs", f->dir, "tmpfs", 0, "size=1m,mode=700") == 0;
	snprintf(full->filler, sizeof(full->filler), "%s/filler", f->dir);
}

static void fill_disk(struct full *full)
{
	char block[4096] = {0};
	struct rlimit limit;
	int fd;

	if (!full->mounted) {
		signal(SIGXFSZ, SIG_IGN);
		getrlimit(RLIMIT_FSIZE, &limit);
		limit.rlim_cur = 65536;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		return;
	}
	fd = open(full->filler, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
}

static void empty_disk(struct full *full)
{
	struct rlimit limit;

	if (full->mounted) {
		unlink(full->filler);
		return;
	}
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_a_full_disk_is_told_and_loses_nothing(void **state)
{
	struct journal_fixture *f = *state;
	struct full full;
	struct journal_ids ids;
	int id = 0, result = 0, kept;

	small_disk(f, &full);
	print_message("the disk is %s\n",
		full.mounted ? "a small tmpfs" : "a limit on the size of files");
	journal_fixture_open(f);
	for (int i = 0; i < 20; i++)
		assert_int_equal(journal_fixture_put(f, ++id), 0);
	fill_disk(&full);
	while (result == 0 && id < 10000)
		result = journal_fixture_put(f, ++id);
	assert_int_equal(result, ENOSPC);
	kept = id - 1;
	assert_int_equal(journal_last_error(f->j)->errnum, ENOSPC);
	assert_non_null(strstr(journal_last_error(f->j)->message, "; make room in "));
	assert_int_equal(journal_fixture_put(f, ++id), ENOSPC);

	/* A mount on a full disk has all that was there. */
	journal_fixture_reopen(f);
	ids = journal_fixture_ids(f);
	assert_int_equal(ids.n_copies, kept);
	journal_fixture_ids_finish(&ids);

	empty_disk(&full);
	id++;
	assert_int_equal(journal_fixture_put(f, id), 0);
	journal_fixture_reopen(f);
	ids = journal_fixture_ids(f);
	assert_int_equal(ids.n_copies, kept + 1);
	assert_true(journal_fixture_has(&ids, id));
	journal_fixture_ids_finish(&ids);
	journal_fixture_close(f);
	if (full.mounted)
		assert_int_equal(umount(f->dir), 0);
}

/* --- kill -9 --- */

struct reporter {
	int fd;
	int64_t id;
};

static void report(void *arg, const struct err *err)
{
	struct reporter *r = arg;

	if (err || write(r->fd, &r->id, sizeof(r->id)) != sizeof(r->id))
		_exit(2);
	free(r);
}

/* Puts rows for ever, several at once, and reports each that is done. */
static void write_until_killed(struct journal_fixture *f, int fd)
{
	journal_fixture_open(f);
	for (unsigned n = 0;; n++) {
		for (unsigned i = 0; i <= n % 7; i++) {
			struct reporter *r = calloc(1, sizeof(*r));
			struct journal_copy row;
			struct journal_receipt receipt;

			r->fd = fd;
			r->id = journal_next_copy_id(f->j);
			row = journal_fixture_copy(r->id);
			receipt = journal_fixture_receipt(journal_next_receipt_id(f->j), r->id);
			journal_put_both(f->j, &row, &receipt, report, r);
		}
		uv_run(&f->loop, n % 3 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	}
}

static void test_kill_9_loses_nothing_that_was_acknowledged(void **state)
{
	struct journal_fixture *f = *state;
	_cleanup_free_ int64_t *acknowledged = calloc(100000, sizeof(*acknowledged));
	size_t n = 0;

	assert_non_null(acknowledged);
	for (int round = 0; round < 8; round++) {
		struct journal_ids ids;
		int fds[2];
		pid_t child;
		size_t enough = n + 50 + (size_t)round * 37;

		assert_int_equal(pipe(fds), 0);
		child = fork();
		if (child == 0) {
			close(fds[0]);
			write_until_killed(f, fds[1]);
		}
		close(fds[1]);
		while (n < 100000 && read(fds[0], &acknowledged[n], sizeof(*acknowledged)) ==
					     sizeof(*acknowledged)) {
			if (++n == enough)
				kill(child, SIGKILL);
		}
		close(fds[0]);
		assert_true(n >= enough);
		assert_int_equal(waitpid(child, NULL, 0), child);
		journal_fixture_open(f); /* with SQLite's own check */
		ids = journal_fixture_ids(f);
		assert_int_equal(ids.n_copies, ids.n_receipts); /* put together, there together */
		/* The rows stand in order of their ids; so do the reports. */
		for (size_t i = 0, at = 0; i < n; i++) {
			while (at < ids.n_copies && ids.copies[at] < acknowledged[i])
				at++;
			assert_true(at < ids.n_copies && ids.copies[at] == acknowledged[i]);
		}
		journal_fixture_ids_finish(&ids);
		journal_fixture_close(f);
	}
	print_message("%zu rows acknowledged by processes that were killed\n", n);
}

static int set_up(void **state)
{
	fault_vfs_plan(FAULT_WRITE, 0, 0, 0);
	fault_vfs_plan(FAULT_SYNC, 0, 0, 0);
	fault_vfs_slow(0);
	return journal_fixture_set_up(state);
}

static int tear_down(void **state)
{
	struct full full = {0};

	empty_disk(&full); /* where a test ended before it came to that */
	return journal_fixture_tear_down(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_failed_write_fails_its_transaction_and_no_other),
		TEST(test_all_that_shared_the_failed_transaction_hear_of_it),
		TEST(test_one_turn_is_one_transaction),
		TEST(test_what_was_reported_as_failed_does_not_come_back_after_a_crash),
		TEST(test_close_waits_for_a_slow_disk),
		TEST(test_a_full_disk_is_told_and_loses_nothing),
		TEST(test_kill_9_loses_nothing_that_was_acknowledged),
	};

	fault_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
