/* SPDX-License-Identifier: MIT */
/* Memory that runs out while profiles are read, while copies are shown, begun and taken up again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "copy_world.h"
#include "fault_alloc.h"
#include "hash.h"
#include "profile.h"

/* A hash's allocations for its first element: the table, then the buckets. */
static const size_t hash_sizes[] = {
	sizeof(UT_hash_table), HASH_INITIAL_NUM_BUCKETS * sizeof(UT_hash_bucket)};

static void put_file(const char *name, const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(setenv(name, path, 1), 0);
}

/* Whole or ENOMEM, and never the end of the process. */
static void test_profiles(void **state)
{
	char dir[] = "/tmp/ebsfs-no-memory.XXXXXX", config[64], credentials[64];
	struct profiles *p;
	bool failed = true;
	unsigned n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(config, sizeof(config), "%s/config", dir);
	snprintf(credentials, sizeof(credentials), "%s/credentials", dir);
	put_file("AWS_CONFIG_FILE", config,
		"[default]\nregion = eu-west-1\n[profile dr]\nregion = us-east-1\ns3 =\n  x = 1\n"
		"[sso-session corp]\nsso_region = eu-west-1\n[services local]\nec2 =\n  "
		"endpoint_url = x\n");
	put_file("AWS_SHARED_CREDENTIALS_FILE", credentials,
		"[default]\naws_access_key_id = A\n[dr]\naws_access_key_id = B\n");
	for (n = 1; failed; n++) {
		struct err err = {0};
		int r;

		p = NULL;
		fault_alloc_start(n, 0);
		r = profiles_load(&p, &err);
		failed = fault_alloc_end();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(err.errnum, failed ? ENOMEM : 0);
		assert_true(!p == failed);
	}
	assert_true(n > 20);
	assert_string_equal(profiles_get(p, "dr", "aws_access_key_id"), "B");
	assert_string_equal(profiles_get(p, "dr", "region"), "us-east-1");
	/* A known element is found without memory. */
	fault_alloc_start(1, 0);
	assert_string_equal(profiles_section(p, "services", "local", "ec2.endpoint_url"), "x");
	fault_alloc_end();
	profiles_destroy(p);
	unlink(config);
	unlink(credentials);
	assert_int_equal(rmdir(dir), 0);
}

/* A text that shows copies shows all of them, or is an error. */
static void show_all(int (*show)(struct buf *out), const char *part)
{
	bool failed = true;
	unsigned n;

	for (n = 1; failed; n++) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		int r;

		fault_alloc_start(n, 0);
		r = show(&text);
		failed = fault_alloc_end();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		if (!failed)
			assert_has(text.data, part);
	}
	assert_true(n > 2);
}

static int show_table(struct buf *out)
{
	return copies_table(world->copies_, NULL, 0, world_wall_ms(), out);
}

static int show_json(struct buf *out)
{
	return copies_json(world->copies_, NULL, 0, world_wall_ms(), out);
}

static int show_metrics(struct buf *out)
{
	return copies_metrics(world->copies_, out);
}

static void test_the_tables_of_copies(void **state)
{
	struct asked asked = {0};

	(void)state;
	world_ask_and_wait(&asked);
	show_all(show_table, "pending");
	show_all(show_json, "\"pending\"");
	show_all(show_metrics, "ebsfs_copies{state=\"pending\"} 1\n");
}

static enum fault lose_the_first_response(const char *action, unsigned n)
{
	return !strcmp(action, "CopySnapshot") && n == 0 ? FAULT_LOST_AFTER : FAULT_NONE;
}

/* The copy is made, but shows only in a listing after the search for it has ended: it is found by
 * its token. */
static void find_by_token(struct asked *asked)
{
	struct world_snapshot *copy = world_copy_in(WEST, 0);

	copy->visible_at = virtual_ms + 200000;
	world_until(world_answered, asked);
	world_until_state(asked, COPY_FAILED);
	world_run(60000);
	assert_int_equal(copies_hold(world->copies_, WEST, copy->id), 0);
	world_until_state(asked, COPY_COMPLETED);
}

/* One request, with one hash that cannot be made. Returns whether there was such a hash. */
static bool ask_without(size_t size, unsigned n)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct asked asked = {0};
	bool failed;

	world->fault = lose_the_first_response;
	world->copy_ms = 600000;
	fault_alloc_start(n, size);
	world_ask(&asked, WEST, EAST, source->id);
	world_run(1000);
	failed = fault_alloc_end();
	if (!asked.answers) {
		assert_int_equal(world_copies_in(WEST), 1);
		find_by_token(&asked);
		return failed;
	}
	assert_true(asked.failed && failed);
	assert_int_equal(asked.err.errnum, ENOMEM);
	assert_int_equal(world_copies_in(WEST), 0);
	assert_int_equal(copies_json(world->copies_, NULL, 0, world_wall_ms(), &text), 0);
	/* Nothing is left, or the receipt of a request that failed. */
	if (strcmp(text.data, "[]\n") != 0)
		assert_has(text.data, "\"state\": \"failed\"");
	/* The next request is one like any other. */
	memset(&asked, 0, sizeof(asked));
	world->fault = NULL;
	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	assert_int_equal(world_copies_in(WEST), 1);
	return failed;
}

static void test_a_request_without_memory_for_a_hash(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(hash_sizes); i++) {
		bool failed = true;
		unsigned n;

		for (n = 1; failed; n++) {
			world_setup_mounted(state);
			failed = ask_without(hash_sizes[i], n);
			world_teardown(state);
		}
		assert_true(n > 3); /* rows, tokens, … */
	}
}

/* A start takes up the pending copy, or fails; then it is not lost. */
static void test_a_start_without_memory_for_a_hash(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(hash_sizes); i++) {
		bool failed = true;
		unsigned n;

		for (n = 1; failed; n++) {
			struct asked asked = {0};
			struct err err = {0};
			int r;

			world_setup_mounted(state);
			world_ask_and_wait(&asked);
			world_until_state(&asked, COPY_PENDING);
			world_run(1000);
			world_unmount(UNMOUNT);
			world->regions = regions_create(&world->loop, NULL, 30000);
			world->options.regions = world->regions;
			fault_alloc_start(n, hash_sizes[i]);
			r = copies_create(&world->options, NULL, NULL, &world->copies_, &err);
			failed = fault_alloc_end();
			if (r < 0) {
				assert_true(failed);
				assert_int_equal(err.errnum, ENOMEM);
				world->copies_ = NULL;
				regions_destroy(world->regions);
				world_mount();
			}
			world_run(600 * 1000);
			assert_has(world_status(&asked), "state: completed");
			assert_int_equal(world_copies_in(WEST), 1);
			world_teardown(state);
		}
		assert_true(n > 3); /* rows, tokens, ids */
	}
}

static void join_ended(void *arg, struct copy *copy, const struct err *err)
{
	struct asked *asked = arg;

	asked->answers++;
	asked->failed = err != NULL;
	if (err)
		asked->err = *err;
	asked->row = copy ? copy->row.id : 0;
}

/* An equal request is one more receipt of the copy, or ENOMEM, and never a second copy. */
static void test_an_equal_request_without_memory(void **state)
{
	bool failed = true;
	unsigned n;

	for (n = 1; failed; n++) {
		struct journal_receipt receipt = {.id = 2,
			.region = (char *)WEST,
			.folder = (char *)"",
			.name = (char *)"b.snapshot",
			.text = (char *)"text"};
		struct copy_request request;
		struct asked first = {0}, second = {0};
		int r;

		world_setup_mounted(state);
		world_ask_and_wait(&first);
		request = world_request();
		fault_alloc_start(n, 0);
		r = copies_request(
			world->copies_, WEST, &request, false, &receipt, join_ended, &second);
		world_run(1000);
		failed = fault_alloc_end();
		assert_int_equal(second.answers, r < 0 ? 0 : 1);
		if (r == 0 && !second.failed)
			assert_int_equal(second.row, first.row);
		else
			assert_int_equal(r < 0 ? -r : second.err.errnum, ENOMEM);
		assert_true(failed || (r == 0 && !second.failed));
		assert_int_equal(world->copies, 1);
		world_teardown(state);
	}
	assert_true(n > 10);
}

/* A request for a volume of the copy is accepted or ENOMEM, and asked again there is one volume. */
static void test_a_volume_without_memory(void **state)
{
	bool failed = true;
	unsigned n;

	for (n = 1; failed; n++) {
		struct copy_request request;
		struct asked copied = {0}, other = {0}, first = {0}, again = {0};
		int r;

		world_setup_mounted(state);
		world_ask_and_wait(&copied);
		world_until_state(&copied, COPY_COMPLETED);
		request = world_request();
		request.kind = REQUEST_VOLUME;
		request.place = WEST "a";
		request.name = "db";
		request.again = (char *)"other"; /* the queue is made, with its timers */
		world_ask_with(&other, WEST, &request, false);
		world_until(world_answered, &other);
		world_until_state(&other, COPY_COMPLETED);
		request.again = NULL;
		fault_alloc_start(n, 0);
		r = copies_request(world->copies_, WEST, &request, false, NULL, join_ended, &first);
		failed = fault_alloc_end();
		world_run(1000);
		assert_int_equal(first.answers, r < 0 ? 0 : 1);
		if (r < 0 || first.failed)
			assert_int_equal(r < 0 ? -r : first.err.errnum, ENOMEM);
		world_run(60000);
		r = copies_request(world->copies_, WEST, &request, false, NULL, join_ended, &again);
		assert_int_equal(r, 0);
		world_run(300000);
		assert_int_equal(again.answers, 1);
		assert_false(again.failed);
		assert_int_equal(world_made_in(WEST, false), 2);
		world_teardown(state);
	}
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profiles),
		cmocka_unit_test_setup_teardown(
			test_the_tables_of_copies, world_setup_mounted, world_teardown),
		cmocka_unit_test(test_a_request_without_memory_for_a_hash),
		cmocka_unit_test(test_a_start_without_memory_for_a_hash),
		cmocka_unit_test(test_an_equal_request_without_memory),
		cmocka_unit_test(test_a_volume_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
