/* SPDX-License-Identifier: MIT */
/* A partition's bytes: the cache of blocks, reading ahead, and the overlay of a log. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "overlay.h"
#include "sectors.h"

#define START ((uint64_t)3 * SECTORS_BLOCK + 1024) /* of the partition */
#define SIZE  ((uint64_t)200 * SECTORS_BLOCK)

/* A disk on which the bytes of each sector are made of its number. */
struct disk {
	unsigned fetches, blocks; /* so far */
	unsigned last;            /* blocks of the last fetch */
	int error;
};

static uint8_t disk_byte(uint64_t offset)
{
	return (uint8_t)(offset / SECTOR_SIZE * 7 + offset / SECTORS_BLOCK);
}

static int disk_fetch(void *ctx, const uint64_t *index, void *const *out, unsigned n)
{
	struct disk *disk = ctx;

	assert_in_range(n, 1, SECTORS_BATCH);
	disk->fetches++;
	if (disk->error)
		return disk->error;
	disk->blocks += disk->last = n;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < i; k++)
			assert_true(index[i] != index[k]);
		for (size_t at = 0; at < SECTORS_BLOCK; at += SECTOR_SIZE)
			memset((uint8_t *)out[i] + at, disk_byte(index[i] * SECTORS_BLOCK + at),
				SECTOR_SIZE);
	}
	return 0;
}

static struct sectors *disk_sectors(struct disk *disk)
{
	struct sectors *s = sectors_create(&(struct sectors_source){disk_fetch, disk}, START, SIZE);

	assert_non_null(s);
	return s;
}

static void assert_reads(struct sectors *s, uint64_t offset, size_t len)
{
	_cleanup_free_ uint8_t *out = malloc(len);

	assert_int_equal(sectors_read(s, offset, out, len), 0);
	for (size_t i = 0; i < len; i += 61)
		assert_int_equal(out[i], disk_byte(START + offset + i));
	assert_int_equal(out[len - 1], disk_byte(START + offset + len - 1));
}

static void read_is_cached(void **state)
{
	struct disk disk = {0};
	struct sectors *s = disk_sectors(&disk);

	assert_reads(s, 0, 512);
	assert_reads(s, 5000, 100);
	assert_int_equal(disk.blocks, 1);
	assert_reads(s, SECTORS_BLOCK - 1024 - 10, 20); /* two blocks of the disk */
	assert_int_equal(disk.blocks, 2);
	assert_int_equal(sectors_fetched(s), 2);
	assert_reads(s, SIZE - 512, 512);
	sectors_destroy(s);
}

static void read_stays_inside(void **state)
{
	struct disk disk = {0};
	struct sectors *s = disk_sectors(&disk);
	uint8_t out[512];

	assert_int_equal(sectors_read(s, SIZE - 511, out, 512), -EIO);
	assert_int_equal(sectors_read(s, UINT64_MAX - 100, out, 512), -EIO);
	assert_int_equal(disk.fetches, 0);
	assert_null(sectors_create(&(struct sectors_source){disk_fetch, &disk}, 1, INT64_MAX));
	sectors_destroy(s);
}

static void wanted_is_one_fetch(void **state)
{
	struct disk disk = {0};
	struct sectors *s = disk_sectors(&disk);

	assert_true(sectors_want(s, 10 * SECTORS_BLOCK, 100));
	assert_true(sectors_want(s, 20 * SECTORS_BLOCK, 3 * SECTORS_BLOCK));
	assert_true(sectors_want(s, 10 * SECTORS_BLOCK, 200));
	assert_true(sectors_want(s, SIZE + 1, 100)); /* outside: ignored */
	assert_int_equal(disk.fetches, 0);
	assert_reads(s, 0, 512); /* a miss takes along what is wanted */
	assert_int_equal(disk.fetches, 1);
	assert_int_equal(disk.last, 1 + 1 + 4);
	assert_reads(s, 20 * SECTORS_BLOCK, 512);
	assert_reads(s, 10 * SECTORS_BLOCK, 512);
	assert_int_equal(disk.fetches, 1);
	assert_int_equal(sectors_fetch(s), 0); /* nothing is left */
	assert_int_equal(disk.fetches, 1);
	sectors_destroy(s);
}

static void wanted_is_bounded(void **state)
{
	struct disk disk = {0};
	struct sectors *s = disk_sectors(&disk);

	assert_false(sectors_want(s, 0, SIZE));
	assert_reads(s, 150 * SECTORS_BLOCK, 512); /* one that is not among them */
	assert_int_equal(disk.last, SECTORS_BATCH);
	assert_reads(s, 0, 512);
	assert_int_equal(disk.fetches, 1);
	for (uint64_t i = 0; i < 200; i++) /* more than the cache has room for */
		assert_reads(s, i * SECTORS_BLOCK, 512);
	sectors_destroy(s);
}

static void error_is_not_cached(void **state)
{
	struct disk disk = {.error = -EDQUOT};
	struct sectors *s = disk_sectors(&disk);
	uint8_t out[512];

	assert_int_equal(sectors_read(s, 0, out, 512), -EDQUOT);
	assert_true(sectors_want(s, 0, 512));
	assert_int_equal(sectors_fetch(s), -EDQUOT);
	disk.error = 0;
	assert_reads(s, 0, 512);
	sectors_destroy(s);
}

static void map_grows(void **state)
{
	struct sector_map map = {0};
	uint64_t value;

	assert_false(sector_map_get(&map, 1, &value));
	for (uint64_t i = 0; i < 20000; i++)
		assert_int_equal(sector_map_set(&map, i * i, i), 0);
	assert_int_equal(sector_map_set(&map, 9, 77), 0);
	assert_int_equal(map.count, 20000);
	for (uint64_t i = 0; i < 20000; i++) {
		assert_true(sector_map_get(&map, i * i, &value));
		assert_int_equal(value, i == 3 ? 77 : i);
	}
	assert_false(sector_map_get(&map, 2, &value));
	assert_false(sector_map_get(&map, UINT64_MAX, &value));
	assert_int_equal(sector_map_set(&map, UINT64_MAX, 1), -EINVAL);
	sector_map_finish(&map);
}

static void overlay_replaces_parts(void **state)
{
	struct overlay overlay = {0};
	uint8_t data[1024], out[2048];

	memset(data, 0xaa, sizeof(data));
	assert_false(overlay_touches(&overlay, 0, sizeof(out)));
	assert_int_equal(overlay_write(&overlay, 504, data, 16), 0);
	assert_true(overlay_touches(&overlay, 511, 1));
	assert_false(overlay_touches(&overlay, 0, 504));
	assert_false(overlay_touches(&overlay, 520, 1000));
	memset(out, 0x11, sizeof(out));
	overlay_apply(&overlay, 0, out, sizeof(out));
	for (unsigned i = 0; i < sizeof(out); i++)
		assert_int_equal(out[i], i >= 504 && i < 520 ? 0xaa : 0x11);

	memset(data, 0xbb, sizeof(data));
	assert_int_equal(overlay_write(&overlay, 512, data, 1024), 0); /* whole sectors */
	memset(out, 0x11, sizeof(out));
	overlay_apply(&overlay, 500, out, 600); /* from within a sector */
	for (unsigned i = 0; i < 600; i++)
		assert_int_equal(out[i], i < 4 ? 0x11 : i < 12 ? 0xaa : 0xbb);

	overlay_erase(&overlay, 1, 1);
	assert_false(overlay_touches(&overlay, 512, 512));
	assert_true(overlay_touches(&overlay, 1024, 8));
	assert_int_equal(overlay_write(&overlay, 1016, data, 8), 0); /* after the erasure */
	memset(out, 0x11, sizeof(out));
	overlay_apply(&overlay, 512, out, 512);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(out[i], i < 504 ? 0x11 : 0xbb);
	overlay_finish(&overlay);
	assert_false(overlay_touches(&overlay, 0, sizeof(out)));
}

static void overlay_is_bounded(void **state)
{
	struct overlay overlay = {0};
	uint8_t data[OVERLAY_UNIT] = {0};

	for (uint64_t i = 0; i < OVERLAY_SECTORS; i++)
		assert_int_equal(overlay_write(&overlay, i * 4096, data, sizeof(data)), 0);
	assert_int_equal(
		overlay_write(&overlay, (uint64_t)OVERLAY_SECTORS * 4096, data, sizeof(data)),
		-EFBIG);
	assert_int_equal(overlay_write(&overlay, 8, data, sizeof(data)), 0);
	overlay_finish(&overlay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_is_cached),
		cmocka_unit_test(read_stays_inside),
		cmocka_unit_test(wanted_is_one_fetch),
		cmocka_unit_test(wanted_is_bounded),
		cmocka_unit_test(error_is_not_cached),
		cmocka_unit_test(map_grows),
		cmocka_unit_test(overlay_replaces_parts),
		cmocka_unit_test(overlay_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
