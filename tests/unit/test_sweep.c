/* SPDX-License-Identifier: MIT */
/* cache/region: slots that nothing names any more are used again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "region_fixture.h"

#define OTHER "999999999999"
#define MANY  1000
#define MB    ((size_t)1 << 20)

/* MANY ids, from number `first` on. */
static const char *const *many(unsigned first)
{
	static char ids[MANY][24];
	static const char *pointers[MANY + 1];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "snap-0%016x", first + i);
		pointers[i] = ids[i];
	}
	return pointers;
}

static void fresh_view(struct fixture *f, struct view **v, struct caller *c, const char *state)
{
	const char *const values[] = {state};
	const struct ec2_filter filter = {.name = "status", .values = values, .n_values = 1};

	*c = (struct caller){0};
	*v = region_view(f->region, &(struct view_query){.filters = &filter, .n_filters = 1});
	c->waiter = view_ensure(*v, false, called, c, &c->ready);
}

static size_t most; /* memory */

/* Opens a view, lets EC2 answer with MANY others' snapshots, and closes it. */
static void view_comes_and_goes(struct fixture *f, unsigned first)
{
	struct caller c;
	struct view *v;

	fresh_view(f, &v, &c, "pending");
	answer(n_calls - 1, OTHER, NULL, many(first));
	assert_called(&c, 0);
	assert_int_equal(view_count(v), MANY);
	if (region_memory(f->region) > most)
		most = region_memory(f->region);
	region_view_close(v);
	turn(f);
}

static void test_a_million_ids_of_closed_views_cost_little(void **state)
{
	struct fixture *f = *state;
	struct catalogue *c = region_catalogue(f->region);

	region_set_account(f->region, US);
	list(f, IDS(A, B));
	for (unsigned first = 0; first < 1000 * MANY; first += MANY)
		view_comes_and_goes(f, first);
	print_message("%zu KB at most, %u slots\n", most / 1024, catalogue_slots(c));
	assert_true(most < 20 * MB);
	assert_true(catalogue_slots(c) <= 3 * MANY);
	assert_int_equal(presence(f, A), LISTED);
	assert_int_equal(presence(f, B), LISTED);
	assert_int_equal(catalogue_find(c, many(0)[0]), CATALOGUE_NONE);
}

static void test_a_found_id_is_kept_while_its_lookup_is_remembered(void **state)
{
	struct fixture *f = *state;
	struct catalogue *c = region_catalogue(f->region);
	struct caller a = {0};

	region_set_account(f->region, US);
	list(f, IDS(A));
	ensure_id(&a, f->region, B, false);
	turn(f);
	answer(n_calls - 1, OTHER, NULL, IDS(B));
	assert_called(&a, 0);
	assert_int_equal(catalogue_sweep(c, now_ms), 0);
	ensure_id(&a, f->region, B, false);
	assert_true(a.ready);
	assert_int_equal(presence(f, B), UNLISTED);

	now_ms += TTL;
	assert_int_equal(catalogue_sweep(c, now_ms), 1);
	assert_int_equal(presence(f, B), GONE);
	/* It is asked for again. */
	ensure_id(&a, f->region, B, false);
	assert_false(a.ready);
	region_cancel(a.waiter);
}

static void test_no_slot_is_freed_while_a_listing_arrives(void **state)
{
	struct fixture *f = *state;
	struct catalogue *c = region_catalogue(f->region);
	struct caller own = {0}, a;
	struct view *v;

	region_set_account(f->region, US);
	fresh_view(f, &v, &a, "pending");
	answer(n_calls - 1, OTHER, NULL, many(0));
	ensure(&own, f->region, false);
	answer_some(n_calls - 1, US, IDS(A));
	region_view_close(v);
	turn(f);
	assert_int_equal(catalogue_slots(c), MANY + 1);
	answer(n_calls - 1, US, NULL, IDS(A, B));
	assert_called(&own, 0);
	turn(f);
	/* A and B, in the slots that they had. */
	assert_int_equal(catalogue_slots(c), MANY + 2);
	assert_int_equal(catalogue_find(c, A), MANY);
	assert_int_equal(catalogue_find(c, many(0)[0]), CATALOGUE_NONE);
	/* New ones come into the free slots. */
	ensure(&own, f->region, true);
	answer(n_calls - 1, US, NULL, IDS(A, B, C));
	assert_true(catalogue_find(c, C) < MANY);
	assert_int_equal(catalogue_slots(c), MANY + 2);
}

/* Free slots would be filled behind a reader of what arrives. */
static void test_a_first_listing_into_free_slots_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct catalogue *c = region_catalogue(f->region);
	struct caller own = {0}, a;
	struct view *v, *stays;

	region_set_account(f->region, US);
	fresh_view(f, &v, &a, "pending");
	answer(n_calls - 1, OTHER, NULL, many(0));
	fresh_view(f, &stays, &a, "error");
	answer(n_calls - 1, OTHER, NULL, IDS(C));
	region_view_close(v);
	turn(f);
	assert_int_equal(catalogue_slots(c), MANY + 1);
	assert_int_equal(catalogue_find(c, C), MANY);

	own.waiter = view_ensure_begun(region_own(f->region), called, &own, &own.ready);
	answer_some(n_calls - 1, US, IDS(A));
	turn(f);
	assert_int_equal(own.called, 0);
	answer(n_calls - 1, US, NULL, IDS(A, B));
	assert_called(&own, 0);
	assert_true(catalogue_find(c, A) < MANY && catalogue_find(c, B) < MANY);
}

static void test_a_change_by_ebsfs_keeps_its_slot_until_ec2_is_believed(void **state)
{
	struct fixture *f = *state;
	struct catalogue *c = region_catalogue(f->region);
	catalogue_slot slot;

	region_set_account(f->region, US);
	list(f, IDS(A, B));
	slot = catalogue_find(c, A);
	catalogue_override_deleted(c, slot, now_ms);
	now_ms += CATALOGUE_OVERRIDE_MS - 1;
	assert_int_equal(catalogue_sweep(c, now_ms), 0);
	assert_int_equal(catalogue_find(c, A), slot);
	now_ms += 1;
	assert_int_equal(catalogue_sweep(c, now_ms), 1);
	assert_int_equal(catalogue_find(c, A), CATALOGUE_NONE);
	assert_int_equal(catalogue_find(c, B), 1);
}

static int mark_nothing(void *arg, struct slot_set *named)
{
	++*(unsigned *)arg;
	return -ENOMEM;
}

static void test_without_memory_for_the_marks_nothing_is_freed(void **state)
{
	struct fixture *f = *state;
	struct catalogue *c = region_catalogue(f->region);
	unsigned asked = 0;

	region_set_account(f->region, US);
	list(f, IDS(A));
	catalogue_absent(c, 0, now_ms);
	catalogue_hold(c, mark_nothing, &asked);
	assert_int_equal(catalogue_sweep(c, now_ms), 0);
	catalogue_unhold(c, mark_nothing, &asked);
	assert_int_equal(catalogue_sweep(c, now_ms), 1);
	assert_int_equal(asked, 1);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, region_fixture_set_up, region_fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_million_ids_of_closed_views_cost_little),
		TEST(test_a_found_id_is_kept_while_its_lookup_is_remembered),
		TEST(test_no_slot_is_freed_while_a_listing_arrives),
		TEST(test_a_first_listing_into_free_slots_is_waited_for),
		TEST(test_a_change_by_ebsfs_keeps_its_slot_until_ec2_is_believed),
		TEST(test_without_memory_for_the_marks_nothing_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
