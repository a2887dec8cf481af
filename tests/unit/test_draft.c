/* SPDX-License-Identifier: MIT */
/* receipts/draft: the store of files, folders and links that are in memory only. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "draft.h"

static const struct node folder = {.kind = NODE_REGION, .region = 3};
static const struct node tags = {.kind = NODE_TAGS, .region = 3, .slot = 9};
static int64_t now_ms = 1000;

/* In the place of base/clock.c. */
int64_t clock_mono_ms(void);
int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void)
{
	return now_ms;
}
int64_t clock_wall_ms(void)
{
	return now_ms;
}

static struct draft *add(
	struct drafts *ds, struct node where, const char *name, enum draft_type type)
{
	struct err err;
	struct draft *d = drafts_add(ds, where, name, type, false, &err);

	assert_non_null(d);
	return d;
}

static void put(struct drafts *ds, struct draft *d, const char *text, off_t offset)
{
	struct err err;

	assert_int_equal(drafts_write(ds, d, text, strlen(text), offset, &err), 0);
}

static void test_names(void **state)
{
	struct drafts *ds = drafts_create();
	struct draft *a = add(ds, folder, ".a", DRAFT_FILE), *in = NULL;
	struct draft *sub = add(ds, folder, ".sub", DRAFT_FOLDER);
	struct node n = drafts_node(a);

	(void)state;
	in = add(ds, drafts_node(sub), ".a", DRAFT_FILE);
	assert_ptr_equal(drafts_find(ds, folder, ".a"), a);
	assert_ptr_equal(drafts_find(ds, drafts_node(sub), ".a"), in);
	assert_null(drafts_find(ds, tags, ".a"));
	assert_ptr_equal(drafts_get(ds, n), a);
	assert_int_equal(n.kind, NODE_DRAFT);
	assert_int_equal(n.region, 3);
	assert_true(drafts_any(ds, drafts_node(sub)));
	drafts_remove(ds, sub); /* and what is in it */
	assert_null(drafts_find(ds, drafts_node(a), ".a"));
	drafts_remove(ds, a);
	assert_null(drafts_get(ds, n));
	assert_false(drafts_any(ds, folder));
	/* The number is used again, and is another node all the same. */
	a = add(ds, folder, ".b", DRAFT_FILE);
	add(ds, folder, ".c", DRAFT_FILE);
	add(ds, folder, ".d", DRAFT_FILE);
	assert_null(drafts_get(ds, n));
	drafts_destroy(ds);
}

static void test_texts(void **state)
{
	struct drafts *ds = drafts_create();
	struct draft *d = add(ds, folder, ".a", DRAFT_FILE);
	struct err err;

	(void)state;
	put(ds, d, "world", 6);
	put(ds, d, "hello,", 0);
	assert_string_equal(buf_str(&d->text), "hello,world");
	assert_int_equal(drafts_truncate(ds, d, 5, &err), 0);
	assert_string_equal(buf_str(&d->text), "hello");
	assert_int_equal(drafts_write(ds, d, "x", 1, DRAFT_BYTES_MAX, &err), -EFBIG);
	assert_int_equal(drafts_truncate(ds, d, DRAFT_BYTES_MAX + 1, &err), -EFBIG);
	assert_string_equal(buf_str(&d->text), "hello");
	put(ds, d, " again", 5);
	assert_string_equal(buf_str(&d->text), "hello again");
	drafts_destroy(ds);
}

static void test_the_mount_has_a_limit(void **state)
{
	struct drafts *ds = drafts_create();
	struct draft *d;
	struct err err;
	char name[40];
	size_t n = DRAFTS_BYTES_MAX / DRAFT_BYTES_MAX;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), ".%zu", i);
		d = add(ds, folder, name, DRAFT_FILE);
		assert_int_equal(drafts_truncate(ds, d, DRAFT_BYTES_MAX, &err), 0);
	}
	d = add(ds, folder, ".one-more", DRAFT_FILE);
	assert_int_equal(drafts_write(ds, d, "x", 1, 0, &err), -ENOSPC);
	drafts_remove(ds, drafts_find(ds, folder, ".7"));
	put(ds, d, "x", 0);
	drafts_destroy(ds);
}

static void test_renames(void **state)
{
	struct drafts *ds = drafts_create();
	struct draft *a = add(ds, folder, ".a", DRAFT_FILE);
	struct draft *b = add(ds, folder, ".b", DRAFT_FILE);
	struct draft *sub = add(ds, folder, ".sub", DRAFT_FOLDER);
	struct node n = drafts_node(b);

	(void)state;
	put(ds, a, "a", 0);
	assert_int_equal(drafts_rename(ds, a, folder, ".b"), 0);
	assert_ptr_equal(drafts_find(ds, folder, ".b"), a);
	assert_null(drafts_find(ds, folder, ".a"));
	assert_null(drafts_get(ds, n));
	assert_int_equal(drafts_rename(ds, a, folder, ".b"), 0);
	assert_int_equal(drafts_rename(ds, a, drafts_node(sub), "x"), 0);
	assert_ptr_equal(drafts_find(ds, drafts_node(sub), "x"), a);
	assert_string_equal(buf_str(&a->text), "a");
	/* Over the only one of its folder. */
	b = add(ds, folder, ".c", DRAFT_FILE);
	assert_int_equal(drafts_rename(ds, b, drafts_node(sub), "x"), 0);
	assert_ptr_equal(drafts_find(ds, drafts_node(sub), "x"), b);
	add(ds, drafts_node(sub), "y", DRAFT_FILE);
	drafts_rename_all(ds, drafts_node(sub), tags);
	assert_false(drafts_any(ds, drafts_node(sub)));
	assert_non_null(drafts_find(ds, tags, "x"));
	assert_non_null(drafts_find(ds, tags, "y"));
	drafts_destroy(ds);
}

/* An opening reads and writes on after the name is gone. */
static void test_openings(void **state)
{
	struct drafts *ds = drafts_create();
	struct draft *d = add(ds, folder, ".a", DRAFT_FILE);
	struct node n = drafts_node(d);

	(void)state;
	drafts_open(d);
	drafts_open(d);
	drafts_remove(ds, d);
	assert_null(drafts_find(ds, folder, ".a"));
	assert_ptr_equal(drafts_get(ds, n), d);
	put(ds, d, "still", 0);
	add(ds, folder, ".a", DRAFT_FILE);
	drafts_close(ds, d);
	assert_string_equal(buf_str(&drafts_get(ds, n)->text), "still");
	drafts_close(ds, d);
	assert_null(drafts_get(ds, n));
	drafts_destroy(ds);
}

/* Each is listed once, though they go while the folder is read. */
static void test_listing(void **state)
{
	struct drafts *ds = drafts_create();
	struct draft *d;
	char name[40];
	uint64_t pos = 0, before;
	unsigned seen = 0, left = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), ".%d", i);
		add(ds, folder, name, i % 10 == 3 ? DRAFT_WHITEOUT : DRAFT_FILE);
	}
	while ((d = drafts_next(ds, folder, &pos))) {
		snprintf(name, sizeof(name), ".%u", seen / 9 * 10 + seen % 9 + (seen % 9 >= 3));
		assert_string_equal(d->name, name);
		if (seen++ % 2)
			drafts_remove(ds, d);
	}
	assert_int_equal(seen, 90);
	pos = 0;
	while ((d = drafts_next(ds, folder, &pos)))
		left++;
	assert_int_equal(left, 45);
	/* An entry that did not fit into a reply is asked for again. */
	pos = 0;
	drafts_next(ds, folder, &pos);
	before = pos;
	d = drafts_next(ds, folder, &pos);
	assert_ptr_equal(drafts_next(ds, folder, &before), d);
	drafts_destroy(ds);
}

static void test_scratch_files_expire(void **state)
{
	struct drafts *ds = drafts_create();
	struct draft *a = add(ds, tags, ".a.swp", DRAFT_FILE), *b = add(ds, tags, "b~", DRAFT_FILE);
	struct draft *hidden = add(ds, tags, "Name", DRAFT_WHITEOUT);

	(void)state;
	drafts_expire(ds, a);
	drafts_expire(ds, b);
	drafts_expire(ds, hidden);
	drafts_open(a);
	now_ms += DRAFT_SCRATCH_MS - 1;
	put(ds, b, "x", 0); /* starts its time again */
	assert_non_null(drafts_find(ds, tags, "Name"));
	now_ms += 1;
	assert_null(drafts_find(ds, tags, "Name"));
	assert_ptr_equal(drafts_find(ds, tags, "b~"), b);
	now_ms += 10 * DRAFT_SCRATCH_MS;
	assert_null(drafts_find(ds, tags, "b~"));
	assert_ptr_equal(drafts_find(ds, tags, ".a.swp"), a); /* an editor has it open */
	drafts_close(ds, a);
	now_ms += DRAFT_SCRATCH_MS - 1;
	assert_non_null(drafts_find(ds, tags, ".a.swp"));
	now_ms += 1;
	assert_false(drafts_any(ds, tags));
	drafts_destroy(ds);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_the_mount_has_a_limit),
		cmocka_unit_test(test_renames),
		cmocka_unit_test(test_openings),
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_scratch_files_expire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
