/* SPDX-License-Identifier: MIT */
/* aws_query: how often a call goes out, and how it ends, whatever the server does; over real
 * sockets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws_world.h"
#include "cleanup.h"
#include "clock.h"
#include "isotime.h"

/* The heart of it: what each kind of call does after each kind of failure. */
static void test_how_often_a_call_goes_out(void **state)
{
	static const struct {
		struct aws_call *(*start)(struct world *w);
		struct step steps[4];
		int requests, errnum;
		bool maybe_done;
	} table[] = {
		{world_describe, {PAGE}, 1, 0, false},
		{world_describe, {RESET, PAGE}, 2, 0, false},
		{world_describe, {RESET}, 3, EIO, false},
		{world_describe, {INTERNAL, PAGE}, 2, 0, false},
		{world_describe, {THROTTLED, PAGE}, 2, 0, false},
		{world_describe, {GARBAGE, PAGE}, 2, 0, false},
		{world_describe, {GARBAGE}, 3, EIO, false},
		{world_describe, {UNAUTHORIZED, PAGE}, 1, EACCES, false},
		{world_describe, {EXPIRED, PAGE}, 2, 0, false},
		{world_delete, {RESET, DELETED}, 2, 0, false},
		{world_delete, {INTERNAL, DELETED}, 2, 0, false},
		{world_delete, {RESET, UNAUTHORIZED}, 2, EACCES, true},
		{world_delete, {INTERNAL}, 3, EIO, true},
		{world_delete, {THROTTLED, UNAUTHORIZED}, 2, EACCES, false},
		{world_delete, {GARBAGE, REFUSED("400 Bad Request", "InvalidSnapshot.NotFound")}, 2,
			ENOENT, true},
		{world_copy, {COPIED}, 1, 0, false},
		{world_copy, {RESET, COPIED}, 1, EIO, true},
		{world_copy, {{.then = THEN_CLOSE}, COPIED}, 1, EIO, true},
		{world_copy, {INTERNAL, COPIED}, 1, EIO, true},
		{world_copy, {REFUSED("503 Service Unavailable", "Unavailable"), COPIED}, 1, EAGAIN,
			true},
		{world_copy, {{.status = "502 Bad Gateway", .body = ""}, COPIED}, 1, EIO, true},
		{world_copy, {GARBAGE, COPIED}, 1, EIO, true},
		{world_copy, {PAGE, COPIED}, 1, EIO, true},
		{world_copy, {THROTTLED, COPIED}, 2, 0, false},
		{world_copy, {THROTTLED, RESET, COPIED}, 2, EIO, true},
		{world_copy, {EXPIRED, COPIED}, 2, 0, false},
		{world_copy, {EXPIRED, EXPIRED, COPIED}, 2, EACCES, false},
		{world_copy, {REFUSED("400 Bad Request", "ResourceLimitExceeded"), COPIED}, 1,
			EAGAIN, false},
		{world_copy, {UNAUTHORIZED, COPIED}, 1, EACCES, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		world_setup(state);
		struct world *w = *state;

		world_run(w, table[i].start, table[i].steps);
		if (world_came() != table[i].requests || w->err.errnum != table[i].errnum ||
			w->err.maybe_done != table[i].maybe_done)
			fail_msg("row %zu: %d requests, %s, maybe_done %d: %s", i, world_came(),
				strerror(w->err.errnum), w->err.maybe_done, w->err.message);
		if (!w->err.errnum && table[i].start == world_copy)
			assert_string_equal(w->id, "snap-0123456789abcdef0");
		if (!w->err.errnum && table[i].start == world_describe)
			assert_int_equal(w->n_snapshots, 1);
		world_teardown(state);
	}
	world_setup(state);
}

/* Nothing was sent, so even a world_copy may try again; and it says that it was not carried out. */
static void test_copy_that_cannot_connect(void **state)
{
	struct world *w = *state;

	w->endpoints.endpoint_url = "http://127.0.0.1:1";
	world_run(w, world_copy, (struct step[]){COPIED, {0}});
	assert_int_equal(w->err.errnum, EHOSTUNREACH);
	assert_false(w->err.maybe_done);
	assert_true(w->err.retryable);
	assert_string_equal(w->err.message,
		"CopySnapshot in eu-west-1: 127.0.0.1:1: cannot connect: Connection refused");
	assert_int_equal(aws_health(w->aws, NULL).last_answer_ms, 0);
	assert_int_equal(aws_health(w->aws, "eu-west-1").last_failure.errnum, EHOSTUNREACH);
	assert_int_equal(aws_health(w->aws, "us-east-1").last_failure_ms, 0);
}

static void test_dry_run(void **state)
{
	struct world *w = *state;

	world_script((struct step[]){REFUSED("412 Precondition Failed", "DryRunOperation"), {0}});
	strcpy(w->id, "?");
	assert_non_null(ec2_copy_snapshot(w->aws,
		&(struct ec2_copy_snapshot){.region = "eu-west-1",
			.source_region = "us-east-1",
			.source_id = "snap-01234567",
			.dry_run = true},
		world_copy_ended, w));
	world_wait(w);
	assert_int_equal(w->err.errnum, 0);
	assert_string_equal(w->id, "");
	assert_non_null(strstr(w->f->last_body.data, "&DryRun=true&"));
	/* Without asking for a dry run its answer is none. */
	world_run(w, world_copy,
		(struct step[]){REFUSED("412 Precondition Failed", "DryRunOperation"), {0}});
	assert_int_equal(w->err.errnum, EIO);
}

/* The n-th request's head has this text. */
static bool sent(int n, const char *text)
{
	return strstr(world_head(n), text) != NULL;
}

static void test_keys(void **state)
{
	struct world *w = *state;

	world_run(w, world_describe, (struct step[]){EXPIRED, PAGE, {0}});
	assert_true(sent(0, "Credential=AKID1/"));
	assert_false(sent(0, "X-Amz-Security-Token"));
	assert_true(sent(1, "Credential=AKID2/"));
	assert_true(sent(1, "X-Amz-Security-Token: token2\r\n"));
	assert_true(sent(1, "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,"));
	/* No fresher keys than these: the refusal stands, and nothing is sent again. */
	world_run(w, world_describe, (struct step[]){EXPIRED, PAGE, {0}});
	world_run(w, world_describe, (struct step[]){EXPIRED, PAGE, {0}});
	assert_int_equal(world_came(), 1);
	assert_string_equal(w->err.code, "ExpiredToken");
	assert_int_equal(fake_chain_expired(w->chain), 3);
}

/* A region that is not enabled says the same as wrong keys do: only keys that were good here may
 * have become old. */
static void test_auth_failure(void **state)
{
	struct world *w = *state;

	world_run(w, world_describe,
		(struct step[]){REFUSED("401 Unauthorized", "AuthFailure"), PAGE, {0}});
	assert_int_equal(world_came(), 1);
	assert_int_equal(w->err.errnum, EACCES);
	assert_int_equal(fake_chain_expired(w->chain), 0);
	world_run(w, world_describe, (struct step[]){PAGE, {0}});
	world_run(w, world_describe,
		(struct step[]){EXPIRED, REFUSED("401 Unauthorized", "AuthFailure"), PAGE, {0}});
	assert_int_equal(world_came(), 2);
	assert_int_equal(
		fake_chain_expired(w->chain), 1); /* the first pair's end, not the second's */
	world_run(w, world_describe, (struct step[]){PAGE, {0}});
	world_run(w, world_describe,
		(struct step[]){REFUSED("401 Unauthorized", "AuthFailure"), PAGE, {0}});
	assert_int_equal(world_came(), 2);
	assert_int_equal(w->err.errnum, 0);
	assert_true(sent(1, "Credential=AKID3/"));
}

static int64_t signed_at(int n)
{
	const char *date = strstr(world_head(n), "X-Amz-Date: ");
	char iso[32];
	int64_t ms = 0;

	assert_non_null(date);
	date += 12;
	snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date, date + 4, date + 6,
		date + 9, date + 11, date + 13);
	assert_int_equal(isotime_parse(iso, strlen(iso), &ms), 0);
	return ms;
}

static void test_clock(void **state)
{
	struct world *w = *state;
	time_t ahead = (time_t)(clock_wall_ms() / 1000) + 3600;
	struct tm tm;
	char date[80];
	int64_t first;

	strftime(date, sizeof(date), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&ahead, &tm));
	const struct step skewed = {
		.status = "400 Bad Request", .headers = date, .body = ERROR_BODY("RequestExpired")};

	world_run(w, world_copy, (struct step[]){skewed, COPIED, {0}});
	assert_int_equal(w->err.errnum, 0);
	assert_int_equal(world_came(), 2);
	assert_int_equal(fake_chain_expired(w->chain), 0);
	first = signed_at(0);
	assert_in_range(signed_at(1) - first, 3595000, 3660000);
	/* The next call knows it from the start. The same refusal again is not the clock's. */
	world_run(w, world_describe, (struct step[]){skewed, PAGE, {0}});
	assert_in_range(signed_at(0) - first, 3595000, 3660000);
	assert_int_equal(fake_chain_expired(w->chain), 1);
}

static void test_deadline(void **state)
{
	struct world *w = *state;
	struct err err;
	int64_t start = clock_mono_ms();

	aws_destroy(w->aws);
	assert_int_equal(aws_create(&(struct aws_options){.loop = &w->f->loop,
					    .http = w->f->http,
					    .credentials = w->chain,
					    .endpoints = &w->endpoints,
					    .deadline_ms = 150},
				 &w->aws, &err),
		0);
	world_run(w, world_describe, (struct step[]){{0}});
	assert_int_equal(w->err.errnum, ETIMEDOUT);
	assert_false(w->err.maybe_done);
	world_run(w, world_copy, (struct step[]){{0}});
	assert_int_equal(w->err.errnum, ETIMEDOUT);
	assert_true(w->err.maybe_done);
	assert_int_equal(world_came(), 1);
	fake_chain_set_mood(w->chain, FAKE_SILENT);
	world_run(w, world_copy, (struct step[]){COPIED, {0}});
	assert_int_equal(w->err.errnum, ETIMEDOUT);
	assert_false(w->err.maybe_done);
	assert_int_equal(world_came(), 0);
	assert_true(clock_mono_ms() - start >= 450);
}

static void test_no_keys(void **state)
{
	struct world *w = *state;

	fake_chain_set_mood(w->chain, FAKE_FAILS);
	world_run(w, world_describe, (struct step[]){PAGE, {0}});
	assert_int_equal(w->err.errnum, EACCES);
	assert_string_equal(w->err.message, "DescribeSnapshots in eu-west-1: no credentials found");
	assert_int_equal(world_came(), 0);
}

/* A cancelled call is silent, in whatever state it was; the sanitizer tells whether anything was
 * left behind. */
static void test_cancelling(void **state)
{
	struct world *w = *state;

	for (int turns = 0; turns < 12; turns++) {
		struct aws_call *call;

		world_script((struct step[]){THROTTLED, PAGE, {0}});
		w->called = 0;
		call = world_describe(w);
		assert_non_null(call);
		for (int i = 0; i < turns && !w->called; i++)
			uv_run(&w->f->loop, UV_RUN_NOWAIT);
		if (w->called)
			break;
		aws_cancel(call);
		assert_int_equal(w->called, 0);
	}
	/* A page that is being parsed meanwhile. */
	world_script((struct step[]){PAGE, {0}});
	for (int i = 0; i < 50; i++) {
		struct aws_call *call = world_describe(w);

		w->called = 0;
		while (world_came() == i)
			uv_run(&w->f->loop, UV_RUN_NOWAIT);
		for (int k = 0; k < i % 5 && !w->called; k++)
			uv_run(&w->f->loop, UV_RUN_NOWAIT);
		if (!w->called)
			aws_cancel(call);
	}
	assert_non_null(world_describe(w)); /* and one for aws_destroy() */
}

static void find_counter(void *arg, const struct aws_counter *counter)
{
	struct aws_counter *found = arg;

	if (!strcmp(counter->region, "eu-west-1") && !strcmp(counter->action, found->action))
		*found = *counter;
}

static void test_counters(void **state)
{
	struct world *w = *state;
	struct aws_counter reads = {.action = "DescribeSnapshots"},
			   copies = {.action = "CopySnapshot"};
	struct aws_health health;

	world_run(w, world_describe, (struct step[]){THROTTLED, INTERNAL, PAGE, {0}});
	world_run(w, world_describe, (struct step[]){UNAUTHORIZED, {0}});
	world_run(w, world_copy, (struct step[]){RESET, {0}});
	aws_each_counter(w->aws, find_counter, &reads);
	aws_each_counter(w->aws, find_counter, &copies);
	assert_int_equal(reads.requests, 4);
	assert_int_equal(reads.retries, 2);
	assert_int_equal(reads.throttled, 1);
	assert_int_equal(reads.errors, 1);
	assert_int_equal(copies.requests, 1);
	assert_int_equal(copies.retries, 0);
	assert_int_equal(copies.errors, 1);
	health = aws_health(w->aws, "eu-west-1");
	assert_in_range(health.last_answer_ms, clock_wall_ms() - 60000, clock_wall_ms());
	assert_int_equal(health.last_failure.errnum, EIO);
	assert_true(health.last_failure_ms >= health.last_answer_ms);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_how_often_a_call_goes_out, NULL, world_teardown),
		TEST(test_copy_that_cannot_connect),
		TEST(test_dry_run),
		TEST(test_keys),
		TEST(test_auth_failure),
		TEST(test_clock),
		TEST(test_deadline),
		TEST(test_no_keys),
		TEST(test_cancelling),
		TEST(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
