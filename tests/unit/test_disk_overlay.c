/* SPDX-License-Identifier: MIT */
/* cache/blocks/disk_overlay: what is read back is what a plain array of the written bytes has,
 * whatever is written and zeroed in which order; and its space is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <unistd.h>

#include "disk_overlay.h"
#include "ebs.h"

#define BLOCK  ((int64_t)EBS_BLOCK_SIZE)
#define BLOCKS 6
#define SIZE   (BLOCKS * BLOCK)

static char dir[] = "/tmp/ebsfs-overlay-XXXXXX";

/* The disk: of each byte its value, and whether it is local. The snapshot's bytes are 0xee. */
static unsigned char bytes[SIZE];
static bool local[SIZE];

static void put(struct disk_overlay *o, int64_t at, size_t len, unsigned char value)
{
	int64_t from = disk_overlay_is_local(o, at) ? at : at / 512 * 512, end = at + (int64_t)len;
	int64_t to = disk_overlay_is_local(o, end - 1) ? end : (end + 511) / 512 * 512;
	unsigned char *data = malloc((size_t)(to - from));
	struct disk_overlay_run *runs;
	struct err err = {0};
	int n = disk_overlay_reserve(o, from, (size_t)(to - from), &runs, &err);

	assert_true(n > 0);
	memset(bytes + at, value, len);
	memcpy(data, bytes + from, (size_t)(to - from));
	assert_int_equal(disk_overlay_write(o, runs, n, data, &err), 0);
	disk_overlay_commit(o, from, (size_t)(to - from));
	memset(local + from / 512 * 512, true, (size_t)((to + 511) / 512 * 512 - from / 512 * 512));
	free(runs);
	free(data);
}

static void zero(struct disk_overlay *o, int64_t at, int64_t len)
{
	struct disk_overlay_run *runs;
	struct err err = {0};
	int n = disk_overlay_reserve_zeros(o, at, len, &runs, &err);

	assert_true(n >= 0);
	assert_int_equal(disk_overlay_zero(o, runs, n, &err), 0);
	disk_overlay_commit_zeros(o, at, len);
	memset(bytes + at, 0, (size_t)len);
	memset(local + at, true, (size_t)len);
	free(runs);
}

static void check(struct disk_overlay *o, int64_t at, size_t len)
{
	unsigned char *data = malloc(len);
	struct disk_overlay_run *runs;
	int64_t from = at;
	size_t rest = len;
	int n = disk_overlay_runs(o, at, len, &runs);

	assert_true(n >= 0);
	memset(data, 0xee, len);
	assert_int_equal(disk_overlay_read(o, runs, n, data, false), 0);
	assert_memory_equal(data, bytes + at, len);
	if (disk_overlay_missing(o, &from, &rest)) {
		assert_false(local[from]);
		assert_false(local[from + (int64_t)rest - 1]);
	} else {
		from = at + (int64_t)len;
		rest = 0;
	}
	for (int64_t i = at; i < at + (int64_t)len; i++)
		assert_true(local[i] || (i >= from && i < from + (int64_t)rest));
	free(runs);
	free(data);
}

static void test_any_order_of_writes_and_zeros(void **state)
{
	struct disk_overlay *o = disk_overlay_create(dir, BLOCKS, 1 << 30);

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	memset(local, 0, sizeof(local));
	srand(5);
	for (int i = 0; i < 120; i++) {
		int64_t at = rand() % SIZE;
		int64_t len = 1 + rand() % (i % 3 ? 3000 : 2 * BLOCK);

		len = len < SIZE - at ? len : SIZE - at;
		if (i % 4) {
			len = len < BLOCK ? len : BLOCK;
			put(o, at, (size_t)len, (unsigned char)(1 + i));
		} else if (len >= 1024) {
			zero(o, (at + 511) / 512 * 512, (len - 512) / 512 * 512);
		}
		at = at > 1000 ? at - 1000 : 0;
		check(o, at, (size_t)(SIZE - at < 5000 ? SIZE - at : 5000));
	}
	check(o, 0, SIZE);
	zero(o, 0, SIZE);
	check(o, 0, SIZE);
	assert_true(disk_overlay_used(o) <= BLOCKS * 4096);
	assert_int_equal(disk_overlay_next_data(o, 0), BLOCKS);
	put(o, 4 * BLOCK + 700, 10, 9);
	check(o, 0, SIZE);
	assert_int_equal(disk_overlay_next_data(o, 0), 4);
	assert_true(disk_overlay_has_block(o, 4));
	disk_overlay_destroy(o);
}

static void test_space_is_bounded(void **state)
{
	struct disk_overlay *o = disk_overlay_create(dir, BLOCKS, 8192);
	struct disk_overlay_run *runs;
	struct err err = {0};

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	memset(local, 0, sizeof(local));
	put(o, 0, 4096, 1);
	zero(o, BLOCK, 512); /* the map's block counts too */
	assert_int_equal(disk_overlay_used(o), 8192);
	assert_int_equal(disk_overlay_reserve(o, 4096, 1, &runs, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "rw_size="));
	assert_int_equal(disk_overlay_reserve_zeros(o, 2 * BLOCK, 512, &runs, &err), -ENOSPC);
	put(o, 100, 1000, 2); /* in its place */
	put(o, BLOCK, 4096, 3);
	zero(o, 0, 3 * BLOCK); /* whole blocks take nothing */
	assert_int_equal(disk_overlay_used(o), 8192);
	check(o, 0, 3 * BLOCK);
	put(o, 0, 4096, 4);
	check(o, 0, 3 * BLOCK);
	disk_overlay_destroy(o);
}

/* 64 TiB: neither a long range nor a high block costs memory or time. */
static void test_the_largest_disk(void **state)
{
	struct disk_overlay *o = disk_overlay_create(dir, EBS_BLOCKS_MAX, 1 << 20);
	int64_t end = EBS_BLOCKS_MAX * BLOCK;
	struct disk_overlay_run *runs;
	struct err err = {0};
	unsigned char data[512] = {7};
	int n;

	(void)state;
	n = disk_overlay_reserve(o, end - 512, 512, &runs, &err);
	assert_int_equal(n, 1);
	assert_int_equal(disk_overlay_write(o, runs, n, data, &err), 0);
	disk_overlay_commit(o, end - 512, 512);
	free(runs);
	assert_int_equal(disk_overlay_next_data(o, 0), EBS_BLOCKS_MAX - 1);
	n = disk_overlay_reserve_zeros(o, 0, end, &runs, &err);
	assert_int_equal(n, 1);
	assert_int_equal(disk_overlay_zero(o, runs, n, &err), 0);
	disk_overlay_commit_zeros(o, 0, end);
	free(runs);
	assert_int_equal(disk_overlay_next_data(o, 0), EBS_BLOCKS_MAX);
	assert_true(disk_overlay_is_local(o, end / 2));
	disk_overlay_destroy(o);
}

/* The file has no name, and its folder is made when it is needed. */
static void test_nothing_is_left(void **state)
{
	char path[64];
	struct disk_overlay *o;
	int entries = 0;
	DIR *d;

	(void)state;
	snprintf(path, sizeof(path), "%s/made", dir);
	o = disk_overlay_create(path, BLOCKS, 1 << 20);
	assert_int_equal(access(path, F_OK), -1);
	put(o, 0, 512, 1);
	d = opendir(path);
	assert_non_null(d);
	while (readdir(d))
		entries++;
	closedir(d);
	assert_int_equal(entries, 2); /* "." and ".." */
	disk_overlay_destroy(o);
	rmdir(path);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order_of_writes_and_zeros),
		cmocka_unit_test(test_space_is_bounded),
		cmocka_unit_test(test_the_largest_disk),
		cmocka_unit_test(test_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
