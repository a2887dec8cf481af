/* SPDX-License-Identifier: MIT */
/* copy/: the parts that decide by themselves (limits, pauses, estimates, words), and the command
 * that is run at the end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws_error.h"
#include "copies_report.h"
#include "copy_snapshot.h"
#include "copy_tags.h"
#include "loop.h"
#include "on_end.h"
#include "region_queue.h"
#include "timing.h"

/* --- the limit --- */

static void test_the_figure_in_a_refusal(void **state)
{
	static const struct {
		const char *message;
		unsigned limit;
	} table[] = {
		{"Too many snapshot copies in progress. The limit is 5 for this destination "
		 "region.",
			5},
		{"Too many snapshot copies in progress. The limit is 20 for this destination "
		 "region.",
			20},
		{"The limit is 100000.", 100000},
		{"The limit is 100001.", 0},
		{"The limit is 0.", 0},
		{"The limit is unknown.", 0},
		{"The limit is 99999999999999999999999.", 0},
		{"The limit is ", 0},
		{"Too many snapshot copies in progress.", 0},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(concurrency_limit_limit_of(table[i].message), table[i].limit);
}

#define REFUSAL(n) "The limit is " n " for this destination region."

static void test_an_assumed_limit_is_tried_one_at_a_time(void **state)
{
	struct concurrency_limit g;

	(void)state;
	concurrency_limit_init(&g, CONCURRENCY_LIMIT_DEFAULT, 1000);
	assert_true(concurrency_limit_admits(&g, 19, 19, 0));
	assert_true(concurrency_limit_admits(&g, 20, 0, 0));
	assert_false(concurrency_limit_admits(&g, 20, 1, 0)); /* the answer is awaited first */
	concurrency_limit_sent(&g, 0);
	concurrency_limit_accepted(&g, 21, 0);
	assert_int_equal(g.limit, 21); /* EC2 took it: the limit is not below that */
	concurrency_limit_refused(&g, REFUSAL("21"), 21, 0, 0);
	assert_false(g.held);
	assert_false(concurrency_limit_admits(&g, 21, 0, 0));
	assert_true(concurrency_limit_admits(&g, 20, 5, 0));
	assert_int_equal(concurrency_limit_next(&g), INT64_MAX);
	/* What EC2 named holds for some hours, whatever a late listing shows; then one more is
	 * tried. */
	concurrency_limit_seen(&g, 30);
	assert_int_equal(g.limit, 21);
	assert_false(concurrency_limit_admits(&g, 21, 0, CONCURRENCY_LIMIT_LEARNED_MS - 1));
	assert_true(concurrency_limit_admits(&g, 21, 0, CONCURRENCY_LIMIT_LEARNED_MS));
}

/* However many EC2 takes at once, a long queue costs at most one refusal for each of them. */
static void test_a_queue_begins_slowly(void **state)
{
	(void)state;
	for (unsigned limit = 1; limit <= 30; limit++) {
		unsigned used = 0, refused = 0, rounds = 0;
		char message[80];
		struct concurrency_limit g;

		snprintf(message, sizeof(message), REFUSAL("%u"), limit);
		concurrency_limit_init(&g, CONCURRENCY_LIMIT_DEFAULT, 1000);
		for (bool full = false; !full; rounds++) {
			unsigned sent = 0;

			while (concurrency_limit_admits(&g, used + sent, sent, 0) &&
				concurrency_limit_paces(&g, sent, 0))
				sent++;
			assert_true(sent > 0);
			for (; sent; sent--) {
				if (used < limit) {
					concurrency_limit_accepted(&g, ++used, 0);
					continue;
				}
				concurrency_limit_refused(&g, message, used, 0, 0);
				refused++;
				full = true;
			}
		}
		assert_in_range(refused, 1, limit);
		assert_int_equal(used, limit);
		assert_true(rounds <= 7 || limit > 20);
		assert_true(
			concurrency_limit_paces(&g, 1000, 0)); /* what is known needs no trying */
	}
}

static void test_a_refusal_below_the_count_holds_the_gate(void **state)
{
	struct concurrency_limit g;

	(void)state;
	concurrency_limit_init(&g, CONCURRENCY_LIMIT_DEFAULT, 1000);
	/* We count 12, EC2 refuses at 20: eight are not seen. */
	concurrency_limit_refused(&g, REFUSAL("20"), 12, 5000, 1);
	assert_true(g.held);
	assert_false(concurrency_limit_admits(&g, 12, 0, 5999));
	assert_int_equal(concurrency_limit_next(&g), 6000);
	/* One that ends admits one. */
	concurrency_limit_freed(&g);
	assert_true(concurrency_limit_admits(&g, 11, 0, 5100));
	concurrency_limit_sent(&g, 5100);
	assert_false(concurrency_limit_admits(&g, 12, 1, 5200));
	concurrency_limit_accepted(&g, 12, 5200);
	assert_false(concurrency_limit_admits(&g, 12, 0, 5200));
	/* So does time, once a pause. */
	assert_true(concurrency_limit_admits(&g, 12, 0, 6200));
	concurrency_limit_sent(&g, 6200);
	assert_false(concurrency_limit_admits(&g, 13, 1, 6300));
	/* Refused again: the pause doubles, to 15 times the first. */
	for (int i = 0; i < 10; i++)
		concurrency_limit_refused(&g, REFUSAL("20"), 12, 10000, 1);
	assert_int_equal(concurrency_limit_next(&g), 25000);
	/* When the count agrees with the limit, it suffices again. */
	concurrency_limit_sent(&g, 30000);
	concurrency_limit_accepted(&g, 20, 30000);
	assert_false(g.held);
	assert_false(concurrency_limit_admits(&g, 20, 0, 30000));
	assert_true(concurrency_limit_admits(&g, 19, 3, 30000));
}

/* --- pauses --- */

static void test_the_poll_follows_age_and_expected_end(void **state)
{
	static const struct {
		int64_t age, remaining, interval;
	} table[] = {
		{0, POLL_UNKNOWN, 2000},
		{60000, POLL_UNKNOWN, 2000},
		{120000, POLL_UNKNOWN, 4000},
		{600000, POLL_UNKNOWN, 20000},
		{900000, POLL_UNKNOWN, 30000},
		{INT64_MAX / 2, POLL_UNKNOWN, 30000},
		{-5000, POLL_UNKNOWN, 2000}, /* a clock that is behind EC2's */
		{3600000, 3600000, 30000},   /* far from the end */
		{3600000, 40000, 10000},
		{3600000, 8000, 2000},
		{3600000, 0, 2000},
		{3600000, -40000, 10000}, /* overdue: the estimate is worth less and less */
		{3600000, -3600000, 30000},
		{60000, 3600000, 2000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (timing_poll_interval(2000, table[i].age, table[i].remaining) !=
			table[i].interval)
			fail_msg("row %zu: %d", i,
				(int)timing_poll_interval(2000, table[i].age, table[i].remaining));
	assert_int_equal(timing_poll_interval(100, 3600000, POLL_UNKNOWN), 1500);
}

static void test_retries_and_searches_have_growing_pauses(void **state)
{
	int64_t last = -1;

	(void)state;
	assert_int_equal(timing_retry_pause(1000, 1, 0), 500);
	assert_int_equal(timing_retry_pause(1000, 7, 0), 30000);
	assert_in_range(timing_retry_pause(1000, 50, 0.99999), 59000, 60000);
	assert_int_equal(timing_search_time(150000, 0), 0);
	assert_int_equal(timing_search_time(150000, 1), 1000);
	assert_int_equal(timing_search_time(150000, 9), 150000);
	assert_int_equal(timing_search_time(150000, 10), 180000);
	for (unsigned n = 0; n < 30; n++) {
		assert_true(timing_search_time(150000, n) > last);
		last = timing_search_time(150000, n);
	}
}

/* --- estimates --- */

static void count_rates(void *arg, const char *from, const char *to, double rate)
{
	double *out = arg;

	assert_string_equal(from, "us-east-1");
	assert_string_equal(to, "eu-west-1");
	*out = rate;
}

static void test_estimates(void **state)
{
	struct timing *e = timing_create();
	double rate = 0;

	(void)state;
	assert_int_equal(timing_expected_length(e, "us-east-1", "eu-west-1", 1000), -1);
	timing_learn(e, "us-east-1", "eu-west-1", 1000000, 1000);
	assert_int_equal(timing_expected_length(e, "us-east-1", "eu-west-1", 2000000), 2000);
	assert_int_equal(timing_expected_length(e, "us-east-1", "eu-west-1", -1), 1000);
	assert_int_equal(timing_expected_length(e, "eu-west-1", "us-east-1", 2000000), -1);
	/* The newest counts for 30 %. */
	timing_learn(e, "us-east-1", "eu-west-1", 2000000, 1000);
	assert_int_equal(timing_expected_length(e, "us-east-1", "eu-west-1", 1300000), 1000);
	/* What cannot be is not learned. */
	timing_learn(e, "us-east-1", "eu-west-1", 5000000, 0);
	timing_learn(e, "us-east-1", "eu-west-1", 5000000, -5);
	assert_int_equal(timing_expected_length(e, "us-east-1", "eu-west-1", 1300000), 1000);
	timing_each_rate(e, count_rates, &rate);
	assert_in_range((int)rate, 1299990, 1300010);
	timing_destroy(e);

	static const struct {
		int64_t start;
		int percent;
		int64_t at, length;
		int minutes;
		int64_t end;
	} table[] = {
		{0, 50, 1000, 5000, 60, 0},                                  /* it has not begun */
		{1000, -1, 2000, -1, 0, 0}, {1000, -1, 2000, 5000, 0, 6000}, /* by experience */
		{1000, 0, 2000, 5000, 0, 6000}, /* the first percents say little */
		{1000, 4, 2000, 5000, 0, 6000},
		{1000, 50, 2000, 50000, 60, 3000}, /* by EC2's percent */
		{1000, 100, 2000, 50000, 0, 2000},
		{1000, -1, 2000, 50000, 15, 1000 + 900000}, /* by what EC2 was asked to keep */
		{5000, 50, 4000, -1, 0, 0},                 /* a clock that is behind EC2's */
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (timing_expected_end(table[i].start, table[i].percent, table[i].at,
			    table[i].length, table[i].minutes) != table[i].end)
			fail_msg("row %zu", i);
}

/* --- words --- */

static void test_errors_are_told_apart(void **state)
{
	static const struct {
		const char *code;
		int status;
		bool retryable, limit, in_state, passing, absent;
	} table[] = {
		{"ResourceLimitExceeded", 400, false, true, false, false, false},
		{"PendingSnapshotLimitExceeded", 400, false, true, false, false, false},
		{"SnapshotLimitExceeded", 400, false, false, false, false, false},
		{"IncorrectState", 400, false, false, true, false, false},
		{"RequestLimitExceeded", 503, true, false, false, true, false},
		{"InternalError", 500, false, false, false, true, false},
		{"", 0, false, false, false, true, false},
		{"RequestExpired", 400, false, false, false, true, false},
		{"AuthFailure", 401, false, false, false, true, false},
		{"InvalidAccessKeyId.NotFound", 401, false, false, false, true, false},
		{"UnauthorizedOperation", 403, false, false, false, false, false},
		{"InvalidSnapshot.NotFound", 400, false, false, false, false, true},
		{"InvalidParameterValue", 400, false, false, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct err err = {.http_status = table[i].status, .retryable = table[i].retryable};

		snprintf(err.code, sizeof(err.code), "%s", table[i].code);
		if (aws_error_is_limit(err.code) != table[i].limit ||
			aws_error_is_state(err.code) != table[i].in_state ||
			aws_error_is_passing(&err) != table[i].passing ||
			aws_error_is_absent(err.code) != table[i].absent)
			fail_msg("%s", table[i].code);
	}
}

static void test_hints(void **state)
{
	static const char noise[] =
		"ec2:CreateTags KMS AssumeRole ource snapshot resigned source: SSO";
	static const struct {
		const char *action, *code, *message, *hint;
	} table[] = {
		{"CopySnapshot", "KMS.DisabledException", "", "a key of its own region"},
		{"CopySnapshot", "UnauthorizedOperation", noise, "-o notags"},
		{"CopySnapshot", "unauthorizedoperation", "", "explicit must go"},
		{"CreateTags", "UnauthorizedOperation", "", "lacks ec2:CreateTags"},
		{"CreateTags", "TagLimitExceeded", noise, "at most 50 tags"},
		{"CreateTags", "InvalidSnapshot.NotFound", noise, "the snapshot was deleted"},
		{"CopySnapshot", "InvalidSnapshot.NotFound", "", "the source was deleted"},
		{"ModifyThings", "UnauthorizedOperation", noise, "the message names"},
		{NULL, "AuthFailure", "", "not enabled"},
		{NULL, "RequestExpired", "x (access key A, source: SSO of profile x)",
			"aws sso login"},
		{NULL, "ExpiredTokenException",
			"x (access key B, source: SSO) (access key A, source: environment)",
			"mount again"},
		{NULL, "ExpiredToken", noise, "get new credentials"},
		{"AssumeRole", "AccessDenied", "", "sts:AssumeRole"},
		{"AssumeRoleWithWebIdentity", "AccessDenied", "", "the token's issuer"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *hint =
			aws_error_advice(table[i].action, table[i].code, table[i].message);

		if (!hint || !strstr(hint, table[i].hint))
			fail_msg("row %zu: %s", i, hint ? hint : "none");
	}
	assert_null(aws_error_advice("CreateTags", "", noise));
	assert_null(aws_error_advice("CreateTags", "InvalidParameterValue", noise));
	assert_null(aws_error_advice(NULL, NULL, NULL));
}

static void test_no_advice_to_repeat_what_may_be_done(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ETIMEDOUT, "no response");
	assert_non_null(strstr(aws_error_advice_for(&err), "may be tried again"));
	err.maybe_done = true;
	assert_null(strstr(aws_error_advice_for(&err), "tried again"));
	assert_non_null(strstr(aws_error_advice_for(&err), "do not repeat"));
}

/* A snapshot's StatusMessage comes without a code. */
static void test_hints_for_failed_snapshots(void **state)
{
	static const struct {
		const char *message, *hint;
	} table[] = {
		{"Given key ID is not accessible", "kms:CreateGrant, kms:GenerateDataKey, "},
		{"Given key ID is not accessible", "in the destination's region"},
		{"The PresignedUrl is not valid: it has expired", "clock"},
		{"Source snapshot is not found", "not shared"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *hint = aws_error_advice_for_status(table[i].message);

		if (!hint || !strstr(hint, table[i].hint))
			fail_msg("row %zu: %s", i, hint ? hint : "none");
	}
	assert_null(aws_error_advice_for_status("something else"));
	assert_null(aws_error_advice_for_status(NULL));
}

static void test_bars(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	copies_text_progress(&out, 42);
	assert_string_equal(
		out.data, "progress: 42%  [################------------------------]\n");
	buf_clear(&out);
	copies_text_progress(&out, 0);
	copies_text_progress(&out, 100);
	copies_text_progress(&out, 250);
	copies_text_progress(&out, EC2_PROGRESS_UNKNOWN);
	assert_string_equal(out.data, "progress: 0%  [----------------------------------------]\n"
				      "progress: 100%  [########################################]\n"
				      "progress: 250%  [########################################]\n"
				      "progress: unknown\n");
	buf_clear(&out);
	copies_text_line(&out, "message", "two\nlines \033[31m");
	copies_text_line(&out, "none", NULL);
	copies_text_line(&out, "none", "");
	assert_string_equal(out.data, "message: two lines ?[31m\n");
	copies_text_note(&out, NULL);
	copies_text_note(&out, "");
	copies_text_note(&out, "one");
	copies_text_note(&out, "two\nlines");
	assert_string_equal(out.data, "message: two lines ?[31m\nnote: one; two lines\n");
	buf_clear(&out);
	copies_text_note(&out, "alone");
	copies_text_note(&out, "not any more");
	assert_string_equal(out.data, "note: alone; not any more\n");
}

/* --- tags --- */

static void test_tags_travel_through_the_journal(void **state)
{
	struct request_tag tags[] = {
		{(char *)"a \"quoted\"", (char *)"x\ny"}, {(char *)"empty", (char *)""}};
	struct copy_request request = {.tags = tags, .n_tags = 2};
	struct journal_copy row = {.token = (char *)"token",
		.source_region = (char *)"us-east-1",
		.source_id = (char *)"snap-1"};
	_cleanup_free_ char *json = NULL;
	struct tag_list list;
	unsigned left_out;
	struct err err;

	(void)state;
	assert_int_equal(copy_tags_compose(NULL, 0, &request, &json, &left_out, &err), 0);
	row.tags = json;
	assert_int_equal(copy_tags_list(&row, &list), 0);
	assert_int_equal(list.n, 4);
	assert_string_equal(list.tags[0].key, "a \"quoted\"");
	assert_string_equal(list.tags[0].value, "x\ny");
	assert_string_equal(list.tags[1].value, "");
	assert_string_equal(list.tags[2].key, "ebsfs:request");
	assert_string_equal(list.tags[2].value, "token");
	assert_string_equal(list.tags[3].value, "us-east-1/snap-1");
	copy_tags_finish(&list);
	row.tags = NULL;
	assert_int_equal(copy_tags_list(&row, &list), 0);
	assert_int_equal(list.n, 2);
	copy_tags_finish(&list);
	static const char *const bad[] = {"", "[]", "{", "{\"a\":1}", "{\"a\":null}"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		row.tags = (char *)bad[i];
		assert_int_equal(copy_tags_list(&row, &list), -EINVAL);
	}
}

static void test_a_label_is_a_tag(void **state)
{
	struct request_tag tags[REQUEST_TAGS_MAX];
	struct copy_request request = {.tags = tags, .n_tags = ARRAY_LEN(tags)};
	struct journal_copy row = {.token = (char *)"token",
		.source_region = (char *)"us-east-1",
		.source_id = (char *)"snap-1"};
	_cleanup_free_ char *json = NULL;
	char keys[REQUEST_TAGS_MAX][8];
	struct tag_list list;
	unsigned left_out;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		tags[i] = (struct request_tag){keys[i], (char *)"v"};
	}
	assert_int_equal(copy_tags_compose(NULL, 0, &request, &json, &left_out, &err), 0);
	row.tags = json;
	row.label = (char *)"#17"; /* the journal's own: EC2 never sees it */
	assert_int_equal(copy_tags_list(&row, &list), 0);
	assert_int_equal(list.n, EC2_TAGS_MAX);
	copy_tags_finish(&list);
	row.label = (char *)"weekly";
	assert_int_equal(copy_tags_list(&row, &list), -EINVAL);
	request.again = row.label;
	free(steal(&json));
	assert_int_equal(copy_tags_compose(NULL, 0, &request, &json, &left_out, &err), -EINVAL);
	assert_non_null(strstr(err.message, "more than 47 tags are asked for: EC2 takes 50, and "
					    "ebsfs adds 3 of its own; ask for fewer"));
	/* Keys of AWS and ebsfs take no room. */
	tags[0].key = (char *)"ebsfs:again";
	tags[1].key = (char *)"Aws:backup";
	free(steal(&json));
	assert_int_equal(copy_tags_compose(NULL, 0, &request, &json, &left_out, &err), 0);
	row.tags = json;
	assert_int_equal(copy_tags_list(&row, &list), 0);
	assert_int_equal(list.n, EC2_TAGS_MAX - 1);
	assert_string_equal(list.tags[0].key, "k2");
	assert_string_equal(list.tags[48].key, "ebsfs:again");
	assert_string_equal(list.tags[48].value, "weekly");
	copy_tags_finish(&list);
}

/* --- the command --- */

static void count_started(void *arg, int64_t row)
{
	assert_in_range(row, 7, 7 + 60);
	++*(unsigned *)arg;
}

static void test_the_command_gets_the_facts_and_only_as_environment(void **state)
{
	static const char evil[] = "$(touch /tmp/ebsfs-evil); `x` ' \" & \n rm -rf /";
	struct copy copy = {.kind = &copy_snapshot_kind,
		.state = COPY_ERROR,
		.row = {.id = 7,
			.region = (char *)"eu-west-1",
			.copy_id = (char *)"snap-0b0b0b0b",
			.source_region = (char *)"us-east-1",
			.source_id = (char *)"snap-0a0a0a0a",
			.description = (char *)evil,
			.message = (char *)"it broke",
			.ended_ms = 1763607612000}};
	char dir[] = "/tmp/ebsfs-on-end.XXXXXX", command[400], path[100], text[2000] = "";
	struct on_end *o;
	unsigned started = 0;
	uv_loop_t loop;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/out", dir);
	snprintf(command, sizeof(command),
		"{ echo \"$EBSFS_STATE $EBSFS_SNAPSHOT $EBSFS_SOURCE_REGION/$EBSFS_SOURCE_SNAPSHOT "
		"$EBSFS_ENDED "
		"[$EBSFS_CODE] $EBSFS_MESSAGE\"; printf %%s \"$EBSFS_DESCRIPTION\"; read x || echo "
		"' no input'; } >>%s",
		path);
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(on_end_create(&loop, NULL, count_started, &started, &o), 0);
	assert_null(o);
	on_end_run(o, &copy);
	assert_int_equal(on_end_create(&loop, command, count_started, &started, &o), 0);
	on_end_run(o, &copy);
	uv_run(&loop, UV_RUN_DEFAULT);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	assert_string_equal(text,
		"error snap-0b0b0b0b us-east-1/snap-0a0a0a0a 2025-11-20T03:00:12Z [] it broke\n"
		"$(touch /tmp/ebsfs-evil); `x` ' \" & \n rm -rf / no input\n");
	assert_int_equal(access("/tmp/ebsfs-evil", F_OK), -1);
	/* More than run at once: the others follow. */
	for (int i = 0; i < 30; i++) {
		copy.row.id++; /* of one copy, one command waits */
		on_end_run(o, &copy);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	f = fopen(path, "r");
	int lines = 0;

	for (int c; (c = fgetc(f)) != EOF;)
		lines += c == '\n';
	fclose(f);
	assert_int_equal(lines, 31 * 3);
	assert_int_equal(started, 31);
	/* Destroyed while some run and some wait. */
	for (int i = 0; i < 30; i++) {
		copy.row.id++; /* of one copy, one command waits */
		on_end_run(o, &copy);
	}
	on_end_destroy(o);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(started, 31 + 8);
	assert_int_equal(uv_loop_close(&loop), 0);
	/* Those eight may still write. */
	snprintf(command, sizeof(command), "while ! rm -rf %s; do :; done", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_figure_in_a_refusal),
		cmocka_unit_test(test_an_assumed_limit_is_tried_one_at_a_time),
		cmocka_unit_test(test_a_queue_begins_slowly),
		cmocka_unit_test(test_a_refusal_below_the_count_holds_the_gate),
		cmocka_unit_test(test_the_poll_follows_age_and_expected_end),
		cmocka_unit_test(test_retries_and_searches_have_growing_pauses),
		cmocka_unit_test(test_estimates),
		cmocka_unit_test(test_errors_are_told_apart),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_no_advice_to_repeat_what_may_be_done),
		cmocka_unit_test(test_hints_for_failed_snapshots),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_tags_travel_through_the_journal),
		cmocka_unit_test(test_a_label_is_a_tag),
		cmocka_unit_test(test_the_command_gets_the_facts_and_only_as_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
