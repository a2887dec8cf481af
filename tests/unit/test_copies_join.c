/* SPDX-License-Identifier: MIT */
/* copy/: one source, one destination, one label, one living copy. */
#include "copy_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEY "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

static enum fault next_fault;
static const char *fault_action;

static enum fault fault_once(const char *action, unsigned n)
{
	enum fault fault = next_fault;

	(void)n;
	if (strcmp(action, fault_action))
		return FAULT_NONE;
	next_fault = FAULT_NONE;
	return fault;
}

static void inject(const char *action, enum fault fault)
{
	fault_action = action;
	next_fault = fault;
	world->fault = fault_once;
}

static enum fault no_describe(const char *action, unsigned n)
{
	(void)n;
	return strcmp(action, "DescribeSnapshots") ? FAULT_NONE : FAULT_UNSENT;
}

static void ask(struct asked *asked)
{
	struct copy_request request = world_request();

	world_ask_with(asked, WEST, &request, false);
}

static void ask_with(struct asked *asked, const struct copy_request *request)
{
	world_ask_with(asked, WEST, request, false);
	world_until(world_answered, asked);
}

static void ask_and_wait(struct asked *asked)
{
	ask(asked);
	world_until(world_answered, asked);
}

static void assert_accepted(const struct asked *asked)
{
	if (asked->failed)
		fail_msg("%s", asked->err.message);
}

static void heard(void *arg, struct copy *copy, const struct err *err)
{
	struct asked *asked = arg;

	asked->answers++;
	asked->failed = err != NULL;
	if (err)
		asked->err = *err;
	asked->row = copy ? copy->row.id : 0;
}

/* The second request became one more receipt of the first one's copy. */
static void assert_joined(const struct asked *first, const struct asked *second, int64_t receipt)
{
	assert_accepted(second);
	assert_int_equal(second->answers, 1);
	assert_int_equal(second->row, first->row);
	assert_non_null(world_receipt(receipt));
	assert_int_equal(world_receipt(receipt)->copy, first->row);
}

/* --- equal requests --- */

static void test_the_same_again_is_one_more_receipt(void **state)
{
	struct asked first, second, third;

	(void)state;
	ask_and_wait(&first);
	ask_and_wait(&second);
	assert_joined(&first, &second, 2);
	world_until_state(&first, COPY_COMPLETED);
	ask_and_wait(&third);
	assert_joined(&first, &third, 3);
	assert_int_equal(world->copies, 1);
	assert_int_equal(world_rows(), 1);
	/* After another mount, from the journal. */
	world_unmount(UNMOUNT);
	world_mount();
	ask_and_wait(&third);
	assert_joined(&first, &third, 4);
	/* And after its row went into the history. */
	world_run(2 * COPIES_LATELY_MS);
	ask_and_wait(&third);
	assert_joined(&first, &third, 5);
	assert_int_equal(world->copies, 1);
}

static void test_a_source_that_is_gone_still_has_its_copy(void **state)
{
	struct asked first, second;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	source->deleted_at = virtual_ms;
	world_unmount(UNMOUNT);
	world_mount();
	ask_and_wait(&second);
	assert_joined(&first, &second, 2);
}

static void test_equal_requests_at_once_are_one_copy(void **state)
{
	struct asked asked[5];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		ask(&asked[i]);
	/* The last of them comes while the request is in flight. */
	while (!world->copies)
		world_run(1);
	for (size_t i = 0; i < ARRAY_LEN(asked) - 1; i++)
		assert_int_equal(asked[i].answers, 0);
	ask(&asked[4]);
	assert_int_equal(asked[4].answers, 0);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		world_until(world_answered, &asked[i]);
		assert_int_equal(asked[i].row, asked[0].row);
		assert_accepted(&asked[i]);
	}
	assert_int_equal(world->copies, 1);
	for (int64_t i = 1; i <= 6; i++)
		if (i != 5)
			assert_int_equal(world_receipt(i)->copy, asked[0].row);
}

/* Nor does it need the question for copies made elsewhere, during which they could meet. */
static void test_equal_requests_without_tags_are_one_copy(void **state)
{
	struct asked first, second;

	(void)state;
	world_unmount(UNMOUNT);
	world->options.no_tags = true;
	world_mount();
	ask(&first);
	ask(&second);
	world_until(world_answered, &second);
	assert_joined(&first, &second, 2);
	assert_int_equal(world->copies, 1);
}

static void test_all_that_wait_hear_of_a_refusal(void **state)
{
	struct asked first, second, third;

	(void)state;
	inject("CopySnapshot", FAULT_DENIED);
	ask(&first);
	ask(&second);
	while (!world->copies)
		world_run(1);
	ask(&third);
	world_until(world_answered, &third);
	assert_int_equal(first.err.errnum, EACCES);
	assert_int_equal(second.err.errnum, EACCES);
	assert_int_equal(third.err.errnum, EACCES);
	assert_string_equal(third.err.message, first.err.message);
	assert_int_equal(second.row, first.row);
	assert_int_equal(world_receipt(2)->copy, first.row);
	assert_int_equal(world_receipt(3)->copy, first.row);
	assert_int_equal(world->copies, 1);
	/* It is not alive. */
	ask_and_wait(&second);
	assert_accepted(&second);
	assert_int_not_equal(second.row, first.row);
	assert_int_equal(world->copies, 2);
}

static void test_a_disk_that_fails_tells_all_that_wait(void **state)
{
	struct asked first, second;

	(void)state;
	world->disk_error = ENOSPC;
	ask(&first);
	ask(&second);
	world_until(world_answered, &second);
	assert_int_equal(first.err.errnum, ENOSPC);
	assert_int_equal(second.err.errnum, ENOSPC);
	assert_int_equal(world_rows(), 0);
	world->disk_error = 0;
	ask_and_wait(&first);
	world->disk_error = ENOSPC;
	ask_and_wait(&second);
	assert_int_equal(second.err.errnum, ENOSPC);
	assert_int_equal(second.row, 0);
	assert_int_equal(world->copies, 1);
}

/* Its caller has been told that nobody knows; the next one waits for the search. */
static void test_an_outcome_that_is_looked_for_is_waited_for(void **state)
{
	struct asked first, second;

	(void)state;
	inject("CopySnapshot", FAULT_LOST_BEFORE);
	ask_and_wait(&first);
	assert_int_equal(first.err.errnum, ETIMEDOUT);
	ask(&second);
	world_run(1000);
	assert_int_equal(second.answers, 0);
	world_until(world_answered, &second);
	assert_int_equal(second.err.errnum, ETIMEDOUT);
	assert_int_equal(second.row, first.row);
	world_until_state(&first, COPY_FAILED);
	assert_int_equal(world->copies, 1);
	ask_and_wait(&second);
	assert_accepted(&second);
	assert_int_equal(world->copies, 2);
}

static void test_a_copy_that_nobody_knows_of_is_not_sent_again(void **state)
{
	struct journal_copy row = {.state = (char *)"failed",
		.token = (char *)"t",
		.source_region = (char *)EAST,
		.source_id = source->id,
		.region = (char *)WEST,
		.code = (char *)COPY_CODE_UNKNOWN,
		.message = (char *)"no response",
		.ended_ms = world_wall_ms() - 1000};
	struct copy_request request = world_request();
	struct asked asked;

	(void)state;
	world_unmount(UNMOUNT);
	world_put_row(&row);
	world_mount();
	ask_and_wait(&asked);
	assert_int_equal(asked.err.errnum, EEXIST);
	assert_has(asked.err.message, "it is unknown whether EC2 made the copy");
	assert_has(asked.err.message, "copy.again: LABEL");
	assert_int_equal(asked.row, 0);
	assert_int_equal(world->copies, 0);
	/* A dry run finds out what it always does. */
	request.dry_run = true;
	ask_with(&asked, &request);
	assert_accepted(&asked);
	assert_has(world_status(&asked), "EC2 would carry it out");
}

static void test_a_label_makes_another_copy(void **state)
{
	struct copy_request request = world_request();
	struct asked plain, labelled, again;

	(void)state;
	ask_and_wait(&plain);
	request.again = (char *)"second";
	ask_with(&labelled, &request);
	ask_with(&again, &request);
	assert_int_not_equal(labelled.row, plain.row);
	assert_joined(&labelled, &again, 3);
	assert_int_equal(world->copies, 2);
	/* Another source and another destination are other requests. */
	request = world_request();
	request.source_id = world_add(EAST, "", 0)->id;
	ask_with(&again, &request);
	assert_accepted(&again);
	request = world_request();
	world_ask_with(&again, EAST, &request, false);
	world_until(world_answered, &again);
	assert_accepted(&again);
	assert_int_equal(world->copies, 4);
	world_ask_with(&labelled, EAST, &request, false);
	world_until(world_answered, &labelled);
	assert_joined(&again, &labelled, 6);
}

static void test_a_dry_run_copies_nothing_beside_a_copy(void **state)
{
	struct copy_request request = world_request();
	struct asked copy, dry, again;

	(void)state;
	request.dry_run = true;
	ask_with(&dry, &request);
	assert_int_equal(world->dry_runs, 1);
	ask_and_wait(&copy);
	assert_int_equal(world_copy(&copy)->state, COPY_PENDING);
	ask_with(&again, &request);
	assert_accepted(&again);
	assert_int_not_equal(again.row, copy.row);
	assert_has(world_status(&again), "dry run: would copy nothing: snap-");
	assert_has(world_status(&again), world_copy(&copy)->row.copy_id);
	world_until_state(&copy, COPY_COMPLETED);
	ask_with(&again, &request);
	assert_has(world_status(&again), "dry run: would copy nothing: snap-");
	assert_int_equal(world->dry_runs, 1);
	assert_int_equal(world->copies, 2);
}

/* --- differences --- */

static void expect_difference(const struct copy_request *request, const char *what)
{
	size_t rows = world_rows();
	unsigned copies = world->copies;
	struct asked asked;

	ask_with(&asked, request);
	assert_int_equal(asked.err.errnum, EEXIST);
	assert_has(asked.err.message, what);
	assert_has(asked.err.message, "copy.again: LABEL");
	assert_int_equal(asked.row, 0);
	assert_int_equal(world_rows(), rows);
	assert_int_equal(world->copies, copies);
}

static void expect_equal(const struct asked *first, const struct copy_request *request)
{
	struct asked asked;

	ask_with(&asked, request);
	assert_accepted(&asked);
	assert_int_equal(asked.row, first->row);
}

static void judge_options(const struct asked *first)
{
	struct copy_request request = world_request();

	request.description = (char *)"another";
	expect_difference(&request, "its description is '[Copied ");
	request.description = (char *)"nightly db";
	expect_equal(first, &request);
	request.description = world_copy(first)->row.description;
	expect_equal(first, &request);
	request = world_request();
	request.encrypted = true;
	expect_difference(&request, "it is not encrypted");
	request.kms_key_id = (char *)KEY;
	expect_difference(&request, "the KMS key arn:aws:kms:");
	request = world_request();
	request.completion_minutes = 60;
	expect_difference(&request, "a completion time of 60 minutes");
	request = world_request();
	request.unencrypted = true;
	expect_equal(first, &request);
}

static void test_what_a_copy_cannot_be_given_is_refused(void **state)
{
	struct asked first;

	(void)state;
	ask_and_wait(&first);
	world_run(5000); /* EC2 shows it */
	judge_options(&first);
	world_until_state(&first, COPY_COMPLETED);
	judge_options(&first);
}

static void test_a_queued_copy_is_compared_with_its_request(void **state)
{
	struct copy_request request = world_request();
	struct asked busy, first, dry;

	(void)state;
	world->limit = 1;
	world_ask(&busy, WEST, EAST, world_add(EAST, "", 0)->id);
	world_until(world_answered, &busy);
	request.kms_key_id = (char *)"alias/dr";
	request.description = (char *)"mine";
	request.completion_minutes = 60;
	ask_with(&first, &request);
	assert_int_equal(world_copy(&first)->state, COPY_QUEUED);
	expect_equal(&first, &request);
	request.dry_run = true;
	ask_with(&dry, &request);
	assert_has(world_status(&dry), "would copy nothing: a copy is queued\n");
	request.dry_run = false;
	request.completion_minutes = 90;
	expect_difference(
		&request, " is queued already, and it was not asked for with a completion");
	request.completion_minutes = 0;
	request.kms_key_id = (char *)"alias/other";
	expect_difference(&request, "the KMS key alias/dr, not with alias/other");
	request.kms_key_id = NULL;
	request.unencrypted = true;
	expect_difference(&request, "it is encrypted");
}

static void test_a_key_is_known_by_its_forms(void **state)
{
	struct copy_request request = world_request();
	struct asked first;

	(void)state;
	request.kms_key_id = (char *)"alias/dr";
	ask_with(&first, &request);
	world_copy_in(WEST, 0)->kms_key = KEY;
	world_until_state(&first, COPY_COMPLETED);
	world_run(600000);
	expect_equal(&first, &request);
	request.kms_key_id = (char *)KEY;
	expect_equal(&first, &request);
	request.kms_key_id = (char *)strrchr(KEY, '/') + 1;
	expect_equal(&first, &request);
	request.kms_key_id = (char *)"alias/other";
	expect_difference(&request, "it is encrypted with the KMS key arn:");
}

/* --- completed, and gone --- */

static void test_a_copy_that_is_gone_is_made_again(void **state)
{
	struct asked first, second;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	world_run(400000);
	world_copy_in(WEST, 0)->deleted_at = virtual_ms;
	ask_and_wait(&second);
	assert_accepted(&second);
	assert_int_not_equal(second.row, first.row);
	assert_int_equal(world->copies, 2);
	assert_string_equal(world_row(first.row)->state, "deleted");
	assert_int_equal(world_copy(&first)->state, COPY_DELETED);
	assert_has(world_status(&first), "state: deleted\n");
	assert_true(world_row(first.row)->deleted_ms > 0);
	/* It stays so. */
	world_unmount(UNMOUNT);
	world_mount();
	assert_int_equal(world_copy(&first)->state, COPY_DELETED);
	assert_int_equal(world_copy(&second)->state, COPY_PENDING);
}

/* A new copy is shown for five minutes, whatever EC2 says: it is asked all the same. */
static void test_a_new_copy_that_is_gone_is_made_again(void **state)
{
	struct asked first, second;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	world_run(120000);
	world_copy_in(WEST, 0)->deleted_at = virtual_ms;
	ask_and_wait(&second);
	assert_accepted(&second);
	assert_int_not_equal(second.row, first.row);
	assert_int_equal(world->copies, 2);
}

static void test_an_old_copy_that_is_gone_is_made_again(void **state)
{
	struct asked first, second;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	world_run(2 * COPIES_LATELY_MS);
	world_copy_in(WEST, 0)->deleted_at = virtual_ms;
	ask_and_wait(&second);
	assert_accepted(&second);
	assert_int_not_equal(second.row, first.row);
	assert_int_equal(world->copies, 2);
	world_run(1000);
	assert_string_equal(world_row(first.row)->state, "deleted");
	assert_int_equal(world_copy(&first)->state, COPY_DELETED);
	/* A restart keeps why. */
	world_unmount(UNMOUNT);
	world_mount();
	assert_has(world_status(&first), "the snapshot was deleted");
}

/* The journal says that it is completed: so memory must not say otherwise. */
static void test_a_deletion_that_was_not_written_is_found_again(void **state)
{
	struct asked first, second, third;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	world_run(2 * COPIES_LATELY_MS);
	world_copy_in(WEST, 0)->deleted_at = virtual_ms;
	world->disk_error = ENOSPC;
	ask_and_wait(&second);
	assert_true(second.failed);
	world->disk_error = 0;
	assert_string_equal(world_row(first.row)->state, "completed");
	assert_int_equal(world_copy(&first)->state, COPY_COMPLETED);
	ask_and_wait(&third);
	assert_accepted(&third);
	assert_int_equal(world->copies, 2);
	assert_string_equal(world_row(first.row)->state, "deleted");
	assert_int_equal(world_copy(&first)->state, COPY_DELETED);
}

/* From the recycle bin. */
static void restore_and_ask(const struct asked *first)
{
	struct asked second = {0};

	world_copy_in(WEST, 0)->visible_at = INT64_MAX;
	assert_int_equal(copies_confirm(world->copies_, world_copy(first), heard, &second), 0);
	world_until(world_answered, &second);
	assert_int_equal(world_copy(first)->state, COPY_DELETED);
	world_run(300000);
	world_copy_in(WEST, 0)->visible_at = 0;
	ask_and_wait(&second);
	assert_accepted(&second);
	assert_int_equal(second.row, first->row);
	assert_int_equal(world_copy(first)->state, COPY_COMPLETED);
	assert_has_not(world_status(first), "deleted");
	assert_string_equal(world_row(first->row)->state, "completed");
	assert_true(world_row(first->row)->deleted_ms == 0);
	assert_int_equal(world->copies, 1);
}

static void test_a_copy_that_was_restored_is_alive(void **state)
{
	struct asked first;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	world_run(400000);
	restore_and_ask(&first);
	world_run(2 * COPIES_LATELY_MS);
	restore_and_ask(&first);
}

/* EC2's answers lag behind: one that lacks a new copy says nothing. */
static void test_a_young_copy_is_not_gone(void **state)
{
	struct asked first, second;

	(void)state;
	world->copy_ms = 10000;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	world_copy_in(WEST, 0)->visible_at = virtual_ms + 100000;
	world_run(40000);
	ask_and_wait(&second);
	assert_joined(&first, &second, 2);
	assert_int_equal(world->copies, 1);
}

static void test_without_ec2_nothing_is_recorded(void **state)
{
	struct asked first, second;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	world_run(400000);
	world->fault = no_describe;
	ask_and_wait(&second);
	assert_int_equal(second.err.errnum, ETIMEDOUT);
	assert_has(second.err.message, "cannot find out whether the copy snap-");
	assert_int_equal(second.row, 0);
	assert_null(world_receipt(2));
	assert_int_equal(world->copies, 1);
}

static void test_a_deletion_through_the_mount_is_one(void **state)
{
	struct asked first, old;
	char id[32];

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	snprintf(id, sizeof(id), "%s", world_copy(&first)->row.copy_id);
	world_copy_in(WEST, 0)->deleted_at = virtual_ms;
	copies_snapshot_deleted(world->copies_, WEST, id);
	assert_int_equal(world_copy(&first)->state, COPY_DELETED);
	assert_has(world_status(&first), "through this mount");
	ask_and_wait(&old);
	world_until_state(&old, COPY_COMPLETED);
	world_run(2 * COPIES_LATELY_MS);
	snprintf(id, sizeof(id), "%s", world_copy(&old)->row.copy_id);
	world_run(1000);
	copies_snapshot_deleted(world->copies_, WEST, id);
	assert_int_equal(world_copy(&old)->state, COPY_DELETED);
	world_run(1000);
	assert_string_equal(world_row(old.row)->state, "deleted");
}

/* --- the last receipt is gone --- */

static void queue_one(struct asked *busy, struct asked *queued)
{
	world->limit = 1;
	world->copy_ms = 600000;
	world_ask(busy, WEST, EAST, world_add(EAST, "", 0)->id);
	world_until(world_answered, busy);
	ask_and_wait(queued);
	assert_int_equal(world_copy(queued)->state, COPY_QUEUED);
}

static void test_an_abandoned_copy_is_cancelled(void **state)
{
	struct asked busy, queued, again;

	(void)state;
	queue_one(&busy, &queued);
	copies_abandon(world->copies_, world_copy(&queued));
	assert_has(world_status(&queued), "the copy is cancelled in 5 seconds");
	world_run(4900);
	assert_int_equal(world_copy(&queued)->state, COPY_QUEUED);
	world_run(200);
	assert_int_equal(world_copy(&queued)->state, COPY_CANCELLED);
	assert_string_equal(world_row(queued.row)->state, "cancelled");
	ask_and_wait(&again);
	assert_int_not_equal(again.row, queued.row);
	world_until_state(&again, COPY_PENDING);
	assert_int_equal(world_copies_in(WEST), 2);
}

static void test_a_request_saves_an_abandoned_copy(void **state)
{
	struct asked busy, queued, again;

	(void)state;
	queue_one(&busy, &queued);
	copies_abandon(world->copies_, world_copy(&queued));
	world_run(4900);
	ask_and_wait(&again);
	assert_joined(&queued, &again, 3);
	assert_has_not(world_status(&queued), "cancelled");
	world_run(60000);
	assert_int_equal(world_copy(&queued)->state, COPY_QUEUED);
	world_until_state(&queued, COPY_COMPLETED);
	assert_int_equal(world_copies_in(WEST), 2);
	/* One that EC2 has is not cancelled. */
	copies_abandon(world->copies_, world_copy(&queued));
	world_run(10000);
	assert_int_equal(world_copy(&queued)->state, COPY_COMPLETED);
}

/* --- the description of a folder --- */

static void ask_for_a_folder(struct asked *asked)
{
	struct copy_request request = world_request();

	request.awaits_description = true;
	ask_with(asked, &request);
	assert_accepted(asked);
	assert_int_equal(world->copies, 0);
	assert_has(world_status(asked), "state: queued\n");
	assert_has(world_status(asked), "reason: its description has not arrived");
}

static void describe(const struct asked *asked, const char *text, struct asked *end)
{
	*end = (struct asked){0};
	assert_int_equal(copies_describe(world->copies_, world_copy(asked), text, heard, end), 0);
	assert_int_equal(end->answers, 0);
	world_until(world_answered, end);
}

static void test_a_folder_waits_for_its_description(void **state)
{
	struct asked asked, end;
	char text[300] = "";

	(void)state;
	ask_for_a_folder(&asked);
	world_run(2000);
	memset(text, 'x', sizeof(text) - 1);
	describe(&asked, text, &end);
	assert_int_equal(end.err.errnum, EINVAL);
	describe(&asked, "of the folder", &end);
	assert_accepted(&end);
	assert_string_equal(world_row(asked.row)->description, "of the folder");
	world_until_state(&asked, COPY_PENDING);
	assert_string_equal(world_copy_in(WEST, 0)->description, "of the folder");
	describe(&asked, "too late", &end);
	assert_int_equal(end.err.errnum, EEXIST);
	describe(&asked, "of the folder", &end);
	assert_accepted(&end);
}

static void test_a_folder_does_not_wait_for_ever(void **state)
{
	struct asked asked;
	int64_t began;

	(void)state;
	ask_for_a_folder(&asked);
	began = virtual_ms;
	world_run(2900);
	assert_int_equal(world->copies, 0);
	world_until_state(&asked, COPY_PENDING);
	assert_in_range(virtual_ms - began, 2900, 3300);
	assert_string_equal(strchr(world_copy_in(WEST, 0)->description, ']'), "] nightly db");
}

static void test_each_write_into_a_folder_counts(void **state)
{
	struct asked asked;
	int64_t began;

	(void)state;
	ask_for_a_folder(&asked);
	began = virtual_ms;
	for (int i = 0; i < 50 && !world->copies; i++) {
		world_run(2000);
		copies_expect_description(world->copies_, world_copy(&asked));
	}
	world_until_state(&asked, COPY_PENDING);
	assert_in_range(virtual_ms - began, 60000, 63000);
}

/* --- tags that come later --- */

static void add_tag(
	const struct asked *asked, const char *key, const char *value, struct asked *end)
{
	struct request_tag tags[] = {
		{(char *)key, (char *)value}, {(char *)"ebsfs:request", (char *)"forged"}};

	*end = (struct asked){0};
	assert_int_equal(
		copies_add_tags(world->copies_, world_copy(asked), tags, 2, heard, end), 0);
	assert_int_equal(end->answers, 0);
}

static void assert_tagged(const struct world_snapshot *s, const char *key, const char *value)
{
	assert_non_null(s);
	assert_non_null(world_tag_of(s, key));
	assert_string_equal(world_tag_of(s, key), value);
	assert_string_not_equal(world_tag_of(s, "ebsfs:request"), "forged");
}

static void test_tags_come_late(void **state)
{
	struct asked asked, end;
	unsigned before;

	(void)state;
	world_tag(source, "Name", "db");
	ask(&asked);
	while (!world->copies)
		world_run(1);
	/* In flight: EC2 is asked once it has the copy. */
	asked.row = 1;
	add_tag(&asked, "a", "1", &end);
	world_until(world_answered, &end);
	assert_accepted(&end);
	assert_int_equal(world_copy(&asked)->state, COPY_PENDING);
	assert_tagged(world_copy_in(WEST, 0), "a", "1");
	add_tag(&asked, "b", "2", &end);
	world_until(world_answered, &end);
	assert_tagged(world_copy_in(WEST, 0), "b", "2");
	world_until_state(&asked, COPY_COMPLETED);
	add_tag(&asked, "Name", "other", &end);
	world_until(world_answered, &end);
	assert_tagged(world_copy_in(WEST, 0), "Name", "other");
	/* A tag that it has is not set again. */
	before = world->tagged;
	assert_int_equal(before, 3);
	add_tag(&asked, "Name", "other", &end);
	world_until(world_answered, &end);
	assert_accepted(&end);
	assert_int_equal(world->tagged, before);
	inject("CreateTags", FAULT_DENIED);
	add_tag(&asked, "c", "3", &end);
	world_until(world_answered, &end);
	assert_int_equal(end.err.errnum, EACCES);
	assert_has(end.err.message, "cannot set the tags of the copy snap-");
}

static void test_tags_of_a_queued_copy_go_into_its_request(void **state)
{
	struct asked busy, queued, end;
	char key[8];

	(void)state;
	queue_one(&busy, &queued);
	add_tag(&queued, "a", "1", &end);
	world_until(world_answered, &end);
	assert_accepted(&end);
	assert_has(world_row(queued.row)->tags, "\"a\":\"1\"");
	for (int i = 0; i < 47; i++) {
		snprintf(key, sizeof(key), "t%d", i);
		add_tag(&queued, key, "v", &end);
		world_until(world_answered, &end);
		assert_accepted(&end);
	}
	add_tag(&queued, "more", "v", &end);
	world_until(world_answered, &end);
	assert_int_equal(end.err.errnum, EDQUOT);
	world_until_state(&queued, COPY_COMPLETED);
	assert_int_equal(world_copy_in(WEST, 1)->n_tags, 50);
	assert_tagged(world_copy_in(WEST, 1), "a", "1");
	assert_int_equal(world->tagged, 0);
}

static void test_there_is_nothing_to_tag(void **state)
{
	struct asked asked, end;

	(void)state;
	inject("CopySnapshot", FAULT_DENIED);
	ask(&asked);
	while (!world->copies)
		world_run(1);
	asked.row = 1;
	add_tag(&asked, "a", "1", &end);
	world_until(world_answered, &end);
	assert_int_equal(end.err.errnum, EACCES);
	world_until(world_answered, &asked);
	add_tag(&asked, "a", "1", &end);
	world_until(world_answered, &end);
	assert_int_equal(end.err.errnum, ENOENT);
	assert_int_equal(world->tagged, 0);
}

static void test_a_request_that_joins_brings_its_tags(void **state)
{
	struct request_tag tags[] = {{(char *)"env", (char *)"dr"}};
	struct copy_request request = world_request();
	struct asked first, second;

	(void)state;
	ask_and_wait(&first);
	request.tags = tags;
	request.n_tags = 1;
	ask_with(&second, &request);
	assert_joined(&first, &second, 2);
	assert_tagged(world_copy_in(WEST, 0), "env", "dr");
	/* EC2's refusal is its own, and it leaves no receipt. */
	inject("CreateTags", FAULT_DENIED);
	tags[0].value = (char *)"other";
	ask_with(&second, &request);
	assert_int_equal(second.err.errnum, EACCES);
	assert_int_equal(second.row, 0);
	assert_null(world_receipt(3));
}

/* --- mv --- */

static void move(struct asked *asked)
{
	struct copy_request request = world_request();

	world_ask_with(asked, WEST, &request, true);
	world_until(world_answered, asked);
}

static void test_mv_joins_a_copy(void **state)
{
	struct asked first, moved;

	(void)state;
	ask_and_wait(&first);
	move(&moved);
	assert_joined(&first, &moved, 2);
	assert_true(world_row(first.row)->move);
	assert_int_equal(world->deletes, 0);
	world_until_state(&first, COPY_COMPLETED);
	world_run(10000);
	assert_int_equal(world->deletes, 1);
	assert_true(source->deleted_at > 0);
}

static void test_mv_joins_a_completed_copy(void **state)
{
	struct asked first, moved;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	move(&moved);
	assert_joined(&first, &moved, 2);
	world_run(10000);
	assert_int_equal(world->deletes, 1);
	assert_has(world_status(&first), "move: the source was deleted\n");
}

static void test_mv_joins_an_old_copy(void **state)
{
	struct asked first, moved;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	world_run(2 * COPIES_LATELY_MS);
	move(&moved);
	assert_joined(&first, &moved, 2);
	assert_true(world_row(first.row)->move);
	/* The row is whole. */
	assert_non_null(world_row(first.row)->token);
	assert_has(world_row(first.row)->description, "] nightly db");
	world_run(10000);
	assert_int_equal(world->deletes, 1);
	assert_string_equal(world_row(first.row)->code, COPY_SOURCE_DELETED);
	/* It goes into the history again. */
	world_run(COPIES_LATELY_MS);
	assert_has(world_status(&first), "move: the source was deleted\n");
}

/* It was given up, and asked for again; then it turned up. */
static void test_a_copy_that_turns_up_late_has_a_label(void **state)
{
	struct asked first, second, third;

	(void)state;
	inject("CopySnapshot", FAULT_LOST_AFTER);
	ask(&first);
	while (!world_copy_in(WEST, 0))
		world_run(1);
	world_copy_in(WEST, 0)->visible_at = virtual_ms + 600000;
	world_copy_in(WEST, 0)->length_ms = 3600000;
	world_until(world_answered, &first);
	world_until_state(&first, COPY_FAILED);
	ask_and_wait(&second);
	assert_accepted(&second);
	assert_int_not_equal(second.row, first.row);
	world_copy_in(WEST, 1)->length_ms = 3600000;
	world_until_state(&first, COPY_PENDING);
	world_run(100);
	assert_string_equal(world_row(first.row)->label, "#1");
	ask_and_wait(&third);
	assert_joined(&second, &third, 3);
	assert_int_equal(world->copies, 2);
	/* Both are found after a crash. */
	world_unmount(POWER_OFF);
	world_mount();
	assert_string_equal(world_copy(&first)->row.copy_id, world_copy_in(WEST, 0)->id);
	assert_string_equal(world_copy(&second)->row.copy_id, world_copy_in(WEST, 1)->id);
}

/* Two copies of a key: the second one is deleted, and the first one takes its place. */
static void check_the_spare_copy(int64_t later_ms)
{
	struct asked first, second, third, fourth;

	inject("CopySnapshot", FAULT_LOST_AFTER);
	ask(&first);
	while (!world_copy_in(WEST, 0))
		world_run(1);
	world_copy_in(WEST, 0)->visible_at = virtual_ms + 600000;
	world_until(world_answered, &first);
	world_until_state(&first, COPY_FAILED);
	ask_and_wait(&second);
	assert_accepted(&second);
	world_copy_in(WEST, 0)->length_ms = world_copy_in(WEST, 1)->length_ms = 3600000;
	world_until_state(&first, COPY_PENDING);
	world_copy_in(WEST, 0)->length_ms = world_copy_in(WEST, 1)->length_ms = 0;
	world_until_state(&first, COPY_COMPLETED);
	world_until_state(&second, COPY_COMPLETED);
	world_run(600000);
	assert_string_equal(world_row(first.row)->label, "#1");
	world_copy_in(WEST, 1)->deleted_at = virtual_ms;
	world_run(later_ms);
	ask_and_wait(&third);
	assert_joined(&first, &third, 3);
	assert_int_equal(world->copies, 2);
	world_run(100);
	assert_null(world_row(first.row)->label);
	world_unmount(POWER_OFF);
	world_mount();
	ask_and_wait(&fourth);
	assert_joined(&first, &fourth, 4);
	assert_int_equal(world->copies, 2);
}

static void test_the_spare_copy_takes_the_key(void **state)
{
	(void)state;
	check_the_spare_copy(600000);
}

static void test_an_old_spare_copy_takes_the_key(void **state)
{
	(void)state;
	check_the_spare_copy(2 * COPIES_LATELY_MS);
}

static void test_mv_that_cannot_be_recorded_deletes_nothing(void **state)
{
	struct asked first, moved;

	(void)state;
	ask_and_wait(&first);
	world_until_state(&first, COPY_COMPLETED);
	world->disk_error = ENOSPC;
	move(&moved);
	assert_int_equal(moved.err.errnum, ENOSPC);
	world->disk_error = 0;
	world_run(600000);
	assert_int_equal(world->deletes, 0);
	assert_false(world_row(first.row)->move);
}

/* --- another ebsfs's copy --- */

static struct world_snapshot *made_elsewhere(int64_t length_ms)
{
	struct world_snapshot *s = world_foreign_copy(WEST, length_ms);
	char text[72];

	snprintf(text, sizeof(text), "%s/%s", EAST, source->id);
	world_tag(s, "ebsfs:source", text);
	world_tag(s, "ebsfs:request", "0123456789abcdef0123456789abcdef");
	return s;
}

static void test_a_copy_made_elsewhere_is_adopted(void **state)
{
	struct world_snapshot *s = made_elsewhere(60000);
	struct request_tag tags[] = {{(char *)"env", (char *)"dr"}};
	struct copy_request request = world_request();
	struct asked first, second;

	(void)state;
	ask_and_wait(&first);
	assert_accepted(&first);
	assert_int_equal(world->copies, 0);
	assert_true(world_row(first.row)->adopted);
	assert_string_equal(world_row(first.row)->copy_id, s->id);
	assert_string_equal(world_row(first.row)->state, "pending");
	assert_int_equal(world_receipt(1)->copy, first.row);
	request.tags = tags;
	request.n_tags = 1;
	ask_with(&second, &request);
	assert_joined(&first, &second, 2);
	assert_tagged(s, "env", "dr");
	world_until_state(&first, COPY_COMPLETED);
	assert_has(world_status(&first), "progress: 100%");
	world_unmount(UNMOUNT);
	world_mount();
	ask_and_wait(&second);
	assert_joined(&first, &second, 3);
	assert_int_equal(world->copies, 0);
}

static void test_an_adopted_copy_is_compared_and_moves_nothing(void **state)
{
	struct copy_request request = world_request();
	struct asked asked;

	(void)state;
	made_elsewhere(0);
	request.description = (char *)"mine";
	ask_with(&asked, &request);
	assert_int_equal(asked.err.errnum, EEXIST);
	assert_has(asked.err.message, "'made by another tool', not 'mine'");
	move(&asked);
	assert_int_equal(asked.err.errnum, EEXIST);
	assert_has(asked.err.message, "another ebsfs has already made snap-");
	ask_and_wait(&asked);
	assert_accepted(&asked);
	assert_int_equal(world_copy(&asked)->state, COPY_COMPLETED);
	world_run(600000);
	assert_int_equal(world->copies, 0);
	assert_int_equal(world->deletes, 0);
}

static void test_without_the_question_nothing_is_sent(void **state)
{
	struct asked first;

	(void)state;
	world_ask(&first, WEST, EAST, source->id);
	world_until(world_answered, &first);
	world_run(3600 * 1000);
	world->fault = no_describe;
	world_ask_again(&first, WEST,
		&(struct copy_request){.source_region = (char *)EAST, .source_id = source->id},
		false);
	world_until(world_answered, &first);
	assert_true(first.failed);
	assert_int_equal(world->copies, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup_mounted, world_teardown)
		T(test_the_same_again_is_one_more_receipt),
		T(test_a_source_that_is_gone_still_has_its_copy),
		T(test_equal_requests_at_once_are_one_copy),
		T(test_equal_requests_without_tags_are_one_copy),
		T(test_all_that_wait_hear_of_a_refusal),
		T(test_a_disk_that_fails_tells_all_that_wait),
		T(test_an_outcome_that_is_looked_for_is_waited_for),
		T(test_a_copy_that_nobody_knows_of_is_not_sent_again),
		T(test_a_label_makes_another_copy),
		T(test_a_dry_run_copies_nothing_beside_a_copy),
		T(test_what_a_copy_cannot_be_given_is_refused),
		T(test_a_queued_copy_is_compared_with_its_request),
		T(test_a_key_is_known_by_its_forms),
		T(test_a_copy_that_is_gone_is_made_again),
		T(test_a_new_copy_that_is_gone_is_made_again),
		T(test_an_old_copy_that_is_gone_is_made_again),
		T(test_a_deletion_that_was_not_written_is_found_again),
		T(test_a_copy_that_was_restored_is_alive),
		T(test_a_young_copy_is_not_gone),
		T(test_without_ec2_nothing_is_recorded),
		T(test_a_deletion_through_the_mount_is_one),
		T(test_an_abandoned_copy_is_cancelled),
		T(test_a_request_saves_an_abandoned_copy),
		T(test_a_folder_waits_for_its_description),
		T(test_a_folder_does_not_wait_for_ever),
		T(test_each_write_into_a_folder_counts),
		T(test_tags_come_late),
		T(test_tags_of_a_queued_copy_go_into_its_request),
		T(test_there_is_nothing_to_tag),
		T(test_a_request_that_joins_brings_its_tags),
		T(test_mv_joins_a_copy),
		T(test_mv_joins_a_completed_copy),
		T(test_mv_joins_an_old_copy),
		T(test_a_copy_that_turns_up_late_has_a_label),
		T(test_the_spare_copy_takes_the_key),
		T(test_an_old_spare_copy_takes_the_key),
		T(test_mv_that_cannot_be_recorded_deletes_nothing),
		T(test_a_copy_made_elsewhere_is_adopted),
		T(test_an_adopted_copy_is_compared_and_moves_nothing),
		T(test_without_the_question_nothing_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
