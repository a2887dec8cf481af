/* SPDX-License-Identifier: MIT */
/* copy/rules/history.c: rows come back as they were, and are found by their snapshot and by their
 * request's key. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "history.h"

static struct copy completed(int64_t id, const char *source)
{
	return (struct copy){.state = COPY_COMPLETED,
		.row = {.id = id,
			.source_region = (char *)"us-east-1",
			.source_id = (char *)source,
			.region = (char *)"eu-west-1",
			.ended_ms = id * 1000}};
}

static void add(struct history *h, const struct copy *copy)
{
	assert_int_equal(history_add(h, copy), 0);
}

static int64_t by_key(const struct history *h, const char *source, const char *label)
{
	struct journal_copy key = completed(0, source).row;

	key.label = (char *)label;
	return history_by_key(h, &key);
}

/* --- rows --- */

static void test_every_member_comes_back(void **state)
{
	struct history *h = history_create();
	struct copy out, copy = {.state = COPY_DELETED,
				 .row = {.id = 7,
					 .source_region = (char *)"us-east-1",
					 .source_id = (char *)"snap-1",
					 .region = (char *)"eu-west-1",
					 .label = (char *)"weekly",
					 .kms_key_id = (char *)"alias/dr",
					 .encrypted = true,
					 .move = true,
					 .adopted = true,
					 .acknowledged = true,
					 .copy_id = (char *)"snap-2",
					 .requested_ms = 1,
					 .started_ms = 2,
					 .ended_ms = 3,
					 .deleted_ms = 4,
					 .bytes = 5,
					 .code = (char *)"c",
					 .message = (char *)"m",
					 .request_id = (char *)"r"}};

	(void)state;
	add(h, &copy);
	assert_int_equal(history_get(h, 7, &out), 0);
	assert_int_equal(out.state, COPY_DELETED);
	assert_int_equal(out.progress, 100);
	assert_string_equal(out.row.source_region, "us-east-1");
	assert_string_equal(out.row.source_id, "snap-1");
	assert_string_equal(out.row.region, "eu-west-1");
	assert_string_equal(out.row.label, "weekly");
	assert_string_equal(out.row.kms_key_id, "alias/dr");
	assert_true(out.row.encrypted && out.row.move && out.row.adopted && out.row.acknowledged);
	assert_false(out.row.dry_run);
	assert_string_equal(out.row.copy_id, "snap-2");
	assert_int_equal(out.row.requested_ms, 1);
	assert_int_equal(out.row.started_ms, 2);
	assert_int_equal(out.row.ended_ms, 3);
	assert_int_equal(out.row.deleted_ms, 4);
	assert_int_equal(out.row.bytes, 5);
	assert_string_equal(out.row.code, "c");
	assert_string_equal(out.row.message, "m");
	assert_string_equal(out.row.request_id, "r");
	journal_copy_finish(&out.row);
	assert_int_equal(history_get(h, 8, &out), -ENOENT);
	copy.row.id = 1LL << 32;
	assert_int_equal(history_add(h, &copy), -EOVERFLOW);
	assert_int_equal(history_count(h), 1);
	history_destroy(h);
}

static void test_rows_come_in_any_order_and_go(void **state)
{
	struct history *h = history_create();
	int64_t keep[] = {0, 6, 500, 778, 2000};
	struct copy copy;
	char id[32];

	(void)state;
	for (int i = 1000; i > 0; i--) {
		snprintf(id, sizeof(id), "snap-%08x", i);
		copy = completed(i, "snap-1");
		copy.state = i % 2 ? COPY_CANCELLED : COPY_FAILED;
		copy.row.copy_id = i % 3 ? id : NULL;
		add(h, &copy);
		add(h, &copy); /* in its own place */
	}
	assert_int_equal(history_count(h), 1000);
	for (int i = 1; i <= 1000; i++) {
		assert_int_equal(history_get(h, i, &copy), 0);
		assert_int_equal(copy.row.id, i);
		assert_int_equal(copy.row.ended_ms, i * 1000);
		assert_int_equal(copy.state, i % 2 ? COPY_CANCELLED : COPY_FAILED);
		assert_int_equal(copy.progress, EC2_PROGRESS_UNKNOWN);
		assert_null(copy.row.code);
		snprintf(id, sizeof(id), "snap-%08x", i);
		assert_int_equal(history_by_snapshot(h, "eu-west-1", id), i % 3 ? i : 0);
		assert_int_equal(history_by_snapshot(h, "eu-west-2", id), 0);
		journal_copy_finish(&copy.row);
	}
	history_retain(h, keep, ARRAY_LEN(keep));
	assert_int_equal(history_count(h), 3);
	assert_int_equal(history_by_snapshot(h, "eu-west-1", "snap-000001f4"), 500);
	assert_int_equal(history_by_snapshot(h, "eu-west-1", "snap-000001f5"), 0);
	assert_int_equal(history_get(h, 501, &copy), -ENOENT);
	history_retain(h, NULL, 0);
	assert_int_equal(history_count(h), 0);
	assert_int_equal(history_by_snapshot(h, "eu-west-1", "snap-000001f4"), 0);
	history_destroy(h);
}

/* --- keys --- */

static void test_a_living_copy_is_found_by_its_key(void **state)
{
	static const struct {
		enum copy_state state;
		const char *code;
		bool dry_run, lives;
	} table[] = {
		{COPY_COMPLETED, NULL, false, true},
		{COPY_COMPLETED, COPY_SOURCE_KEPT, false, true},
		{COPY_COMPLETED, NULL, true, false},
		{COPY_FAILED, COPY_CODE_UNKNOWN, false, true},
		{COPY_FAILED, COPY_CODE_UNKNOWN, true, false},
		{COPY_FAILED, "UnauthorizedOperation", false, false},
		{COPY_ERROR, NULL, false, false},
		{COPY_CANCELLED, NULL, false, false},
		{COPY_DELETED, NULL, false, false},
	};
	struct history *h = history_create();
	char source[32];

	(void)state;
	assert_int_equal(by_key(h, "snap-0", NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct copy copy;

		snprintf(source, sizeof(source), "snap-%zu", i);
		copy = completed((int64_t)i + 1, source);
		copy.state = table[i].state;
		copy.row.code = (char *)table[i].code;
		copy.row.dry_run = table[i].dry_run;
		add(h, &copy);
	}
	for (int retained = 0; retained < 2; retained++) {
		size_t n_living = 0;

		for (size_t i = 0; i < ARRAY_LEN(table); i++) {
			snprintf(source, sizeof(source), "snap-%zu", i);
			assert_int_equal(by_key(h, source, NULL), table[i].lives ? i + 1 : 0);
			assert_int_equal(by_key(h, source, "other"), 0);
			n_living += table[i].lives;
		}
		/* Without a receipt the living ones stay, and no others. */
		history_retain(h, NULL, 0);
		assert_int_equal(history_count(h), n_living);
	}
	history_destroy(h);
}

static void test_each_part_of_the_key_counts(void **state)
{
	struct history *h = history_create();
	struct journal_copy key;
	struct copy copy = completed(1, "snap-1");

	(void)state;
	copy.row.label = (char *)"";
	add(h, &copy);
	copy = completed(2, "snap-1");
	copy.row.label = (char *)"weekly";
	add(h, &copy);
	copy = completed(3, "snap-1");
	copy.row.region = (char *)"us-west-2";
	add(h, &copy);
	copy = completed(4, "snap-1");
	copy.row.source_region = (char *)"us-west-2";
	add(h, &copy);
	assert_int_equal(by_key(h, "snap-1", NULL), 1);
	assert_int_equal(by_key(h, "snap-1", ""), 1);
	assert_int_equal(by_key(h, "snap-1", "weekly"), 2);
	assert_int_equal(by_key(h, "snap-1", "weekl"), 0);
	assert_int_equal(by_key(h, "snap-", "1"), 0);
	key = copy.row;
	assert_int_equal(history_by_key(h, &key), 4);
	key.region = (char *)"us-west-2";
	assert_int_equal(history_by_key(h, &key), 0);
	key.source_region = (char *)"us-east-1";
	assert_int_equal(history_by_key(h, &key), 3);
	history_destroy(h);
}

static void test_the_completed_one_comes_before_an_unknown_one(void **state)
{
	struct history *h = history_create();
	struct copy copy = completed(1, "snap-1");

	(void)state;
	copy.state = COPY_FAILED;
	copy.row.code = (char *)COPY_CODE_UNKNOWN;
	add(h, &copy);
	assert_int_equal(by_key(h, "snap-1", NULL), 1);
	copy = completed(2, "snap-1");
	add(h, &copy);
	assert_int_equal(by_key(h, "snap-1", NULL), 2);
	copy.state = COPY_DELETED;
	add(h, &copy);
	assert_int_equal(by_key(h, "snap-1", NULL), 1);
	history_destroy(h);
}

static void test_a_replaced_row_is_found_by_what_it_is_now(void **state)
{
	struct history *h = history_create();
	struct copy copy;
	char source[32], id[32];

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (int i = 1; i <= 100; i++) {
			snprintf(source, sizeof(source), "snap-%d-%d", i, round);
			snprintf(id, sizeof(id), "snap-1%02x%02x", i, round);
			copy = completed(i, source);
			copy.row.copy_id = id;
			add(h, &copy);
		}
	}
	for (int i = 1; i <= 100; i++) {
		for (int round = 0; round < 20; round++) {
			snprintf(source, sizeof(source), "snap-%d-%d", i, round);
			snprintf(id, sizeof(id), "snap-1%02x%02x", i, round);
			assert_int_equal(by_key(h, source, NULL), round == 19 ? i : 0);
			assert_int_equal(
				history_by_snapshot(h, "eu-west-1", id), round == 19 ? i : 0);
		}
		/* Its snapshot is deleted, and seen again after all. */
		copy = completed(i, source);
		copy.row.copy_id = id;
		copy.state = COPY_DELETED;
		add(h, &copy);
		assert_int_equal(by_key(h, source, NULL), 0);
		assert_int_equal(history_by_snapshot(h, "eu-west-1", id), i);
		copy.state = COPY_COMPLETED;
		add(h, &copy);
		assert_int_equal(by_key(h, source, NULL), i);
	}
	assert_int_equal(history_count(h), 100);
	history_destroy(h);
}

/* --- memory --- */

static void test_a_hundred_thousand_completed_copies_are_small(void **state)
{
	enum { N = 100000 };
	struct mallinfo2 before = mallinfo2(), after;
	struct history *h = history_create();
	char source[32], id[32];
	size_t each;

	(void)state;
	for (int i = 1; i <= N; i++) {
		struct copy copy;

		snprintf(source, sizeof(source), "snap-%017x", i);
		snprintf(id, sizeof(id), "snap-1%016x", i);
		copy = completed(i, source);
		copy.row.copy_id = id;
		copy.row.request_id = (char *)"7a62c49f-347e-4fc4-9331-6e8eEXAMPLE0";
		add(h, &copy);
	}
	after = mallinfo2();
	each = (after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / N;
	print_message("%zu bytes each\n", each);
	/* An allocator that checks more than this needs more. */
	if (before.uordblks)
		assert_in_range(each, 1, 230);
	assert_int_equal(by_key(h, source, NULL), N);
	history_destroy(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_member_comes_back),
		cmocka_unit_test(test_rows_come_in_any_order_and_go),
		cmocka_unit_test(test_a_living_copy_is_found_by_its_key),
		cmocka_unit_test(test_each_part_of_the_key_counts),
		cmocka_unit_test(test_the_completed_one_comes_before_an_unknown_one),
		cmocka_unit_test(test_a_replaced_row_is_found_by_what_it_is_now),
		cmocka_unit_test(test_a_hundred_thousand_completed_copies_are_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
