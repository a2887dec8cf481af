/* SPDX-License-Identifier: MIT */
/* copy/: what is found out before a copy is sent, in a world of virtual time: it is asked for once,
 * no copy waits for it, and none fails because it could not be found out. */
#include "copy_world.h"

#include <errno.h>
#include <string.h>

#define KEY "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

static struct world_snapshot *secret;

static int setup(void **state)
{
	world_setup(state);
	secret = world_add(EAST, "secrets", 0);
	secret->kms_key = "arn:aws:kms:us-east-1:123456789012:key/a";
	world_mount();
	return 0;
}

static void ask(struct asked *asked, struct copy_request request)
{
	request.source_region = (char *)EAST;
	if (!request.source_id)
		request.source_id = source->id;
	world_ask_again(asked, WEST, &request, false);
}

static void ask_and_wait(struct asked *asked, struct copy_request request)
{
	ask(asked, request);
	world_until(world_answered, asked);
}

static void accepted(struct asked *asked, struct copy_request request)
{
	ask_and_wait(asked, request);
	if (asked->failed)
		fail_msg("%s", asked->err.message);
}

static enum fault all_settings(const char *action, unsigned n)
{
	(void)n;
	return strncmp(action, "GetEbs", 6) ? FAULT_NONE : FAULT_DENIED;
}

static enum fault no_settings(const char *action, unsigned n)
{
	(void)n;
	return strncmp(action, "GetEbs", 6) ? FAULT_NONE : FAULT_LOST_BEFORE;
}

static void test_one_question_for_all_copies(void **state)
{
	struct asked asked[30];

	(void)state;
	world->limit = 40;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		ask(&asked[i], (struct copy_request){0});
	world_run(10000);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		assert_true(asked[i].answers == 1 && !asked[i].failed);
	assert_int_equal(world->copies, 30);
	assert_int_equal(world->settings, 2);
	assert_has(world_status(&asked[0]), "\nencryption: no (expected)\n");
	world_until_state(&asked[29], COPY_COMPLETED);
	assert_has(world_status(&asked[29]), "\nencryption: no\n");
	/* It may be changed: after some minutes it is asked for again. */
	world_run(300000);
	world->encrypts = true;
	accepted(&asked[0], (struct copy_request){0});
	world_run(1000);
	assert_int_equal(world->settings, 4);
	assert_has(world_status(&asked[0]),
		"\nencryption: yes, with the region's default key alias/aws/ebs (expected)\n");
	/* What EC2 shows of the copy itself is better. */
	world_copy_in(WEST, 30)->kms_key = KEY;
	world_run(10000);
	assert_has(world_status(&asked[0]), "\nencryption: yes, with " KEY "\n");
}

/* The answer to a copy comes as soon, and the copy is sent as early, as without the question. */
static void test_no_copy_waits(void **state)
{
	struct asked asked;
	int64_t took[2];

	(void)state;
	accepted(&asked, (struct copy_request){0}); /* looks the source up */
	for (int slow = 0; slow < 2; slow++) {
		int64_t from;

		world_run(600000);
		world->settings_ms = slow ? 50000 : 0;
		from = virtual_ms;
		accepted(&asked, (struct copy_request){0});
		took[slow] = virtual_ms - from;
	}
	assert_int_equal(took[0], took[1]);
	assert_int_equal(world->copies, 3);
	assert_int_equal(world->settings, 6);
	assert_has_not(world_status(&asked), "encryption: yes");
}

static void test_a_key_makes_the_question_needless(void **state)
{
	struct asked asked;

	(void)state;
	accepted(&asked, (struct copy_request){.kms_key_id = (char *)KEY});
	assert_int_equal(world->settings, 0);
	assert_has(world_status(&asked), "\nencryption: yes, with " KEY "\n");
}

static void test_forbidden_is_no_failure(void **state)
{
	struct asked asked;

	(void)state;
	world->fault = all_settings;
	accepted(&asked, (struct copy_request){.unencrypted = true});
	assert_int_equal(world_copy(&asked)->state, COPY_PENDING);
	assert_has_not(world_status(&asked), "encryption");
	accepted(&asked, (struct copy_request){.dry_run = true});
	accepted(&asked, (struct copy_request){.source_id = secret->id});
	assert_has(world_status(&asked), "\nencryption: yes\n");
	/* Nor is it asked for all the time. */
	world_run(20 * 60000);
	accepted(&asked, (struct copy_request){0});
	assert_int_equal(world->settings, 2);
	assert_int_equal(world->copies, 4);
}

/* Those whom the answer decides wait for it, but not for ever. */
static void test_no_answer_is_no_failure(void **state)
{
	struct asked asked[2];
	int64_t from = virtual_ms;

	(void)state;
	world->fault = no_settings;
	ask(&asked[0], (struct copy_request){.unencrypted = true});
	ask(&asked[1], (struct copy_request){.dry_run = true});
	world_until(world_answered, &asked[0]);
	world_until(world_answered, &asked[1]);
	assert_false(asked[0].failed || asked[1].failed);
	assert_in_range(virtual_ms - from, 5000, 6000);
	assert_int_equal(world->copies, 2);
	/* The answer comes late, and nothing happens twice. */
	world_run(60000);
	assert_int_equal(world->copies, 2);
	assert_int_equal(asked[0].answers + asked[1].answers, 2);
}

static void test_no_encryption_where_all_is_encrypted(void **state)
{
	struct asked asked;

	(void)state;
	accepted(&asked, (struct copy_request){.unencrypted = true});
	world_run(300000);
	world->encrypts = true;
	ask_and_wait(&asked, (struct copy_request){.unencrypted = true});
	assert_int_equal(asked.err.errnum, EINVAL);
	assert_has(asked.err.message, "encrypts every copy in eu-west-1");
	assert_has(world_status(&asked), "message: copy.encrypted is no, but");
	assert_int_equal(world->copies, 1);
	ask_and_wait(&asked, (struct copy_request){.unencrypted = true, .source_id = secret->id});
	assert_has(asked.err.message, "never decrypts");
	assert_int_equal(world->copies, 1);
}

static void test_a_dry_run_tells_the_key(void **state)
{
	struct asked asked;

	(void)state;
	world->encrypts = true;
	accepted(&asked, (struct copy_request){.dry_run = true});
	assert_has(world_status(&asked),
		"\nencryption: yes, with the region's default key alias/aws/ebs (expected)\n");
	assert_has(world_status(&asked), "nothing was copied");
}

/* Ends while an answer is awaited: nothing is left behind, nothing comes later. */
static void test_an_end_meanwhile(void **state)
{
	struct asked asked;

	(void)state;
	world->settings_ms = 3000;
	ask(&asked, (struct copy_request){.unencrypted = true});
	world_run(1000);
	assert_true(copies_needs(world->copies_, EAST, source->id));
	world_unmount(UNMOUNT);
	world_run(10000);
	assert_int_equal(asked.answers, 0);
	assert_int_equal(world->copies, 0);
}

/* A cloud that knows no DryRun has copied: the user must hear of it. */
static void test_a_dry_run_that_copied(void **state)
{
	struct asked asked;

	(void)state;
	world->ignores_dry_run = true;
	ask_and_wait(&asked, (struct copy_request){.dry_run = true});
	assert_int_equal(asked.err.errnum, EIO);
	assert_has(asked.err.message,
		"ignored DryRun: instead of only checking the request, it started the copy snap-");
	assert_has(world_status(&asked), world_copy_in(WEST, 0)->id);
	assert_has(world_status(&asked), "state: failed\n");
}

/* --- a dry run before what must wait --- */

/* Others' copies take all places for a while, and the mount has seen it. */
static void queue_one(void)
{
	struct asked asked;

	world->limit = 2;
	world_foreign_copy(WEST, 600000);
	world_foreign_copy(WEST, 600000);
	world_run(5000);
	accepted(&asked, (struct copy_request){0});
	assert_int_equal(world_copy(&asked)->state, COPY_QUEUED);
	world->copies = world->dry_runs = 0;
}

static void test_one_dry_run_for_a_queue(void **state)
{
	struct asked asked[10];

	(void)state;
	world->amazons = true;
	queue_one();
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		ask(&asked[i], (struct copy_request){.kms_key_id = (char *)KEY});
	world_run(2000);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		assert_true(asked[i].answers == 1 && !asked[i].failed);
	assert_int_equal(world->dry_runs, 1);
	/* Without a key it is another kind. */
	accepted(&asked[0], (struct copy_request){.encrypted = true});
	accepted(&asked[1], (struct copy_request){.encrypted = true});
	assert_int_equal(world->dry_runs, 2);
	assert_int_equal(world->copies, 2);
	/* In the end each is made, and each once. */
	world_run(3600 * 1000);
	assert_int_equal(world_copies_in(WEST), 2 + 1 + ARRAY_LEN(asked) + 2);
}

static bool copies_fail;

static enum fault deny_copies(const char *action, unsigned n)
{
	(void)n;
	return copies_fail && !strcmp(action, "CopySnapshot") ? FAULT_TAGS_DENIED : FAULT_NONE;
}

static void test_a_missing_permission_is_said_at_once(void **state)
{
	struct asked asked[2];

	(void)state;
	world->amazons = true;
	queue_one();
	copies_fail = true;
	world->fault = deny_copies;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		ask_and_wait(&asked[i], (struct copy_request){.kms_key_id = (char *)KEY});
		assert_int_equal(asked[i].err.errnum, EACCES);
		assert_has(asked[i].err.message, "ec2:CreateTags");
		assert_has(world_status(&asked[i]), "state: failed\n");
		assert_has(world_status(&asked[i]), "\ncode: UnauthorizedOperation\n");
		assert_has(world_status(&asked[i]), "\nhint: ");
		assert_has(world_status(&asked[i]), "-o notags");
	}
	assert_int_equal(world->copies, 2);
	assert_int_equal(world->dry_runs, 2);
	/* The policy is mended. */
	copies_fail = false;
	accepted(&asked[0], (struct copy_request){.kms_key_id = (char *)KEY});
	assert_int_equal(world_copy(&asked[0])->state, COPY_QUEUED);
}

/* Any other endpoint might copy: it must have shown that it does not. */
static void test_no_dry_run_where_it_might_copy(void **state)
{
	struct asked asked;

	(void)state;
	world->ignores_dry_run = true;
	queue_one();
	for (int i = 0; i < 3; i++)
		accepted(&asked, (struct copy_request){.kms_key_id = (char *)KEY});
	assert_int_equal(world->dry_runs, 0);
	world->ignores_dry_run = false;
	accepted(&asked, (struct copy_request){.dry_run = true});
	assert_int_equal(world->dry_runs, 1);
	for (int i = 0; i < 3; i++)
		accepted(&asked, (struct copy_request){.kms_key_id = (char *)KEY});
	assert_int_equal(world->dry_runs, 2);
	/* And if it forgets that, whoever asked is told, and it is not trusted again. */
	world->ignores_dry_run = true;
	world->limit = 3;
	ask_and_wait(&asked, (struct copy_request){.encrypted = true});
	assert_int_equal(asked.err.errnum, EIO);
	assert_has(asked.err.message,
		"ignored DryRun: instead of only checking the request, it started the copy snap-");
	world_run(3000);
	accepted(&asked, (struct copy_request){.encrypted = true});
	accepted(&asked, (struct copy_request){.completion_minutes = 60});
	assert_int_equal(world->dry_runs, 3);
}

static enum fault lose_copies(const char *action, unsigned n)
{
	(void)n;
	return copies_fail && !strcmp(action, "CopySnapshot") ? FAULT_LOST_BEFORE : FAULT_NONE;
}

/* It is accepted all the same, after five seconds, and the next ones at once. */
static void test_a_dry_run_without_an_answer(void **state)
{
	struct asked asked;
	int64_t from;

	(void)state;
	world->amazons = true;
	queue_one();
	copies_fail = true;
	world->fault = lose_copies;
	from = virtual_ms;
	accepted(&asked, (struct copy_request){.kms_key_id = (char *)KEY});
	assert_in_range(virtual_ms - from, 5000, 5200);
	from = virtual_ms;
	accepted(&asked, (struct copy_request){.kms_key_id = (char *)KEY});
	assert_in_range(virtual_ms - from, 0, 200);
	copies_fail = false;
	world_run(3600 * 1000);
	assert_int_equal(world_copies_in(WEST), 2 + 3);
}

/* Copies that can go at once are asked for at once: EC2's answer to them is as good. */
static void test_no_dry_run_for_what_goes_at_once(void **state)
{
	struct copy_request young = {0};
	struct asked asked;

	(void)state;
	world->amazons = true;
	for (int i = 0; i < 5; i++)
		accepted(&asked, (struct copy_request){.encrypted = i % 2});
	assert_int_equal(world->dry_runs, 0);
	assert_int_equal(world->copies, 5);
	/* One whose source is pending waits, and what was accepted before says enough. */
	young.source_id = world_add(EAST, "young", 100000)->id;
	accepted(&asked, young);
	assert_int_equal(world_copy(&asked)->state, COPY_QUEUED);
	assert_int_equal(world->dry_runs, 0);
	young.completion_minutes = 60;
	ask_and_wait(&asked, young);
	assert_int_equal(world->dry_runs, 1);
	assert_int_equal(world_copy(&asked)->state, COPY_QUEUED);
	world_run(600000);
	assert_int_equal(world_copies_in(WEST), 7);
}

static void test_an_end_during_a_dry_run(void **state)
{
	struct asked asked;

	(void)state;
	world->amazons = true;
	queue_one();
	ask(&asked, (struct copy_request){.kms_key_id = (char *)KEY});
	world_run(60);
	assert_int_equal(world->dry_runs, 1);
	world_unmount(UNMOUNT);
	world_run(10000);
	assert_int_equal(asked.answers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
		T(test_one_question_for_all_copies),
		T(test_no_copy_waits),
		T(test_a_key_makes_the_question_needless),
		T(test_forbidden_is_no_failure),
		T(test_no_answer_is_no_failure),
		T(test_no_encryption_where_all_is_encrypted),
		T(test_a_dry_run_tells_the_key),
		T(test_an_end_meanwhile),
		T(test_a_dry_run_that_copied),
		T(test_one_dry_run_for_a_queue),
		T(test_a_missing_permission_is_said_at_once),
		T(test_no_dry_run_where_it_might_copy),
		T(test_a_dry_run_without_an_answer),
		T(test_no_dry_run_for_what_goes_at_once),
		T(test_an_end_during_a_dry_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
