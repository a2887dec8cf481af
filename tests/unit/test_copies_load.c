/* SPDX-License-Identifier: MIT */
/* copy/: many copies at once, other tools beside, readers by the thousand, and a world in which
 * every tenth request fails. */
#include "copy_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct asked asked[1000];

static bool all_answered(void *arg)
{
	size_t n = *(size_t *)arg;

	for (size_t i = 0; i < n; i++)
		if (!asked[i].answers)
			return false;
	return true;
}

static bool all_ended(void *arg)
{
	size_t n = *(size_t *)arg;

	for (size_t i = 0; i < n; i++)
		if (!copy_state_ended(world_copy(&asked[i])->state))
			return false;
	return true;
}

/* The time that a scheduler needs which starts each copy, in order, in the moment when a slot is
 * free. */
static int64_t perfect(size_t n, unsigned slots)
{
	int64_t busy_until[64] = {0}, end = 0;

	assert_true(slots <= 64);
	for (size_t i = 0; i < n; i++) {
		unsigned first = 0;

		for (unsigned s = 1; s < slots; s++)
			if (busy_until[s] < busy_until[first])
				first = s;
		busy_until[first] += world_copy_in(WEST, (unsigned)i)->length_ms;
		if (busy_until[first] > end)
			end = busy_until[first];
	}
	return end;
}

static unsigned describes_between(int64_t from, int64_t to)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world->describes; i++)
		n += world->describe_at[i] >= from && world->describe_at[i] < to;
	return n;
}

static void test_a_thousand_copies_through_a_limit_of_twenty(void **state)
{
	size_t n = ARRAY_LEN(asked);
	int64_t began, took, best;

	(void)state;
	world->copy_ms = 20000; /* ten polls */
	world->copy_spread_ms = 40000;
	world->lag_ms = 2000;
	began = virtual_ms;
	for (size_t i = 0; i < n; i++)
		world_ask(&asked[i], WEST, EAST, source->id);
	world_until(all_answered, &n);
	assert_in_range(virtual_ms - began, 0, 1000); /* all are accepted at once */
	world_until(all_ended, &n);
	took = virtual_ms - began;
	best = perfect(n, 20);
	print_message("1,000 copies through a limit of 20: %lld s, a perfect scheduler %lld s "
		      "(%+.1f %%), %u polls, %u refused\n",
		(long long)took / 1000, (long long)best / 1000,
		100.0 * (double)(took - best) / (double)best, world->describes, world->refusals);
	assert_int_equal(world_copies_in(WEST), n);
	assert_int_equal(world->most, 20);
	assert_in_range(took, best, best + best / 20);
	assert_int_equal(world->refusals, 1);
	/* One look-up of the source, then one poll an interval; and a question for each that
	 * waited, whether others have made it. */
	assert_in_range(world->describes, took / 2000 / 2, took / 2000 + 2 + n);
}

static void test_however_many_read_one_poll_an_interval(void **state)
{
	size_t n = 5;
	int64_t began;

	(void)state;
	world->copy_ms = 600000;
	for (size_t i = 0; i < n; i++)
		world_ask(&asked[i], WEST, EAST, source->id);
	world_until(all_answered, &n);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(copies_hold(world->copies_, WEST,
					 world_copy(&asked[(size_t)i % n])->row.copy_id),
			0);
	world_run(10000);
	began = virtual_ms;
	for (int i = 0; i < 200000; i++) {
		copies_glance(world->copies_, WEST, world_copy(&asked[(size_t)i % n])->row.copy_id);
		if (i % 100 == 0)
			world_run(100);
	}
	assert_in_range(virtual_ms - began, 200000, 200000);
	assert_in_range(describes_between(began, virtual_ms), 95, 100);
	for (unsigned i = 1; i < world->describes; i++)
		if (world->describe_at[i - 1] >= began &&
			world->describe_at[i] - world->describe_at[i - 1] < 2000)
			fail_msg("two polls within %d ms",
				(int)(world->describe_at[i] - world->describe_at[i - 1]));
	for (int i = 0; i < 1000; i++)
		copies_release(
			world->copies_, WEST, world_copy(&asked[(size_t)i % n])->row.copy_id);
	/* Without readers, less often. */
	began = virtual_ms;
	world_run(100000);
	assert_in_range(describes_between(began, virtual_ms), 5, 25);
	world_until(all_ended, &n);
	began = virtual_ms;
	world_run(3600 * 1000);
	assert_int_equal(describes_between(began, virtual_ms), 0);
}

static void test_a_reader_of_a_snapshot_that_is_no_copy(void **state)
{
	struct world_snapshot *s = world_add(WEST, "", 100000);
	struct catalogue *catalogue = region_catalogue(regions_get(world->regions, WEST));
	struct catalogue_snapshot seen;
	unsigned before;

	(void)state;
	assert_int_equal(copies_hold(world->copies_, WEST, s->id), 0);
	world_run(110000);
	assert_true(catalogue_get(catalogue, catalogue_find(catalogue, s->id), &seen));
	assert_int_equal(seen.state, EC2_SNAPSHOT_COMPLETED);
	/* What is not pending any more is not asked for, held or not. */
	before = world->describes;
	world_run(600000);
	assert_int_equal(world->describes, before);
	copies_release(world->copies_, WEST, s->id);
	/* A glance is one poll. */
	s = world_add(WEST, "", 3600 * 1000);
	copies_glance(world->copies_, WEST, s->id);
	world_run(10000);
	assert_int_equal(world->describes, before + 1);
	assert_true(catalogue_find(catalogue, s->id) != CATALOGUE_NONE);
	/* Of a snapshot that others share with the account, without naming the owner. */
	assert_string_equal(world->last_owner, "self");
}

/* --- others --- */

static void count_origin(void *arg, const struct copy *copy)
{
	unsigned *counts = arg;

	counts[copy->origin]++;
}

static void test_the_copies_of_others_take_slots_and_are_shown(void **state)
{
	unsigned counts[3] = {0}, refusals;
	size_t n = 40;
	_cleanup_buf_ struct buf text = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		assert_non_null(world_foreign_copy(WEST, 100000 + i * 20000));
	world_tag(world_copy_in(WEST, 3), "ebsfs:request", "0123");
	world_tag(world_copy_in(WEST, 3), "ebsfs:source", "ap-south-1/snap-0a0a0a0a");
	for (size_t i = 0; i < n; i++)
		world_ask(&asked[i], WEST, EAST, source->id);
	world_until(all_answered, &n);
	world_run(20000);
	assert_int_equal(world->most, 20);
	assert_int_equal(world_copies_in(WEST), 20);
	copies_each(world->copies_, count_origin, counts);
	assert_int_equal(counts[COPY_OURS], 40);
	assert_int_equal(counts[COPY_MACHINE], 1);
	assert_int_equal(counts[COPY_TOOL], 11);
	assert_int_equal(copies_table(world->copies_, NULL, 0, world_wall_ms(), &text), 0);
	assert_has(text.data, "ap-south-1/snap-0a0a0a0a");
	assert_has(text.data, "  another ebsfs  0\n");
	assert_has(text.data, "  another tool   0\n");
	assert_has(text.data, "20 copies are in progress into eu-west-1, its limit\n");
	assert_true(copies_needs(world->copies_, "ap-south-1", "snap-0a0a0a0a"));
	/* All were asked for in one moment, before anybody had looked: each slot of the others has
	 * cost one refusal, and none costs a second. */
	refusals = world->refusals;
	assert_in_range(refusals, 1, 12);
	world_until(all_ended, &n);
	assert_int_equal(world->refusals, refusals);
	assert_int_equal(world->most, 20);
	assert_int_equal(world_copies_in(WEST), 52);
	/* A day later they are gone from the table. */
	world_run(25 * 3600 * 1000);
	memset(counts, 0, sizeof(counts));
	copies_each(world->copies_, count_origin, counts);
	assert_int_equal(counts[COPY_MACHINE] + counts[COPY_TOOL] + counts[COPY_OURS], 0);
	/* But a receipt still finds its copy. */
	assert_has(world_status(&asked[7]), "state: completed\n");
}

/* Another tool grabs every slot that becomes free, again and again. */
static void test_a_rival_costs_one_refusal_a_slot(void **state)
{
	size_t n = 60;
	unsigned rivals = 0;

	(void)state;
	world->copy_ms = 60000;
	world->copy_spread_ms = 30000;
	world->lag_ms = 5000;
	for (size_t i = 0; i < n; i++)
		world_ask(&asked[i], WEST, EAST, source->id);
	world_until(all_answered, &n);
	while (!all_ended(&n)) {
		world_run(700);
		if (rivals < 60 && world_random() < 0.4 && world_foreign_copy(WEST, 45000))
			rivals++;
	}
	assert_int_equal(world->most, 20);
	assert_int_equal(world_copies_in(WEST), 60 + rivals);
	print_message("%u rivals, %u refusals\n", rivals, world->refusals);
	assert_in_range(world->refusals, 1, 60 + rivals);
}

static void test_a_refusal_without_a_figure(void **state)
{
	size_t n = 30;

	(void)state;
	world->limit = 7;
	world->silent_limit = true;
	world->copy_ms = 30000;
	for (size_t i = 0; i < n; i++)
		world_ask(&asked[i], WEST, EAST, source->id);
	world_until(all_answered, &n);
	world_until(all_ended, &n);
	assert_int_equal(world_copies_in(WEST), 30);
	assert_int_equal(world->most, 7);
	print_message("%u refusals\n", world->refusals);
	assert_in_range(world->refusals, 1, 30 + 20);
}

/* The limit is not known and others use it up: what ends is noticed, not waited out. */
static void test_the_end_of_anothers_copy_is_used_at_once(void **state)
{
	int64_t ends = virtual_ms + 500000;

	(void)state;
	world->limit = 7;
	world->silent_limit = true;
	for (int i = 0; i < 7; i++)
		assert_non_null(world_foreign_copy(WEST, i ? 3600000 : 500000));
	world_ask(&asked[0], WEST, EAST, source->id);
	world_until(world_answered, &asked[0]);
	world_until_state(&asked[0], COPY_PENDING);
	assert_in_range(virtual_ms, ends, ends + 4000);
	/* By time alone, it was tried once a minute at the most. */
	assert_in_range(world->refusals, 5, 20);
}

/* Refused below our count, and then our count reaches the limit too: neither time nor anything else
 * but an end helps. */
static void test_a_full_lane_rests(void **state)
{
	unsigned turns;

	(void)state;
	world->limit = 7;
	world->silent_limit = true;
	for (int i = 0; i < 7; i++)
		assert_non_null(world_foreign_copy(WEST, 3600000));
	world_ask(&asked[0], WEST, EAST, source->id);
	world_until(world_answered, &asked[0]);
	world_run(10000);
	world->limit = 21;
	for (int i = 0; i < 14; i++)
		assert_non_null(world_foreign_copy(WEST, 3600000));
	world_run(120000);
	turns = virtual_turns;
	world_run(600000);
	assert_int_equal(world_copy(&asked[0])->state, COPY_QUEUED);
	/* A poll every two seconds, of some steps each. */
	assert_in_range(virtual_turns - turns, 300, 300 * 8);
}

static void test_a_waiting_queue_is_watched_closely(void **state)
{
	int64_t began = virtual_ms;

	(void)state;
	world->limit = 1;
	world->copy_ms = 3601 * 1000;
	for (int i = 0; i < 2; i++) {
		world_ask(&asked[i], WEST, EAST, source->id);
		world_until(world_answered, &asked[i]);
		world_copy_in(WEST, 0)->no_progress = true;
	}
	world_run(3600 * 1000);
	world_until_state(&asked[1], COPY_PENDING);
	assert_in_range(virtual_ms - began, 3601 * 1000, 3601 * 1000 + 5000);
}

static enum fault no_describe(const char *action, unsigned n)
{
	(void)n;
	return strcmp(action, "DescribeSnapshots") ? FAULT_NONE : FAULT_THROTTLED;
}

static void test_polls_that_fail_become_rare_and_are_told(void **state)
{
	unsigned before;

	(void)state;
	world_ask(&asked[0], WEST, EAST, source->id);
	world_until(world_answered, &asked[0]);
	world_run(10000);
	world->fault = no_describe;
	before = world->describes;
	world_run(3600 * 1000);
	assert_in_range(world->describes - before, 30, 90);
	assert_int_equal(world_copy(&asked[0])->state, COPY_PENDING);
	assert_has(world_status(&asked[0]),
		"reason: EC2 cannot be asked about the copy: Request limit exceeded");
	world->fault = NULL;
	world_until_state(&asked[0], COPY_COMPLETED);
	assert_has_not(world_status(&asked[0]), "reason");
}

static enum fault no_copy(const char *action, unsigned n)
{
	(void)n;
	return strcmp(action, "CopySnapshot") ? FAULT_NONE : FAULT_UNSENT;
}

static void test_a_long_queue_does_not_hammer_a_dead_network(void **state)
{
	size_t n = 500;
	unsigned before;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		world_ask(&asked[i], WEST, EAST, source->id);
		world_until(world_answered, &asked[i]);
	}
	world->fault = no_copy;
	world_run(70000); /* the first twenty are through */
	before = world->copies;
	world_run(3600 * 1000);
	assert_in_range(world->copies - before, 30, 100);
	assert_has(world_status(&asked[499]), "reason: requests into eu-west-1 do not get through; "
					      "ebsfs retries until they do\n");
	/* A new request waits behind them, as it must. */
	world_ask(&asked[500], WEST, EAST, source->id);
	world_until(world_answered, &asked[500]);
	assert_has(world_status(&asked[500]), "position: 481 of 481\n");
	/* When it lives again, all that may go go at once. */
	world->fault = NULL;
	world->latency_ms = 8000;
	world_run(60000 + 40000);
	assert_in_range(world_copies_in(WEST), 40, 80);
	assert_int_equal(world->most, 20);
}

static void ignore(void *arg, const struct err *err)
{
	(void)arg;
	(void)err;
}

/* The kernel has all of them: the catalogue keeps what EC2 said of each. */
static int mark_all(void *arg, struct slot_set *named)
{
	for (catalogue_slot slot = 0; slot < catalogue_slots(arg); slot++)
		if (slot_set_add(named, slot) < 0)
			return -ENOMEM;
	return 0;
}

/* What was looked at once is not remembered for ever. */
static void test_glances_leave_nothing_behind(void **state)
{
	struct world_snapshot *s;
	unsigned before;

	(void)state;
	catalogue_hold(region_catalogue(regions_get(world->regions, WEST)), mark_all,
		region_catalogue(regions_get(world->regions, WEST)));
	for (int i = 0; i < 600; i++) {
		s = world_add(WEST, "", 5000);
		copies_glance(world->copies_, WEST, s->id);
		if (i % 100 == 99)
			world_run(6000);
		copies_glance(world->copies_, WEST, s->id);
	}
	world_run(10000);
	/* Once all are known to be completed, a glance at them is for nothing. */
	for (int pass = 0; pass < 2; pass++) {
		before = world->describes;
		for (size_t i = 1; i < world->n_snapshots; i++) {
			copies_glance(world->copies_, WEST, world->snapshots[i]->id);
			if (i % 100 == 0)
				world_run(6000);
		}
		world_run(60000);
	}
	assert_int_equal(world->describes, before);
	/* Ended, and known to be by other ways, before the poll that they waited for. */
	for (int i = 0; i < 250; i++) {
		struct region *region = regions_get(world->regions, WEST);
		bool ready;

		copies_glance(world->copies_, WEST, world_add(WEST, "", 1000)->id);
		world_run(50);
		s = world_add(WEST, "", 200);
		copies_glance(world->copies_, WEST, s->id);
		world_run(250);
		region_ensure_id(region, s->id, true, ignore, NULL, &ready);
		world_run(4000);
	}
	before = world->describes;
	copies_glance(world->copies_, WEST, world_add(WEST, "", 3600000)->id);
	s = world_add(WEST, "", 3600000);
	copies_glance(world->copies_, WEST, s->id);
	world_run(60000);
	assert_int_equal(world->describes, before + 1);
	assert_int_not_equal(
		catalogue_find(region_catalogue(regions_get(world->regions, WEST)), s->id),
		CATALOGUE_NONE);
}

static void test_after_a_start_ec2_is_asked_before_anything_is_sent(void **state)
{
	size_t n = 10;

	(void)state;
	world->limit = 1;
	for (size_t i = 0; i < n; i++) {
		world_ask(&asked[i], WEST, EAST, source->id);
		world_until(world_answered, &asked[i]);
	}
	world_unmount(UNMOUNT);
	world->limit = 20;
	for (int i = 0; i < 18; i++)
		assert_non_null(world_foreign_copy(WEST, 600000));
	world->refusals = 0;
	world_mount();
	world_until(all_ended, &n);
	/* The one that tells the limit. */
	assert_in_range(world->refusals, 0, 1);
	assert_int_equal(world->most, 20);
}

static void test_a_raised_limit_is_found(void **state)
{
	size_t n = 100;

	(void)state;
	world->limit = 50;
	world->copy_ms = 600000;
	for (size_t i = 0; i < n; i++)
		world_ask(&asked[i], WEST, EAST, source->id);
	world_until(all_answered, &n);
	world_run(60000);
	assert_int_equal(world_copies_in(WEST), 50);
	assert_int_equal(world->refusals, 1);
}

static void test_two_mounts_see_each_other(void **state)
{
	struct asked mine;
	struct copy *theirs;
	struct world_snapshot *copy;

	(void)state;
	/* What another ebsfs started shows by its tags when the region is polled. */
	copy = world_foreign_copy(WEST, 90000);
	world_tag(copy, "ebsfs:request", "ffffffffffffffffffffffffffffffff");
	world_tag(copy, "ebsfs:source", "us-east-1/snap-0badcafe");
	world_ask(&mine, WEST, EAST, source->id);
	world_until(world_answered, &mine);
	world_run(15000);
	theirs = copies_by_snapshot(world->copies_, WEST, copy->id);
	assert_non_null(theirs);
	assert_int_equal(theirs->origin, COPY_MACHINE);
	assert_string_equal(theirs->row.source_id, "snap-0badcafe");
	assert_in_range(theirs->progress, 5, 30);
	world_run(90000);
	theirs = copies_by_snapshot(world->copies_, WEST, copy->id);
	assert_int_equal(theirs->state, COPY_COMPLETED);
}

/* --- every tenth request fails --- */

static enum fault bad_weather(const char *action, unsigned n)
{
	static const enum fault kinds[] = {
		FAULT_UNSENT, FAULT_LOST_BEFORE, FAULT_LOST_AFTER, FAULT_THROTTLED};

	(void)action;
	(void)n;
	return world_random() < 0.1 ? kinds[(int)(world_random() * 4)] : FAULT_NONE;
}

static void test_a_thousand_copies_in_bad_weather(void **state)
{
	static const char *const regions[] = {"eu-west-1", "eu-west-2", "ap-south-1", "sa-east-1"};
	static const uint64_t seeds[] = {1, 2};
	size_t n = ARRAY_LEN(asked);

	for (size_t s = 0; s < ARRAY_LEN(seeds); s++) {
		unsigned there = 0, promised = 0, unpromised = 0;

		world->seed = seeds[s];
		world->fault = bad_weather;
		world->copy_ms = 30000;
		world->copy_spread_ms = 60000;
		world->lag_ms = 100000;
		for (size_t i = 0; i < n; i++)
			world_ask(&asked[i], regions[i % 4], EAST, source->id);
		world_until(all_answered, &n);
		for (size_t i = 0; i < n; i++)
			assert_true(asked[i].row > 0);
		world_until(all_ended, &n);
		for (size_t i = 0; i < n; i++) {
			const char *token = world_copy(&asked[i])->row.token;
			unsigned copies = 0;

			for (size_t k = 0; k < world->n_snapshots; k++) {
				const char *tag =
					world_tag_of(world->snapshots[k], "ebsfs:request");

				copies += tag && !strcmp(tag, token);
			}
			if (copies > 1 || (!asked[i].failed && !copies))
				fail_msg("seed %d: request %zu has %u copies", (int)seeds[s], i,
					copies);
			if ((world_copy(&asked[i])->state == COPY_COMPLETED) != (copies == 1))
				fail_msg("seed %d: request %zu has %u copies and says:\n%s",
					(int)seeds[s], i, copies, world_status(&asked[i]));
			promised += !asked[i].failed;
			unpromised += asked[i].failed;
			there += copies;
		}
		print_message("seed %d: %u accepted, %u refused, %u copies, %u requests\n",
			(int)seeds[s], promised, unpromised, there, world->copies);
		world_teardown(state);
		world_setup_mounted(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup_mounted, world_teardown)
		T(test_a_thousand_copies_through_a_limit_of_twenty),
		T(test_however_many_read_one_poll_an_interval),
		T(test_a_reader_of_a_snapshot_that_is_no_copy),
		T(test_the_copies_of_others_take_slots_and_are_shown),
		T(test_a_rival_costs_one_refusal_a_slot),
		T(test_a_refusal_without_a_figure),
		T(test_the_end_of_anothers_copy_is_used_at_once),
		T(test_a_full_lane_rests),
		T(test_a_waiting_queue_is_watched_closely),
		T(test_polls_that_fail_become_rare_and_are_told),
		T(test_a_long_queue_does_not_hammer_a_dead_network),
		T(test_glances_leave_nothing_behind),
		T(test_after_a_start_ec2_is_asked_before_anything_is_sent),
		T(test_a_raised_limit_is_found),
		T(test_two_mounts_see_each_other),
		T(test_a_thousand_copies_in_bad_weather),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
