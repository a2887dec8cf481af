/* SPDX-License-Identifier: MIT */
/* pacing: EC2's request rates kept on this side, and the order in which waiting requests
 * are sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "loop.h"
#include "pacing.h"

static void test_rates(void **state)
{
	static const struct {
		const char *service, *action, *region;
		double burst, per_s;
	} table[] = {
		{"ec2", "DescribeSnapshots", "eu-west-1", 100, 20},
		{"ec2", "DescribeRegions", "eu-west-1", 100, 20},
		{"ec2", "ListSnapshotsInRecycleBin", "eu-west-1", 100, 20},
		{"ec2", "GetEbsEncryptionByDefault", "eu-west-1", 100, 20},
		{"ec2", "CopySnapshot", "eu-west-1", 50, 5},
		{"ec2", "LockSnapshot", "eu-west-1", 50, 5},
		{"ec2", "ModifySnapshotTier", "eu-west-1", 50, 5},
		{"ec2", "CreateSnapshot", "eu-west-1", 100, 5},
		{"ec2", "CreateSnapshots", "eu-west-1", 100, 5},
		{"ec2", "DeleteSnapshot", "eu-west-1", 100, 5},
		{"ec2", "ModifySnapshotAttribute", "eu-west-1", 100, 5},
		{"ec2", "CreateTags", "eu-west-1", 100, 10},
		{"ec2", "DeleteTags", "eu-west-1", 100, 10},
		{"ec2", "EnableSnapshotBlockPublicAccess", "eu-west-1", 1, 0.1},
		{"ebs", "GetSnapshotBlock", "eu-west-1", 500, 5000},
		{"ebs", "GetSnapshotBlock", "eu-west-2", 100, 1000},
		{"ebs", "PutSnapshotBlock", "us-east-2", 500, 5000},
		{"ebs", "ListSnapshotBlocks", "eu-west-1", 50, 50},
		{"ebs", "ListChangedBlocks", "eu-west-2", 50, 50},
		{"sts", "GetCallerIdentity", "eu-west-1", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct throttle_rate r =
			throttle_rate_of(table[i].service, table[i].action, table[i].region);

		if (r.burst != table[i].burst || r.per_s != table[i].per_s)
			fail_msg("%s: %g, %g", table[i].action, r.burst, r.per_s);
	}
}

/* How many of n requests, one each `every` ms from *now on, get a token. */
static int taken(struct throttle *t, int n, int64_t every, int64_t *now)
{
	int got = 0;

	for (int i = 0; i < n; i++, *now += every)
		got += throttle_take(t, *now);
	return got;
}

static void test_bucket(void **state)
{
	static const struct {
		double burst, per_s;
		int n;
		int64_t every;
		int taken;
	} table[] = {
		{100, 20, 150, 0, 100},    /* at once: the burst */
		{100, 20, 1000, 50, 1000}, /* as fast as tokens come: all */
		{100, 20, 1000, 10, 299},  /* ten seconds: the burst and ten times twenty */
		{50, 5, 100, 0, 50},
		{100, 10, 400, 0, 100},
		{1, 0.1, 20, 1000, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct throttle t;
		int64_t now = 5000;
		int got;

		throttle_init(&t, (struct throttle_rate){table[i].burst, table[i].per_s}, now);
		got = taken(&t, table[i].n, table[i].every, &now);
		if (got < table[i].taken - 1 || got > table[i].taken + 1)
			fail_msg("row %zu: %d", i, got);
	}
}

static void test_waiting_time(void **state)
{
	struct throttle t;
	int64_t now = 1000;

	(void)state;
	throttle_init(&t, (struct throttle_rate){100, 20}, now);
	assert_int_equal(throttle_wait_ms(&t, now), 0);
	assert_int_equal(taken(&t, 100, 0, &now), 100);
	assert_int_equal(throttle_wait_ms(&t, now), 50);
	assert_int_equal(throttle_wait_ms(&t, now + 30), 20);
	assert_int_equal(throttle_wait_ms(&t, now + 50), 0);
	assert_true(throttle_take(&t, now + 50));
	assert_int_equal(throttle_wait_ms(&t, now + 50), 50);
	/* A clock that stands or goes back gives nothing, and takes nothing. */
	assert_false(throttle_take(&t, now));
	assert_int_equal(throttle_wait_ms(&t, now), 50);
	/* Full is full, however long nobody asks. */
	assert_true(throttle_tokens(&t, now + 86400000) == 100);
	/* Those that go out in any case leave no debt. */
	throttle_init(&t, (struct throttle_rate){2, 1}, now);
	for (int i = 0; i < 10; i++)
		throttle_count(&t, now);
	assert_int_equal(throttle_wait_ms(&t, now), 1000);
}

/* EC2 refuses: the account's other tools use the same bucket. */
static void test_refusals(void **state)
{
	static const struct {
		int64_t sent, at;
		double share; /* afterwards */
	} table[] = {
		{1000, 1000, 0.5},
		{950, 1010, 0.5}, /* was under way together with that: one event */
		{1000, 1020, 0.5},
		{1001, 1030, 0.25}, /* sent after it */
		{1031, 1040, 0.125},
		{1041, 1050, 0.0625},
		{1051, 1060, 0.0625}, /* no less */
		{31060, 31060, 0.28}, /* half a minute gave half of it back */
		{200000, 200000, 0.5},
	};
	struct throttle t;

	(void)state;
	throttle_init(&t, (struct throttle_rate){100, 20}, 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		throttle_refused(&t, table[i].sent, table[i].at);
		if (t.share < table[i].share - 0.01 || t.share > table[i].share + 0.01)
			fail_msg("row %zu: %g", i, t.share);
		assert_int_equal(throttle_tokens(&t, table[i].at), 0);
		assert_false(throttle_take(&t, table[i].at));
	}
	/* Half of it: ten a second, and no more than fifty at once; then more and more of both. */
	assert_in_range(throttle_wait_ms(&t, 200000), 90, 100);
	assert_in_range((int)throttle_tokens(&t, 201000), 9, 11);
	assert_in_range((int)throttle_tokens(&t, 210000), 50, 67);
	assert_true(throttle_tokens(&t, 200000 + THROTTLE_HEAL_S * 1000) == 100);
	/* The smallest share still lets one through now and then. */
	throttle_init(&t, (struct throttle_rate){50, 5}, 0);
	for (int i = 1; i < 20; i++)
		throttle_refused(&t, i, i);
	assert_in_range(throttle_wait_ms(&t, 20), 2500, 3200);
}

/* What EC2 refuses of a tool that keeps the rate, beside another that does not: little. */
static void test_beside_another_tool(void **state)
{
	struct throttle ec2, ours;
	int refused = 0, served = 0;

	(void)state;
	throttle_init(&ec2, (struct throttle_rate){100, 20}, 0);
	throttle_init(&ours, (struct throttle_rate){100, 20}, 0);
	for (int64_t now = 0; now < 600000; now += 10) {
		if (now % 100 == 0)
			throttle_take(&ec2, now); /* ten a second */
		if (!throttle_take(&ours, now))
			continue;
		if (throttle_take(&ec2, now)) {
			served++;
		} else {
			refused++;
			throttle_refused(&ours, now, now);
		}
	}
	/* Ten a second would be fair. */
	assert_in_range(served, 600 * 6, 600 * 12);
	assert_in_range(refused, 1, 120);
}

/* --- the line --- */

#define N 8

struct someone {
	struct throttle_waiter place;
	struct fixture *f;
	int number;
};

struct fixture {
	uv_loop_t loop;
	struct throttle_queue line;
	struct someone all[N];
	int order[N + 1];
	int n;
};

static void on_turn(void *arg)
{
	struct someone *s = arg;

	s->f->order[s->f->n++] = s->number;
	/* Whoever goes on may make others leave. */
	if (s->number == 3)
		throttle_queue_leave(&s->f->line, &s->f->all[5].place);
}

static void begin(struct fixture *f, struct throttle_rate rate, bool on)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(throttle_queue_init(&f->line, &f->loop, rate, on), 0);
	for (int i = 0; i < N; i++)
		f->all[i] = (struct someone){{.turn = on_turn, .arg = &f->all[i]}, f, i};
}

static void finish(struct fixture *f)
{
	throttle_queue_finish(&f->line);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
}

static void test_first_come_first_served(void **state)
{
	struct fixture f;
	int64_t start = clock_mono_ms();

	(void)state;
	begin(&f, (struct throttle_rate){2, 10}, true);
	assert_int_equal(throttle_queue_available(&f.line), 2);
	for (int i = 0; i < N; i++)
		assert_int_equal(throttle_queue_enter(&f.line, &f.all[i].place), i < 2);
	assert_int_equal(throttle_queue_available(&f.line), 0);
	assert_int_equal(f.line.n_waiting, 6);
	throttle_queue_leave(&f.line, &f.all[2].place); /* the head of the line */
	assert_int_equal(f.n, 0);                       /* no turn but from the loop */
	/* Whoever comes late does not overtake, though tokens have come meanwhile. */
	uv_sleep(250);
	assert_false(throttle_queue_enter(&f.line, &f.all[2].place));
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_int_equal(f.n, 5);
	assert_memory_equal(f.order, ((int[]){3, 4, 6, 7, 2}), 5 * sizeof(int));
	assert_int_equal(f.line.n_waiting, 0);
	assert_int_equal(f.line.n_waited, 7);
	/* Five tokens at ten a second. */
	assert_true(clock_mono_ms() - start >= 490);
	assert_true(f.line.waited_ms >= 250 + 250 + 300 + 400 + 200);
	finish(&f);
}

/* Where no bucket is known nobody waits, until a request is refused for its rate. */
static void test_off_until_refused(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, (struct throttle_rate){2, 100}, false);
	for (int i = 0; i < N; i++)
		assert_true(throttle_queue_enter(&f.line, &f.all[i].place));
	assert_true(throttle_queue_available(&f.line) == UINT_MAX);
	throttle_queue_refused(&f.line, clock_mono_ms());
	assert_int_equal(throttle_queue_available(&f.line), 0);
	assert_false(throttle_queue_enter(&f.line, &f.all[0].place));
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_int_equal(f.n, 1);
	finish(&f);
	/* An action without a bucket has none, even then. */
	begin(&f, (struct throttle_rate){0, 0}, true);
	throttle_queue_refused(&f.line, clock_mono_ms());
	for (int i = 0; i < N; i++)
		assert_true(throttle_queue_enter(&f.line, &f.all[i].place));
	assert_true(throttle_queue_available(&f.line) == UINT_MAX);
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_waiting_time),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_beside_another_tool),
		cmocka_unit_test(test_first_come_first_served),
		cmocka_unit_test(test_off_until_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
