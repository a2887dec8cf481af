/* SPDX-License-Identifier: MIT */
/* aws_query, where calls meet EC2's request rate, and each other: in line, out of it, refused, with
 * the wrong time; over real sockets. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "aws_world.h"
#include "cleanup.h"
#include "clock.h"
#include "pacing.h"

/* A client that keeps EC2's rates times this. */
static void keep(struct world *w, double rate, int64_t deadline_ms)
{
	struct err err;

	aws_destroy(w->aws);
	assert_int_equal(aws_create(&(struct aws_options){.loop = &w->f->loop,
					    .http = w->f->http,
					    .credentials = w->chain,
					    .endpoints = &w->endpoints,
					    .deadline_ms = deadline_ms,
					    .rate = rate},
				 &w->aws, &err),
		0);
}

/* --- many calls at once --- */

#define BURST 100 /* DeleteSnapshot's; then five a second, times the rate */
#define MORE  8

static struct many {
	struct aws_call *calls[BURST + MORE];
	int order[BURST + MORE];
	int ended, failed;
} many;

static void one_ended(void *arg, const struct err *err)
{
	struct aws_call **call = arg;

	*call = NULL;
	many.failed += err != NULL;
	many.order[many.ended++] = (int)(call - many.calls);
}

static void start_many(struct world *w)
{
	many = (struct many){0};
	for (int i = 0; i < BURST + MORE; i++) {
		many.calls[i] = ec2_delete_snapshot(
			w->aws, "eu-west-1", "snap-01234567", one_ended, &many.calls[i]);
		assert_non_null(many.calls[i]);
	}
	assert_int_equal(many.ended, 0);
}

static void find_counter(void *arg, const struct aws_counter *counter)
{
	if (!strcmp(counter->region, "eu-west-1"))
		*(struct aws_counter *)arg = *counter;
}

static struct aws_counter counter_of(const struct world *w)
{
	struct aws_counter counter = {0};

	aws_each_counter(w->aws, find_counter, &counter);
	return counter;
}

/* Beyond the burst they wait in line, go on in order as tokens come, and may leave it. */
static void test_in_line(void **state)
{
	struct world *w = *state;
	struct aws_counter counter;

	keep(w, 1, 0);
	world_script((struct step[]){DELETED, {0}});
	assert_int_equal(aws_allowance(w->aws, "eu-west-1", "DeleteSnapshot"), BURST);
	start_many(w);
	assert_int_equal(aws_allowance(w->aws, "eu-west-1", "DeleteSnapshot"), 0);
	/* Other actions and regions have their own. */
	assert_int_equal(aws_allowance(w->aws, "eu-west-2", "DeleteSnapshot"), BURST);
	assert_int_equal(aws_allowance(w->aws, "eu-west-2", "CopySnapshot"), 50);
	counter = counter_of(w);
	assert_int_equal(counter.waiting, MORE);
	assert_true(counter.paced && counter.tokens < 1);
	/* Three leave: the first in line, one amidst, the last. */
	aws_cancel(many.calls[BURST]);
	aws_cancel(many.calls[BURST + 3]);
	aws_cancel(many.calls[BURST + MORE - 1]);
	while (many.ended < BURST + MORE - 3)
		uv_run(&w->f->loop, UV_RUN_ONCE);
	assert_int_equal(many.failed, 0);
	assert_int_equal(world_came(), BURST + MORE - 3);
	for (int i = 1; i < MORE - 3; i++)
		assert_true(many.order[BURST + i] > many.order[BURST + i - 1]);
	counter = counter_of(w);
	assert_int_equal(counter.waiting, 0);
	assert_int_equal(counter.waits, MORE);
	assert_int_equal(counter.requests, BURST + MORE - 3);
	/* Five at five a second: one waits for 200 ms, the next for 400… */
	assert_true(counter.waited_ms >= 200 + 400 + 600 + 800 + 900);
	/* And a client may go while some wait. */
	start_many(w);
}

/* --- no turn --- */

static void note_the_time(uv_timer_t *timer)
{
	*(int64_t *)timer->data = clock_mono_ms();
}

static void test_no_turn_in_time(void **state)
{
	struct world *w = *state;
	int64_t start, rang = 0;
	uv_timer_t timer = {.data = &rang};

	keep(w, 0.02, 2000); /* one copy, and the next in ten seconds */
	world_run(w, world_copy, (struct step[]){COPIED, {0}});
	assert_int_equal(w->err.errnum, 0);
	start = clock_mono_ms();
	uv_timer_init(&w->f->loop, &timer);
	uv_timer_start(&timer, note_the_time, 1500, 0);
	world_run(w, world_copy, (struct step[]){COPIED, {0}});
	assert_int_equal(w->err.errnum, EAGAIN);
	assert_true(w->err.retryable);
	assert_false(w->err.maybe_done);
	assert_string_equal(w->err.message,
		"CopySnapshot in eu-west-1: AWS's request rate is used up (1 at once, then 0.1 a "
		"second)");
	assert_int_equal(world_came(), 0);
	/* Not so late that a try would have had no time: at about the time when a timer of
	 * three quarters of the deadline rings, on whatever machine. */
	assert_true(clock_mono_ms() - start >= 1490);
	assert_true(!rang || clock_mono_ms() - rang < 400);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&w->f->loop, UV_RUN_NOWAIT);
}

/* The refusal that a try got is what is told, when there is no turn for another. */
static void test_no_turn_after_a_refusal(void **state)
{
	struct world *w = *state;

	keep(w, 0.02, 3000);
	world_run(w, world_copy, (struct step[]){THROTTLED, COPIED, {0}});
	assert_int_equal(world_came(), 1);
	assert_int_equal(w->err.errnum, EAGAIN);
	assert_string_equal(w->err.code, "RequestLimitExceeded");
	assert_false(w->err.maybe_done);
	assert_true(counter_of(w).share < 0.6);
}

/* An endpoint that is not Amazon's has no rate until it refuses for one. */
static void test_a_rate_is_learned(void **state)
{
	struct world *w = *state;
	struct aws_counter counter;

	/* Amazon's have one from the start. */
	w->endpoints.endpoint_url = NULL;
	keep(w, 0, 0);
	assert_int_equal(aws_allowance(w->aws, "eu-west-1", "DescribeSnapshots"), 100);
	w->endpoints.endpoint_url = w->url;
	keep(w, 0, 0);
	assert_true(aws_allowance(w->aws, "eu-west-1", "DeleteSnapshot") == UINT_MAX);
	world_run(w, world_delete, (struct step[]){DELETED, {0}});
	counter = counter_of(w);
	assert_false(counter.paced);
	world_run(w, world_delete, (struct step[]){THROTTLED, DELETED, {0}});
	assert_int_equal(w->err.errnum, 0);
	counter = counter_of(w);
	assert_true(counter.paced);
	assert_int_equal(counter.throttled, 1);
	assert_in_range((int)(counter.share * 100), 50, 60);
	assert_true(aws_allowance(w->aws, "eu-west-1", "DeleteSnapshot") <= 10);
}

/* --- the wrong time --- */

static const char *hour_ahead(char date[80])
{
	time_t ahead = (time_t)(clock_wall_ms() / 1000) + 3600;
	struct tm tm;

	strftime(date, 80, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&ahead, &tm));
	return date;
}

/* Several calls go out with the wrong time before the first is refused: all go out again, and none
 * is taken for one with old keys. */
static void test_the_wrong_time_side_by_side(void **state)
{
	struct world *w = *state;
	char date[80];
	const struct step skewed = {.status = "400 Bad Request",
		.headers = hour_ahead(date),
		.body = ERROR_BODY("RequestExpired")};
	const struct step accepted = {
		.status = "200 OK", .headers = date, .body = "<DeleteSnapshotResponse/>"};

	world_script((struct step[]){skewed, skewed, skewed, accepted});
	many = (struct many){0};
	for (int i = 0; i < 3; i++)
		many.calls[i] = ec2_delete_snapshot(
			w->aws, "eu-west-1", "snap-01234567", one_ended, &many.calls[i]);
	while (many.ended < 3)
		uv_run(&w->f->loop, UV_RUN_ONCE);
	assert_int_equal(many.failed, 0);
	assert_int_equal(world_came(), 6);
	assert_int_equal(fake_chain_expired(w->chain), 0);
	assert_in_range(aws_skew_ms(w->aws), 3590000, 3610000);
}

/* Without a Date nothing is known of the clock: RequestExpired is then about the keys. */
static void test_no_date(void **state)
{
	struct world *w = *state;

	world_run(w, world_delete,
		(struct step[]){REFUSED("400 Bad Request", "RequestExpired"), DELETED, {0}});
	assert_int_equal(w->err.errnum, 0);
	assert_int_equal(fake_chain_expired(w->chain), 1);
	assert_int_equal(aws_skew_ms(w->aws), 0);
}

/* --- the budget --- */

static void find_budget(void *arg, const char *region, int tokens)
{
	if (!strcmp(region, "eu-west-1"))
		*(int *)arg = tokens;
}

/* A storm: however many calls are made, one try each and the budget's retries is all that is sent;
 * and with the first success it begins to come back. */
static void test_a_storm_costs_the_budget(void **state)
{
	struct world *w = *state;
	int left = -1;

	world_script((struct step[]){INTERNAL, {0}});
	for (int round = 0; round < 2; round++) {
		start_many(w);
		while (many.ended < BURST + MORE)
			uv_run(&w->f->loop, UV_RUN_ONCE);
		assert_int_equal(many.failed, BURST + MORE);
	}
	assert_int_equal(world_came(), 2 * (BURST + MORE) + RETRY_BUDGET / RETRY_COST);
	aws_each_budget(w->aws, find_budget, &left);
	assert_int_equal(left, 0);
	world_run(w, world_delete, (struct step[]){DELETED, {0}});
	aws_each_budget(w->aws, find_budget, &left);
	assert_int_equal(left, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_line),
		TEST(test_no_turn_in_time),
		TEST(test_no_turn_after_a_refusal),
		TEST(test_a_rate_is_learned),
		TEST(test_the_wrong_time_side_by_side),
		TEST(test_no_date),
		TEST(test_a_storm_costs_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
