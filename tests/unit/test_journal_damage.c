/* SPDX-License-Identifier: MIT */
/* cache/journal: damage of any of its files is refused or harmless, and a crash is never taken for
 * damage. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "journal_fixture.h"
#include "journal_rows.h"

#define FRAME(page) (24 + (page))
#define PAGE        4096

enum { DB, LOG, COMMITS, N_FILES };
static const char *const suffixes[N_FILES] = {"journal.db", "journal.db-wal", "journal.commits"};

/* The three files at one moment; data NULL: it is not there. */
struct files {
	char *data[N_FILES];
	size_t len[N_FILES];
};

static void files_take(struct journal_fixture *f, struct files *out)
{
	for (int i = 0; i < N_FILES; i++) {
		char path[160];

		snprintf(path, sizeof(path), "%s/%s", f->dir, suffixes[i]);
		out->data[i] = NULL;
		out->len[i] = 0;
		if (access(path, F_OK) == 0)
			out->data[i] = journal_fixture_slurp(path, &out->len[i]);
	}
}

static void files_finish(struct files *files)
{
	for (int i = 0; i < N_FILES; i++)
		free(files->data[i]);
}

/* The fixture's directory has these files and no others. */
static void files_put(struct journal_fixture *f, const struct files *files)
{
	journal_fixture_remove(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	for (int i = 0; i < N_FILES; i++) {
		char path[160];

		snprintf(path, sizeof(path), "%s/%s", f->dir, suffixes[i]);
		if (files->data[i])
			journal_fixture_spit(path, files->data[i], files->len[i]);
	}
}

static void assert_untouched(struct journal_fixture *f, const struct files *files)
{
	struct files now;

	files_take(f, &now);
	for (int i = 0; i < N_FILES; i++) {
		/* SQLite may leave an empty log. */
		assert_int_equal(now.len[i], files->len[i]);
		assert_true(!files->data[i] || !memcmp(now.data[i], files->data[i], files->len[i]));
	}
	files_finish(&now);
}

/* --- a journal whose rows are known --- */

enum { OLD = 40, NEW = 25, ALL = OLD + NEW }; /* in the database; in its log */

/* Row `id` and its receipt, as one transaction. */
static void put(struct journal_fixture *f, int64_t id)
{
	struct journal_copy copy = journal_fixture_copy(id);
	struct journal_receipt receipt = journal_fixture_receipt(id, id);
	struct journal_end end = {0};

	assert_int_equal(journal_put_both(f->j, &copy, &receipt, journal_fixture_done, &end), 0);
	journal_fixture_wait(f, &end);
	assert_int_equal(end.errnum, 0);
}

/* The files as kill -9 leaves them after ALL transactions. */
static void make(struct journal_fixture *f, struct files *out)
{
	journal_fixture_open(f);
	for (int64_t id = 1; id <= OLD; id++)
		put(f, id);
	journal_fixture_reopen(f); /* which moves the log into the database */
	for (int64_t id = OLD + 1; id <= ALL; id++)
		put(f, id);
	files_take(f, out);
	journal_fixture_close(f);
	assert_true(out->len[LOG] > NEW * (size_t)FRAME(PAGE));
	assert_non_null(out->data[COMMITS]);
}

struct seen {
	int64_t copies, receipts;
	bool wrong;
};

static int see_copy(void *arg, const struct journal_copy *row)
{
	struct journal_copy right = journal_fixture_copy(row->id);
	struct seen *seen = arg;

	seen->wrong |= row->id != ++seen->copies;
	seen->wrong |= journal_rows_checksum(&journal_rows_copies, row) !=
		       journal_rows_checksum(&journal_rows_copies, &right);
	return 0;
}

static int see_receipt(void *arg, const struct journal_receipt *row)
{
	struct journal_receipt right = journal_fixture_receipt(row->id, row->copy);
	struct seen *seen = arg;

	seen->wrong |= row->id != ++seen->receipts || row->copy != row->id;
	seen->wrong |= journal_rows_checksum(&journal_rows_receipts, row) !=
		       journal_rows_checksum(&journal_rows_receipts, &right);
	return 0;
}

/* Opens these files. Returns the number of rows, each as it was written; or -1 if they are refused:
 * with a reason, and untouched. */
static int64_t open_files(struct journal_fixture *f, const struct files *files)
{
	struct err err = {0};
	struct seen seen = {0};

	files_put(f, files);
	if (journal_open(&f->loop, f->dir, "111122223333", &f->j, &err) < 0) {
		assert_true(strlen(err.message) > 20);
		assert_null(strchr(err.message, '\n'));
		assert_untouched(f, files);
		f->j = NULL;
		uv_run(&f->loop, UV_RUN_DEFAULT);
		return -1;
	}
	assert_int_equal(journal_read(f->j, 0, see_copy, see_receipt, &seen, &err), 0);
	assert_false(seen.wrong);
	assert_int_equal(seen.copies, seen.receipts);
	journal_fixture_close(f);
	return seen.copies;
}

/* --- damage --- */

static void test_a_flipped_bit_is_refused_or_harmless(void **state)
{
	enum { FLIPS = 600 };
	struct journal_fixture *f = *state;
	struct files files;
	int refused[N_FILES] = {0};
	unsigned seed = (unsigned)getpid();

	print_message("seed %u\n", seed);
	srand(seed);
	make(f, &files);
	assert_int_equal(open_files(f, &files), ALL);
	for (int i = 0; i < N_FILES; i++) {
		for (int n = 0; n < FLIPS; n++) {
			size_t at = (size_t)rand() % files.len[i];
			char was = files.data[i][at];
			int64_t rows;

			/* Headers are small: as often as all the rest. */
			if (n % 4 == 0)
				at = (size_t)rand() % 100;
			was = files.data[i][at];
			files.data[i][at] = (char)(was ^ 1 << rand() % 8);
			rows = open_files(f, &files);
			if (rows != ALL && rows != -1)
				fail_msg(
					"%s byte %zu: %lld rows", suffixes[i], at, (long long)rows);
			refused[i] += rows == -1;
			files.data[i][at] = was;
		}
		print_message("%s: %d of %d refused\n", suffixes[i], refused[i], FLIPS);
	}
	assert_true(refused[DB] > FLIPS / 10 && refused[LOG] > FLIPS / 2);
	/* It is for finding out about the others, and decides nothing when it is damaged. */
	assert_int_equal(refused[COMMITS], 0);
	files_finish(&files);
}

static void test_a_lost_or_older_file_is_refused(void **state)
{
	struct journal_fixture *f = *state;
	struct files files, old, mixed;
	size_t kept;

	make(f, &files);
	/* As they were before the last mount. */
	journal_fixture_remove(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	journal_fixture_open(f);
	for (int64_t id = 1; id <= OLD; id++)
		put(f, id);
	journal_fixture_close(f);
	files_take(f, &old);
	assert_int_equal(open_files(f, &old), OLD);

	mixed = files; /* no database */
	mixed.data[DB] = NULL;
	mixed.len[DB] = 0;
	assert_int_equal(open_files(f, &mixed), -1);
	mixed.data[LOG] = NULL; /* nor a log */
	mixed.len[LOG] = 0;
	assert_int_equal(open_files(f, &mixed), -1);
	mixed = files; /* an empty one, also if nothing is known of its transactions */
	mixed.len[DB] = 0;
	assert_int_equal(open_files(f, &mixed), -1);
	mixed.data[COMMITS] = NULL;
	mixed.len[COMMITS] = 0;
	assert_int_equal(open_files(f, &mixed), -1);
	mixed = files; /* no log */
	mixed.data[LOG] = NULL;
	mixed.len[LOG] = 0;
	assert_int_equal(open_files(f, &mixed), -1);
	mixed = old; /* an older journal beside a newer count */
	mixed.data[COMMITS] = files.data[COMMITS];
	assert_int_equal(open_files(f, &mixed), -1);
	/* The log cut at each of its frames and between them. */
	kept = files.len[LOG];
	mixed = files;
	for (mixed.len[LOG] = 0; mixed.len[LOG] < kept; mixed.len[LOG] += FRAME(PAGE) / 2)
		assert_int_equal(open_files(f, &mixed), -1);
	/* Without a count it is as good as it can be. */
	mixed.data[COMMITS] = NULL;
	mixed.len[COMMITS] = 0;
	mixed.len[LOG] = kept;
	assert_int_equal(open_files(f, &mixed), ALL);
	files_finish(&files);
	files_finish(&old);
}

/* The number of the frame behind each transaction's last one. */
static size_t ends_of(const struct files *files, size_t ends[], size_t max)
{
	size_t n = 0, i = 0;

	for (size_t at = 32; at + FRAME(PAGE) <= files->len[LOG]; at += FRAME(PAGE), i++) {
		const char *p = files->data[LOG] + at + 4;

		if ((p[0] | p[1] | p[2] | p[3]) && n < max)
			ends[n++] = i + 1;
	}
	return n;
}

static void test_a_bad_frame_before_later_transactions_needs_no_count(void **state)
{
	struct journal_fixture *f = *state;
	struct files files;
	size_t ends[200], n;

	make(f, &files);
	free(files.data[COMMITS]);
	files.data[COMMITS] = NULL;
	files.len[COMMITS] = 0;
	n = ends_of(&files, ends, 200);
	assert_true(n >= NEW);
	/* Any frame but those of the last two: of the last one it could be a crash. */
	for (size_t i = 0; i < ends[n - 3]; i++) {
		for (int in_header = 0; in_header < 2; in_header++) {
			char *p = files.data[LOG] + 32 + i * FRAME(PAGE) + (in_header ? 17 : 1000);

			*p ^= 16;
			assert_int_equal(open_files(f, &files), -1);
			*p ^= 16;
		}
	}
	/* And the log's own header. */
	files.data[LOG][18] ^= 1;
	assert_int_equal(open_files(f, &files), -1);
	files_finish(&files);
}

/* --- crashes --- */

/* Zeros where the system had not written yet; a page may be half there. */
static void lose_frame(struct files *files, size_t frame, int how)
{
	char *p = files->data[LOG] + 32 + frame * FRAME(PAGE);

	memset(how == 2 ? p + FRAME(PAGE) / 2 : p, 0, how ? FRAME(PAGE) / 2 : FRAME(PAGE));
}

/* The power fails while the last transaction is written: any of its frames may be on disk, and the
 * count is the one of the transaction before. Or it fails before the count is written. */
static void test_a_power_cut_is_not_taken_for_damage(void **state)
{
	struct journal_fixture *f = *state;
	enum { FEW = 20 }; /* so that the log does not begin anew */
	struct files before, after, cut;
	size_t ends[200], n, first, last;

	journal_fixture_open(f);
	for (int64_t id = 1; id < FEW; id++)
		put(f, id);
	files_take(f, &before);
	put(f, FEW);
	files_take(f, &after);
	journal_fixture_close(f);
	n = ends_of(&after, ends, 200);
	first = ends[n - 2];
	last = ends[n - 1];
	assert_true(last - first >= 3 && last - first < 16);
	free(after.data[COMMITS]);
	after.data[COMMITS] = before.data[COMMITS];
	assert_int_equal(open_files(f, &after), FEW);
	cut = after;
	cut.data[LOG] = malloc(after.len[LOG]);
	assert_non_null(cut.data[LOG]);
	for (unsigned lost = 1; lost < 1u << (last - first); lost++) {
		memcpy(cut.data[LOG], after.data[LOG], after.len[LOG]);
		for (size_t i = first; i < last; i++)
			if (lost >> (i - first) & 1)
				lose_frame(&cut, i, (int)((lost + i) % 3));
		assert_true(open_files(f, &cut) >= FEW - 1);
	}
	free(cut.data[LOG]);
	cut = after; /* or the log has not grown yet */
	for (cut.len[LOG] = 32 + first * FRAME(PAGE); cut.len[LOG] < after.len[LOG];
		cut.len[LOG] += 700)
		assert_true(open_files(f, &cut) >= FEW - 1);
	after.data[COMMITS] = NULL;
	files_finish(&before);
	files_finish(&after);
}

/* Through the moves of the log into the database, and the log's beginning anew over older frames:
 * killed after each transaction, and between it and its count. */
static void test_killed_at_any_transaction_nothing_is_missed(void **state)
{
	struct journal_fixture *f = *state;
	struct files files[ALL + 1];
	bool began_anew = false;

	journal_fixture_open(f);
	for (int64_t id = 0; id <= ALL; id++) {
		if (id)
			put(f, id);
		files_take(f, &files[id]);
		began_anew |=
			id > 1 && memcmp(files[id].data[LOG], files[id - 1].data[LOG], 32) != 0;
	}
	journal_fixture_close(f);
	assert_true(began_anew);
	for (int64_t id = 1; id <= ALL; id++) {
		struct files uncounted = files[id];

		assert_int_equal(open_files(f, &files[id]), id);
		uncounted.data[COMMITS] = files[id - 1].data[COMMITS];
		assert_int_equal(open_files(f, &uncounted), id);
		uncounted = files[id - 1];
		uncounted.data[COMMITS] = files[id].data[COMMITS];
		assert_int_equal(open_files(f, &uncounted), -1);
	}
	for (int64_t id = 0; id <= ALL; id++)
		files_finish(&files[id]);
}

/* From the first file to the first row: at each sync what is there is a journal. */
static void test_a_beginning_may_be_cut_short(void **state)
{
	struct journal_fixture *f = *state;
	struct files files;

	journal_fixture_open(f);
	files_take(f, &files);
	journal_fixture_close(f);
	assert_int_equal(open_files(f, &files), 0);
	free(files.data[COMMITS]); /* made but not written */
	files.data[COMMITS] = calloc(1, 1);
	files.len[COMMITS] = 0;
	assert_int_equal(open_files(f, &files), 0);
	files.len[LOG] = 0; /* the tables are not there yet */
	assert_int_equal(open_files(f, &files), 0);
	files.len[DB] = 0;
	assert_int_equal(open_files(f, &files), 0);
	files_finish(&files);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, journal_fixture_set_up, journal_fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_flipped_bit_is_refused_or_harmless),
		TEST(test_a_lost_or_older_file_is_refused),
		TEST(test_a_bad_frame_before_later_transactions_needs_no_count),
		TEST(test_a_power_cut_is_not_taken_for_damage),
		TEST(test_killed_at_any_transaction_nothing_is_missed),
		TEST(test_a_beginning_may_be_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
