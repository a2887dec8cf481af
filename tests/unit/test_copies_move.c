/* SPDX-License-Identifier: MIT */
/* copy/: mv between regions: the source goes once its copy surely is there, and only then. */
#include "clock.h"
#include "copy_world.h"

#include <errno.h>
#include <string.h>

static enum fault delete_fault;
static unsigned delete_faults;

static enum fault fault_of_delete(const char *action, unsigned n)
{
	return strcmp(action, "DeleteSnapshot") || n >= delete_faults ? FAULT_NONE : delete_fault;
}

static void test_a_move_deletes_the_source_after_the_copy_is_complete(void **state)
{
	struct asked asked;

	(void)state;
	world_ask_to_move(&asked);
	assert_has(
		world_status(&asked), "move: the source is deleted when the copy has completed\n");
	world_run(59000);
	assert_int_equal(world->deletes, 0);
	assert_true(source->deleted_at < 0);
	world_until_state(&asked, COPY_COMPLETED);
	world_run(10000);
	assert_int_equal(world->deletes, 1);
	assert_true(source->deleted_at > world_copy_in(WEST, 0)->start_ms + 60000);
	assert_has(world_status(&asked), "move: the source was deleted\n");
	assert_has_not(world_status(&asked), "code:");
	/* It is gone from the mount at once, and stays done after a restart. */
	assert_false(catalogue_exists(region_catalogue(regions_get(world->regions, EAST)),
		catalogue_find(region_catalogue(regions_get(world->regions, EAST)), source->id)));
	world_unmount(UNMOUNT);
	world_mount();
	world_run(600000);
	assert_int_equal(world->deletes, 1);
	assert_has(world_status(&asked), "move: the source was deleted\n");
}

static void test_a_move_survives_the_end_of_the_mount(void **state)
{
	struct asked asked;

	(void)state;
	world_ask_to_move(&asked);
	world_until_state(&asked, COPY_COMPLETED);
	world_run(6); /* on disk */
	assert_int_equal(world->deletes, 0);
	world_unmount(UNMOUNT);
	assert_string_equal(world_row(asked.row)->state, "completed");
	world_run(3 * 86400 * 1000LL);
	world_mount();
	assert_has(world_status(&asked), "move: the source is to be deleted\n");
	world_run(10000);
	assert_int_equal(world->deletes, 1);
	assert_true(source->deleted_at > 0);
}

/* The copy is completed, and the mount ends before the source was looked at. */
static void complete_unmoved(struct asked *asked)
{
	world_ask_to_move(asked);
	world_until_state(asked, COPY_COMPLETED);
	world_run(6);
	world_unmount(UNMOUNT);
}

static void test_a_move_whose_copy_is_gone_keeps_the_source(void **state)
{
	struct asked asked;

	(void)state;
	complete_unmoved(&asked);
	world_copy_in(WEST, 0)->deleted_at = virtual_ms;
	world_mount();
	world_run(600000);
	assert_int_equal(world->deletes, 0);
	assert_has(world_status(&asked), "move: the source was not deleted\n");
	assert_has(world_status(&asked),
		"message: the copy is not there any more, or not completed\n");
}

static void test_a_move_whose_copy_is_not_whole_keeps_the_source(void **state)
{
	struct asked asked;

	(void)state;
	complete_unmoved(&asked);
	/* It was put into the recycle bin, or whatever else there is. */
	world_copy_in(WEST, 0)->failure = "not whole";
	world_mount();
	world_run(600000);
	assert_int_equal(world->deletes, 0);
	assert_has(world_status(&asked), "move: the source was not deleted\n");
}

/* What becomes of the copy after it was shown as completed, before EC2 is asked for it again. */
enum becomes { WHOLE, GONE, DELETED_HERE, BAD, UNFINISHED, UNFINISHED_YET };

static void become(enum becomes what, struct world_snapshot *copy)
{
	struct catalogue *catalogue = region_catalogue(regions_get(world->regions, WEST));

	switch (what) {
	case WHOLE:
		break;
	case GONE:
		copy->deleted_at = virtual_ms;
		break;
	case DELETED_HERE: /* EC2 goes on showing it for a while */
		catalogue_override_deleted(
			catalogue, catalogue_find(catalogue, copy->id), clock_mono_ms());
		break;
	case BAD:
		copy->failure = "not whole";
		break;
	case UNFINISHED:
		copy->length_ms = 7 * 86400 * 1000;
		break;
	case UNFINISHED_YET:
		copy->length_ms += 10000;
		break;
	}
}

static void test_a_move_asks_once_more_whether_the_copy_is_whole(void **state)
{
	static const struct {
		enum becomes becomes;
		int64_t copy_ms;
		unsigned deletes;
	} table[] = {
		{WHOLE, 60000, 1},
		{GONE, 600000, 0},
		{GONE, 60000, 0}, /* so soon after it was made that it is still shown */
		{DELETED_HERE, 60000, 0},
		{BAD, 60000, 0},
		{UNFINISHED, 60000, 0},
		{UNFINISHED_YET, 60000, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world_snapshot *copy;
		struct asked asked;

		world_teardown(state);
		world_setup_mounted(state);
		world->copy_ms = table[i].copy_ms;
		world_ask_to_move(&asked);
		world_until_state(&asked, COPY_COMPLETED);
		copy = world_copy_in(WEST, 0);
		become(table[i].becomes, copy);
		world_run(600000);
		if (world->deletes != table[i].deletes)
			fail_msg("case %zu: %u deletions", i, world->deletes);
		assert_has(world_status(&asked), table[i].deletes
							 ? "move: the source was deleted\n"
							 : "move: the source was not deleted\n");
		if (table[i].deletes)
			assert_true(source->deleted_at > copy->start_ms + copy->length_ms);
	}
}

static enum fault first_copy_is_lost(const char *action, unsigned n)
{
	return n || strcmp(action, "CopySnapshot") ? FAULT_NONE : FAULT_LOST_AFTER;
}

static void test_a_move_whose_copy_is_known_by_its_description_keeps_the_source(void **state)
{
	struct asked asked;

	for (int with_tags = 0; with_tags < 2; with_tags++) {
		world_teardown(state);
		world_setup(state);
		world->options.no_tags = !with_tags;
		world->fault = first_copy_is_lost;
		world_mount();
		world_ask_to_move(&asked);
		assert_false(asked.failed);
		world_until_state(&asked, COPY_COMPLETED);
		world_run(600000);
		assert_int_equal(world->deletes, with_tags);
		assert_has(world_status(&asked),
			with_tags ? "move: the source was deleted\n"
				  : "description alone: the source is kept\n");
	}
}

static enum copy_state at_state;

static void fill_disk(void *arg, const struct copy *copy)
{
	(void)arg;
	if (copy->state == at_state)
		world->disk_error = ENOSPC;
}

static void test_a_move_waits_until_the_end_of_its_copy_is_on_disk(void **state)
{
	struct asked asked;

	(void)state;
	at_state = COPY_COMPLETED;
	copies_watch(world->copies_, fill_disk, NULL);
	world_ask_to_move(&asked);
	world_until_state(&asked, COPY_COMPLETED);
	world_run(300000);
	assert_int_equal(world->deletes, 0);
	world->disk_error = 0;
	world_run(120000);
	assert_int_equal(world->deletes, 1);
	world->disk_error = 0;
	world_run(60000);
	assert_string_equal(world_row(asked.row)->code, COPY_SOURCE_DELETED);
}

static void test_a_move_that_fails_keeps_the_source(void **state)
{
	static const struct {
		const char *failure;
		enum copy_state ends_as;
	} table[] = {{"Given key ID is not accessible", COPY_ERROR}, {NULL, COPY_CANCELLED}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct asked asked;

		world_ask_to_move(&asked);
		if (table[i].failure)
			world_copy_in(WEST, (unsigned)i)->failure = table[i].failure;
		else
			copies_snapshot_deleted(
				world->copies_, WEST, world_copy_in(WEST, (unsigned)i)->id);
		world_until_state(&asked, table[i].ends_as);
		world_run(600000);
		assert_int_equal(world->deletes, 0);
		assert_has(world_status(&asked), "move: the source is kept\n");
	}
}

static void test_a_move_waits_for_other_copies_of_its_source(void **state)
{
	struct asked asked, other;

	(void)state;
	world_ask_to_move(&asked);
	world_ask_and_wait(&other);
	world_copy_in(WEST, 1)->length_ms = 600000;
	world_until_state(&asked, COPY_COMPLETED);
	world_run(60000);
	assert_int_equal(world->deletes, 0);
	assert_has(world_status(&asked),
		"move: the source is to be deleted; not yet: another copy still needs it\n");
	world_until_state(&other, COPY_COMPLETED);
	world_run(120000);
	assert_int_equal(world->deletes, 1);
}

static void test_a_deletion_is_tried_again_only_where_that_helps(void **state)
{
	static const struct {
		enum fault fault;
		unsigned requests;
		const char *status;
	} table[] = {
		{FAULT_THROTTLED, 4, "move: the source was deleted\n"},
		{FAULT_LOST_AFTER, 2, "move: the source was deleted\n"}, /* the second: not found */
		{FAULT_DENIED, 1,
			"message: You are not authorized to perform this operation. "
			"(UnauthorizedOperation"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		unsigned before = world->deletes;
		struct asked asked;

		source = world_add(EAST, "next", 0);
		world_ask_to_move(&asked);
		delete_fault = table[i].fault;
		delete_faults = before + (table[i].fault == FAULT_THROTTLED ? 3 : 1);
		world->fault = fault_of_delete;
		world_until_state(&asked, COPY_COMPLETED);
		world_run(300000);
		assert_int_equal(world->deletes - before, table[i].requests);
		assert_has(world_status(&asked), table[i].status);
	}
}

/* A broken endpoint names the source as its own copy, and shows it as completed: it is no copy. */
static enum fault fault_echo(const char *action, unsigned n)
{
	(void)n;
	return strcmp(action, "CopySnapshot") ? FAULT_NONE : FAULT_ECHO;
}

static void test_a_source_named_as_its_own_copy_is_never_deleted(void **state)
{
	struct copy_request request = {.source_region = (char *)EAST, .source_id = source->id};
	struct asked asked;

	(void)state;
	world->fault = fault_echo;
	world_ask_with(&asked, EAST, &request, true);
	world_until(world_answered, &asked);
	assert_true(asked.failed);
	assert_has(world_status(&asked), "names the source itself");
	/* Nor does a listing make it one. */
	world_tag(source, "ebsfs:request", world_row(asked.row)->token);
	world_until_state(&asked, COPY_FAILED);
	world_run(3600 * 1000);
	assert_int_equal(world->copies, 1);
	assert_int_equal(world->deletes, 0);
	/* A dry run is refused, without the advice to delete the copy that it seems to have made.
	 */
	request.dry_run = true;
	world_ask_with(&asked, EAST, &request, false);
	world_until(world_answered, &asked);
	assert_true(asked.failed);
	assert_has(asked.err.message, "names the source itself");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup_mounted, world_teardown)
		T(test_a_move_deletes_the_source_after_the_copy_is_complete),
		T(test_a_move_survives_the_end_of_the_mount),
		T(test_a_move_whose_copy_is_gone_keeps_the_source),
		T(test_a_move_whose_copy_is_not_whole_keeps_the_source),
		T(test_a_move_asks_once_more_whether_the_copy_is_whole),
		T(test_a_move_whose_copy_is_known_by_its_description_keeps_the_source),
		T(test_a_move_waits_until_the_end_of_its_copy_is_on_disk),
		T(test_a_move_that_fails_keeps_the_source),
		T(test_a_move_waits_for_other_copies_of_its_source),
		T(test_a_deletion_is_tried_again_only_where_that_helps),
		T(test_a_source_named_as_its_own_copy_is_never_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
