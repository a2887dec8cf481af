/* SPDX-License-Identifier: MIT */
/* pacing: which failed try is repeated, when, and at what cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "pacing.h"

#define MINUTE 60000

static int64_t next(bool repeatable, struct retry_state *state, struct retry_budget *budget,
	enum retry_kind kind, bool maybe_done, double random)
{
	const struct retry_policy policy = {.attempts = 4, .repeatable = repeatable};
	const struct retry_failure failure = {
		.kind = kind, .maybe_done = maybe_done, .retry_after_ms = -1};

	return retry_next(&policy, state, budget, &failure, MINUTE, random);
}

/* The rule that guards money, whole: kind × may have been carried out × repeatable. */
static void test_what_is_repeated(void **state)
{
	static const struct {
		enum retry_kind kind;
		/* of a call that is not repeatable, then of one that is */
		bool once_refused, once_maybe, repeatable_refused, repeatable_maybe;
	} table[] = {
		{RETRY_NEVER, false, false, false, false},
		{RETRY_TRANSIENT, true, false, true, true},
		{RETRY_TIMEOUT, true, false, true, true},
		{RETRY_THROTTLED, true, false, true, true},
		{RETRY_CREDENTIALS, true, false, true, true},
		{RETRY_CLOCK, true, false, true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		for (int repeatable = 0; repeatable < 2; repeatable++) {
			for (int maybe = 0; maybe < 2; maybe++) {
				struct retry_state s = {0};
				struct retry_budget b = RETRY_BUDGET_INIT;
				bool expected = repeatable ? maybe ? table[i].repeatable_maybe
								   : table[i].repeatable_refused
						: maybe    ? table[i].once_maybe
							   : table[i].once_refused;

				if ((next(repeatable, &s, &b, table[i].kind, maybe, 0.5) >= 0) !=
					expected)
					fail_msg("kind %zu, repeatable %d, maybe %d", i, repeatable,
						maybe);
			}
		}
	}
}

static void test_delays_grow_and_are_random(void **state)
{
	static const struct {
		enum retry_kind kind;
		double random;
		int64_t delays[3];
	} table[] = {
		{RETRY_TRANSIENT, 0, {0, 0, 0}},
		{RETRY_TRANSIENT, 0.5, {50, 100, 200}},
		{RETRY_TIMEOUT, 0.999, {99, 199, 399}},
		{RETRY_THROTTLED, 0.5, {500, 1000, 2000}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct retry_state s = {0};
		struct retry_budget b = RETRY_BUDGET_INIT;

		for (size_t k = 0; k < 3; k++)
			assert_int_equal(next(true, &s, &b, table[i].kind, false, table[i].random),
				table[i].delays[k]);
		assert_int_equal(next(true, &s, &b, table[i].kind, false, table[i].random), -1);
	}
}

static void test_delays_have_a_ceiling(void **state)
{
	const struct retry_policy policy = {.attempts = 100, .repeatable = true};
	const struct retry_failure failure = {.kind = RETRY_THROTTLED, .retry_after_ms = -1};
	struct retry_state s = {.attempts = 60};
	struct retry_budget b = RETRY_BUDGET_INIT;

	(void)state;
	assert_int_equal(
		retry_next(&policy, &s, &b, &failure, MINUTE, 0.5), RETRY_DELAY_MAX_MS / 2);
}

static void test_the_servers_wish(void **state)
{
	static const struct {
		int64_t wish, left, delay;
	} table[] = {
		{-1, MINUTE, 50},
		{10, MINUTE, 50}, /* shorter than ours: ours */
		{1500, MINUTE, 1500},
		{90000, MINUTE, 5050}, /* no more than five seconds on top */
		{-1, 51, 50},
		{-1, 50, -1}, /* a delay up to the deadline is no use */
		{-1, 0, -1},
		{-1, -5, -1},
	};
	const struct retry_policy policy = {.attempts = 3, .repeatable = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct retry_failure failure = {
			.kind = RETRY_TRANSIENT, .retry_after_ms = table[i].wish};
		struct retry_state s = {0};
		struct retry_budget b = RETRY_BUDGET_INIT;

		assert_int_equal(
			retry_next(&policy, &s, &b, &failure, table[i].left, 0.5), table[i].delay);
		assert_int_equal(
			b.tokens, table[i].delay < 0 ? RETRY_BUDGET : RETRY_BUDGET - RETRY_COST);
	}
}

/* Fresh keys and a corrected clock give one more try each, at once, beside the others and free. */
static void test_extra_tries(void **state)
{
	struct retry_state s = {0};
	struct retry_budget b = RETRY_BUDGET_INIT;

	(void)state;
	assert_int_equal(next(false, &s, &b, RETRY_CREDENTIALS, false, 0.5), 0);
	assert_int_equal(next(false, &s, &b, RETRY_CREDENTIALS, false, 0.5), -1);
	assert_int_equal(next(false, &s, &b, RETRY_CLOCK, false, 0.5), 0);
	assert_int_equal(next(false, &s, &b, RETRY_CLOCK, false, 0.5), -1);
	assert_int_equal(b.tokens, RETRY_BUDGET);
	assert_int_equal(next(false, &s, &b, RETRY_THROTTLED, false, 0.5), 500);

	const struct retry_policy policy = {.attempts = 1, .repeatable = true};
	const struct retry_failure failure = {.kind = RETRY_CLOCK, .retry_after_ms = -1};
	struct retry_state late = {0};

	assert_int_equal(retry_next(&policy, &late, &b, &failure, 0, 0), -1);
}

static void test_budget(void **state)
{
	struct retry_budget b = RETRY_BUDGET_INIT;
	int retries = 0;

	(void)state;
	/* A storm: every call fails for ever. */
	for (int call = 0; call < 1000; call++) {
		struct retry_state s = {0};

		while (next(true, &s, &b, RETRY_TRANSIENT, false, 0.5) >= 0)
			retries++;
	}
	assert_int_equal(retries, RETRY_BUDGET / RETRY_COST);
	assert_int_equal(b.tokens, 0);
	/* One success buys no retry; five do, and a time-out needs ten. */
	struct retry_state s = {0};

	for (int i = 0; i < 4; i++)
		retry_succeeded(&s, &b);
	assert_int_equal(next(true, &s, &b, RETRY_TRANSIENT, false, 0.5), -1);
	for (int i = 0; i < 5; i++)
		retry_succeeded(&(struct retry_state){0}, &b);
	s = (struct retry_state){0};
	assert_int_equal(next(true, &s, &b, RETRY_TIMEOUT, false, 0.5), -1);
	retry_succeeded(&(struct retry_state){0}, &b);
	s = (struct retry_state){0};
	assert_int_equal(next(true, &s, &b, RETRY_TIMEOUT, false, 0.5), 50);
	assert_int_equal(b.tokens, 0);
	/* A success after it gives its cost back. */
	retry_succeeded(&s, &b);
	assert_int_equal(b.tokens, RETRY_COST_TIMEOUT);
	b.tokens = RETRY_BUDGET;
	retry_succeeded(&s, &b);
	assert_int_equal(b.tokens, RETRY_BUDGET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_repeated),
		cmocka_unit_test(test_delays_grow_and_are_random),
		cmocka_unit_test(test_delays_have_a_ceiling),
		cmocka_unit_test(test_the_servers_wish),
		cmocka_unit_test(test_extra_tries),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
