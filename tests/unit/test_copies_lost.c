/* SPDX-License-Identifier: MIT */
/* copy/: answers that never come, and mounts that end in the middle. Whatever happens: one request,
 * at most one copy, and the status says what is true. */
#include "clock.h"
#include "copy_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum fault faults[8]; /* of the n-th CopySnapshot */
static bool describe_fails;
static const char
	*invalid; /* the kinds of DescribeSnapshots that are refused: world->describe_what */

static enum fault plan(const char *action, unsigned n)
{
	if (!strcmp(action, "CopySnapshot"))
		return n < ARRAY_LEN(faults) ? faults[n] : FAULT_NONE;
	if (!strcmp(action, "DescribeSnapshots") && strchr(invalid, world->describe_what[n]))
		return FAULT_INVALID;
	return describe_fails && !strcmp(action, "DescribeSnapshots") ? FAULT_THROTTLED
								      : FAULT_NONE;
}

static int setup(void **state)
{
	world_setup(state);
	memset(faults, 0, sizeof(faults));
	describe_fails = false;
	invalid = "";
	world->fault = plan;
	return 0;
}

static int setup_mounted(void **state)
{
	setup(state);
	world_mount();
	return 0;
}

/* --- a caller waits --- */

static void test_a_request_that_was_not_carried_out(void **state)
{
	int64_t began = virtual_ms;
	struct asked asked;

	(void)state;
	faults[0] = FAULT_LOST_BEFORE;
	world_ask_and_wait(&asked);
	assert_true(asked.failed);
	assert_int_equal(asked.err.errnum, ETIMEDOUT);
	assert_in_range(asked.answered_at - began, 20000 + 45000, 20000 + 46000);
	assert_has(world_status(&asked), "state: submitting\nreason: EC2 gave no usable response");
	assert_false(world_row(asked.row)->acknowledged);
	world_until_state(&asked, COPY_FAILED);
	assert_in_range(virtual_ms - began, 20000 + 150000, 20000 + 152000);
	assert_has(world_status(&asked),
		"looked for during 150 s and was not made; nothing will be sent again");
	world_run(3600 * 1000);
	assert_int_equal(world->copies, 1);
	assert_int_equal(asked.answers, 1);
	assert_string_equal(world_row(asked.row)->state, "failed");
}

static void test_a_request_that_was_carried_out(void **state)
{
	struct asked asked;

	(void)state;
	faults[0] = FAULT_LOST_AFTER;
	world->lag_ms = 0;
	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	assert_string_equal(world_copy(&asked)->row.copy_id, world_copy_in(WEST, 0)->id);
	assert_string_equal(world_row(asked.row)->state, "pending");
	assert_true(world_row(asked.row)->acknowledged);
	world_until_state(&asked, COPY_COMPLETED);
	assert_int_equal(world->copies, 1);
}

static void test_one_that_shows_only_after_the_caller_gave_up(void **state)
{
	struct asked asked;

	(void)state;
	faults[0] = FAULT_LOST_AFTER;
	world->copy_ms = 300000;
	world_ask(&asked, WEST, EAST, source->id);
	world_run(1000);
	world_copy_in(WEST, 0)->visible_at = virtual_ms + 130000;
	world_until(world_answered, &asked);
	assert_int_equal(asked.err.errnum, ETIMEDOUT);
	world_until_state(&asked, COPY_PENDING);
	world_until_state(&asked, COPY_COMPLETED);
	assert_int_equal(world->copies, 1);
	assert_int_equal(asked.answers, 1);
	assert_has(world_status(&asked), "state: completed\nprogress: 100%");
}

static void test_one_that_shows_after_all_hope(void **state)
{
	struct asked asked;

	(void)state;
	faults[0] = FAULT_LOST_AFTER;
	world->copy_ms = 600000;
	world_ask(&asked, WEST, EAST, source->id);
	world_run(1000);
	world_copy_in(WEST, 0)->visible_at = virtual_ms + 200000;
	world_until(world_answered, &asked);
	world_until_state(&asked, COPY_FAILED);
	world_run(60000);
	/* Somebody lists the region: the status does not go on saying that it was not made. */
	assert_int_equal(copies_hold(world->copies_, WEST, world_copy_in(WEST, 0)->id), 0);
	world_until_state(&asked, COPY_PENDING);
	world_until_state(&asked, COPY_COMPLETED);
	world_run(1000);
	assert_string_equal(world_row(asked.row)->state, "completed");
}

/* The search has ended in an error, whose row is on its way to the disk, when a listing shows the
 * copy: the waiting caller is told what is true, and the job goes on. */
static void test_one_that_shows_while_its_failure_is_written(void **state)
{
	struct catalogue *catalogue;
	struct ec2_snapshot shown;
	struct world_snapshot *copy;
	struct asked asked;

	(void)state;
	world->options.answer_ms = 3600 * 1000;
	world_mount();
	faults[0] = FAULT_LOST_AFTER;
	world->copy_ms = 3600 * 1000;
	world_ask(&asked, WEST, EAST, source->id);
	world_run(5000);
	invalid = "aelnt";
	world->commit_ms = 10000;
	while (copies_by_row(world->copies_, 1)->state != COPY_FAILED)
		world_run(100);
	assert_int_equal(asked.answers, 0);
	copy = world_copy_in(WEST, 0);
	shown = (struct ec2_snapshot){.id = copy->id,
		.volume_id = "vol-ffffffff",
		.state = EC2_SNAPSHOT_PENDING,
		.state_text = "pending",
		.start_ms = world_wall_ms(),
		.full_size = -1,
		.tags = copy->tags,
		.n_tags = copy->n_tags};
	catalogue = region_catalogue(regions_get(world->regions, WEST));
	catalogue_put(catalogue, &shown, clock_mono_ms());
	world_until(world_answered, &asked);
	assert_false(asked.failed);
	assert_string_equal(world_row(asked.row)->state, "pending");
	invalid = "";
	world_run(600 * 1000);
	assert_int_equal(world_copy(&asked)->state, COPY_PENDING);
	world_until_state(&asked, COPY_COMPLETED);
	assert_int_equal(world->copies, 1);
	assert_int_equal(asked.answers, 1);
}

static void test_one_that_failed_unseen(void **state)
{
	struct asked asked;

	(void)state;
	faults[0] = FAULT_LOST_AFTER;
	world->copy_ms = 1000;
	world_ask(&asked, WEST, EAST, source->id);
	world_run(500);
	world_copy_in(WEST, 0)->failure = "Source snapshot is not found";
	world_until(world_answered, &asked);
	assert_false(asked.failed);
	world_until_state(&asked, COPY_ERROR);
	assert_has(world_status(&asked), "message: Source snapshot is not found\nhint: ");
}

static void test_nothing_is_given_up_while_ec2_cannot_be_asked(void **state)
{
	struct asked asked;

	(void)state;
	faults[0] = FAULT_LOST_AFTER;
	world->copy_ms = 2 * 3600 * 1000;
	world_ask(&asked, WEST, EAST, source->id);
	world_run(1000);
	describe_fails = true;
	world_run(3600 * 1000);
	assert_int_equal(world_copy(&asked)->state, COPY_SUBMITTING);
	assert_has(world_status(&asked),
		"cannot be asked now whether it made the copy: Request limit exceeded");
	describe_fails = false;
	world_until_state(&asked, COPY_PENDING);
	assert_int_equal(world->copies, 1);
}

/* As long as the caller waits, the request stands. */
static void test_a_caller_who_still_waits_is_not_refused(void **state)
{
	struct asked asked;

	(void)state;
	world->options.window_ms = 10000;
	world_unmount(UNMOUNT);
	world_mount();
	faults[0] = FAULT_LOST_BEFORE;
	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	assert_int_equal(world->copies, 2);
	assert_int_equal(world_copies_in(WEST), 1);
	/* But not past what the disk does not take. */
	world->copies = 0;
	world_ask(&asked, WEST, EAST, source->id);
	world_run(15000);
	world->disk_error = ENOSPC;
	world_until(world_answered, &asked);
	assert_int_equal(asked.err.errnum, ENOSPC);
	world->disk_error = 0;
	world_run(600000);
	assert_int_equal(world->copies, 1);
	assert_int_equal(world_copies_in(WEST), 1);
}

/* --- it was accepted before --- */

/* A second copy, accepted into the queue, whose submissions meet the faults from the given one on.
 */
static void queue_one(struct asked *first, struct asked *second)
{
	world->limit = 1;
	world_ask_and_wait(first);
	world_ask_and_wait(second); /* the second request is refused for the limit */
	if (world->failing_commit)
		return;
	assert_false(second->failed);
	assert_int_equal(world->copies, 2);
}

static void test_an_accepted_copy_is_sent_again_when_it_was_not_made(void **state)
{
	struct asked first, second;

	(void)state;
	faults[2] = faults[3] = FAULT_LOST_BEFORE;
	queue_one(&first, &second);
	world_until_state(&second, COPY_PENDING);
	assert_int_equal(world->copies, 5);
	assert_string_equal(world_tag_of(world_copy_in(WEST, 1), "ebsfs:request"),
		world_copy(&second)->row.token);
	world_until_state(&second, COPY_COMPLETED);
	assert_int_equal(world_copies_in(WEST), 2);
	world_run(1000);
	assert_int_equal(world_row(second.row)->attempts, 4);
}

static void test_an_accepted_copy_is_not_sent_again_when_it_was_made(void **state)
{
	struct asked first, second;

	(void)state;
	faults[2] = FAULT_LOST_AFTER;
	world->page = 1;
	queue_one(&first, &second);
	world_until_state(&second, COPY_SUBMITTING);
	world_run(1000);
	world_copy_in(WEST, 1)->visible_at = virtual_ms + 149000;
	world_copy_in(WEST, 1)->length_ms = 300000;
	world_until_state(&second, COPY_PENDING);
	world_until_state(&second, COPY_COMPLETED);
	assert_int_equal(world->copies, 3);
	assert_int_equal(world_copies_in(WEST), 2);
}

/* --- without tags --- */

static void test_without_tags_the_description_finds_it(void **state)
{
	struct asked asked, same;

	(void)state;
	world->options.no_tags = true;
	world_unmount(UNMOUNT);
	world_mount();
	world_ask_and_wait(&same);
	assert_true(world->no_tags_seen);
	faults[1] = FAULT_LOST_AFTER;
	/* The first one has the same description, but it is known whose it is. */
	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	assert_string_equal(world_copy(&asked)->row.copy_id, world_copy_in(WEST, 1)->id);
	assert_int_equal(world_copy_in(WEST, 1)->n_tags, 0);

	faults[2] = FAULT_LOST_BEFORE;
	world_ask_and_wait(&asked);
	assert_true(asked.failed);
	world_until_state(&asked, COPY_FAILED);
	assert_has(world_status(&asked), "was not made; nothing will be sent again");
	assert_int_equal(world->copies, 3);

	/* What was queued by a mount with tags goes without them too, and its row says so. */
	world->options.no_tags = false;
	world_unmount(UNMOUNT);
	world_mount();
	world->limit = 0;
	world_ask_and_wait(&asked);
	assert_non_null(world_row(asked.row)->tags);
	world->options.no_tags = true;
	world_unmount(UNMOUNT);
	world_mount();
	world->limit = 20;
	world_until_state(&asked, COPY_PENDING);
	assert_int_equal(world_copy_in(WEST, 2)->n_tags, 0);
	assert_null(world_row(asked.row)->tags);
}

static void test_without_tags_a_doubt_is_for_a_person(void **state)
{
	struct asked asked;
	char description[400];

	(void)state;
	world->options.no_tags = true;
	world_unmount(UNMOUNT);
	world_mount();
	faults[0] = FAULT_LOST_AFTER;
	world_ask(&asked, WEST, EAST, source->id);
	world_run(1000);
	snprintf(description, sizeof(description), "%s", world_copy_in(WEST, 0)->description);
	world_foreign_copy(WEST, 60000);
	snprintf(world_copy_in(WEST, 1)->description, sizeof(description), "%s", description);
	world_until(world_answered, &asked);
	assert_int_equal(asked.err.errnum, EIO);
	assert_int_equal(world_copy(&asked)->state, COPY_FAILED);
	assert_has(world_status(&asked), "a person must see whether");
	world_run(600000);
	assert_int_equal(world->copies, 1);
}

static unsigned count_describes(char what)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world->describes; i++)
		n += world->describe_what[i] == what;
	return n;
}

/* Clouds disagree about \ in filters: a copy that a filter misses would be made twice. */
static void test_a_description_with_wildcards_is_not_filtered_by(void **state)
{
	struct asked asked, plain;

	(void)state;
	snprintf(source->description, sizeof(source->description), "D:\\Data *?[x]");
	world->options.no_tags = true;
	world_unmount(UNMOUNT);
	world_mount();
	faults[0] = FAULT_LOST_AFTER;
	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	assert_string_equal(world_copy(&asked)->row.copy_id, world_copy_in(WEST, 0)->id);
	assert_int_equal(count_describes('e'), 0);
	assert_int_equal(world->copies, 1);
	faults[1] = FAULT_LOST_AFTER;
	world_ask_again(&plain, WEST,
		&(struct copy_request){.source_region = (char *)EAST,
			.source_id = source->id,
			.description = (char[]){"plain"}},
		false);
	world_until(world_answered, &plain);
	assert_false(plain.failed);
	assert_true(count_describes('e') > 0);
}

/* An endpoint that does not know the filter, or refuses its value. */
static void test_a_refused_filter_is_done_without(void **state)
{
	struct asked asked;

	(void)state;
	invalid = "a";
	faults[0] = FAULT_LOST_AFTER;
	world_ask_and_wait(&asked);
	assert_false(asked.failed);
	assert_string_equal(world_copy(&asked)->row.copy_id, world_copy_in(WEST, 0)->id);
	assert_int_equal(count_describes('a'), 1);
	faults[1] = FAULT_LOST_BEFORE;
	world_ask_and_wait(&asked);
	world_until_state(&asked, COPY_FAILED);
	assert_has(world_status(&asked), "was not made; nothing will be sent again");
	assert_int_equal(count_describes('a'), 1);
	assert_int_equal(world->copies, 2);
}

static void test_a_search_that_is_always_refused_ends(void **state)
{
	struct asked asked[2];
	int64_t began = virtual_ms;

	(void)state;
	faults[0] = FAULT_LOST_AFTER;
	faults[1] = FAULT_LOST_BEFORE;
	world_ask(&asked[0], WEST, EAST, source->id);
	world_ask(&asked[1], WEST, EAST, source->id);
	world_run(5000);
	assert_int_equal(world->copies, 2);
	invalid = "aelnt";
	for (unsigned i = 0; i < 2; i++) {
		world_until(world_answered, &asked[i]);
		world_until_state(&asked[i], COPY_FAILED);
		assert_has(world_status(&asked[i]), "code: UnknownOutcome");
		assert_has(world_status(&asked[i]), "refuses to list the snapshots");
		assert_has(world_status(&asked[i]), "The copy may exist: look in " WEST);
	}
	assert_in_range(virtual_ms - began, 20000 + 150000, 20000 + 400000);
	world_run(3600 * 1000);
	assert_int_equal(world->copies, 2);
}

static void test_snapshots_left_out_are_no_proof_of_absence(void **state)
{
	struct asked first, second;

	(void)state;
	faults[2] = FAULT_LOST_BEFORE;
	world->left_out = 1;
	queue_one(&first, &second);
	world_until_state(&second, COPY_FAILED);
	assert_has(world_status(&second), "code: UnknownOutcome");
	assert_has(world_status(&second), "ids are not of EC2's form");
	assert_int_equal(world->copies, 3);
}

static void count_others(void *arg, const struct copy *copy)
{
	unsigned *n = arg;

	*n += copy->origin != COPY_OURS;
}

/* Tags can be as late as anything else. */
static void test_one_that_shows_before_its_tags(void **state)
{
	struct asked first, asked;
	struct world_snapshot *copy;
	unsigned others = 0;
	size_t n_tags;

	(void)state;
	world->limit = 2;
	world->lag_ms = 0;
	world_ask_and_wait(&first); /* so the region is looked at */
	faults[1] = FAULT_LOST_AFTER;
	world_ask(&asked, WEST, EAST, source->id);
	world_run(2000);
	copy = world_copy_in(WEST, 1);
	n_tags = copy->n_tags;
	copy->n_tags = 0;
	copy->length_ms = 300000;
	world_run(40000);
	copies_each(world->copies_, count_others, &others);
	assert_int_equal(others, 1);
	copy->n_tags = n_tags;
	world_until(world_answered, &asked);
	world_until_state(&asked, COPY_COMPLETED);
	assert_string_equal(world_copy(&asked)->row.copy_id, copy->id);
	others = 0;
	copies_each(world->copies_, count_others, &others);
	assert_int_equal(others, 0);
	/* Both slots are free again. */
	world_ask_and_wait(&first);
	world_ask_and_wait(&asked);
	assert_int_equal(world_copy(&first)->state, COPY_PENDING);
	assert_int_equal(world_copy(&asked)->state, COPY_PENDING);
}

static void test_anothers_that_shows_before_its_tags(void **state)
{
	struct world_snapshot *copy = world_foreign_copy(WEST, 90000);
	struct asked mine;
	struct copy *theirs;

	(void)state;
	world_ask_and_wait(&mine); /* so the region is looked at */
	world_run(15000);
	theirs = copies_by_snapshot(world->copies_, WEST, copy->id);
	assert_non_null(theirs);
	assert_int_equal(theirs->origin, COPY_TOOL);
	assert_null(theirs->row.source_id);
	world_tag(copy, "ebsfs:request", "ffffffffffffffffffffffffffffffff");
	world_tag(copy, "ebsfs:source", "us-east-1/snap-0badcafe");
	world_run(15000);
	theirs = copies_by_snapshot(world->copies_, WEST, copy->id);
	assert_int_equal(theirs->origin, COPY_MACHINE);
	assert_string_equal(theirs->row.source_region, "us-east-1");
	assert_string_equal(theirs->row.source_id, "snap-0badcafe");
	assert_true(copies_needs(world->copies_, "us-east-1", "snap-0badcafe"));
}

/* --- a mount ends, another begins --- */

static void test_each_state_is_taken_up_as_it_was(void **state)
{
	static const struct {
		const char *state;
		bool acknowledged, submitted, dry_run;
		bool made; /* EC2 has a copy with the token */
		enum copy_state ends_as;
		unsigned sent; /* CopySnapshot after the start */
		const char *status;
	} table[] = {
		{"queued", true, false, false, false, COPY_COMPLETED, 1, "progress: 100%"},
		{"queued", true, true, false, false, COPY_COMPLETED, 1, "progress: 100%"},
		{"queued", false, false, false, false, COPY_CANCELLED, 0,
			"before the request was accepted"},
		{"submitting", false, false, false, false, COPY_CANCELLED, 0,
			"before the request was accepted"},
		{"submitting", true, false, false, false, COPY_COMPLETED, 1, "progress: 100%"},
		{"submitting", false, true, false, false, COPY_FAILED, 0,
			"was not made; nothing will"},
		{"submitting", false, true, false, true, COPY_COMPLETED, 0, "progress: 100%"},
		{"submitting", true, true, false, false, COPY_COMPLETED, 1, "progress: 100%"},
		{"submitting", true, true, false, true, COPY_COMPLETED, 0, "progress: 100%"},
		{"submitting", false, true, true, false, COPY_CANCELLED, 0, "message: "},
		{"pending", true, true, false, true, COPY_COMPLETED, 0, "progress: 100%"},
		{"completed", true, true, false, true, COPY_COMPLETED, 0, "state: completed"},
		{"failed", false, true, false, false, COPY_FAILED, 0, "state: failed"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		unsigned sent = world->copies, there = world_copies_in(WEST);
		struct world_snapshot *copy = NULL;
		struct journal_copy row = {.state = (char *)table[i].state,
			.source_region = (char *)EAST,
			.source_id = source->id,
			.region = (char *)WEST,
			.description = (char *)"d",
			.tags = (char *)"{}",
			.acknowledged = table[i].acknowledged,
			.submitted = table[i].submitted,
			.dry_run = table[i].dry_run,
			.requested_ms = world_wall_ms() - 10000,
			.submitted_ms = world_wall_ms() - 9000};
		char token[40];
		struct asked asked = {0};

		snprintf(token, sizeof(token), "%032zu", i);
		row.token = token;
		if (table[i].made) {
			copy = world_foreign_copy(WEST, 60000);
			world_tag(copy, "ebsfs:request", token);
		}
		if (copy && strcmp(row.state, "submitting"))
			row.copy_id = copy->id;
		if (!strcmp(row.state, "completed") || !strcmp(row.state, "failed"))
			row.ended_ms = world_wall_ms() - 1000;
		asked.row = world_put_row(&row);
		world_put_receipt(asked.row);
		world_mount();
		assert_true(copies_needs(world->copies_, EAST, source->id) ==
				    (table[i].ends_as == COPY_COMPLETED &&
					    strcmp(row.state, "completed") != 0) ||
			    !strcmp(row.state, "submitting"));
		world_run(600000);
		if (world_copy(&asked)->state != table[i].ends_as ||
			world->copies - sent != table[i].sent ||
			world_copies_in(WEST) - there != (table[i].ends_as == COPY_COMPLETED))
			fail_msg("row %zu: sent %u, %s", i, world->copies - sent,
				world_status(&asked));
		assert_has(world_status(&asked), table[i].status);
		world_unmount(UNMOUNT);
	}
}

/* The first of them gets no answer, and is looked for a long time. */
static void test_a_lost_answer_does_not_hold_up_the_queue(void **state)
{
	char token[8] = "t0";
	struct journal_copy row = {.state = (char *)"queued",
		.token = token,
		.source_region = (char *)EAST,
		.source_id = source->id,
		.region = (char *)WEST,
		.description = (char *)"d",
		.tags = (char *)"{}",
		.acknowledged = true};

	(void)state;
	faults[0] = FAULT_LOST_BEFORE;
	world->copy_ms = 600000;
	for (int i = 0; i < 5; i++) {
		token[1] = (char)('0' + i);
		row.requested_ms = world_wall_ms();
		world_put_receipt(world_put_row(&row));
	}
	world_mount();
	world_run(30000);
	assert_int_equal(world_copies_in(WEST), 4);
}

/* The process ended within the pause after the last receipt was removed. */
static void test_a_queued_copy_without_a_receipt_is_abandoned_at_the_start(void **state)
{
	struct journal_copy row = {.state = (char *)"queued",
		.token = (char *)"t1",
		.source_region = (char *)EAST,
		.source_id = source->id,
		.region = (char *)WEST,
		.description = (char *)"d",
		.tags = (char *)"{}",
		.acknowledged = true,
		.requested_ms = world_wall_ms()};
	struct asked abandoned = {0}, kept = {0};

	(void)state;
	abandoned.row = world_put_row(&row);
	row.token = (char *)"t2";
	row.label = (char *)"again";
	kept.row = world_put_row(&row);
	world_put_receipt(kept.row);
	world_mount();
	world_until_state(&kept, COPY_COMPLETED);
	world_until_state(&abandoned, COPY_CANCELLED);
	assert_int_equal(world_copies_in(WEST), 1);
	assert_string_equal(world_row(abandoned.row)->state, "cancelled");
}

static void test_a_journal_that_cannot_be_understood_is_refused(void **state)
{
	struct journal_copy row = {.state = (char *)"levitating",
		.token = (char *)"t",
		.source_region = (char *)EAST,
		.source_id = source->id,
		.region = (char *)WEST};
	struct copies *copies;
	struct err err = {0};

	(void)state;
	world_mount();
	world_unmount(UNMOUNT);
	world_put_row(&row);
	world->options.regions = regions_create(&world->loop, NULL, 30000);
	assert_int_equal(copies_create(&world->options, NULL, NULL, &copies, &err), -EINVAL);
	assert_has(err.message, "copy 1 of the journal has a value that this ebsfs does not know "
				"(state levitating)");
	assert_null(copies);
	regions_destroy(world->options.regions);
}

/* The whole matrix: each fault, for a new request and for one that was accepted before, and the
 * mount ended at each moment of it, cleanly or with what was on its way to the disk lost. */
static void one_case(enum fault fault, bool queued, int64_t end_at, enum unmount how)
{
	struct asked first = {0}, asked = {0};
	unsigned tokens = 0;
	const char *token;
	struct world_snapshot *copy;

	memset(faults, 0, sizeof(faults));
	faults[queued ? 2 : 0] = fault;
	world_mount();
	if (queued) {
		queue_one(&first, &asked);
		world_run(60000 - 2000);
	} else {
		world_ask(&asked, WEST, EAST, source->id);
	}
	world_run(end_at);
	world_unmount(how);
	describe_fails = false;
	world_mount();
	world_run(1200 * 1000);
	for (unsigned i = 0; (copy = world_copy_in(WEST, i)); i++) {
		token = world_tag_of(copy, "ebsfs:request");
		tokens += !first.row || strcmp(token, world_copy(&first)->row.token) != 0;
	}
	/* EC2's own word that it will not make a copy ends it, accepted or not. */
	if (tokens > 1 || (asked.answers && !asked.failed && !tokens && fault != FAULT_DENIED))
		fail_msg("%u copies: fault %d, %s, ended at %d, %s", tokens, (int)fault,
			queued ? "queued" : "new", (int)end_at,
			how == UNMOUNT ? "unmounted" : "power off");
	/* Only what never got to the disk may be unknown, and then nothing was sent. */
	if (!asked.row && !queued && world_rows() > 0)
		asked.row = 1;
	if (!asked.row) {
		assert_int_equal(tokens, 0);
	} else {
		assert_true(copy_state_ended(world_copy(&asked)->state));
		assert_int_equal(world_copy(&asked)->state == COPY_COMPLETED, tokens == 1);
	}
	world_unmount(UNMOUNT);
}

static void test_the_matrix(void **state)
{
	static const enum fault all[] = {FAULT_NONE, FAULT_UNSENT, FAULT_LOST_BEFORE,
		FAULT_LOST_AFTER, FAULT_THROTTLED, FAULT_DENIED, FAULT_EXPIRED};
	static const int64_t moments[] = {0, 50, 101, 104, 105, 106, 130, 160, 204, 206, 209, 212,
		300, 1000, 2100, 2250, 5000, 19000, 20210, 21000, 40000, 66000, 120000, 169000,
		171000, 180000, 250000};
	unsigned cases = 0;

	world_teardown(state);
	for (size_t f = 0; f < ARRAY_LEN(all); f++)
		for (int queued = 0; queued < 2; queued++)
			for (size_t m = 0; m < ARRAY_LEN(moments); m++)
				for (enum unmount how = UNMOUNT; how <= POWER_OFF; how++) {
					setup(state);
					world->seed = cases++;
					world->lag_ms = 120000;
					world->copy_ms = 60000;
					one_case(all[f], queued, moments[m], how);
					world_teardown(state);
				}
	/* And with one write that the disk refuses. */
	for (size_t f = 0; f < ARRAY_LEN(all); f++)
		for (int queued = 0; queued < 2; queued++)
			for (unsigned commit = 1; commit <= 8; commit++)
				for (size_t m = 2; m < ARRAY_LEN(moments); m += 3) {
					setup(state);
					world->seed = cases++;
					world->lag_ms = 120000;
					world->failing_commit = commit;
					one_case(all[f], queued, moments[m],
						commit & 1 ? UNMOUNT : POWER_OFF);
					world_teardown(state);
				}
	print_message("%u cases\n", cases);
	setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_mounted, world_teardown)
		T(test_a_request_that_was_not_carried_out),
		T(test_a_request_that_was_carried_out),
		T(test_one_that_shows_only_after_the_caller_gave_up),
		T(test_one_that_shows_after_all_hope),
		cmocka_unit_test_setup_teardown(
			test_one_that_shows_while_its_failure_is_written, setup, world_teardown),
		T(test_one_that_failed_unseen),
		T(test_one_that_shows_before_its_tags),
		T(test_anothers_that_shows_before_its_tags),
		T(test_nothing_is_given_up_while_ec2_cannot_be_asked),
		T(test_a_caller_who_still_waits_is_not_refused),
		T(test_an_accepted_copy_is_sent_again_when_it_was_not_made),
		T(test_an_accepted_copy_is_not_sent_again_when_it_was_made),
		T(test_without_tags_the_description_finds_it),
		T(test_without_tags_a_doubt_is_for_a_person),
		T(test_a_description_with_wildcards_is_not_filtered_by),
		T(test_a_refused_filter_is_done_without),
		T(test_a_search_that_is_always_refused_ends),
		T(test_snapshots_left_out_are_no_proof_of_absence),
		cmocka_unit_test_setup_teardown(
			test_each_state_is_taken_up_as_it_was, setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_lost_answer_does_not_hold_up_the_queue, setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_journal_that_cannot_be_understood_is_refused, setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_queued_copy_without_a_receipt_is_abandoned_at_the_start, setup,
			world_teardown),
		cmocka_unit_test_setup_teardown(test_the_matrix, setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
