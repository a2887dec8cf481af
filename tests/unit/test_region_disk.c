/* SPDX-License-Identifier: MIT */
/* cache/region, catalogue_cache: an earlier mount's listing is shown at once, refreshed in the
 * background, and never the basis of a decision. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogue_cache.h"
#include "region_fixture.h"

static char folder[64], path[128];

static void settle(struct fixture *f, struct region *r)
{
	while (catalogue_cache_busy(region_cache(r)))
		uv_run(&f->loop, UV_RUN_ONCE);
}

static struct region *new_region(struct fixture *f)
{
	struct region *r = region_create(
		&(struct region_options){.loop = &f->loop, .name = "xx-east-1", .ttl_ms = TTL});

	assert_non_null(r);
	assert_int_equal(region_set_cache(r, path, "ours"), 0);
	return r;
}

/* A and B are on disk, listed at that moment; f->region knows nothing yet. */
static int set_up(void **state)
{
	struct caller c = {0};
	struct fixture *f;
	struct region *r;

	strcpy(folder, "/tmp/ebsfs-region-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/catalogue/xx-east-1", folder);
	region_fixture_set_up(state);
	f = *state;
	r = new_region(f);
	ensure(&c, r, false);
	settle(f, r);
	answer(0, US, NULL, IDS(A, B));
	assert_called(&c, 0);
	settle(f, r);
	region_destroy(r);
	assert_int_equal(region_set_cache(f->region, path, "ours"), 0);
	now_ms += 3600000;
	return 0;
}

static int tear_down(void **state)
{
	char name[160];

	region_fixture_tear_down(state);
	unlink(path);
	snprintf(name, sizeof(name), "%s.new", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s/catalogue", folder);
	rmdir(name);
	return rmdir(folder);
}

static enum presence shown(struct fixture *f, const char *id)
{
	struct catalogue *c = region_catalogue(f->region);

	return presence_of(f->region, catalogue_find_shown(c, id));
}

/* Known from disk; a refresh is under way as the latest call. */
static void know(struct fixture *f)
{
	struct caller c = {0};

	ensure(&c, f->region, false);
	assert_false(c.ready);
	settle(f, f->region);
	assert_called(&c, 0);
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_KNOWN);
}

static void test_shown_at_once_and_refreshed_behind(void **state)
{
	struct fixture *f = *state;
	struct caller again = {0};

	know(f);
	assert_int_equal(n_calls, 2);
	assert_true(
		view_listing_now(region_own(f->region)) && view_is_whole(region_own(f->region)));
	assert_false(view_arriving(region_own(f->region)));
	assert_int_equal(view_known_ms(region_own(f->region)), 1700000000000 + now_ms - 3600000);
	assert_true(view_valid_ms(region_own(f->region), now_ms) == 0);
	assert_int_equal(view_count(region_own(f->region)), 2);
	ensure(&again, f->region, false);
	assert_true(again.ready);
	answer(1, US, NULL, IDS(B, C));
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_FRESH);
	assert_int_equal(view_known_ms(region_own(f->region)), 0);
	assert_int_equal(shown(f, A), GONE);
	assert_int_equal(presence(f, B), LISTED);
	assert_int_equal(presence(f, C), LISTED);
}

static void test_decisions_do_not_see_it(void **state)
{
	struct fixture *f = *state;
	struct caller c = {0};

	know(f);
	assert_int_equal(shown(f, A), LISTED);
	assert_int_equal(catalogue_find(region_catalogue(f->region), A), CATALOGUE_NONE);
	ensure_id(&c, f->region, A, true);
	assert_false(c.ready);
	turn(f);
	assert_int_equal(n_calls, 3);
	assert_string_equal(calls[2]->ids[0], A);
	answer(2, US, NULL, NULL);
	assert_called(&c, 0);
	assert_int_equal(shown(f, A), GONE);
}

static void test_an_id_is_shown_and_asked_for_behind(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, c = {0};

	ensure_id(&a, f->region, A, false);
	ensure_id(&c, f->region, C, false);
	settle(f, f->region);
	assert_called(&a, 0);
	assert_int_equal(c.called, 0);
	turn(f);
	/* Of so few the listing costs no more than one id. */
	assert_int_equal(n_calls, 3);
	assert_int_equal(calls[1]->n_ids, 0);
	assert_int_equal(calls[2]->n_ids, 1);
	refuse(2, EHOSTUNREACH, "");
	/* C is not on disk: that is not to say that it does not exist. */
	assert_called(&c, EHOSTUNREACH);
	refuse(1, EHOSTUNREACH, "");
	ensure_id(&a, f->region, A, false);
	assert_true(a.ready);
	turn(f);
	assert_int_equal(n_calls, 3);
	assert_int_equal(shown(f, A), LISTED);
}

/* A listing of two pages: one id is asked for alone. */
static void test_one_of_many_is_asked_for_alone(void **state)
{
	enum { MANY = 1500 };
	static char ids[MANY][20];
	static const char *list[MANY + 1];
	struct fixture *f = *state;
	struct region *r = new_region(f);
	struct caller c = {0};

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "snap-%08x", i);
		list[i] = ids[i];
	}
	ensure(&c, r, true);
	answer(1, US, NULL, list);
	settle(f, r);
	region_destroy(r);
	ensure_id(&c, f->region, ids[7], false);
	settle(f, f->region);
	assert_called(&c, 0);
	turn(f);
	assert_int_equal(n_calls, 3);
	assert_int_equal(calls[2]->n_ids, 1);
	answer(2, US, NULL, IDS(ids[7]));
	assert_int_equal(presence(f, ids[7]), LISTED);
	assert_int_equal(catalogue_find(region_catalogue(f->region), ids[8]), CATALOGUE_NONE);
	assert_int_equal(shown(f, ids[8]), LISTED);
}

static void test_a_failing_refresh_leaves_it(void **state)
{
	struct fixture *f = *state;
	struct caller c = {0};

	know(f);
	refuse(1, ETIMEDOUT, "");
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_KNOWN);
	ensure(&c, f->region, false);
	assert_true(c.ready);
	assert_int_equal(n_calls, 2); /* not at once again */
	ensure(&c, f->region, true);
	refuse(2, ETIMEDOUT, "");
	assert_called(&c, ETIMEDOUT);
	assert_int_equal(shown(f, A), LISTED);
	region_retry(f->region);
	assert_int_equal(n_calls, 4);
	answer(3, US, NULL, IDS(A));
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_FRESH);
}

static void test_whoever_reads_while_it_comes(void **state)
{
	struct fixture *f = *state;
	struct caller c = {.region = f->region};

	c.waiter = view_ensure_begun(region_own(f->region), called, &c, &c.ready);
	assert_true(c.waiter && !c.ready);
	settle(f, f->region);
	assert_called(&c, 0);
	/* All of it is there: its end is the end. */
	assert_null(view_ensure_next(region_own(f->region), 2, called, &c, &c.ready));
	assert_true(c.ready);
}

static void test_ec2_may_be_faster(void **state)
{
	struct fixture *f = *state;
	struct caller disk = {0}, anew = {0};

	ensure(&disk, f->region, false);
	ensure(&anew, f->region, true);
	answer(1, US, NULL, IDS(C));
	assert_called(&anew, 0);
	assert_called(&disk, 0);
	settle(f, f->region);
	turn(f);
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_FRESH);
	assert_int_equal(view_count(region_own(f->region)), 1);
	assert_int_equal(shown(f, A), GONE);
}

static void test_nothing_on_disk_waits_for_ec2(void **state)
{
	struct fixture *f = *state;
	struct caller all = {0}, some = {.region = f->region}, id = {0}, gone = {0};

	unlink(path);
	ensure(&all, f->region, false);
	some.waiter = view_ensure_begun(region_own(f->region), called, &some, &some.ready);
	ensure_id(&id, f->region, A, false);
	ensure(&gone, f->region, false);
	region_cancel(gone.waiter);
	settle(f, f->region);
	turn(f);
	assert_int_equal(n_calls, 3);
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_NEVER);
	answer(2, US, NULL, IDS(A));
	assert_called(&id, 0);
	answer(1, US, "more", IDS(A));
	turn(f);
	assert_called(&some, 0);
	assert_int_equal(all.called, 0);
	answer(3, US, NULL, IDS(B));
	assert_called(&all, 0);
	assert_int_equal(gone.called, 0);
}

/* The first listing that brings news is written; then not for a while; then what was put off. */
static void test_written_now_and_then(void **state)
{
	struct fixture *f = *state;
	struct caller c = {0};
	struct stat first, second;

	assert_int_equal(stat(path, &first), 0);
	know(f);
	answer(1, US, NULL, IDS(A, B));
	settle(f, f->region);
	assert_int_equal(stat(path, &second), 0);
	assert_true(first.st_ino == second.st_ino); /* no news: only its time changed */
	now_ms += TTL;
	ensure(&c, f->region, false);
	answer(2, US, NULL, IDS(C));
	assert_false(catalogue_cache_busy(region_cache(f->region)));
	catalogue_cache_flush(region_cache(f->region));
	settle(f, f->region);
	assert_int_equal(stat(path, &second), 0);
	assert_true(first.st_ino != second.st_ino);
	catalogue_cache_flush(region_cache(f->region));
	assert_false(catalogue_cache_busy(region_cache(f->region)));
	now_ms += CATALOGUE_CACHE_INTERVAL_MS;
	ensure(&c, f->region, false);
	answer(3, US, NULL, IDS(A));
	assert_true(catalogue_cache_busy(region_cache(f->region)));
}

static void test_the_end_comes_at_any_time(void **state)
{
	struct fixture *f = *state;
	struct region *r = new_region(f);
	struct caller c = {0};

	ensure(&c, r, false); /* being read */
	region_destroy(r);
	r = new_region(f);
	ensure(&c, r, true);
	answer(1, US, NULL, IDS(C));
	assert_true(catalogue_cache_busy(region_cache(r))); /* being written */
	region_destroy(r);
	for (int i = 0; i < 20; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	know(f);
	assert_int_equal(shown(f, A), LISTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shown_at_once_and_refreshed_behind),
		TEST(test_decisions_do_not_see_it),
		TEST(test_an_id_is_shown_and_asked_for_behind),
		TEST(test_one_of_many_is_asked_for_alone),
		TEST(test_a_failing_refresh_leaves_it),
		TEST(test_whoever_reads_while_it_comes),
		TEST(test_ec2_may_be_faster),
		TEST(test_nothing_on_disk_waits_for_ec2),
		TEST(test_written_now_and_then),
		TEST(test_the_end_comes_at_any_time),
	};

	return cmocka_run_group_tests_name("region_disk", tests, NULL, NULL);
}
