/* SPDX-License-Identifier: MIT */
/* cache/region, view, regions: listings shared, stale, failed, and without end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "listing.h"
#include "pages.h"
#include "region_fixture.h"
#include "regions.h"

/* --- listings --- */

static void test_all_who_wait_share_one_listing(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0}, c = {0};

	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_NEVER);
	ensure(&a, f->region, false);
	ensure(&b, f->region, false);
	ensure(&c, f->region, false);
	region_cancel(c.waiter);
	assert_int_equal(n_calls, 1);
	assert_string_equal(calls[0]->region, "xx-east-1");
	assert_string_equal(calls[0]->owner, "self");
	assert_int_equal(calls[0]->max_results, 1000);
	assert_true(view_listing_now(region_own(f->region)));
	answer(0, US, "t1", IDS(A));
	assert_int_equal(a.called, 0);
	assert_string_equal(calls[1]->token, "t1");
	answer(1, US, "t2", NULL); /* an empty page in the middle */
	now_ms += 500;
	answer(2, US, "", IDS(B)); /* an empty token is none */
	assert_called(&a, 0);
	assert_called(&b, 0);
	assert_int_equal(c.called, 0);
	assert_int_equal(n_calls, 3);
	assert_false(view_listing_now(region_own(f->region)));
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_FRESH);
	assert_true(view_listed_at(region_own(f->region)) == now_ms);
	assert_true(view_valid_ms(region_own(f->region), now_ms + 1000) == TTL - 1000);
	assert_int_equal(view_count(region_own(f->region)), 2);

	ensure(&a, f->region, false);
	assert_true(a.ready);
	assert_int_equal(n_calls, 3);
}

static void test_a_first_listing_is_read_while_it_comes(void **state)
{
	struct fixture *f = *state;
	struct caller a = {.region = f->region}, b = {.region = f->region}, c = {0};

	assert_false(view_arriving(region_own(f->region)));
	a.waiter = view_ensure_begun(region_own(f->region), called, &a, &a.ready);
	assert_non_null(a.waiter);
	assert_true(view_arriving(region_own(f->region)));
	ensure(&c, f->region, false);
	answer_some(0, US, IDS(A));
	assert_int_equal(a.called, 0); /* not within the arrival */
	turn(f);
	assert_called(&a, 0);
	assert_int_equal(c.called, 0); /* waits for all of it */
	assert_true(view_valid_ms(region_own(f->region), now_ms + 1000) == TTL - 1000);
	/* What has come is known: no request for it. */
	ensure_id(&c, f->region, A, false);
	assert_true(c.ready);
	assert_int_equal(n_calls, 1);
	assert_null(view_ensure_begun(region_own(f->region), called, &a, &a.ready));
	assert_true(a.ready);
	/* The next one has not. */
	assert_null(view_ensure_next(region_own(f->region), 0, called, &b, &b.ready));
	assert_true(b.ready);
	b.waiter = view_ensure_next(region_own(f->region), 1, called, &b, &b.ready);
	assert_non_null(b.waiter);
	assert_false(b.ready);
	answer(0, US, "t1", IDS(B));
	turn(f);
	assert_called(&b, 0);
	b = (struct caller){.region = f->region};
	b.waiter = view_ensure_next(region_own(f->region), 2, called, &b, &b.ready);
	assert_non_null(b.waiter);
	answer(1, US, NULL, NULL);
	assert_called(&b, 0);
	assert_false(view_arriving(region_own(f->region)));
	assert_null(view_ensure_next(region_own(f->region), 2, called, &b, &b.ready));
	assert_true(b.ready);
}

static void test_one_that_turns_out_to_be_listed_is_not_missed(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {.region = f->region};

	/* Whose it is nobody knows: no account, no listing. */
	ensure_id(&a, f->region, A, false);
	turn(f);
	answer(0, US, NULL, IDS(A));
	assert_called(&a, 0);
	assert_int_equal(presence(f, A), UNLISTED);
	b.waiter = view_ensure_begun(region_own(f->region), called, &b, &b.ready);
	assert_non_null(b.waiter);
	answer_some(1, US, IDS(B));
	turn(f);
	assert_int_equal(b.called, 0); /* waits for all of it */
	answer_some(1, US, IDS(A));
	answer(1, US, NULL, NULL);
	assert_called(&b, 0);
	assert_int_equal(presence(f, A), LISTED);
}

/* While a listing comes its owner is known: what is looked up meanwhile is listed at once. */
static void test_the_owner_shows_while_the_listing_comes(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {.region = f->region};

	b.waiter = view_ensure_begun(region_own(f->region), called, &b, &b.ready);
	answer_some(0, US, IDS(B));
	turn(f);
	assert_called(&b, 0);
	ensure_id(&a, f->region, A, false);
	turn(f);
	answer(1, US, NULL, IDS(A));
	assert_called(&a, 0);
	assert_int_equal(presence(f, A), LISTED);
}

/* Nobody takes half a listing for a whole one. */
static void test_a_first_listing_that_breaks_off_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct caller a = {.region = f->region}, b = {.region = f->region};

	a.waiter = view_ensure_begun(region_own(f->region), called, &a, &a.ready);
	answer_some(0, US, IDS(A));
	turn(f);
	assert_called(&a, 0);
	a.called = 0;
	a.waiter = view_ensure_next(region_own(f->region), 1, called, &a, &a.ready);
	refuse(0, ETIMEDOUT, "");
	assert_called(&a, ETIMEDOUT);
	/* Who comes later learns it too, and does not wait for ever. */
	b.waiter = view_ensure_next(region_own(f->region), 1, called, &b, &b.ready);
	assert_non_null(b.waiter);
	usleep(2000);
	turn(f);
	assert_called(&b, ETIMEDOUT);
	b = (struct caller){.region = f->region};
	b.waiter = view_ensure_begun(region_own(f->region), called, &b, &b.ready);
	assert_non_null(b.waiter);
	usleep(2000);
	turn(f);
	assert_called(&b, ETIMEDOUT);
	assert_int_equal(n_calls, 1);
}

static void test_stale_is_served_and_refreshed_behind(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0};

	list(f, IDS(A, B));
	now_ms += TTL;
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_STALE);
	assert_true(view_valid_ms(region_own(f->region), now_ms) == 0);
	ensure(&a, f->region, false);
	ensure(&b, f->region, false);
	assert_true(a.ready && b.ready);
	assert_int_equal(n_calls, 2);
	answer(1, US, "more", IDS(B));
	assert_int_equal(presence(f, A), LISTED); /* until the last page is here */
	answer(2, US, NULL, IDS(C));
	assert_int_equal(presence(f, A), GONE);
	assert_int_equal(view_count(region_own(f->region)), 2);
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_FRESH);
}

static void test_an_old_listing_is_refreshed_before_it_is_shown(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0}, id = {0};

	list(f, IDS(A));
	now_ms += VIEW_OLD_TTLS * TTL;
	ensure(&a, f->region, false);
	ensure(&b, f->region, false);
	ensure_id(&id, f->region, A, false);
	assert_int_equal(n_calls, 2);
	assert_int_equal(a.called + b.called + id.called, 0);
	answer(1, US, NULL, IDS(B));
	assert_called(&a, 0);
	assert_called(&b, 0);
	assert_called(&id, 0);
	assert_int_equal(presence(f, A), GONE);

	/* A moment younger: shown as it is. */
	now_ms += VIEW_OLD_TTLS * TTL - 1;
	ensure(&a, f->region, false);
	assert_true(a.ready);
	answer(2, US, NULL, IDS(B));
}

static void test_an_old_listing_is_shown_if_there_is_no_other(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0};

	list(f, IDS(A));
	now_ms += VIEW_OLD_TTLS * TTL;
	ensure(&a, f->region, false);
	refuse(1, ETIMEDOUT, "");
	assert_called(&a, 0);
	/* During the back-off nobody waits for what is not asked for. */
	ensure(&a, f->region, false);
	assert_true(a.ready);
	assert_int_equal(n_calls, 2);
	/* EC2 takes its time: patience has an end, for all who came meanwhile. */
	now_ms += VIEW_BACKOFF_MAX_MS;
	ensure(&a, f->region, false);
	ensure(&b, f->region, false);
	assert_int_equal(n_calls, 3);
	while (!a.called)
		uv_run(&f->loop, UV_RUN_ONCE);
	assert_called(&a, 0);
	assert_called(&b, 0);
	assert_true(view_listing_now(region_own(f->region)));
	answer(2, US, NULL, IDS(A));
}

static void test_a_listing_ahead_serves_who_comes(void **state)
{
	struct fixture *f = *state;
	struct region_cost cost;
	struct caller a = {0};

	view_prefetch(region_own(f->region));
	view_prefetch(region_own(f->region));
	assert_int_equal(n_calls, 1);
	ensure(&a, f->region, false);
	answer(0, US, "t", IDS(A));
	answer(1, US, NULL, IDS(B));
	assert_called(&a, 0);
	view_prefetch(region_own(f->region)); /* fresh */
	assert_int_equal(n_calls, 2);
	now_ms += TTL;
	view_prefetch(region_own(f->region));
	assert_int_equal(n_calls, 3);
	refuse(2, ETIMEDOUT, "");
	view_prefetch(region_own(f->region)); /* a back-off is one for it, too */
	assert_int_equal(n_calls, 3);
	cost = region_cost(f->region);
	assert_int_equal(cost.listings[REGION_WHY_PREFETCH], 2);
	assert_int_equal(cost.pages[REGION_WHY_PREFETCH], 2);
	assert_int_equal(cost.listings[REGION_WHY_FIRST] + cost.listings[REGION_WHY_STALE], 0);
}

static void test_what_listings_were_for(void **state)
{
	struct fixture *f = *state;
	struct region_cost cost;
	struct caller a = {0};

	list(f, IDS(A));
	now_ms += TTL;
	ensure(&a, f->region, false);
	answer(1, US, "t", IDS(A));
	answer(2, US, NULL, NULL);
	ensure(&a, f->region, true);
	answer(3, US, NULL, IDS(A));
	cost = region_cost(f->region);
	assert_int_equal(cost.listings[REGION_WHY_FIRST], 1);
	assert_int_equal(cost.pages[REGION_WHY_FIRST], 1);
	assert_int_equal(cost.listings[REGION_WHY_STALE], 1);
	assert_int_equal(cost.pages[REGION_WHY_STALE], 2);
	assert_int_equal(cost.listings[REGION_WHY_ANEW], 1);
	assert_int_equal(cost.listings[REGION_WHY_PREFETCH], 0);
}

static void test_who_goes_through_the_regions_waits_once(void **state)
{
	struct fixture *f = *state;
	struct regions *rs = regions_create(&f->loop, NULL, TTL);
	char name[20];

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "xx-%d", i);
		assert_int_equal(regions_show(rs, name), i);
	}
	regions_look(rs, 0);
	regions_look(rs, 1);
	assert_int_equal(n_calls, 0);
	regions_look(rs, 2);
	assert_int_equal(n_calls, 6);
	assert_string_equal(calls[5]->region, "xx-5");
	regions_look(rs, 3);
	assert_int_equal(n_calls, 8);
	regions_destroy(rs);
}

static void test_anew_waits_for_a_listing_that_began_later(void **state)
{
	struct fixture *f = *state;
	struct caller touch = {0}, touch2 = {0}, plain = {0}, late = {0};

	list(f, IDS(A));
	ensure(&touch, f->region, true); /* fresh as it is */
	assert_int_equal(n_calls, 2);
	ensure(&plain, f->region, false); /* while one is under way anew, all wait for it */
	ensure(&touch2, f->region, true);
	ensure(&late, f->region, false);
	assert_int_equal(n_calls, 2);
	answer(1, US, NULL, IDS(A, B));
	assert_called(&touch, 0);
	assert_called(&plain, 0);
	assert_int_equal(touch2.called, 0);
	assert_int_equal(late.called, 0);
	assert_int_equal(n_calls, 3);
	answer(2, US, NULL, IDS(A, B, C));
	assert_called(&touch2, 0);
	assert_called(&late, 0);
	assert_int_equal(n_calls, 3);
	ensure(&plain, f->region, false);
	assert_true(plain.ready);
}

static void test_anew_that_nobody_waits_for_any_more_is_not_made(void **state)
{
	struct fixture *f = *state;
	struct caller first = {0}, touch = {0}, plain = {0};

	ensure(&first, f->region, false);
	ensure(&touch, f->region, true);
	region_cancel(touch.waiter);
	answer(0, US, NULL, IDS(A));
	assert_called(&first, 0);
	assert_int_equal(n_calls, 1);
	ensure(&plain, f->region, false);
	assert_true(plain.ready);
}

static void test_a_failed_refresh_leaves_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct caller touch = {0}, plain = {0};

	list(f, IDS(A, B));
	assert_null(view_last_error(region_own(f->region)));
	ensure(&touch, f->region, true);
	ensure(&plain, f->region, false);
	answer(1, US, "more", IDS(B, C));
	refuse(2, ETIMEDOUT, "");
	assert_called(&touch, ETIMEDOUT);
	assert_called(&plain, 0); /* asked for what is there */
	assert_int_equal(view_last_error(region_own(f->region))->errnum, ETIMEDOUT);
	assert_int_equal(presence(f, A), LISTED);
	assert_int_equal(presence(f, C), LISTED);
	assert_int_equal(
		view_freshness(region_own(f->region), now_ms), VIEW_FRESH); /* that of the first */
	ensure(&touch, f->region, true);
	answer(3, US, NULL, IDS(B));
	assert_called(&touch, 0);
	assert_null(view_last_error(region_own(f->region)));
	assert_int_equal(presence(f, A), GONE);
}

static void test_the_back_off_doubles_to_its_bound(void **state)
{
	static const int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	struct fixture *f = *state;
	struct caller a = {0};
	size_t n;

	list(f, IDS(A));
	now_ms += TTL;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		ensure(&a, f->region, false);
		assert_true(a.ready);
		refuse(n_calls - 1, EHOSTUNREACH, "");
		n = n_calls;
		now_ms += waits[i] / 2 - 1; /* the other half is left to chance */
		ensure(&a, f->region, false);
		assert_true(a.ready);
		assert_int_equal(n_calls, n);
		now_ms += waits[i] / 2 + 1;
	}
	/* A success ends it. */
	ensure(&a, f->region, false);
	answer(n_calls - 1, US, NULL, IDS(A));
	now_ms += TTL;
	ensure(&a, f->region, false);
	refuse(n_calls - 1, EHOSTUNREACH, "");
	n = n_calls;
	now_ms += 1000;
	ensure(&a, f->region, false);
	assert_int_equal(n_calls, n + 1);
}

static void ask_again(struct caller *c)
{
	unsigned called_before = c->called;

	c->waiter = view_ensure(region_own(c->region), false, called, c, &c->ready);
	assert_int_equal(c->called, called_before);
}

static void test_a_region_never_listed_says_why_during_the_back_off(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, again = {0}, touch = {0};

	ensure(&a, f->region, false);
	refuse(0, EACCES, "UnauthorizedOperation");
	assert_called(&a, EACCES);
	ensure(&a, f->region, false);
	assert_non_null(a.waiter);
	again.then = ask_again;
	ensure(&again, f->region, false);
	/* Once a turn: who asks again at once does not stop the loop. */
	uv_run(&f->loop, UV_RUN_ONCE);
	assert_called(&a, EACCES);
	while (again.called < 3)
		uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(n_calls, 1);
	region_cancel(again.waiter);

	ensure(&touch, f->region, true);
	assert_int_equal(n_calls, 2);
	ensure(&a, f->region, false);
	answer(1, US, NULL, NULL);
	assert_called(&touch, 0);
	assert_called(&a, 0);
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_FRESH);
}

static void test_pages_without_end_end(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0};
	char token[20];

	/* The same token for ever. */
	ensure(&a, f->region, true);
	answer(n_calls - 1, US, "t", NULL);
	answer(n_calls - 1, US, "t", NULL);
	assert_called(&a, EIO);

	/* A circle of seven, after a beginning of its own. */
	ensure(&a, f->region, true);
	answer(n_calls - 1, US, "begin", NULL);
	for (int i = 0; i < 30 && !a.called; i++) {
		snprintf(token, sizeof(token), "t%d", i % 7);
		answer(n_calls - 1, US, token, NULL);
	}
	assert_called(&a, EIO);

	/* Always another one. */
	ensure(&a, f->region, true);
	for (int i = 0; i < PAGES_MAX + 5 && !a.called; i++) {
		snprintf(token, sizeof(token), "t%d", i);
		answer(n_calls - 1, US, token, NULL);
		assert_true(a.called == (i + 1 == PAGES_MAX));
	}
	assert_called(&a, EIO);

	/* More snapshots than can be. Nobody looks at them. */
	ensure(&a, f->region, true);
	struct aws_call *call = call_at(n_calls - 1);
	struct ec2_page *page = page_of(US, NULL, NULL);

	page->n_snapshots = LISTING_MAX + 1;
	call->answered = true;
	call->done(call->arg, page, NULL);
	assert_called(&a, EIO);
}

static void test_without_memory_for_a_request_the_answer_is_no(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0};
	bool ready = true;

	no_memory = true;
	assert_null(view_ensure(region_own(f->region), false, called, &a, &ready));
	assert_false(ready);
	ensure_id(&a, f->region, A, false);
	turn(f);
	assert_called(&a, ENOMEM);
	no_memory = false;
	list(f, IDS(A));
	now_ms += TTL;
	no_memory = true;
	ensure(&a, f->region, false);
	assert_true(a.ready);
	assert_int_equal(view_last_error(region_own(f->region))->errnum, ENOMEM);
	no_memory = false;
	ensure(&a, f->region, true);
	no_memory = true;
	answer(n_calls - 1, US, "t", IDS(A));
	assert_called(&a, ENOMEM);
}

static void destroy_region(struct caller *c)
{
	region_destroy(c->region);
}

static void test_a_region_may_be_destroyed_by_who_waited(void **state)
{
	struct fixture *f = *state;
	struct caller a = {.then = destroy_region}, b = {0}, c = {0}, d = {0};

	ensure(&a, f->region, false);
	ensure(&b, f->region, false);
	ensure(&c, f->region, true);
	ensure_id(&d, f->region, B, false);
	turn(f);
	assert_int_equal(n_calls, 2);
	answer(0, US, NULL, IDS(A));
	assert_called(&a, 0);
	assert_int_equal(b.called + c.called + d.called, 0);
	assert_true(calls[1]->cancelled);
	assert_true(calls[2]->cancelled); /* the listing for c */
	f->region = NULL;
}

static void test_destroyed_with_all_under_way(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0}, c = {0};

	ensure(&a, f->region, false);
	ensure_id(&b, f->region, A, false);
	turn(f);
	ensure_id(&c, f->region, B, false);
	region_destroy(f->region);
	f->region = NULL;
	turn(f);
	assert_int_equal(a.called + b.called + c.called, 0);
	assert_true(calls[0]->cancelled && calls[1]->cancelled);
}

/* --- regions --- */

static void count(void *arg, struct region *region)
{
	assert_non_null(region_name(region));
	++*(unsigned *)arg;
}

static void test_regions_are_made_at_need_and_keep_their_place(void **state)
{
	struct fixture *f = *state;
	struct regions *rs = regions_create(&f->loop, NULL, TTL);
	struct region *hidden, *other;
	unsigned seen = 0, all = 0;
	char name[20];

	assert_int_equal(regions_show(rs, "xx-1"), 0);
	assert_int_equal(regions_each(rs, count, &seen), 0);
	assert_int_equal(seen, 1);
	hidden = regions_get(rs, "xx-2");
	other = regions_get(rs, "xx-3");
	assert_int_equal(seen, 3);
	assert_ptr_equal(regions_get(rs, "xx-2"), hidden);
	assert_ptr_equal(regions_get(rs, "xx-1"), regions_at(rs, 0));
	assert_int_equal(regions_shown(rs), 1);
	assert_int_equal(regions_index(rs, "xx-2"), -1);
	assert_null(regions_get(rs, "../etc"));
	assert_int_equal(regions_show(rs, "../etc"), -EINVAL);
	/* Shown later, it is the same one. */
	assert_int_equal(regions_show(rs, "xx-2"), 1);
	assert_int_equal(regions_show(rs, "xx-2"), 1);
	assert_ptr_equal(regions_at(rs, 1), hidden);
	assert_ptr_equal(regions_get(rs, "xx-3"), other);
	assert_int_equal(seen, 3);
	assert_int_equal(regions_each(rs, count, &all), 0);
	assert_int_equal(all, 3);
	for (int i = 10; i < 10 + REGIONS_MAX - 2; i++) {
		snprintf(name, sizeof(name), "xx-%d", i);
		assert_int_equal(regions_show(rs, name), i - 8);
	}
	assert_int_equal(regions_show(rs, "xx-9999"), -ENOSPC);
	assert_null(regions_at(rs, REGIONS_MAX));
	regions_destroy(rs);
}

static void test_the_account_reaches_every_region(void **state)
{
	struct fixture *f = *state;
	struct regions *rs = regions_create(&f->loop, NULL, TTL);
	struct caller c = {0};

	assert_int_equal(regions_show(rs, "xx-1"), 0);
	assert_non_null(regions_get(rs, "xx-2"));
	regions_set_account(rs, US);
	assert_int_equal(regions_show(rs, "xx-3"), 1);
	for (int i = 1; i <= 3; i++) {
		char name[20];

		snprintf(name, sizeof(name), "xx-%d", i);
		ensure_id(&c, regions_get(rs, name), A, false);
		turn(f);
		answer(n_calls - 1, US, NULL, IDS(A));
		assert_int_equal(presence_of(regions_get(rs, name), 0), LISTED);
	}
	regions_destroy(rs);
}

/* --- other views --- */

#define D "snap-0000000d"

static struct view *view_of(struct region *r, const char *name, const char *value)
{
	const char *const values[] = {value};
	const struct ec2_filter filter = {.name = name, .values = values, .n_values = 1};

	return region_view(r,
		&(struct view_query){.owners = ec2_owner_self, .filters = &filter, .n_filters = 1});
}

static void ensure_view(struct caller *c, struct view *v, bool anew)
{
	*c = (struct caller){0};
	c->waiter = view_ensure(v, anew, called, c, &c->ready);
}

static void test_a_view_with_a_filter_has_its_own_members_age_and_waiters(void **state)
{
	struct fixture *f = *state;
	struct view *own = region_own(f->region), *v = view_of(f->region, "tag:env", "prod");
	struct catalogue *c = region_catalogue(f->region);
	struct caller a = {0}, b = {0}, of_own = {0};
	uint64_t version;

	assert_ptr_equal(view_of(f->region, "tag:env", "prod"), v);
	assert_ptr_not_equal(view_of(f->region, "tag:env", "test"), v);
	assert_ptr_equal(
		region_view(f->region, &(struct view_query){.owners = ec2_owner_self}), own);
	assert_int_equal(n_calls, 0);
	list(f, IDS(A, B));

	/* Two waiters, one listing; the account's own view is fresh and asks for nothing. */
	assert_int_equal(view_freshness(v, now_ms), VIEW_NEVER);
	ensure_view(&a, v, false);
	ensure_view(&b, v, false);
	ensure(&of_own, f->region, false);
	assert_true(of_own.ready);
	assert_int_equal(n_calls, 2);
	assert_string_equal(calls[1]->owner, "self");
	assert_string_equal(calls[1]->filter, "tag:env=prod");
	version = view_version(own);
	answer(1, US, NULL, IDS(B, C));
	assert_called(&a, 0);
	assert_called(&b, 0);
	assert_int_equal(view_count(v), 2);
	assert_false(view_has(v, catalogue_find(c, A)));
	assert_true(view_has(v, catalogue_find(c, B)) && view_has(v, catalogue_find(c, C)));
	assert_int_equal(view_freshness(v, now_ms), VIEW_FRESH);
	/* One store: C is the account's own, and in snapshots/ at once. */
	assert_int_equal(catalogue_slots(c), 3);
	assert_int_equal(presence(f, C), LISTED);
	assert_int_not_equal(view_version(own), version);
	assert_int_equal(view_count(own), 3);
	region_view_close(view_of(f->region, "tag:env", "test"));
}

static void test_a_view_with_a_filter_changes_by_difference(void **state)
{
	struct fixture *f = *state;
	struct view *own = region_own(f->region), *v = view_of(f->region, "status", "pending");
	struct catalogue *c = region_catalogue(f->region);
	struct caller a = {0}, b = {0};

	list(f, IDS(A, B, C));
	ensure_view(&a, v, false);
	answer(1, US, NULL, IDS(A, B));
	now_ms += TTL;
	ensure_view(&a, v, true);
	/* B is looked up meanwhile: it exists, but that does not say that it still matches. */
	ensure_id(&b, f->region, B, true);
	turn(f);
	answer(3, US, NULL, IDS(B));
	answer(2, US, NULL, IDS(A, D));
	assert_called(&a, 0);
	assert_int_equal(view_count(v), 2);
	assert_true(view_has(v, catalogue_find(c, A)) && view_has(v, catalogue_find(c, D)));
	assert_int_equal(presence(f, B), LISTED); /* not gone: it is only not in that view */
	assert_int_equal(view_count(own), 4);
	assert_int_equal(view_freshness(own, now_ms), VIEW_STALE);

	/* A snapshot that is gone leaves every view. */
	ensure(&a, f->region, true);
	answer(4, US, NULL, IDS(B, C, D));
	assert_int_equal(presence(f, A), GONE);
	assert_int_equal(view_count(v), 1);

	/* A failure concerns the waiters of that view alone; closing it drops them. */
	now_ms += TTL;
	ensure_view(&a, v, true);
	refuse(5, EACCES, "UnauthorizedOperation");
	assert_called(&a, EACCES);
	assert_int_equal(view_last_error(v)->errnum, EACCES);
	assert_null(view_last_error(own));
	ensure_view(&a, v, true);
	region_view_close(v);
	assert_true(calls[6]->cancelled);
	assert_int_equal(a.called, 0);
	assert_int_equal(view_count(own), 3);
}

static void test_a_view_of_another_account_is_not_in_the_own(void **state)
{
	struct fixture *f = *state;
	struct view *v = region_view(f->region,
		&(struct view_query){.owners = (const char *const[]){"999999999999", NULL}});
	struct caller a = {0};

	region_set_account(f->region, US);
	ensure_view(&a, v, false);
	assert_string_equal(calls[0]->owner, "999999999999");
	answer(0, "999999999999", NULL, IDS(A));
	assert_called(&a, 0);
	assert_int_equal(view_count(v), 1);
	assert_int_equal(presence(f, A), UNLISTED);
	assert_int_equal(view_freshness(region_own(f->region), now_ms), VIEW_NEVER);
}

/* All of a view from *pos on, in its order. */
static void assert_follow(
	struct fixture *f, const struct view *v, uint64_t *pos, const char *const *ids)
{
	catalogue_slot slot;

	for (; *ids; ids++) {
		assert_true(view_next(v, pos, &slot));
		assert_string_equal(catalogue_id(region_catalogue(f->region), slot), *ids);
	}
	assert_false(view_next(v, pos, &slot));
}

static void test_a_view_is_read_while_it_comes(void **state)
{
	struct fixture *f = *state;
	struct view *v = view_of(f->region, "tag:env", "prod");
	struct caller a = {0}, b = {0};
	uint64_t pos = 0, again = 0;

	/* The region knows the snapshots already, in another order. */
	list(f, IDS(A, B, C));
	a.waiter = view_ensure_begun(v, called, &a, &a.ready);
	assert_non_null(a.waiter);
	answer_some(1, US, IDS(C));
	turn(f);
	assert_called(&a, 0);
	assert_follow(f, v, &pos, IDS(C));
	b.waiter = view_ensure_next(v, pos, called, &b, &b.ready);
	assert_non_null(b.waiter);
	answer(1, US, NULL, IDS(A, D));
	assert_called(&b, 0);
	assert_follow(f, v, &pos, IDS(A, D));

	/* A snapshot that leaves and comes back keeps its place, and none is shown twice. */
	ensure_view(&a, v, true);
	answer(2, US, NULL, IDS(A, D));
	assert_follow(f, v, &again, IDS(A, D));
	ensure_view(&a, v, true);
	answer(3, US, NULL, IDS(D, B, A, C));
	again = 0;
	assert_follow(f, v, &again, IDS(C, A, D, B));
	assert_follow(f, v, &pos, IDS(B));
}

static void test_own_and_shared_are_two_queries(void **state)
{
	struct fixture *f = *state;
	struct view *v = region_view(f->region, &(struct view_query){.own_and_shared = true});
	struct caller a = {0}, b = {0};
	uint64_t pos = 0;

	region_set_account(f->region, US);
	ensure_view(&a, v, false);
	assert_string_equal(call_at(0)->owner, "self");
	assert_string_equal(call_at(0)->restorable_by, "");
	answer(0, US, NULL, IDS(A));
	assert_int_equal(a.called, 0);
	assert_string_equal(call_at(1)->owner, "");
	assert_string_equal(call_at(1)->restorable_by, "self");
	answer(1, "999999999999", NULL, IDS(A, B));
	assert_called(&a, 0);
	assert_follow(f, v, &pos, IDS(A, B));

	/* A snapshot of a fresh view needs no request of its own; a stale one is refreshed. */
	ensure_id(&b, f->region, B, false);
	assert_true(b.ready);
	assert_int_equal(n_calls, 2);
	now_ms += TTL;
	ensure_id(&b, f->region, B, false);
	assert_true(b.ready);
	answer(2, US, NULL, IDS(A));
	answer(3, "999999999999", NULL, IDS(B));

	/* If the second fails, all does; the old listing stays. */
	ensure_view(&a, v, true);
	answer(4, US, NULL, IDS(C));
	refuse(5, EACCES, "UnauthorizedOperation");
	assert_called(&a, EACCES);
	assert_true(view_has(v, catalogue_find(region_catalogue(f->region), B)));
}

static void test_a_view_of_too_many_pages_is_refused(void **state)
{
	struct fixture *f = *state;
	struct view *v = view_of(f->region, "status", "completed");
	struct caller a = {0}, b = {0};

	ensure_view(&a, v, false);
	for (int i = 0; i < VIEW_PAGES_MAX; i++) {
		char token[20];

		snprintf(token, sizeof(token), "t%d", i);
		assert_int_equal(a.called, 0);
		answer(n_calls - 1, US, token, IDS(NULL));
	}
	assert_called(&a, EFBIG);
	assert_int_equal(n_calls, VIEW_PAGES_MAX);
	/* It is not tried again for a ttl. */
	now_ms += TTL - 1;
	ensure_view(&b, v, false);
	assert_int_equal(n_calls, VIEW_PAGES_MAX);
	region_cancel(b.waiter);
	now_ms += 1;
	ensure_view(&b, v, false);
	assert_int_equal(n_calls, VIEW_PAGES_MAX + 1);
	region_cancel(b.waiter);
}

/* Something keeps the slot of B. */
static int name_b(void *arg, struct slot_set *named)
{
	return slot_set_add(named, catalogue_find(arg, B));
}

static void test_what_only_a_closed_view_had_leaves_the_store(void **state)
{
	struct fixture *f = *state;
	struct view *v = region_view(f->region, &(struct view_query){.own_and_shared = true});
	struct view *other = view_of(f->region, "status", "pending");
	struct caller a = {0};

	region_set_account(f->region, US);
	ensure_view(&a, v, false);
	answer(0, US, NULL, IDS(A));
	answer(1, "999999999999", NULL, IDS(A, B, C, D, "snap-0000000e"));
	ensure_view(&a, other, false);
	answer(2, "999999999999", NULL, IDS(D));
	/* E has left the view before it is closed. */
	ensure_view(&a, v, true);
	answer(3, US, NULL, IDS(A));
	answer(4, "999999999999", NULL, IDS(B, C, D));
	region_view_close(v);
	catalogue_hold(region_catalogue(f->region), name_b, region_catalogue(f->region));
	assert_int_equal(catalogue_sweep(region_catalogue(f->region), now_ms), 2);
	assert_int_equal(presence(f, A), LISTED);
	assert_int_equal(presence(f, B), UNLISTED);
	assert_int_equal(presence(f, C), GONE);
	assert_int_equal(presence(f, D), UNLISTED);
	assert_int_equal(presence(f, "snap-0000000e"), GONE);
	/* It comes back by its id. */
	ensure_id(&a, f->region, C, false);
	turn(f);
	answer(5, "999999999999", NULL, IDS(C));
	assert_called(&a, 0);
	assert_int_equal(presence(f, C), UNLISTED);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, region_fixture_set_up, region_fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_who_wait_share_one_listing),
		TEST(test_a_first_listing_is_read_while_it_comes),
		TEST(test_a_first_listing_that_breaks_off_is_an_error),
		TEST(test_one_that_turns_out_to_be_listed_is_not_missed),
		TEST(test_the_owner_shows_while_the_listing_comes),
		TEST(test_stale_is_served_and_refreshed_behind),
		TEST(test_an_old_listing_is_refreshed_before_it_is_shown),
		TEST(test_an_old_listing_is_shown_if_there_is_no_other),
		TEST(test_a_listing_ahead_serves_who_comes),
		TEST(test_what_listings_were_for),
		TEST(test_who_goes_through_the_regions_waits_once),
		TEST(test_anew_waits_for_a_listing_that_began_later),
		TEST(test_anew_that_nobody_waits_for_any_more_is_not_made),
		TEST(test_a_failed_refresh_leaves_what_is_there),
		TEST(test_the_back_off_doubles_to_its_bound),
		TEST(test_a_region_never_listed_says_why_during_the_back_off),
		TEST(test_pages_without_end_end),
		TEST(test_without_memory_for_a_request_the_answer_is_no),
		TEST(test_a_region_may_be_destroyed_by_who_waited),
		TEST(test_destroyed_with_all_under_way),
		TEST(test_regions_are_made_at_need_and_keep_their_place),
		TEST(test_the_account_reaches_every_region),
		TEST(test_a_view_with_a_filter_has_its_own_members_age_and_waiters),
		TEST(test_a_view_with_a_filter_changes_by_difference),
		TEST(test_a_view_of_another_account_is_not_in_the_own),
		TEST(test_a_view_is_read_while_it_comes),
		TEST(test_own_and_shared_are_two_queries),
		TEST(test_a_view_of_too_many_pages_is_refused),
		TEST(test_what_only_a_closed_view_had_leaves_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
