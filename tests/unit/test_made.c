/* SPDX-License-Identifier: MIT */
/* copy/kinds: volumes and images, in a world of virtual time: made once, whatever gets lost. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "copy_world.h"

#define ZONE WEST "a"

static enum fault lost_first, lost_second, lost_later;

static enum fault lose(const char *action, unsigned n)
{
	if (strcmp(action, "CreateVolume") != 0 && strcmp(action, "RegisterImage") != 0)
		return FAULT_NONE;
	return n == 0 ? lost_first : n == 1 ? lost_second : lost_later;
}

static struct copy_request volume(void)
{
	struct copy_request request = world_request();

	request.kind = REQUEST_VOLUME;
	request.place = ZONE;
	request.name = "db";
	return request;
}

static struct copy_request image(void)
{
	struct copy_request request = world_request();

	request.kind = REQUEST_IMAGE;
	request.place = "boot";
	request.options = (char *)"architecture: x86_64\n";
	return request;
}

static void copy_first(void)
{
	struct asked asked;

	world_ask_and_wait(&asked);
	world_until_state(&asked, COPY_COMPLETED);
}

static void ask(struct asked *asked, const struct copy_request *request)
{
	world_ask_with(asked, WEST, request, false);
	world_until(world_answered, asked);
}

static void test_each_loss_makes_one(void **state)
{
	static const enum fault faults[] = {FAULT_NONE, FAULT_LOST_BEFORE, FAULT_LOST_AFTER,
		FAULT_THROTTLED, FAULT_UNSENT, FAULT_EXPIRED};
	enum fault first = faults[(size_t)*state % 6], second = faults[(size_t)*state / 6 % 6];
	bool is_image = (size_t)*state / 36;
	struct copy_request request = is_image ? image() : volume();
	struct asked asked, again;

	copy_first();
	world->fault = lose;
	lost_first = first;
	lost_second = second;
	ask(&asked, &request);
	for (int i = 0; i < 5 && asked.failed; i++) {
		world_run(60000);
		ask(&asked, &request);
	}
	assert_false(asked.failed);
	world_until_state(&asked, COPY_COMPLETED);
	ask(&again, &request);
	assert_int_equal(again.row, asked.row);
	assert_int_equal(world_made_in(WEST, is_image), 1);
}

/* EC2 forgets tokens: after half a day without a response, one more request may make a second. */
static void test_an_old_request_is_not_sent_again(void **state)
{
	struct copy_request request = volume();
	struct asked asked;

	(void)state;
	copy_first();
	world->fault = lose;
	lost_first = FAULT_LOST_AFTER;
	lost_second = lost_later = FAULT_LOST_BEFORE;
	ask(&asked, &request);
	world_run(13 * 3600 * 1000);
	lost_second = lost_later = FAULT_NONE;
	world_run(3600 * 1000);
	assert_has(world_status(&asked), "code: UnknownOutcome\n");
	assert_has(world_status(&asked), "was lost, 12 hours ago");
	assert_int_equal(world_made_in(WEST, false), 1);
	ask(&asked, &request);
	assert_true(asked.failed);
}

static int each_loss_setup(void **state)
{
	void *which = *state;
	int result = world_setup_mounted(state);

	*state = which;
	return result;
}

static void test_each_label_has_its_token(void **state)
{
	struct copy_request request = volume();
	struct asked asked;

	(void)state;
	copy_first();
	ask(&asked, &request);
	assert_string_equal(world->made[0].parameters, ZONE " gp3 0 db");
	request.again = (char *)"x";
	ask(&asked, &request);
	assert_int_equal(world_made_in(WEST, false), 2);
	assert_string_not_equal(world->made[0].token, world->made[1].token);
}

static void test_a_deleted_one_is_made_again(void **state)
{
	struct copy_request request = volume();
	struct asked asked, again;

	(void)state;
	copy_first();
	ask(&asked, &request);
	world_until_state(&asked, COPY_COMPLETED);
	world_run(200000);
	world->made[0].gone = true;
	ask(&again, &request);
	assert_false(again.failed);
	assert_int_not_equal(again.row, asked.row);
	assert_int_equal(world_copy(&asked)->state, COPY_DELETED);
	assert_int_equal(world_copy(&again)->row.generation, 1);
	assert_int_equal(world_made_in(WEST, false), 2);
}

static void test_a_spent_token_is_renewed(void **state)
{
	struct copy_request request = volume();
	struct asked asked;

	(void)state;
	copy_first();
	ask(&asked, &request);
	world_until_state(&asked, COPY_COMPLETED);
	/* Another journal, and the volume is deleted. */
	world->made[0].gone = true;
	world_run(200000);
	world_copy(&asked)->row.generation = -1; /* as if this one had never been recorded */
	ask(&asked, &request);
	assert_false(asked.failed);
	assert_int_equal(world_copy(&asked)->row.generation, 1);
	assert_int_equal(world_made_in(WEST, false), 2);
}

static void test_a_dropped_volume_is_an_error(void **state)
{
	struct copy_request request = volume();
	struct asked asked;

	(void)state;
	copy_first();
	world->making_ms = 1000000;
	ask(&asked, &request);
	world->made[0].gone = true;
	world_until_state(&asked, COPY_ERROR);
	assert_has(world_status(&asked), "state: error\n");
	assert_has(world_status(&asked), "KMS key");
	ask(&asked, &request);
	assert_int_equal(world_made_in(WEST, false), 2);
}

static void test_without_a_copy_nothing_is_asked(void **state)
{
	struct copy_request request = volume();
	struct asked asked;

	(void)state;
	ask(&asked, &request);
	assert_true(asked.failed);
	assert_int_equal(asked.err.errnum, ENOENT);
	assert_has(asked.err.message, "copy it there first");
	assert_int_equal(asked.row, 0);
	assert_int_equal(world->made_requests, 0);
}

static void test_it_waits_for_its_copy(void **state)
{
	struct copy_request request = volume();
	struct asked copies[2], asked, again;

	(void)state;
	world->limit = 1;
	world_ask(&copies[0], WEST, EAST, world_add(EAST, "other", -1)->id);
	world_until(world_answered, &copies[0]);
	world_ask_and_wait(&copies[1]);
	assert_int_equal(world_copy(&copies[1])->state, COPY_QUEUED);
	ask(&asked, &request);
	assert_int_equal(world_copy(&asked)->state, COPY_QUEUED);
	world_run(100);
	assert_has(world_status(&asked), "which is queued");
	ask(&again, &request);
	assert_int_equal(again.row, asked.row);
	world_until_state(&asked, COPY_COMPLETED);
	ask(&again, &request);
	assert_int_equal(again.row, asked.row);
	assert_string_equal(world_copy(&asked)->row.source_region, WEST);
	assert_int_equal(world_made_in(WEST, false), 1);
}

static void test_other_options_are_refused(void **state)
{
	struct copy_request request = volume(), other = volume();
	struct asked asked, again;

	(void)state;
	copy_first();
	ask(&asked, &request);
	other.options = (char *)"type: io2\niops: 500\n";
	ask(&again, &other);
	assert_true(again.failed);
	assert_int_equal(again.err.errnum, EEXIST);
	assert_has(again.err.message, "its type is gp3, not io2");
	other.again = (char *)"fast";
	ask(&again, &other);
	assert_false(again.failed);
	assert_int_equal(world_made_in(WEST, false), 2);
}

static void test_a_taken_name(void **state)
{
	struct copy_request request = image();
	struct asked asked;

	(void)state;
	copy_first();
	world->n_made = 1;
	world->made[0] = (struct world_made){.image = true,
		.id = "ami-00000000000000001",
		.region = WEST,
		.token = "boot",
		.snapshot = "snap-other",
		.parameters = "x86_64"};
	ask(&asked, &request);
	assert_true(asked.failed);
	assert_int_equal(asked.err.errnum, EEXIST);
	assert_has(asked.err.message, "ami-00000000000000001");
	/* An equal one is the answer. */
	snprintf(world->made[0].snapshot, sizeof(world->made[0].snapshot), "%s",
		world_copy_in(WEST, 0)->id);
	ask(&asked, &request);
	assert_false(asked.failed);
	assert_string_equal(world_copy(&asked)->row.copy_id, "ami-00000000000000001");
	assert_int_equal(world_made_in(WEST, true), 1);
}

static void test_a_start_takes_up_what_was_sent(void **state)
{
	struct copy_request request = volume();
	struct asked asked;

	(void)state;
	copy_first();
	world->fault = lose;
	lost_first = FAULT_LOST_AFTER;
	lost_second = FAULT_NONE;
	world_ask_with(&asked, WEST, &request, false);
	world_run(300);
	world_unmount(UNMOUNT);
	world_mount();
	world_run(60000);
	ask(&asked, &request);
	world_until_state(&asked, COPY_COMPLETED);
	assert_int_equal(world_made_in(WEST, false), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup_mounted, world_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_an_old_request_is_not_sent_again),
		TEST(test_each_label_has_its_token),
		TEST(test_a_deleted_one_is_made_again),
		TEST(test_a_spent_token_is_renewed),
		TEST(test_a_dropped_volume_is_an_error),
		TEST(test_without_a_copy_nothing_is_asked),
		TEST(test_it_waits_for_its_copy),
		TEST(test_other_options_are_refused),
		TEST(test_a_taken_name),
		TEST(test_a_start_takes_up_what_was_sent),
	};
	struct CMUnitTest losses[72];

	for (size_t i = 0; i < 72; i++)
		losses[i] = (struct CMUnitTest){.name = "each loss",
			.test_func = test_each_loss_makes_one,
			.setup_func = each_loss_setup,
			.teardown_func = world_teardown,
			.initial_state = (void *)i};
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       cmocka_run_group_tests(losses, NULL, NULL);
}
