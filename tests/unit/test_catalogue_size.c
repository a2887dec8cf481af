/* SPDX-License-Identifier: MIT */
/* cache/catalogue: the memory of a large account, which many changes do not increase. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"
#include "members.h"

/* A large account: every snapshot with a description and a name of its own, seven to a volume,
 * three tags. */
#define LARGE 100000

/* round: what changes from one listing to the next. */
static struct members listed;

static void large_put(struct catalogue *c, unsigned i, unsigned round)
{
	char id[32], volume[32], description[80], name[40], round_text[40];
	struct ec2_tag tags[] = {
		{"Name", name}, {"backup-plan", i % 3 ? "daily" : "weekly"}, {"round", round_text}};
	struct ec2_field fields[] = {{"StorageTier", "standard"}, {"SseType", "sse-ebs"}};
	struct ec2_snapshot s = {
		.id = id,
		.volume_id = volume,
		.state_text = "completed",
		.state = EC2_SNAPSHOT_COMPLETED,
		.owner_id = "123456789012",
		.description = description,
		.progress = 100,
		.start_ms = 1700000000000 + i * 60000,
		.completion_ms = 1700000300000 + i * 60001,
		.volume_gib = 8,
		.full_size = 4096LL * i,
		.tags = tags,
		.n_tags = 3,
		.fields = fields,
		.n_fields = 2,
	};

	snprintf(id, sizeof(id), "snap-0%016llx", i * 0x9e3779b97f4a7c15ull);
	snprintf(volume, sizeof(volume), "vol-0%016llx", (i / 7 + 1) * 0xc2b2ae3d27d4eb4full);
	snprintf(description, sizeof(description), "Created by CreateImage(i-0%08x) for ami-0%08x",
		i * 77, i);
	snprintf(name, sizeof(name), "prod-db-%02u-%u", i % 16, i);
	snprintf(round_text, sizeof(round_text), round ? "%u-%u" : "first", round, i);
	assert_int_not_equal(members_put(&listed, &s, 0), CATALOGUE_NONE);
}

static void large_list(struct catalogue *c, unsigned round)
{
	members_begin(&listed);
	for (unsigned i = 0; i < LARGE; i++)
		large_put(c, i, round);
	members_end(&listed, 0);
}

static size_t memory_of(const struct catalogue *c)
{
	return catalogue_memory(c) + members_memory(&listed);
}

static bool admit(void *arg, catalogue_slot slot)
{
	return false;
}

static unsigned told; /* changes that the catalogue told */

static void count(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	told++;
}

static struct catalogue *new_catalogue(void)
{
	struct catalogue *c = catalogue_create();

	assert_non_null(c);
	assert_int_equal(members_init(&listed, c, admit, NULL), 0);
	assert_int_equal(catalogue_watch(c, count, NULL), 0);
	told = 0;
	return c;
}

static size_t heap_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void test_a_hundred_thousand_take_at_most_250_bytes_each(void **state)
{
	struct catalogue *c = new_catalogue();
	size_t before = heap_in_use(), used, heap, per;
	catalogue_slot found = 0;

	large_list(c, 0);
	used = memory_of(c);
	per = used / LARGE;
	print_message("%zu bytes a snapshot\n", per);
	assert_int_equal(listed.count, LARGE);
	assert_true(per <= 250);
	/* The catalogue does not deceive itself: the allocator says the same. (Under a sanitizer or
	 * valgrind it says nothing.) */
	heap = heap_in_use() - before;
	if (heap)
		assert_in_range(heap, used - used / 50, used + used / 20);
	for (unsigned i = 0; i < LARGE; i++) {
		char id[32];

		snprintf(id, sizeof(id), "snap-0%016llx", i * 0x9e3779b97f4a7c15ull);
		found += catalogue_find(c, id) == i;
		id[20] ^= 1;
		found += catalogue_find(c, id) == CATALOGUE_NONE;
	}
	assert_int_equal(found, 2 * LARGE);
	assert_int_equal(told, LARGE);
	told = 0;

	/* The same again: nothing is told, nothing grows. */
	large_list(c, 0);
	assert_int_equal(told, 0);
	assert_int_equal(memory_of(c), used);
	members_finish(&listed);
	catalogue_destroy(c);
}

static void test_garbage_is_bounded_over_many_changes(void **state)
{
	struct catalogue *c = new_catalogue();
	size_t most = 0, first;
	struct catalogue_snapshot got;

	large_list(c, 1);
	first = memory_of(c);
	for (unsigned round = 2; round < 12; round++) {
		large_list(c, round);
		if (memory_of(c) > most)
			most = memory_of(c);
	}
	print_message("%zu bytes a snapshot at first, %zu at most\n", first / LARGE, most / LARGE);
	assert_true(most <= 2 * first);
	for (unsigned i = 0; i < LARGE; i += 997) {
		char expected[40];

		snprintf(expected, sizeof(expected), "11-%u", i);
		assert_string_equal(catalogue_tag_value(c, i, "round"), expected);
		snprintf(expected, sizeof(expected), "prod-db-%02u-%u", i % 16, i);
		assert_string_equal(catalogue_tag_value(c, i, "Name"), expected);
		assert_true(catalogue_get(c, i, &got));
		assert_string_equal(got.owner_id, "123456789012");
		assert_string_equal(got.state_text, "completed");
		assert_non_null(strstr(got.description, "CreateImage"));
	}
	members_finish(&listed);
	catalogue_destroy(c);
}

static void test_old_holds_cost_nothing_in_a_region_never_listed(void **state)
{
	struct catalogue *c = new_catalogue();
	size_t before;

	for (unsigned i = 0; i < 2000; i++)
		large_put(c, i, 0);
	before = memory_of(c);
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(catalogue_override_tag(
					 c, i, "none", NULL, i * (int64_t)CATALOGUE_OVERRIDE_MS),
			0);
	assert_in_range(memory_of(c), before, before + 20000);
	members_finish(&listed);
	catalogue_destroy(c);
}

/* --- ids that come and go --- */

#define MILLION 1000000
#define MB      ((size_t)1 << 20)

static void sweep_when_due(void *arg)
{
	*(bool *)arg = true;
}

/* Lists LARGE snapshots, from number `first` on; those of before are gone. */
static void list_others(struct catalogue *c, unsigned first, bool *due)
{
	members_begin(&listed);
	for (unsigned i = 0; i < LARGE; i++)
		large_put(c, first + i, 0);
	members_end(&listed, 0);
	if (*due)
		catalogue_sweep(c, 0);
	*due = false;
}

static void test_a_million_ids_that_come_and_go_cost_20_mb_at_most(void **state)
{
	struct catalogue *c = new_catalogue();
	bool due = false;
	size_t first, heap, most = 0, most_heap = 0;
	catalogue_slot slots = 0;

	(void)state;
	catalogue_on_sweep_due(c, sweep_when_due, &due);
	list_others(c, 0, &due);
	first = memory_of(c);
	heap = heap_in_use();
	for (unsigned n = LARGE; n < MILLION + LARGE; n += LARGE) {
		list_others(c, n, &due);
		most = memory_of(c) > most ? memory_of(c) : most;
		most_heap = heap_in_use() > most_heap ? heap_in_use() : most_heap;
		slots = catalogue_slots(c) > slots ? catalogue_slots(c) : slots;
	}
	print_message("%zu MB for %d snapshots, at most %zu MB (heap: %zu, %zu), %u slots\n",
		first / MB, LARGE, most / MB, heap / MB, most_heap / MB, slots);
	assert_true(most <= first + 20 * MB);
	assert_true(most_heap <= heap + 20 * MB);
	assert_true(slots <= 2 * LARGE);
	assert_int_equal(listed.count, LARGE);
	members_finish(&listed);
	catalogue_destroy(c);
}

/* One in a thousand stays, and nothing of it changes. */
static void test_memory_of_many_that_are_gone_is_given_back(void **state)
{
	struct catalogue *c = new_catalogue();
	struct catalogue_snapshot s;
	char id[32];

	(void)state;
	for (unsigned i = 0; i < 2 * LARGE; i++)
		large_put(c, i, 0);
	assert_true(memory_of(c) > 40 * MB);
	members_begin(&listed);
	for (unsigned i = 0; i < 2 * LARGE; i += 1000)
		large_put(c, i, 0);
	members_end(&listed, 0);
	assert_int_equal(catalogue_sweep(c, 0), 2 * LARGE - 200);
	print_message("%zu KB for 200 snapshots\n", memory_of(c) / 1024);
	assert_true(memory_of(c) < 4 * MB);
	for (unsigned i = 0; i < 2 * LARGE; i += 1000) {
		snprintf(id, sizeof(id), "snap-0%016llx", i * 0x9e3779b97f4a7c15ull);
		assert_int_equal(catalogue_find(c, id), i);
		assert_true(catalogue_get(c, i, &s) && s.exists && s.start_ms);
		assert_non_null(strstr(s.description, "CreateImage"));
	}
	assert_false(catalogue_get(c, 1, &s));
	assert_string_equal(catalogue_id(c, 1), "");
	assert_null(catalogue_tag_value(c, 1, "Name"));
	members_finish(&listed);
	catalogue_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_hundred_thousand_take_at_most_250_bytes_each),
		cmocka_unit_test(test_old_holds_cost_nothing_in_a_region_never_listed),
		cmocka_unit_test(test_garbage_is_bounded_over_many_changes),
		cmocka_unit_test(test_a_million_ids_that_come_and_go_cost_20_mb_at_most),
		cmocka_unit_test(test_memory_of_many_that_are_gone_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
