/* SPDX-License-Identifier: MIT */
/* copy/: the life of a copy, move by move, in a world of virtual time. */
#include "copy_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
	world_setup_mounted(state);
	world_tag(source, "Name", "db");
	world_tag(source, "aws:backup:source", "x");
	world_tag(source, "ebsfs:request", "of another copy");
	return 0;
}

/* --- the straight way --- */

static void test_a_copy_is_accepted_watched_and_completed(void **state)
{
	struct asked asked;
	struct world_snapshot *copy;

	(void)state;
	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	assert_int_equal(world->copies, 1);
	assert_int_equal(world_copy(&asked)->state, COPY_PENDING);
	copy = world_copy_in(WEST, 0);
	assert_non_null(copy);
	/* Its tags are the source's but for AWS's and ebsfs's, and ebsfs's own two; its description
	 * says where it came from. */
	assert_int_equal(copy->n_tags, 3);
	assert_string_equal(world_tag_of(copy, "Name"), "db");
	assert_string_equal(world_tag_of(copy, "ebsfs:request"), world_copy(&asked)->row.token);
	assert_int_equal(strlen(world_copy(&asked)->row.token), 32);
	assert_string_equal(strchr(world_tag_of(copy, "ebsfs:source"), '/') + 1, source->id);
	assert_string_equal(strchr(copy->description, ']'), "] nightly db");
	/* It was on disk, with its receipt, before it was accepted, and is there as accepted now.
	 */
	assert_string_equal(world_row(asked.row)->state, "pending");
	assert_true(world_row(asked.row)->acknowledged && world_row(asked.row)->submitted);
	assert_string_equal(world_row(asked.row)->copy_id, copy->id);
	assert_int_equal(world_receipt(1)->copy, asked.row);
	assert_ptr_equal(copies_by_snapshot(world->copies_, WEST, copy->id), world_copy(&asked));
	/* The new snapshot is shown at once. */
	assert_true(catalogue_find(region_catalogue(regions_get(world->regions, WEST)), copy->id) !=
		    CATALOGUE_NONE);

	world_run(30000);
	assert_has(world_status(&asked), "state: pending\nprogress: ");
	assert_has(world_status(&asked), "%  [####");
	assert_has(world_status(&asked), "source: us-east-1/snap-");
	assert_has(world_status(&asked), "(estimated)");
	world_until_state(&asked, COPY_COMPLETED);
	assert_in_range(virtual_ms - copy->start_ms, 60000, 62100 + 200);
	assert_has(world_status(&asked),
		"state: completed\nprogress: 100%  [########################################]\n");
	assert_has(world_status(&asked), "\nelapsed: 1m00s\nended: ");
	world_run(1000);
	assert_string_equal(world_row(asked.row)->state, "completed");
	assert_int_equal(asked.answers, 1);
	/* Nobody waits for anything: nobody asks. */
	unsigned describes = world->describes;

	world_run(600000);
	assert_int_equal(world->describes, describes);
}

static void test_what_is_asked_for_is_what_is_sent(void **state)
{
	struct request_tag tags[] = {{(char *)"Name", (char *)"mine"},
		{(char *)"aws:x", (char *)"y"}, {(char *)"team", (char *)"a"},
		{(char *)"team", (char *)"b"}};
	struct copy_request request = {.source_region = (char *)EAST,
		.source_id = source->id,
		.description = (char *)"before the change",
		.tags = tags,
		.n_tags = ARRAY_LEN(tags)};
	struct world_snapshot *copy;
	struct asked asked;

	(void)state;
	world_tag(source, "only", "the source's");
	world_ask_with(&asked, WEST, &request, false);
	world_until(world_answered, &asked);
	copy = world_copy_in(WEST, 0);
	assert_string_equal(copy->description, "before the change");
	assert_string_equal(world_tag_of(copy, "Name"), "mine");
	assert_string_equal(world_tag_of(copy, "team"), "b");
	assert_string_equal(world_tag_of(copy, "only"), "the source's");
	assert_int_equal(copy->n_tags, 5);

	request.no_tags = true;
	request.n_tags = 1;
	request.again = (char *)"plain";
	world_ask_with(&asked, WEST, &request, false);
	world_until(world_answered, &asked);
	copy = world_copy_in(WEST, 1);
	assert_int_equal(copy->n_tags, 4);
	assert_string_equal(world_tag_of(copy, "ebsfs:again"), "plain");
}

static void test_the_source_is_looked_at_first(void **state)
{
	static const struct {
		const char *region, *source_region, *id, *message;
		int errnum;
	} table[] = {
		{WEST, EAST, "snap-00000000", "EC2 knows no snapshot snap-00000000 in us-east-1",
			ENOENT},
		{WEST, "nowhere", "snap-00000000", "region", EINVAL},
		{"../x", EAST, "snap-00000000", "region", EINVAL},
		{"cn-north-1", EAST, "snap-00000000", "to aws-cn: EC2 copies within", EOPNOTSUPP},
		{WEST, EAST, "vol-00000000", "id", EINVAL},
	};
	struct asked asked;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		world_ask(&asked, table[i].region, table[i].source_region, table[i].id);
		world_until(world_answered, &asked);
		assert_true(asked.failed);
		assert_int_equal(asked.err.errnum, table[i].errnum);
		assert_has(asked.err.message, table[i].message);
	}
	world_ask(&asked, WEST, EAST, "snap-00000000");
	assert_true(copies_needs(world->copies_, EAST, "snap-00000000"));
	world_until(world_answered, &asked);
	assert_false(copies_needs(world->copies_, EAST, "snap-00000000"));
	/* The reason is in the receipt's status, after a restart too. */
	assert_has(world_status(&asked), "state: failed\n");
	world_unmount(UNMOUNT);
	world_mount();
	assert_has(world_status(&asked), "message: EC2 knows no snapshot snap-00000000");

	source->failure = "it broke";
	world_unmount(UNMOUNT);
	world_mount();
	world_ask_and_wait(&asked);
	assert_int_equal(asked.err.errnum, EINVAL);
	assert_has(asked.err.message, "is in state error: it broke");
	assert_int_equal(world->copies, 0);
}

static void test_refusals_are_the_callers_error(void **state);

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

static void test_refusals_are_the_callers_error(void **state)
{
	static const struct {
		enum fault fault;
		int errnum;
		const char *status;
	} table[] = {
		{FAULT_UNSENT, EHOSTUNREACH, "message: connection refused"},
		{FAULT_THROTTLED, EAGAIN, "code: RequestLimitExceeded\nmessage: "},
		{FAULT_DENIED, EACCES, "(ec2:CopySnapshot and "},
		{FAULT_TAGS_DENIED, EACCES, "-o notags"},
		{FAULT_EXPIRED, EACCES, "request-id: request-1"},
	};
	struct asked asked;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		inject("CopySnapshot", table[i].fault);
		world_ask_and_wait(&asked);
		assert_true(asked.failed);
		assert_int_equal(asked.err.errnum, table[i].errnum);
		assert_has(world_status(&asked), "state: failed\n");
		assert_has(world_status(&asked), table[i].status);
		/* That is on disk before the caller hears of it. */
		assert_string_equal(world_row(asked.row)->state, "failed");
		world_run(600000);
		assert_int_equal(world->copies, i + 1);
	}
	assert_has(asked.err.message, "Request has expired");
	assert_int_equal(world_copies_in(WEST), 0);
}

static void test_a_dry_run_copies_nothing(void **state)
{
	struct copy_request request = {
		.source_region = (char *)EAST, .source_id = source->id, .dry_run = true};
	struct asked asked;

	(void)state;
	world->limit = 0;
	world_ask_with(&asked, WEST, &request, true);
	world_until(world_answered, &asked);
	assert_false(asked.failed);
	assert_string_equal(world_row(asked.row)->state, "completed");
	assert_has_not(world_status(&asked), "move:");
	assert_has(world_status(&asked), "state: completed\n");
	assert_has(world_status(&asked),
		"note: dry run: EC2 would carry it out; nothing was copied\n");
	assert_has_not(world_status(&asked), "progress");
	inject("CopySnapshot", FAULT_DENIED);
	world_ask_with(&asked, WEST, &request, false);
	world_until(world_answered, &asked);
	assert_int_equal(asked.err.errnum, EACCES);
	inject("CopySnapshot", FAULT_LOST_BEFORE);
	world_ask_with(&asked, WEST, &request, false);
	world_until(world_answered, &asked);
	/* Nothing can have been made, so nothing is looked for. */
	assert_int_equal(asked.err.errnum, ETIMEDOUT);
	assert_has(world_status(&asked), "state: failed\nregion");
	world_run(600000);
	assert_int_equal(world->copies, 3);
	assert_int_equal(world->deletes, 0);
	assert_int_equal(world_copies_in(WEST), 0);
}

/* --- the queue --- */

static void test_past_the_limit_copies_wait_in_order(void **state)
{
	struct asked asked[25];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		world_ask_and_wait(&asked[i]);
		assert_false(asked[i].failed);
	}
	assert_int_equal(world_copies_in(WEST), 20);
	/* The limit was not known: one refusal has taught it. */
	assert_int_equal(world->refusals, 1);
	assert_has(world_status(&asked[20]), "state: queued\nposition: 1 of 5\n");
	assert_has(world_status(&asked[24]),
		"position: 5 of 5\nreason: 20 copies are in progress into eu-west-1, its limit\n");
	assert_string_equal(world_row(asked[24].row)->state, "queued");
	assert_true(world_row(asked[24].row)->acknowledged);
	assert_false(world_row(asked[24].row)->submitted);
	world_until_state(&asked[20], COPY_PENDING);
	assert_has(world_status(&asked[24]), "position: 3 of 3\n"); /* the next is on its way */
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		world_until_state(&asked[i], COPY_COMPLETED);
	assert_int_equal(world_copies_in(WEST), 25);
	assert_int_equal(world->most, 20);
	assert_int_equal(world->refusals, 1);
	/* In the order in which they were asked for. */
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		assert_string_equal(
			world_copy_in(WEST, (unsigned)i)->id, world_copy(&asked[i])->row.copy_id);
}

static void test_a_cancellation_waits_for_the_disk(void **state)
{
	struct asked asked[3];

	(void)state;
	world->limit = 1;
	for (size_t i = 0; i < 3; i++)
		world_ask_and_wait(&asked[i]);
	/* The disk fails: it stays in the queue, is not sent, and is cancelled later. */
	world->disk_error = ENOSPC;
	copies_abandon(world->copies_, world_copy(&asked[1]));
	world_run(11000);
	assert_int_equal(world_copy(&asked[1])->state, COPY_QUEUED);
	world->limit = 2;
	world->disk_error = 0;
	world_run(5000);
	assert_has(world_status(&asked[1]), "state: cancelled\n");
	assert_string_equal(world_row(asked[1].row)->state, "cancelled");
	world_until_state(&asked[2], COPY_COMPLETED);
	assert_int_equal(world_copies_in(WEST), 2);
}

static void test_a_pending_source_is_waited_for(void **state)
{
	struct world_snapshot *pending = world_add(EAST, "", 120000);
	struct asked waiting, other;

	(void)state;
	world_ask(&waiting, WEST, EAST, pending->id);
	world_until(world_answered, &waiting);
	assert_false(waiting.failed);
	assert_has(world_status(&waiting), "state: queued\nposition: 1 of 1\nreason: source snap-");
	assert_has(world_status(&waiting), " is still pending (");
	assert_int_equal(world->copies, 0);
	/* It holds up nobody. */
	world_ask_and_wait(&other);
	assert_int_equal(world_copy(&other)->state, COPY_PENDING);
	assert_true(copies_needs(world->copies_, EAST, pending->id));
	assert_false(copies_needs(world->copies_, WEST, pending->id));
	world_until_state(&waiting, COPY_PENDING);
	assert_in_range(virtual_ms, pending->start_ms + 120000, pending->start_ms + 130000);
	assert_int_equal(world->copies, 2);
	world_until_state(&waiting, COPY_COMPLETED);
	assert_false(copies_needs(world->copies_, EAST, pending->id));
}

static void test_a_pending_source_that_fails_or_vanishes(void **state)
{
	struct world_snapshot *bad = world_add(EAST, "", 120000),
			      *gone = world_add(EAST, "", 3600000);
	struct asked asked[2];

	(void)state;
	bad->failure = "broken";
	world_ask(&asked[0], WEST, EAST, bad->id);
	world_ask(&asked[1], WEST, EAST, gone->id);
	world_until(world_answered, &asked[0]);
	world_until(world_answered, &asked[1]);
	world_until_state(&asked[0], COPY_FAILED);
	assert_has(world_status(&asked[0]), "is in state error: broken");
	gone->deleted_at = virtual_ms;
	world_until_state(&asked[1], COPY_FAILED);
	assert_has(world_status(&asked[1]), "EC2 knows no snapshot");
	assert_int_equal(world->copies, 0);
}

/* The catalogue is behind: EC2 itself says that the source is pending. */
static void test_a_source_that_ec2_calls_pending(void **state)
{
	struct asked asked;

	(void)state;
	world_ask_and_wait(&asked);
	source->length_ms = virtual_ms + 100000;
	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	assert_has(world_status(&asked), "state: queued\n");
	assert_has(world_status(&asked), " is still pending\n");
	world_until_state(&asked, COPY_PENDING);
	assert_in_range(virtual_ms, source->length_ms, source->length_ms + 60000);
	world_until_state(&asked, COPY_COMPLETED);
	assert_int_equal(world_copies_in(WEST), 2);
}

static void test_no_network_keeps_an_accepted_copy_waiting(void **state);

static enum fault fault_all;

static enum fault always(const char *action, unsigned n)
{
	(void)n;
	return strcmp(action, "CopySnapshot") ? FAULT_NONE : fault_all;
}

static void test_no_network_keeps_an_accepted_copy_waiting(void **state)
{
	static const enum fault faults[] = {FAULT_UNSENT, FAULT_THROTTLED, FAULT_EXPIRED};
	struct asked first, second;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		unsigned before = world->copies;

		world->limit = 1;
		world->fault = NULL;
		world_ask_and_wait(&first);
		world_ask_and_wait(&second);
		fault_all = faults[i];
		world->fault = always;
		world_until_state(&first, COPY_COMPLETED);
		world_run(3600 * 1000);
		assert_has(world_status(&second), "state: queued\n");
		assert_has(world_status(&second), "; ebsfs retries until the request succeeds\n");
		/* At growing pauses, of a minute at the most. */
		assert_in_range(world->copies - before, 50, 150);
		world->fault = NULL;
		world_until_state(&second, COPY_PENDING);
		world_until_state(&second, COPY_COMPLETED);
	}
	assert_int_equal(world_copies_in(WEST), 6);
}

static enum fault third_and_later(const char *action, unsigned n)
{
	return strcmp(action, "CopySnapshot") || n != 2 ? FAULT_NONE : FAULT_UNSENT;
}

static void test_what_comes_back_into_the_queue_keeps_its_place(void **state)
{
	struct asked asked[4];

	(void)state;
	world->limit = 1;
	world->options.retry_ms = 20000;
	world_unmount(UNMOUNT);
	world_mount();
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		world_ask_and_wait(&asked[i]);
	world->fault = third_and_later;
	/* The second cannot be sent and waits for a while; the third need not. */
	world_until_state(&asked[2], COPY_PENDING);
	assert_has(world_status(&asked[1]),
		"state: queued\nposition: 1 of 2\nreason: connection refused");
	assert_has(world_status(&asked[3]), "position: 2 of 2\n");
	world_until_state(&asked[1], COPY_COMPLETED);
	assert_int_equal(world_copy(&asked[3])->state, COPY_QUEUED);
}

static enum fault no_describe(const char *action, unsigned n)
{
	(void)n;
	return strcmp(action, "DescribeSnapshots") ? FAULT_NONE : FAULT_DENIED;
}

/* What EC2 did not say is gone is not gone. */
static void test_a_source_that_cannot_be_looked_up_is_waited_for(void **state)
{
	struct asked first, second;

	(void)state;
	world->limit = 1;
	world_ask_and_wait(&first);
	world_ask_and_wait(&second);
	world_unmount(UNMOUNT);
	world_run(120000);
	world->fault = no_describe;
	world_mount();
	world_run(600000);
	assert_has(world_status(&second), "state: queued\nposition: 1 of 1\nreason: source "
					  "us-east-1/snap-");
	world->fault = NULL;
	world_until_state(&second, COPY_COMPLETED);
	/* A new request hears of it at once. */
	world->fault = no_describe;
	world_ask(&first, WEST, EAST, "snap-00000000");
	world_until(world_answered, &first);
	assert_int_equal(first.err.errnum, EACCES);
	assert_has(first.err.message, "source us-east-1/snap-00000000 cannot be looked up: ");
}

static void test_an_end_that_nobody_saw(void **state)
{
	struct asked asked;

	(void)state;
	world_ask_and_wait(&asked);
	world_run(10000);
	world_unmount(UNMOUNT);
	world_run(7200 * 1000);
	world_mount();
	world_until_state(&asked, COPY_COMPLETED);
	assert_has(world_status(&asked), "\nelapsed: 1m00s\n");
}

static void test_a_refusal_ends_an_accepted_copy(void **state)
{
	struct asked first, second;

	(void)state;
	world->limit = 1;
	world_ask_and_wait(&first);
	world_ask_and_wait(&second);
	fault_all = FAULT_DENIED;
	world->fault = always;
	world_until_state(&second, COPY_FAILED);
	assert_has(world_status(&second), "code: UnauthorizedOperation\n");
	assert_int_equal(second.answers, 1);
	assert_false(second.failed);
}

/* --- the disk --- */

static void test_nothing_is_sent_that_is_not_on_disk(void **state)
{
	struct asked asked, queued;

	(void)state;
	world->disk_error = ENOSPC;
	world_ask_and_wait(&asked);
	assert_true(asked.failed);
	assert_int_equal(asked.err.errnum, ENOSPC);
	assert_has(asked.err.message, "; nothing was sent to EC2");
	assert_int_equal(asked.row, 0);
	world_run(60000);
	assert_int_equal(world->copies, 0);
	assert_int_equal(world_rows(), 0);
	assert_false(copies_needs(world->copies_, EAST, source->id));

	/* A queued one waits until the disk works again. */
	world->disk_error = 0;
	world->limit = 1;
	world_ask_and_wait(&asked);
	world_ask_and_wait(&queued);
	world->disk_error = ENOSPC;
	world_run(300000);
	assert_has(world_status(&queued), "state: queued\n");
	assert_has(world_status(&queued),
		"reason: the journal cannot be written: the disk says No space left");
	assert_int_equal(world->copies, 2);
	assert_string_equal(world_row(asked.row)->state, "pending");
	world->disk_error = 0;
	world_until_state(&queued, COPY_PENDING);
	world_run(1000);
	/* And what could not be written meanwhile was written later. */
	world_run(120000);
	assert_string_equal(world_row(asked.row)->state, "completed");
	assert_string_equal(world_row(queued.row)->state, "completed");
	assert_int_equal(world_copies_in(WEST), 2);
}

static void fill_disk_at_answer(void *arg, const struct copy *copy)
{
	enum copy_state *state = arg;

	if (copy->state == *state && copy->progress < 0)
		world->disk_error = ENOSPC;
}

static void test_an_acceptance_counts_even_if_it_cannot_be_written(void **state)
{
	enum copy_state pending = COPY_PENDING;
	struct asked asked;

	(void)state;
	copies_watch(world->copies_, fill_disk_at_answer, &pending);
	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	assert_string_equal(world_row(asked.row)->state, "submitting");
	world->disk_error = 0;
	world_run(60000 - 5000);
	assert_string_equal(world_row(asked.row)->state, "pending");

	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	/* The power fails before the disk works again: the tag finds it. */
	world_unmount(POWER_OFF);
	world->disk_error = 0;
	world_mount();
	world_until_state(&asked, COPY_COMPLETED);
	assert_int_equal(world->copies, 2);
	assert_int_equal(world_copies_in(WEST), 2);
}

static void test_a_queued_word_that_cannot_be_written_is_no_word(void **state)
{
	enum copy_state queued = COPY_QUEUED;
	struct asked first, second;

	(void)state;
	world->limit = 1;
	world_ask_and_wait(&first);
	copies_watch(world->copies_, fill_disk_at_answer, &queued);
	world_ask_and_wait(&second);
	assert_true(second.failed);
	assert_int_equal(second.err.errnum, ENOSPC);
	world->disk_error = 0;
	world_run(600000);
	assert_has(world_status(&second), "state: failed\n");
	assert_false(world_row(second.row)->acknowledged);
	assert_int_equal(world_copies_in(WEST), 1);
}

/* --- ends --- */

static void test_an_asynchronous_failure_says_why(void **state)
{
	struct asked asked;

	(void)state;
	world_ask_and_wait(&asked);
	world_copy_in(WEST, 0)->failure = "Given key ID is not accessible";
	world_until_state(&asked, COPY_ERROR);
	assert_has(world_status(&asked), "state: error\n");
	assert_has(world_status(&asked),
		"message: Given key ID is not accessible\nhint: the caller needs kms:DescribeKey");
}

static void test_deleted_copies_are_cancelled(void **state)
{
	struct asked here, elsewhere;
	int64_t began;

	(void)state;
	world_ask_and_wait(&here);
	world_ask_and_wait(&elsewhere);
	copies_snapshot_deleted(world->copies_, WEST, world_copy_in(WEST, 0)->id);
	assert_has(world_status(&here), "state: cancelled\n");
	world_copy_in(WEST, 1)->length_ms = 3600000;
	/* Long after it came to be, one answer lacks it. */
	world_run(200000);
	world_copy_in(WEST, 1)->visible_at = virtual_ms + 6000;
	world_run(30000);
	assert_int_equal(world_copy(&elsewhere)->state, COPY_PENDING);
	world_ask_and_wait(&elsewhere);
	world_copy_in(WEST, 2)->length_ms = 3600000;
	world_run(30000);
	began = virtual_ms;
	world_copy_in(WEST, 2)->deleted_at = virtual_ms;
	/* EC2's answers are not consistent: only after its window does a missing one count as gone.
	 */
	world_run(60000);
	assert_int_equal(world_copy(&elsewhere)->state, COPY_PENDING);
	world_until_state(&elsewhere, COPY_CANCELLED);
	assert_has(world_status(&elsewhere), "deleted, but not through this mount");
	assert_in_range(virtual_ms - began, 120000, 170000);
}

static void test_a_copy_that_is_not_shown_yet_is_not_gone(void **state)
{
	struct asked asked;

	(void)state;
	world->lag_ms = 0;
	world_ask_and_wait(&asked);
	world_copy_in(WEST, 0)->visible_at = virtual_ms + 130000;
	world_run(129000);
	assert_int_equal(world_copy(&asked)->state, COPY_PENDING);
	world_until_state(&asked, COPY_COMPLETED);
}

static void test_percents_may_be_missing_or_jump(void **state)
{
	struct asked asked;

	(void)state;
	world_ask_and_wait(&asked);
	world_copy_in(WEST, 0)->no_progress = true;
	world_run(30000);
	assert_has(world_status(&asked), "state: pending\nprogress: unknown\n");
	assert_has(world_status(&asked), "eta: unknown\n");
	world_until_state(&asked, COPY_COMPLETED);
	assert_has(world_status(&asked), "progress: 100%");
	/* What was learned from it serves the next. */
	world_ask_and_wait(&asked);
	world_copy_in(WEST, 1)->no_progress = true;
	world_run(20000);
	assert_has(world_status(&asked), "progress: unknown\n");
	assert_has(world_status(&asked), "eta: 39s (estimated)\n");
}

static void test_a_copy_outlasts_every_timer(void **state)
{
	struct asked asked;

	(void)state;
	world->copy_ms = 50 * 3600 * 1000LL;
	world_ask_and_wait(&asked);
	world_run(49 * 3600 * 1000LL);
	assert_int_equal(world_copy(&asked)->state, COPY_PENDING);
	/* Asked about every 30 seconds and no more often, though for two days. */
	assert_in_range(world->describes, 49 * 3600 / 30 - 10, 49 * 3600 / 30 + 200);
	world_run(3600 * 1000 + 60000);
	assert_int_equal(world_copy(&asked)->state, COPY_COMPLETED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
		T(test_a_copy_is_accepted_watched_and_completed),
		T(test_what_is_asked_for_is_what_is_sent),
		T(test_the_source_is_looked_at_first),
		T(test_refusals_are_the_callers_error),
		T(test_a_dry_run_copies_nothing),
		T(test_past_the_limit_copies_wait_in_order),
		T(test_a_cancellation_waits_for_the_disk),
		T(test_a_pending_source_is_waited_for),
		T(test_a_pending_source_that_fails_or_vanishes),
		T(test_a_source_that_ec2_calls_pending),
		T(test_no_network_keeps_an_accepted_copy_waiting),
		T(test_what_comes_back_into_the_queue_keeps_its_place),
		T(test_a_source_that_cannot_be_looked_up_is_waited_for),
		T(test_an_end_that_nobody_saw),
		T(test_a_refusal_ends_an_accepted_copy),
		T(test_nothing_is_sent_that_is_not_on_disk),
		T(test_an_acceptance_counts_even_if_it_cannot_be_written),
		T(test_a_queued_word_that_cannot_be_written_is_no_word),
		T(test_an_asynchronous_failure_says_why),
		T(test_deleted_copies_are_cancelled),
		T(test_a_copy_that_is_not_shown_yet_is_not_gone),
		T(test_percents_may_be_missing_or_jump),
		T(test_a_copy_outlasts_every_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
