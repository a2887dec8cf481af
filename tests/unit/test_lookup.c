/* SPDX-License-Identifier: MIT */
/* cache/lookup through cache/region: single ids are looked up in batches, refused, remembered. */
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
#include "lookup.h"
#include "region_fixture.h"

static void test_an_id_is_asked_for_without_a_listing(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0}, c = {0}, bad = {0};

	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	ensure_id(&c, f->region, A, false);
	ensure_id(&bad, f->region, "snap-../../x", false);
	assert_true(bad.ready);
	turn(f);
	assert_int_equal(n_calls, 1);
	assert_string_equal(calls[0]->owner, "");
	assert_int_equal(calls[0]->max_results, 0);
	assert_int_equal(calls[0]->n_ids, 2);
	assert_string_equal(calls[0]->ids[0], A);
	assert_string_equal(calls[0]->ids[1], B);
	/* What nobody asked for is not taken. */
	answer(0, "999999999999", NULL, IDS(A, C));
	assert_called(&a, 0);
	assert_called(&b, 0);
	assert_called(&c, 0);
	assert_int_equal(presence(f, A), UNLISTED);
	assert_int_equal(presence(f, B), GONE);
	assert_int_equal(catalogue_find(region_catalogue(f->region), C), CATALOGUE_NONE);
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_NEVER);

	/* The find serves as long as a listing would, the miss for seconds. */
	now_ms += LOOKUP_MISS_MS - 1;
	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	assert_true(a.ready && b.ready);
	now_ms++;
	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	assert_true(a.ready && !b.ready);
	turn(f);
	assert_int_equal(calls[1]->n_ids, 1);
	answer(1, US, NULL, IDS(B));
	assert_called(&b, 0);
	now_ms += TTL;
	ensure_id(&a, f->region, A, false);
	turn(f);
	answer(2, US, NULL, NULL);
	assert_called(&a, 0);
	assert_int_equal(presence(f, A), GONE);
}

static void test_whose_a_snapshot_is(void **state)
{
	static const struct {
		const char *account; /* as given; NULL: unknown */
		const char *listed;  /* the owner that a listing showed; NULL: none was made */
		const char *owner;
		enum presence presence;
	} table[] = {
		{NULL, NULL, US, UNLISTED},
		{US, NULL, US, LISTED},
		{US, NULL, "999999999999", UNLISTED},
		{US, NULL, NULL, UNLISTED},
		{NULL, US, US, LISTED},
		{NULL, US, "999999999999", UNLISTED},
		{"cloud", US, US, LISTED},
		{"", NULL, "", UNLISTED},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct region_options options = {.name = "xx-1",
			.ttl_ms = TTL,
			.loop = &f->loop,
			.account = table[i].account};
		struct caller c = {0};

		region_destroy(f->region);
		f->region = region_create(&options);
		if (table[i].listed) {
			ensure(&c, f->region, false);
			answer(n_calls - 1, table[i].listed, NULL, IDS(A));
		}
		ensure_id(&c, f->region, B, false);
		turn(f);
		answer(n_calls - 1, table[i].owner, NULL, IDS(B));
		assert_int_equal(presence(f, B), table[i].presence);
	}
	/* A listing with several owners says nothing. */
	struct caller c = {0};

	ensure(&c, f->region, true);
	answer(n_calls - 1, US, "t", IDS(A));
	answer(n_calls - 1, "999999999999", NULL, IDS(C));
	ensure_id(&c, f->region, B, true);
	turn(f);
	answer(n_calls - 1, US, NULL, IDS(B));
	assert_int_equal(presence(f, B), UNLISTED);
}

static void test_fresh_listings_answer_for_their_ids(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0};

	list(f, IDS(A));
	ensure_id(&a, f->region, A, false);
	assert_true(a.ready);
	ensure_id(&b, f->region, B, false); /* perhaps shared, perhaps new */
	assert_false(b.ready);
	turn(f);
	answer(1, US, NULL, NULL);
	ensure_id(&a, f->region, A, true);
	assert_false(a.ready);
	turn(f);
	answer(2, US, NULL, NULL);
	assert_called(&a, 0);
	assert_int_equal(presence(f, A), GONE);
	assert_int_equal(n_calls, 3);
}

static void test_anew_for_an_id_waits_for_a_later_request(void **state)
{
	struct fixture *f = *state;
	struct caller first = {0}, joins = {0}, anew = {0};

	ensure_id(&first, f->region, A, false);
	turn(f);
	ensure_id(&joins, f->region, A, false);
	ensure_id(&anew, f->region, A, true);
	turn(f);
	assert_int_equal(n_calls, 1);
	answer(0, US, NULL, NULL);
	assert_called(&first, 0);
	assert_called(&joins, 0);
	assert_int_equal(anew.called, 0);
	turn(f);
	assert_int_equal(n_calls, 2);
	answer(1, US, NULL, IDS(A));
	assert_called(&anew, 0);
	assert_int_equal(presence(f, A), UNLISTED);
}

static void test_many_ids_travel_in_few_requests(void **state)
{
	enum { N = 1100 };
	struct fixture *f = *state;
	_cleanup_free_ struct caller *callers = calloc(N, sizeof(*callers));
	size_t answered = 0, ids = 0;

	for (int i = 0; i < N; i++) {
		char id[20];

		snprintf(id, sizeof(id), "snap-%08x", i);
		ensure_id(&callers[i], f->region, id, false);
	}
	turn(f);
	assert_int_equal(n_calls, LOOKUP_PARALLEL);
	for (; answered < n_calls; answered++) {
		ids += calls[answered]->n_ids;
		answer(answered, US, NULL, NULL);
		turn(f);
	}
	assert_int_equal(n_calls, 6);
	assert_int_equal(ids, N);
	for (int i = 0; i < N; i++)
		assert_called(&callers[i], 0);
	/* The oldest is forgotten, the latest is not. */
	ensure_id(&callers[0], f->region, "snap-00000000", false);
	ensure_id(&callers[1], f->region, "snap-0000044b", false);
	assert_true(!callers[0].ready && callers[1].ready);
}

static void test_an_id_that_ec2_refuses_spoils_no_other(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0}, c = {0};

	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	ensure_id(&c, f->region, C, false);
	turn(f);
	refuse(0, EINVAL, "InvalidParameterValue");
	assert_int_equal(a.called + b.called + c.called, 0);
	turn(f);
	assert_int_equal(n_calls, 4);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(calls[i]->n_ids, 1);
	answer(1, US, NULL, IDS(A));
	refuse(2, ENOENT, "InvalidSnapshot.NotFound");
	refuse(3, EINVAL, "InvalidParameterValue");
	assert_called(&a, 0);
	assert_called(&b, 0);
	assert_called(&c, EINVAL);
	assert_int_equal(presence(f, A), UNLISTED);
	ensure_id(&b, f->region, B, false);
	assert_true(b.ready);
	/* Next time they travel together again. */
	ensure_id(&a, f->region, A, true);
	ensure_id(&c, f->region, C, true);
	turn(f);
	assert_int_equal(calls[4]->n_ids, 2);
}

static void test_a_failure_is_no_miss(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0};

	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	turn(f);
	refuse(0, EACCES, "UnauthorizedOperation");
	assert_called(&a, EACCES);
	assert_called(&b, EACCES);
	turn(f);
	assert_int_equal(n_calls, 1);
	ensure_id(&a, f->region, A, false);
	assert_false(a.ready);
	turn(f);
	assert_int_equal(n_calls, 2);
	/* On the second page of one answer: still none. */
	answer(1, US, "t", NULL);
	assert_int_equal(a.called, 0);
	refuse(2, ETIMEDOUT, "");
	assert_called(&a, ETIMEDOUT);
}

/* A listing of one page costs what an id costs. */
static void test_an_id_of_a_small_stale_listing_is_answered_by_the_listing(void **state)
{
	struct fixture *f = *state;
	struct caller c = {0};
	size_t n;

	list(f, IDS(A, B));
	now_ms += TTL;
	n = n_calls;
	ensure_id(&c, f->region, A, false);
	assert_true(c.ready); /* from memory; the listing behind */
	turn(f);
	assert_int_equal(n_calls, n + 1);
	assert_int_equal(calls[n]->n_ids, 0);
	for (int i = 0; i < 50; i++) {
		ensure_id(&c, f->region, i % 2 ? A : B, false);
		assert_true(c.ready);
	}
	turn(f);
	assert_int_equal(n_calls, n + 1);
	/* Of one that is not in it the listing would say nothing. */
	ensure_id(&c, f->region, C, false);
	turn(f);
	assert_int_equal(n_calls, n + 2);
	assert_string_equal(calls[n + 1]->ids[0], C);
	answer(n + 1, US, NULL, NULL);
	assert_called(&c, 0);
	/* Who must know the present state asks for the id. */
	ensure_id(&c, f->region, A, true);
	turn(f);
	assert_int_equal(n_calls, n + 3);
	assert_string_equal(calls[n + 2]->ids[0], A);
	answer(n + 2, US, NULL, IDS(A));
	assert_called(&c, 0);
	assert_int_equal(region_cost(f->region).lookups, 2);
}

/* Asks for each of `ids` alone. */
static void ask_one_by_one(struct fixture *f, const char *const *ids)
{
	struct caller c = {0};

	for (; *ids; ids++) {
		ensure_id(&c, f->region, *ids, false);
		turn(f);
		answer(n_calls - 1, US, NULL, (const char *const[]){*ids, NULL});
		assert_called(&c, 0);
	}
}

/* Nobody waits through failure after failure for word on what is known. */
static void test_what_is_known_outlasts_a_failure(void **state)
{
	struct fixture *f = *state;
	struct caller all = {0}, a = {0}, b = {0};

	list(f, IDS(A));
	now_ms += TTL;
	ensure(&all, f->region, false);
	assert_true(all.ready);
	refuse(1, EAGAIN, "RequestLimitExceeded");
	ensure_id(&a, f->region, A, false);
	assert_true(a.ready);
	ensure_id(&a, f->region, A, true);
	assert_false(a.ready); /* asked anew: EC2's word */
	ensure_id(&b, f->region, B, false);
	assert_false(b.ready); /* not known: only EC2 can tell */
	turn(f);
	refuse(2, EAGAIN, "RequestLimitExceeded");
	assert_called(&b, EAGAIN);
	/* The next listing that succeeds ends it. */
	now_ms += VIEW_BACKOFF_MAX_MS;
	ensure(&all, f->region, false);
	answer(3, US, NULL, IDS(A));
	now_ms += TTL;
	ensure_id(&a, f->region, A, false);
	assert_true(a.ready);
	assert_true(view_listing_now(region_own(f->region)));
}

static void test_one_by_one_a_large_stale_listing_is_made_anew_behind(void **state)
{
	enum { N = 2 * EC2_PAGE_MAX + 1 };
	struct fixture *f = *state;
	char names[N][20];
	const char *ids[N + 1] = {0};
	struct caller c = {0};

	for (int i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "snap-%08x", i);
		ids[i] = names[i];
	}
	list(f, ids);
	for (int round = 0; round < 2; round++) {
		now_ms += TTL;
		ask_one_by_one(f, IDS(ids[0], ids[1]));
		assert_false(view_listing_now(region_own(f->region)));
		ensure_id(&c, f->region, ids[2], false);
		assert_true(c.ready);
		assert_true(view_listing_now(region_own(f->region)));
		answer(n_calls - 1, US, NULL, ids); /* from then on it is counted anew */
	}
}

/* Asks for 200 ids that EC2 does not know; they are the numbers from `first` on. */
static void ask_for_unknown(struct fixture *f, unsigned first)
{
	struct caller c = {0};

	for (unsigned i = first; i < first + EC2_FILTER_VALUES_MAX; i++) {
		char id[32];
		bool ready;

		snprintf(id, sizeof(id), "snap-0%016x", i);
		assert_non_null(region_ensure_id(f->region, id, false, called, &c, &ready));
	}
	turn(f);
	answer(n_calls - 1, US, NULL, NULL);
	assert_int_equal(c.called, EC2_FILTER_VALUES_MAX);
	now_ms += 1000;
}

static void test_a_million_ids_that_ec2_does_not_know_leave_nothing(void **state)
{
	struct fixture *f = *state;
	size_t before, after;

	for (unsigned i = 0; i < 2 * CALLS_MAX; i++)
		ask_for_unknown(f, i * EC2_FILTER_VALUES_MAX);
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < 1000000; i += EC2_FILTER_VALUES_MAX)
		ask_for_unknown(f, 1000000 + i);
	after = mallinfo2().uordblks;
	print_message("%zu bytes before, %zu after\n", before, after);
	assert_true(after <= before + 100000); /* a sanitizer's allocator says nothing */
	assert_int_equal(catalogue_slots(region_catalogue(f->region)), 0);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, region_fixture_set_up, region_fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_id_is_asked_for_without_a_listing),
		TEST(test_whose_a_snapshot_is),
		TEST(test_fresh_listings_answer_for_their_ids),
		TEST(test_anew_for_an_id_waits_for_a_later_request),
		TEST(test_many_ids_travel_in_few_requests),
		TEST(test_an_id_that_ec2_refuses_spoils_no_other),
		TEST(test_a_failure_is_no_miss),
		TEST(test_what_is_known_outlasts_a_failure),
		TEST(test_an_id_of_a_small_stale_listing_is_answered_by_the_listing),
		TEST(test_one_by_one_a_large_stale_listing_is_made_anew_behind),
		TEST(test_a_million_ids_that_ec2_does_not_know_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
