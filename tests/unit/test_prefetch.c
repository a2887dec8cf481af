/* SPDX-License-Identifier: MIT */
/* cache/regions: which looks are a walk through the regions, and which regions are then listed in
 * advance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "regions.h"

#define REGIONS 24
#define LATER   (REGIONS_WALK_GAP_MS + 1)

/* Looks, and the regions that are worth listing after the last of them, as 'x' in their places. */
struct row {
	const char *what;
	struct {
		size_t index;
		int64_t after_ms;
	} looks[20];
	size_t n;
	const char *wanted;
};

static const struct row rows[] = {
	{"one region", {{5, 0}}, 1, ""},
	{"the two that a copy names", {{0, 0}, {1, 0}}, 2, ""},
	{"the same two again and again", {{0, 0}, {1, 0}, {0, 9}, {1, 9}, {0, 9}, {1, 9}}, 6, ""},
	{"one region many times", {{3, 0}, {3, 1}, {3, 1}, {3, 1}, {3, 1}}, 5, ""},
	{"three here and there: those, and no others", {{7, 0}, {2, 0}, {4, 0}}, 3, "  x x  x"},
	{"three in order: as many again", {{0, 0}, {1, 0}, {2, 0}}, 3, "xxxxxx"},
	{"three in order from the middle", {{4, 0}, {5, 50}, {6, 50}}, 3, "    xxxxxx"},
	{"the lookup of each, then its opening", {{0, 0}, {0, 1}, {1, 9}, {1, 1}, {2, 9}, {2, 1}},
		6, "xxxxxx"},
	{"the walk goes on: farther", {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}}, 5, "xxxxxxxxxx"},
	{"backwards: no guess", {{2, 0}, {1, 0}, {0, 0}}, 3, "xxx"},
	{"a row that broke off is no longer a guide", {{0, 0}, {1, 0}, {2, 0}, {9, 0}}, 4,
		"xxx      x"},
	{"three with a pause between", {{0, 0}, {1, 0}, {2, LATER}}, 3, ""},
	{"just no pause", {{0, 0}, {1, REGIONS_WALK_GAP_MS}, {2, REGIONS_WALK_GAP_MS}}, 3,
		"xxxxxx"},
	{"a new walk after a pause", {{0, 0}, {1, 0}, {2, 0}, {9, LATER}, {11, 0}, {13, 0}}, 6,
		"         x x x"},
};

static void test_table(void **state)
{
	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		const struct row *row = &rows[r];
		char got[REGIONS + 1] = "", wanted[REGIONS + 1];
		struct regions_walk a = {0};
		int64_t now = 1000;
		bool walk = false;

		for (size_t i = 0; i < row->n; i++) {
			now += row->looks[i].after_ms;
			walk = regions_walk_look(&a, row->looks[i].index, now);
		}
		for (size_t i = 0; i < REGIONS; i++)
			got[i] = regions_walk_wants(&a, i) ? 'x' : ' ';
		snprintf(wanted, sizeof(wanted), "%-*s", REGIONS, row->wanted);
		if (strcmp(got, wanted) != 0 || walk != (*row->wanted != '\0'))
			fail_msg("%s: [%s] instead of [%s]", row->what, got, wanted);
	}
}

static void test_the_last_of_many(void **state)
{
	struct regions_walk a = {0};

	(void)state;
	for (size_t i = 0; i < REGIONS_MAX; i++)
		regions_walk_look(&a, i, 1);
	for (size_t i = 0; i < REGIONS_MAX; i++)
		assert_true(regions_walk_wants(&a, i));
	assert_false(regions_walk_wants(&a, REGIONS_MAX));
	assert_false(regions_walk_look(&a, REGIONS_MAX, 1));

	a = (struct regions_walk){0};
	for (size_t i = 100; i < 150; i++)
		regions_walk_look(&a, i, 1);
	assert_false(regions_walk_wants(&a, 99));
	assert_true(regions_walk_wants(&a, 149 + REGIONS_WALK_AHEAD));
	assert_false(regions_walk_wants(&a, 150 + REGIONS_WALK_AHEAD));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_the_last_of_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
