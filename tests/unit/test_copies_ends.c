/* SPDX-License-Identifier: MIT */
/* copy/: what follows from a copy's end (the user's command), the texts about copies, and
 * copies that ended long ago. */
#include "copy_disk.h"
#include "copy_world.h"
#include "engine.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

/* --- the user's command --- */

static char said[] = "/tmp/ebsfs-ends.XXXXXX";

static int setup_command(void **state)
{
	static char command[100];
	int fd;

	world_setup(state);
	strcpy(said + strlen(said) - 6, "XXXXXX");
	fd = mkstemp(said);
	assert_true(fd >= 0);
	close(fd);
	snprintf(command, sizeof(command), "echo $EBSFS_STATE >>%s", said);
	world->options.on_end = command;
	world_mount();
	return 0;
}

static int teardown_command(void **state)
{
	unlink(said);
	return world_teardown(state);
}

/* What was said so far, once all commands that run have ended. */
static const char *all_said(void)
{
	static char text[200];
	FILE *f;

	uv_run(&world->loop, UV_RUN_DEFAULT);
	f = fopen(said, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void test_a_command_runs_once_for_each_end(void **state)
{
	struct asked asked;

	(void)state;
	world_ask_to_move(&asked);
	world_until_state(&asked, COPY_COMPLETED);
	assert_string_equal(all_said(), "");
	world_run(60000);
	assert_string_equal(all_said(), "completed\n");
	assert_false(world_row(asked.row)->untold);
	world_unmount(UNMOUNT);
	world_mount();
	world_run(60000);
	assert_string_equal(all_said(), "completed\n");
	assert_int_equal(world->deletes, 1);
}

/* Killed when the end is on disk and nothing has followed from it. */
static void test_a_command_that_a_kill_prevented_is_run_by_the_next_mount(void **state)
{
	const char *command;
	struct asked asked;

	(void)state;
	world_ask_and_wait(&asked);
	world_until_state(&asked, COPY_COMPLETED);
	world_unmount(UNMOUNT);
	assert_true(world_row(asked.row)->untold);
	assert_string_equal(all_said(), "");
	/* One without a command leaves it to another, however late. */
	command = steal(&world->options.on_end);
	world_mount();
	world_run(60000);
	world_unmount(UNMOUNT);
	world->options.on_end = command;
	world_run(3 * 86400 * 1000LL);
	world_mount();
	assert_string_equal(all_said(), "");
	world_run(1000);
	assert_string_equal(all_said(), "completed\n");
	assert_false(world_row(asked.row)->untold);
	world_unmount(UNMOUNT);
	world_mount();
	world_run(60000);
	assert_string_equal(all_said(), "completed\n");
}

static void test_an_end_without_a_command_is_nobodys(void **state)
{
	const char *command = steal(&world->options.on_end);
	struct asked asked;

	(void)state;
	world_unmount(UNMOUNT);
	world_mount();
	world_ask_and_wait(&asked);
	world_until_state(&asked, COPY_COMPLETED);
	world_unmount(UNMOUNT);
	assert_false(world_row(asked.row)->untold);
	world->options.on_end = command;
	world_mount();
	world_run(60000);
	assert_string_equal(all_said(), "");
}

/* --- the texts --- */

static void test_the_json_is_json(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct asked asked[4];
	json_t *all, *copy;

	(void)state;
	assert_int_equal(copies_json(world->copies_, NULL, 0, world_wall_ms(), &text), 0);
	assert_string_equal(text.data, "[]\n");
	world->limit = 1;
	source = world_add(EAST, "with \"quotes\" and \\ and \n", 0);
	world_ask_to_move(&asked[0]);
	world_ask_and_wait(&asked[1]);
	world_ask(&asked[2], WEST, EAST, "snap-00000000");
	world_until(world_answered, &asked[2]);
	world_run(20000);
	buf_clear(&text);
	assert_int_equal(copies_json(world->copies_, NULL, 0, world_wall_ms(), &text), 0);
	all = json_loads(text.data, 0, NULL);
	assert_non_null(all);
	assert_int_equal(json_array_size(all), 3);
	copy = json_array_get(all, 0);
	assert_string_equal(json_string_value(json_object_get(copy, "state")), "pending");
	assert_in_range(json_integer_value(json_object_get(copy, "progress")), 25, 40);
	assert_string_equal(json_string_value(json_object_get(copy, "snapshot")),
		world_copy(&asked[0])->row.copy_id);
	assert_string_equal(json_string_value(json_object_get(copy, "move")), "pending");
	assert_int_equal(strlen(json_string_value(json_object_get(copy, "eta"))), 20);
	assert_has(json_string_value(json_object_get(copy, "description")),
		"with \"quotes\" and \\ and \n");
	copy = json_array_get(all, 1);
	assert_string_equal(json_string_value(json_object_get(copy, "state")), "queued");
	assert_int_equal(json_integer_value(json_object_get(copy, "position")), 1);
	assert_has(
		json_string_value(json_object_get(copy, "reason")), "in progress into eu-west-1");
	assert_null(json_object_get(copy, "progress"));
	copy = json_array_get(all, 2);
	assert_string_equal(json_string_value(json_object_get(copy, "state")), "failed");
	assert_has(json_string_value(json_object_get(copy, "message")), "EC2 knows no snapshot");
	json_decref(all);
}

static void test_the_table_and_the_metrics(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct asked asked[3];
	int64_t receipts[3];

	(void)state;
	assert_int_equal(copies_table(world->copies_, NULL, 0, world_wall_ms(), &text), 0);
	assert_has(text.data, "STATE       KIND    PROGRESS");
	assert_has(text.data, "\nno copies\n");
	world->limit = 1;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		world_ask_and_wait(&asked[i]);
	world_until_state(&asked[0], COPY_COMPLETED);
	world_run(20000);
	buf_clear(&text);
	receipts[0] = asked[0].row;
	receipts[1] = receipts[2] = asked[2].row;
	copies_table(world->copies_, receipts, 3, world_wall_ms(), &text);
	assert_has(text.data, "  ebsfs          1\npending");
	assert_has(text.data, "  ebsfs          0\nqueued");
	assert_has(text.data, "  ebsfs          2         1 copy is in progress");
	buf_clear(&text);
	copies_json(world->copies_, receipts, 3, world_wall_ms(), &text);
	assert_has(text.data, "\"made-by\": \"ebsfs\",\n    \"receipts\": 2,");
	buf_clear(&text);
	copies_table(world->copies_, NULL, 0, world_wall_ms(), &text);
	assert_has(text.data, "\ncompleted   copy    100%         eu-west-1       snap-");
	assert_has(text.data, "\nqueued      copy    1 of 1       eu-west-1       -     ");
	assert_has(text.data, "  1 copy is in progress into eu-west-1, its limit\n");
	buf_clear(&text);
	assert_int_equal(copies_metrics(world->copies_, &text), 0);
	assert_has(text.data, "# TYPE ebsfs_copies gauge\n");
	assert_has(text.data, "ebsfs_copies{state=\"queued\"} 1\n");
	assert_has(text.data, "ebsfs_copies{state=\"pending\"} 1\n");
	assert_has(text.data, "ebsfs_copies{state=\"completed\"} 1\n");
	assert_has(text.data, "ebsfs_copy_queue_length{region=\"eu-west-1\"} 1\n");
	assert_has(text.data, "ebsfs_copy_queue_oldest_seconds{region=\"eu-west-1\"} 79.");
	assert_has(text.data, "ebsfs_copy_limit{region=\"eu-west-1\"} 1\n");
	assert_has(text.data, "ebsfs_copy_slots_used{region=\"eu-west-1\"} 1\n");
	assert_has(text.data, "ebsfs_copy_limit_refusals_total{region=\"eu-west-1\"} 1\n");
	assert_has(text.data, "ebsfs_copy_rate_bytes_per_second{source=\"us-east-1\",region=\"eu-"
			      "west-1\"} 17895697\n");
}

/* By another ebsfs, within a region, and deleted since. */
static void test_the_status_of_a_deleted_copy(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct copy copy = {.kind = world->copies_->kinds[0],
		.state = COPY_DELETED,
		.reason = "",
		.row = {.source_region = (char *)WEST,
			.source_id = (char *)"snap-0badcafe",
			.region = (char *)WEST,
			.copy_id = (char *)"snap-0a0a0a0a",
			.message = (char *)"EC2 has it no more",
			.started_ms = world_wall_ms() - 60000,
			.ended_ms = world_wall_ms() - 50000,
			.deleted_ms = world_wall_ms() - 40000,
			.adopted = true}};

	(void)state;
	assert_int_equal(copies_status(world->copies_, &copy, world_wall_ms(), &text), 0);
	assert_has(text.data, "state: deleted\nsnapshot: snap-0a0a0a0a\n");
	assert_has(text.data, "\nmade by: another ebsfs\nstarted: ");
	assert_has(text.data, "\nelapsed: 10s\nended: 2026-");
	assert_has(text.data, "\ndeleted: 2026-");
	assert_has(text.data, "\nmessage: EC2 has it no more\n");
	assert_has(text.data, "\nnote: source and copy are in the same region\n");
}

static void test_the_status_of_a_snapshot_that_no_copy_is_known_to_make(void **state)
{
	struct world_snapshot *s = world_add(WEST, "", 100000);
	struct region *region = regions_get(world->regions, WEST);
	_cleanup_buf_ struct buf text = BUF_INIT;
	catalogue_slot slot;

	(void)state;
	world_tag(s, "ebsfs:source", "us-east-1/snap-0badcafe");
	copies_hold(world->copies_, WEST, s->id);
	world_run(42000);
	slot = catalogue_find(region_catalogue(region), s->id);
	assert_int_equal(copies_snapshot_status(region, slot, world_wall_ms(), &text), 0);
	assert_has(text.data, "state: pending\nprogress: 4");
	assert_has(
		text.data, "\nregion: eu-west-1\nsource: us-east-1/snap-0badcafe\nstarted: 2026-");
	assert_has(text.data, "\nelapsed: 42s\neta: ");
	world_tag(s, "ignored", "x");
	world_run(100000);
	buf_clear(&text);
	copies_snapshot_status(region, slot, world_wall_ms(), &text);
	assert_has(text.data, "state: completed\nprogress: 100%");
	assert_has(text.data, "\nelapsed: 1m40s\nended: ");
	copies_release(world->copies_, WEST, s->id);
	buf_clear(&text);
	copies_snapshot_status(region, slot + 100, world_wall_ms(), &text);
	assert_string_equal(text.data, "state: unknown\n");
}

static void test_tags_that_have_no_room(void **state)
{
	struct request_tag tags[49];
	struct copy_request request = {.source_region = (char *)EAST,
		.source_id = source->id,
		.tags = tags,
		.n_tags = ARRAY_LEN(tags)};
	char keys[49][8];
	struct asked asked;

	(void)state;
	for (int i = 0; i < 49; i++) {
		snprintf(keys[i], sizeof(keys[i]), "own%d", i);
		tags[i] = (struct request_tag){keys[i], (char *)"v"};
		world_tag(source, keys[i], "the source's");
	}
	world_ask_and_wait(&asked);
	assert_int_equal(world_copy_in(WEST, 0)->n_tags, 50);
	assert_null(world_tag_of(world_copy_in(WEST, 0), "own48"));
	assert_has(world_status(&asked), "note: 1 of the source's tags had no room: EC2 takes 50 "
					 "tags, 2 of which are ebsfs's own\n");
	world_until_state(&asked, COPY_COMPLETED);
	assert_has(world_status(&asked), "note: 1 of");

	world_ask_again(&asked, WEST, &request, false);
	world_until(world_answered, &asked);
	assert_int_equal(asked.err.errnum, EINVAL);
	assert_has(asked.err.message, "more than 47 tags");
	assert_int_equal(world->copies, 1);
	request.n_tags = 47;
	world_ask_again(&asked, WEST, &request, false);
	world_until(world_answered, &asked);
	assert_false(asked.failed);
	assert_string_equal(world_tag_of(world_copy_in(WEST, 1), "own7"), "v");
}

/* --- long ago --- */

static void test_a_long_history_is_small_and_found(void **state)
{
	struct asked asked = {0}, late = {0};
	struct journal_copy row = {.state = (char *)"failed",
		.token = (char *)"t",
		.source_region = (char *)EAST,
		.source_id = source->id,
		.region = (char *)WEST,
		.code = (char *)"UnauthorizedOperation",
		.message = (char *)"You are not authorized",
		.request_id = (char *)"r-1",
		.requested_ms = world_wall_ms() - 10 * 86400 * 1000LL,
		.ended_ms = world_wall_ms() - 9 * 86400 * 1000LL};
	struct journal_receipt receipt = {
		.region = (char *)WEST, .folder = (char *)"", .name = (char *)"a"};
	char id[32];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		int64_t copy;

		snprintf(id, sizeof(id), "snap-%017x", 0xb0000 + i);
		row.copy_id = id;
		copy = world_put_row(&row);
		if (i == 1234)
			asked.row = copy;
	}
	receipt.copy = asked.row;
	receipt.id = journal_next_receipt_id(disk_journal());
	assert_int_equal(journal_put_receipt(disk_journal(), &receipt, NULL, NULL), 0);
	world_run(100);
	world_mount();
	/* Only the one that a receipt speaks of is kept, and for the table it is over. */
	assert_has(world_status(&asked), "state: failed\nsnapshot: snap-");
	assert_has(world_status(&asked),
		"code: UnauthorizedOperation\nmessage: You are not authorized\nhint: ");
	assert_has(world_status(&asked), "request-id: r-1\n");
	assert_null(copies_by_row(world->copies_, asked.row + 1));
	snprintf(id, sizeof(id), "snap-%017x", 0xb0000 + 1234);
	assert_int_equal(copies_by_snapshot(world->copies_, WEST, id)->row.id, asked.row);
	assert_null(copies_by_snapshot(world->copies_, EAST, id));
	/* One that ends now goes the same way a day later, and is still found. */
	world_ask_and_wait(&late);
	world_until_state(&late, COPY_COMPLETED);
	world_run(25 * 3600 * 1000);
	assert_has(world_status(&late), "state: completed\nprogress: 100%");
	assert_has(world_status(&asked), "state: failed\n");
}

/* ls -l of all receipts asks for each: that costs nothing for long. */
static void test_a_long_history_is_asked_about_and_forgotten_again(void **state)
{
	enum { MANY = 3000 };
	struct journal_copy row = {.state = (char *)"completed",
		.token = (char *)"t",
		.source_region = (char *)EAST,
		.source_id = source->id,
		.region = (char *)WEST,
		.requested_ms = world_wall_ms() - 10 * 86400 * 1000LL,
		.ended_ms = world_wall_ms() - 9 * 86400 * 1000LL};
	struct journal_receipt receipt = {
		.region = (char *)WEST, .folder = (char *)"", .name = (char *)"a"};
	static int64_t rows[MANY];
	struct mallinfo2 before;
	char id[32];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "snap-%017x", 0xb0000 + i);
		row.copy_id = i % 10 ? id : NULL;
		rows[i] = world_put_row(&row);
		receipt.copy = rows[i];
		receipt.id = journal_next_receipt_id(disk_journal());
		journal_put_receipt(disk_journal(), &receipt, NULL, NULL);
	}
	world_run(100);
	world_mount();
	for (int round = 0; round < 3; round++) {
		before = mallinfo2();
		for (int i = 0; i < MANY; i++)
			assert_int_equal(copies_by_row(world->copies_, rows[i])->row.id, rows[i]);
		world_run(1);
		assert_in_range(mallinfo2().uordblks, 0, before.uordblks + 100000);
		world_run(300000);
	}
	snprintf(id, sizeof(id), "snap-%017x", 0xb0000 + MANY - 1);
	assert_int_equal(copies_by_snapshot(world->copies_, WEST, id)->row.id, rows[MANY - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup_mounted, world_teardown)
#define C(name) cmocka_unit_test_setup_teardown(name, setup_command, teardown_command)
		C(test_a_command_runs_once_for_each_end),
		C(test_a_command_that_a_kill_prevented_is_run_by_the_next_mount),
		C(test_an_end_without_a_command_is_nobodys),
		T(test_the_json_is_json),
		T(test_the_table_and_the_metrics),
		T(test_the_status_of_a_deleted_copy),
		T(test_the_status_of_a_snapshot_that_no_copy_is_known_to_make),
		T(test_tags_that_have_no_room),
		cmocka_unit_test_setup_teardown(
			test_a_long_history_is_small_and_found, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_long_history_is_asked_about_and_forgotten_again, world_setup,
			world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
