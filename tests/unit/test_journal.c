/* SPDX-License-Identifier: MIT */
/* cache/journal: rows are durable, in order, in groups; old rows are deleted; ids are never reused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "journal_fixture.h"
#include "journal_rows.h"
#include "loop.h"

/* --- every column --- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int check_copy(void *arg, const struct journal_copy *row)
{
	struct journal_copy want = journal_fixture_copy(row->id);

	assert_true(same_text(row->token, want.token));
	assert_true(same_text(row->state, want.state));
	assert_true(same_text(row->source_region, want.source_region));
	assert_true(same_text(row->source_id, want.source_id));
	assert_true(same_text(row->region, want.region));
	assert_true(same_text(row->description, want.description));
	assert_true(same_text(row->tags, want.tags));
	assert_true(same_text(row->kms_key_id, want.kms_key_id));
	assert_true(
		row->encrypted && row->dry_run && row->move && row->acknowledged && row->submitted);
	assert_int_equal(row->completion_minutes, want.completion_minutes);
	assert_true(same_text(row->copy_id, want.copy_id));
	assert_true(
		row->requested_ms == want.requested_ms && row->submitted_ms == want.submitted_ms);
	assert_true(row->started_ms == want.started_ms && row->ended_ms == want.ended_ms);
	assert_true(row->bytes == want.bytes);
	assert_int_equal(row->attempts, want.attempts);
	assert_true(same_text(row->code, want.code));
	assert_true(same_text(row->message, want.message));
	assert_true(same_text(row->request_id, want.request_id));
	assert_int_equal(row->untold, want.untold);
	assert_true(same_text(row->label, want.label));
	assert_int_equal(row->adopted, want.adopted);
	assert_true(row->deleted_ms == want.deleted_ms);
	++*(int *)arg;
	return 0;
}

static int check_receipt(void *arg, const struct journal_receipt *row)
{
	struct journal_receipt want = journal_fixture_receipt(7, 3);

	assert_true(row->id == want.id && row->copy == want.copy);
	assert_true(same_text(row->region, want.region));
	assert_true(same_text(row->folder, want.folder));
	assert_true(same_text(row->name, want.name));
	assert_true(row->is_folder);
	assert_true(same_text(row->file_name, want.file_name));
	assert_true(same_text(row->text, want.text));
	assert_true(row->mode == want.mode && row->uid == want.uid && row->gid == want.gid);
	assert_true(row->mtime_ns == want.mtime_ns && row->mtime_set);
	assert_true(same_text(row->description, want.description));
	assert_true(same_text(row->tags, want.tags));
	assert_true(row->file_mode == want.file_mode);
	*(int *)arg += 100;
	return 0;
}

static void test_every_column_comes_back(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_copy copy = journal_fixture_copy(5);
	struct journal_receipt receipt = journal_fixture_receipt(7, 3);
	struct journal_end end = {0};
	struct err err;
	int seen = 0;

	journal_fixture_open(f);
	assert_int_equal(journal_put_both(f->j, &copy, &receipt, journal_fixture_done, &end), 0);
	assert_int_equal(end.called, 0);
	journal_fixture_wait(f, &end);
	assert_int_equal(end.errnum, 0);
	assert_null(journal_last_error(f->j));
	journal_fixture_reopen(f);
	assert_int_equal(journal_read(f->j, 0, check_copy, check_receipt, &seen, &err), 0);
	assert_int_equal(seen, 101);
}

static void test_a_row_put_again_replaces_and_a_receipt_goes(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_receipt receipt = journal_fixture_receipt(1, 1);
	struct journal_end end = {0};
	struct journal_ids ids;

	journal_fixture_open(f);
	assert_int_equal(journal_fixture_put(f, 1), 0);
	assert_int_equal(journal_fixture_put(f, 2), 0);
	assert_int_equal(journal_fixture_put(f, 1), 0);
	assert_int_equal(journal_put_receipt(f->j, &receipt, NULL, NULL), 0);
	receipt.id = 2;
	assert_int_equal(journal_put_receipt(f->j, &receipt, NULL, NULL), 0);
	assert_int_equal(journal_delete_receipt(f->j, 1, journal_fixture_done, &end), 0);
	journal_fixture_wait(f, &end);
	ids = journal_fixture_ids(f);
	assert_int_equal(ids.n_copies, 2);
	assert_int_equal(ids.n_receipts, 1);
	assert_true(ids.receipts[0] == 2);
	journal_fixture_ids_finish(&ids);
}

static void test_changes_end_in_their_order(void **state)
{
	enum { N = 300 };
	struct journal_fixture *f = *state;
	struct journal_end ends[N] = {0};
	int order = 0;

	journal_fixture_open(f);
	for (int i = 0; i < N; i++) {
		struct journal_copy row = journal_fixture_copy(i + 1);

		ends[i].order = &order;
		assert_int_equal(journal_put_copy(f->j, &row, journal_fixture_done, &ends[i]), 0);
		/* Some of them while a group is being written. */
		if (i % 10 == 0)
			uv_run(&f->loop, UV_RUN_NOWAIT);
	}
	journal_fixture_wait(f, &ends[N - 1]);
	for (int i = 0; i < N; i++) {
		assert_int_equal(ends[i].called, 1);
		assert_int_equal(ends[i].errnum, 0);
		assert_int_equal(ends[i].place, i + 1);
	}
}

static void test_close_writes_what_was_put(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_copy row = journal_fixture_copy(1);
	struct journal_end end = {0};
	struct journal_ids ids;

	journal_fixture_open(f);
	assert_int_equal(journal_put_copy(f->j, &row, journal_fixture_done, &end), 0);
	uv_run(&f->loop, UV_RUN_NOWAIT); /* under way, or written */
	row = journal_fixture_copy(2);
	assert_int_equal(journal_put_copy(f->j, &row, journal_fixture_done, &end), 0);
	end.called = 0;
	journal_fixture_reopen(f);
	assert_int_equal(end.called, 0);
	ids = journal_fixture_ids(f);
	assert_int_equal(ids.n_copies, 2);
	journal_fixture_ids_finish(&ids);
}

static void close_it(void *arg, const struct err *err)
{
	struct journal_fixture *f = arg;

	assert_null(err);
	journal_close(f->j);
	f->j = NULL;
}

static void test_a_journal_may_be_closed_by_who_waited(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_copy row = journal_fixture_copy(1);
	struct journal_end end = {0};
	struct journal_ids ids;

	journal_fixture_open(f);
	assert_int_equal(journal_put_copy(f->j, &row, close_it, f), 0);
	assert_int_equal(journal_put_copy(f->j, &row, journal_fixture_done, &end), 0);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_null(f->j);
	assert_int_equal(end.called, 0);
	journal_fixture_open(f);
	ids = journal_fixture_ids(f);
	assert_int_equal(ids.n_copies, 1);
	journal_fixture_ids_finish(&ids);
}

/* --- reading --- */

static int ignore_copy(void *arg, const struct journal_copy *row)
{
	++*(int *)arg;
	return 0;
}

static int ignore_receipt(void *arg, const struct journal_receipt *row)
{
	return 0;
}

static int no_copy(void *arg, const struct journal_copy *row)
{
	(void)arg;
	(void)row;
	return -EINVAL;
}

static int see_receipt_of(void *arg, const struct journal_receipt *row)
{
	*(int64_t *)arg = row->copy;
	return 0;
}

static void test_old_copies_without_a_receipt_are_pruned_and_numbers_stay_used(void **state)
{
	static const struct {
		const char *state;
		int64_t ended_ms;
		bool receipt, dry_run, stays;
	} table[] = {
		{"queued", 0, false, false, true},
		{"failed", 999, true, false, true},   /* its receipt is still there */
		{"failed", 1000, false, false, true}, /* just young enough */
		{"failed", 999, false, false, false}, {"error", 999, false, false, false},
		{"cancelled", 999, false, false, false}, {"deleted", 999, false, false, false},
		{"completed", 999, false, false, true}, /* living */
		{"completed", 999, false, true, false}, /* a dry run never is */
	};
	struct journal_fixture *f = *state;
	struct journal_ids ids = {0};
	struct journal_end end = {0};
	struct err err;
	int seen = 0, staying = 0;

	journal_fixture_open(f);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int64_t id = journal_next_copy_id(f->j);
		struct journal_copy row = journal_fixture_copy(id);
		struct journal_receipt receipt =
			journal_fixture_receipt(journal_next_receipt_id(f->j), id);

		assert_true(id == (int64_t)i + 1);
		row.state = (char *)table[i].state;
		row.dry_run = table[i].dry_run;
		row.ended_ms = table[i].ended_ms;
		staying += table[i].stays;
		end.called = 0;
		if (table[i].receipt)
			journal_put_both(f->j, &row, &receipt, journal_fixture_done, &end);
		else
			journal_put_copy(f->j, &row, journal_fixture_done, &end);
		journal_fixture_wait(f, &end);
	}
	ids = journal_fixture_ids(f); /* before 0: none goes */
	assert_int_equal(ids.n_copies, ARRAY_LEN(table));
	journal_fixture_ids_finish(&ids);
	assert_int_equal(journal_read(f->j, 1000, ignore_copy, ignore_receipt, &seen, &err), 0);
	assert_int_equal(seen, staying);
	journal_fixture_reopen(f);
	ids = journal_fixture_ids(f);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(journal_fixture_has(&ids, (int64_t)i + 1), table[i].stays);
	journal_fixture_ids_finish(&ids);
	assert_true(journal_next_copy_id(f->j) == ARRAY_LEN(table) + 1);
	assert_true(journal_next_copy_id(f->j) == ARRAY_LEN(table) + 2);
	assert_true(journal_next_receipt_id(f->j) == 3);
}

static void test_a_receipt_without_a_copy_survives(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_receipt receipt = journal_fixture_receipt(1, 0);
	struct journal_end end = {0};
	int64_t copy = -1;
	struct err err;
	int seen = 0;

	receipt.text = NULL;
	receipt.file_name = NULL;
	journal_fixture_open(f);
	assert_int_equal(journal_put_receipt(f->j, &receipt, journal_fixture_done, &end), 0);
	journal_fixture_wait(f, &end);
	assert_int_equal(
		journal_read(f->j, INT64_MAX, ignore_copy, ignore_receipt, &seen, &err), 0);
	journal_fixture_reopen(f);
	assert_int_equal(journal_read(f->j, INT64_MAX, no_copy, see_receipt_of, &copy, &err), 0);
	assert_true(copy == 0);
}

/* --- a copy's state alone --- */

struct state_seen {
	int64_t id;
	char state[20], message[80];
	int64_t deleted_ms;
	uint64_t checksum; /* of the other columns */
};

static int see_state(void *arg, const struct journal_copy *row)
{
	struct state_seen *seen = arg;
	struct journal_copy rest = *row;

	if (row->id != seen->id)
		return 0;
	snprintf(seen->state, sizeof(seen->state), "%s", row->state);
	snprintf(seen->message, sizeof(seen->message), "%s", row->message ? row->message : "");
	seen->deleted_ms = row->deleted_ms;
	rest.state = rest.message = NULL;
	rest.deleted_ms = 0;
	seen->checksum = journal_rows_checksum(&journal_rows_copies, &rest);
	return 0;
}

static void test_a_copys_state_is_set_alone_and_in_order(void **state)
{
	struct journal_fixture *f = *state;
	struct state_seen before = {.id = 2}, after = {.id = 2};
	struct journal_copy row = journal_fixture_copy(2);
	struct journal_end end = {0};
	struct err err;

	journal_fixture_open(f);
	row.state = (char *)"completed";
	row.deleted_ms = 0;
	assert_int_equal(journal_put_copy(f->j, &row, NULL, NULL), 0);
	assert_int_equal(journal_set_copy_state(f->j, 2, "error", NULL, 1, NULL, NULL), 0);
	assert_int_equal(journal_put_copy(f->j, &row, journal_fixture_done, &end), 0);
	journal_fixture_wait(f, &end);
	assert_int_equal(journal_read(f->j, 0, see_state, ignore_receipt, &before, &err), 0);
	assert_string_equal(before.state, "completed");
	end.called = 0;
	assert_int_equal(journal_set_copy_state(f->j, 2, "deleted",
				 "the snapshot was moved into the recycle bin", 77,
				 journal_fixture_done, &end),
		0);
	/* Another living one of the same key is permitted from now on, also in one transaction. */
	row.id = 4;
	assert_int_equal(journal_put_copy(f->j, &row, NULL, NULL), 0);
	journal_fixture_wait(f, &end);
	assert_int_equal(end.errnum, 0);
	journal_fixture_reopen(f); /* which verifies the checksums and their sum */
	assert_int_equal(journal_read(f->j, 0, see_state, ignore_receipt, &after, &err), 0);
	assert_string_equal(after.state, "deleted");
	assert_string_equal(after.message, "the snapshot was moved into the recycle bin");
	assert_true(after.deleted_ms == 77);
	assert_true(after.checksum == before.checksum);
}

struct got {
	struct journal_end end;
	int64_t id;
	char state[20], description[400];
};

static void get_row(void *arg, const struct journal_copy *row, const struct err *err)
{
	struct got *got = arg;

	if (row) {
		got->id = row->id;
		snprintf(got->state, sizeof(got->state), "%s", row->state);
		snprintf(got->description, sizeof(got->description), "%s", row->description);
	}
	journal_fixture_done(&got->end, err);
}

static void test_one_row_is_read_as_it_was_written_last(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_copy row = journal_fixture_copy(2);
	struct got got = {0}, none = {0};

	journal_fixture_open(f);
	row.state = (char *)"completed";
	assert_int_equal(journal_put_copy(f->j, &row, NULL, NULL), 0);
	assert_int_equal(journal_set_copy_state(f->j, 2, "deleted", "gone", 1, NULL, NULL), 0);
	assert_int_equal(journal_get_copy(f->j, 2, get_row, &got), 0);
	assert_int_equal(journal_get_copy(f->j, 3, get_row, &none), 0);
	journal_fixture_wait(f, &none.end);
	assert_int_equal(got.end.errnum, 0);
	assert_true(got.id == 2);
	assert_string_equal(got.state, "deleted");
	assert_string_equal(got.description, row.description);
	assert_int_equal(none.end.errnum, ENOENT);
	assert_true(none.id == 0);
	/* Reading changes nothing. */
	journal_fixture_reopen(f);
	assert_int_equal(journal_fixture_put(f, 4), 0);
}

/* --- changes that other rows forbid --- */

static void test_a_second_living_copy_of_a_key_is_refused_and_no_other_change(void **state)
{
	static const struct {
		const char *state;
		bool dry_run;
		const char *label;
		int errnum;
	} table[] = {
		{"queued", false, NULL, EEXIST},
		{"submitting", false, NULL, EEXIST},
		{"pending", false, "", EEXIST},
		{"completed", false, NULL, EEXIST},
		{"queued", true, NULL, 0},
		{"failed", false, NULL, 0},
		{"queued", false, "weekly", 0},
		{"queued", false, "weekly", EEXIST},
		{"deleted", false, "weekly", 0},
	};
	enum { FIRST = 30 }; /* has no label */
	struct journal_fixture *f = *state;
	struct journal_end ends[ARRAY_LEN(table)] = {0}, others[ARRAY_LEN(table)] = {0};
	size_t refused = 0;
	struct journal_ids ids;

	journal_fixture_open(f);
	assert_int_equal(journal_fixture_put(f, FIRST), 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct journal_copy row = journal_fixture_copy(FIRST), other;
		struct journal_receipt receipt =
			journal_fixture_receipt((int64_t)i + 1, (int64_t)i + 1);

		row.id = (int64_t)i + 1;
		row.state = (char *)table[i].state;
		row.dry_run = table[i].dry_run;
		row.label = (char *)table[i].label;
		refused += table[i].errnum != 0;
		assert_int_equal(
			journal_put_both(f->j, &row, &receipt, journal_fixture_done, &ends[i]), 0);
		other = journal_fixture_copy(100 + (int64_t)i * 2);
		assert_int_equal(
			journal_put_copy(f->j, &other, journal_fixture_done, &others[i]), 0);
	}
	journal_fixture_wait(f, &others[ARRAY_LEN(table) - 1]);
	assert_null(journal_last_error(f->j)); /* the disk is well */
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(ends[i].called, 1);
		assert_int_equal(ends[i].errnum, table[i].errnum);
		assert_int_equal(others[i].errnum, 0);
	}
	journal_fixture_reopen(f);
	ids = journal_fixture_ids(f);
	assert_int_equal(ids.n_copies, 1 + 2 * ARRAY_LEN(table) - refused);
	assert_int_equal(ids.n_receipts, ARRAY_LEN(table) - refused); /* with its copy or not */
	journal_fixture_ids_finish(&ids);
}

static void see_message(void *arg, const struct err *err)
{
	assert_non_null(err);
	*(struct err *)arg = *err;
}

static void test_a_refusal_names_both_rows(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_copy row = journal_fixture_copy(30);
	struct journal_end end = {0};
	struct err second = {0}, missing = {0};

	journal_fixture_open(f);
	assert_int_equal(journal_fixture_put(f, 30), 0);
	row.id = 44;
	row.state = (char *)"pending";
	assert_int_equal(journal_put_copy(f->j, &row, see_message, &second), 0);
	assert_int_equal(
		journal_set_copy_state(f->j, 55, "deleted", "gone", 1, see_message, &missing), 0);
	assert_int_equal(
		journal_set_copy_state(f->j, 30, "deleted", "gone", 1, journal_fixture_done, &end),
		0);
	journal_fixture_wait(f, &end);
	assert_int_equal(end.errnum, 0);
	assert_int_equal(second.errnum, EEXIST);
	assert_non_null(strstr(second.message, "copy 44 (pending)"));
	assert_non_null(strstr(second.message, "copy 30 (queued)"));
	assert_int_equal(missing.errnum, ENOENT);
	assert_non_null(strstr(missing.message, "no copy 55"));
	/* And when the journal is closed with it. */
	row.id = 46;
	row.state = (char *)"failed";
	assert_int_equal(journal_put_copy(f->j, &row, NULL, NULL), 0);
	assert_int_equal(journal_set_copy_state(f->j, 56, "deleted", "gone", 1, NULL, NULL), 0);
	journal_fixture_reopen(f);
	assert_int_equal(journal_fixture_put(f, 30), 0);
}

static void read_in_done(void *arg, const struct err *err)
{
	struct journal_fixture *f = arg;
	struct err read_err;
	int seen = 0;

	assert_null(err);
	assert_int_equal(
		journal_read(f->j, 0, ignore_copy, ignore_receipt, &seen, &read_err), -EBUSY);
}

static void put_second(void *arg)
{
	struct journal_fixture *f = arg;
	struct journal_copy row = journal_fixture_copy(2);

	assert_int_equal(journal_put_copy(f->j, &row, NULL, NULL), 0);
}

static void test_nothing_is_read_while_something_is_written(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_copy row = journal_fixture_copy(1);
	struct err err;
	int seen = 0;

	journal_fixture_open(f);
	assert_int_equal(journal_put_copy(f->j, &row, read_in_done, f), 0);
	/* Put when the first is on its way: on its way itself when the first is told to be done. */
	assert_int_equal(loop_defer(&f->loop, put_second, f), 0);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(journal_read(f->j, 0, ignore_copy, ignore_receipt, &seen, &err), 0);
	assert_int_equal(seen, 2);
}

static int stop_at_two(void *arg, const struct journal_copy *row)
{
	return ++*(int *)arg == 2 ? -ECANCELED : 0;
}

static void test_reading_ends_when_told_to(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_copy row = journal_fixture_copy(9);
	struct err err;
	int seen = 0;

	journal_fixture_open(f);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(journal_fixture_put(f, i), 0);
	assert_int_equal(
		journal_read(f->j, 0, stop_at_two, ignore_receipt, &seen, &err), -ECANCELED);
	assert_int_equal(seen, 2);
	assert_int_equal(journal_put_copy(f->j, &row, NULL, NULL), 0);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(journal_read(f->j, 0, ignore_copy, ignore_receipt, &seen, &err), 0);
	assert_int_equal(seen, 6);
}

static double processor_seconds(clock_t since)
{
	return (double)(clock() - since) / CLOCKS_PER_SEC;
}

static void test_a_hundred_thousand_rows_are_read_quickly(void **state)
{
	enum { N = 100000 };
	struct journal_fixture *f = *state;
	struct journal_end end = {0};
	struct err err;
	clock_t begin = clock();
	double written, read;
	int seen = 0;

	journal_fixture_open(f);
	for (int i = 1; i <= N; i++) {
		struct journal_copy row = journal_fixture_copy(i);

		assert_int_equal(
			journal_put_copy(f->j, &row, i == N ? journal_fixture_done : NULL, &end),
			0);
	}
	journal_fixture_wait(f, &end);
	assert_int_equal(end.errnum, 0);
	journal_fixture_close(f);
	written = processor_seconds(begin);
	begin = clock();
	journal_fixture_open(f);
	assert_int_equal(journal_read(f->j, 0, ignore_copy, ignore_receipt, &seen, &err), 0);
	read = processor_seconds(begin);
	assert_int_equal(seen, N);
	print_message("opened, checked and read in %.3f s of processor time, written in %.3f s\n",
		read, written);
	/* Against the writing, so that it holds on any machine and under any tool. */
	assert_true(read < written);
}

static int count_receipt(void *arg, const struct journal_receipt *row)
{
	(void)row;
	++*(int *)arg;
	return 0;
}

static void test_a_journal_in_memory_writes_no_files(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_receipt receipt = {
		.region = (char *)"us-east-1", .name = (char *)"r", .text = (char *)"x"};
	struct journal_end end = {0};
	struct err err = {0};
	int receipts = 0;

	/* A relative path would lead here. */
	assert_int_equal(chdir(f->dir), 0);
	if (journal_open(&f->loop, NULL, "111122223333", &f->j, &err) < 0)
		fail_msg("%s", err.message);
	receipt.id = journal_next_receipt_id(f->j);
	assert_int_equal(journal_put_receipt(f->j, &receipt, journal_fixture_done, &end), 0);
	journal_fixture_wait(f, &end);
	assert_int_equal(end.errnum, 0);
	assert_int_equal(journal_read(f->j, 0, no_copy, count_receipt, &receipts, &err), 0);
	assert_int_equal(receipts, 1);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(f->dir), 0); /* it is empty */
}

static void test_the_directory_is_made_and_private(void **state)
{
	static const char *const names[] = {"journal.db", "journal.lock", "journal.db-wal"};
	struct journal_fixture *f = *state;
	char deep[80], path[120];
	struct journal *j;
	struct err err;
	struct stat st;

	snprintf(deep, sizeof(deep), "%s/a//b/", f->dir);
	assert_int_equal(journal_open(&f->loop, deep, NULL, &j, &err), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s%s", deep, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	journal_close(j);
	assert_int_equal(journal_open(&f->loop, "", NULL, &j, &err), -ENOENT);
	snprintf(path, sizeof(path), "%sjournal.db/x", deep);
	assert_int_equal(journal_open(&f->loop, path, NULL, &j, &err), -ENOTDIR);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, journal_fixture_set_up, journal_fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_column_comes_back),
		TEST(test_a_row_put_again_replaces_and_a_receipt_goes),
		TEST(test_changes_end_in_their_order),
		TEST(test_close_writes_what_was_put),
		TEST(test_a_journal_may_be_closed_by_who_waited),
		TEST(test_old_copies_without_a_receipt_are_pruned_and_numbers_stay_used),
		TEST(test_a_receipt_without_a_copy_survives),
		TEST(test_a_copys_state_is_set_alone_and_in_order),
		TEST(test_one_row_is_read_as_it_was_written_last),
		TEST(test_a_second_living_copy_of_a_key_is_refused_and_no_other_change),
		TEST(test_a_refusal_names_both_rows),
		TEST(test_nothing_is_read_while_something_is_written),
		TEST(test_reading_ends_when_told_to),
		TEST(test_a_hundred_thousand_rows_are_read_quickly),
		TEST(test_a_journal_in_memory_writes_no_files),
		TEST(test_the_directory_is_made_and_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
