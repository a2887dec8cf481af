/* SPDX-License-Identifier: MIT */
/* Counts of the kernel's references to nodes, and slots of the catalogue that they hold. */
#include <errno.h>
#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "draft.h"
#include "fs.h"
#include "kernel_refs.h"
#include "loop.h"
#include "tree.h"

static struct fs fs;

static int set_up(void **state)
{
	static const char *const names[] = {
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1"};

	(void)state;
	fs = (struct fs){.loop = malloc(sizeof(*fs.loop))};
	assert_int_equal(loop_init(fs.loop), 0);
	fs.regions = regions_create(fs.loop, NULL, 30000);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(regions_show(fs.regions, names[i]), i);
	fs.drafts = drafts_create();
	assert_non_null(fs.drafts);
	held_slots_watch(&fs);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kernel_refs_finish(&fs.kernel_refs);
	regions_destroy(fs.regions);
	drafts_destroy(fs.drafts);
	uv_run(fs.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(fs.loop), 0);
	free(fs.loop);
	return 0;
}

static struct node snapshot(uint32_t region, uint32_t slot)
{
	return (struct node){.kind = NODE_SNAPSHOT, .region = region, .slot = slot};
}

static void test_what_below_a_snapshot_is_counted_with_it(void **state)
{
	struct node folder = snapshot(3, 70000), tag = folder, other = snapshot(4, 70000);

	(void)state;
	tag.kind = NODE_TAG;
	tag.sub = 17;
	assert_false(kernel_refs_has(&fs, folder));
	kernel_refs_add(&fs, folder);
	kernel_refs_add(&fs, tag);
	kernel_refs_add(&fs, tag);
	assert_true(kernel_refs_has(&fs, folder));
	assert_true(kernel_refs_has(&fs, tag));
	assert_false(kernel_refs_has(&fs, other));
	assert_false(kernel_refs_has(&fs, snapshot(3, 70001)));
	kernel_refs_forget(&fs, folder, 1);
	assert_true(kernel_refs_has(&fs, folder));
	kernel_refs_forget(&fs, tag, 2);
	assert_false(kernel_refs_has(&fs, folder));
	assert_int_equal(kernel_refs_memory(&fs.kernel_refs), 0);
}

static void test_each_kind_with_a_node_of_a_slot_is_counted(void **state)
{

	(void)state;
	for (enum node_kind kind = NODE_SNAPSHOT_LINK; kind < NODE_FOLDER; kind++) {
		struct node n = {.kind = kind, .region = 1, .slot = 5};

		if (kind > NODE_SNAPSHOT_LINK && kind < NODE_SNAPSHOT)
			continue;
		kernel_refs_add(&fs, n);
		assert_true(kernel_refs_has(&fs, snapshot(1, 5)));
		kernel_refs_forget(&fs, n, 1);
		assert_false(kernel_refs_has(&fs, snapshot(1, 5)));
	}
	/* A receipt's number is no slot. */
	for (enum node_kind kind = NODE_FOLDER; kind < NODE_KINDS; kind++)
		kernel_refs_add(&fs, (struct node){.kind = kind, .region = 1, .slot = 5});
	assert_false(kernel_refs_has(&fs, snapshot(1, 5)));
}

static void test_no_more_is_forgotten_than_there_is(void **state)
{
	struct node n = snapshot(0, 1);

	(void)state;
	kernel_refs_forget(&fs, n, 1);
	kernel_refs_add(&fs, n);
	kernel_refs_forget(&fs, n, UINT64_MAX);
	kernel_refs_forget(&fs, n, 1);
	assert_false(kernel_refs_has(&fs, n));
	kernel_refs_add(&fs, n);
	assert_true(kernel_refs_has(&fs, n));
}

static size_t entry_put(char *at, uint64_t nodeid, const char *name)
{
	struct fuse_direntplus *entry = (void *)at;

	entry->entry_out.nodeid = nodeid;
	entry->dirent.namelen = (uint32_t)strlen(name);
	memcpy(entry->dirent.name, name, strlen(name));
	return FUSE_DIRENTPLUS_SIZE(entry);
}

static void test_entries_of_readdirplus_are_counted(void **state)
{
	static _Alignas(8) char entries[4096];
	size_t len = 0;

	(void)state;
	len += entry_put(entries + len, 0, ".");
	len += entry_put(entries + len, 0, "..");
	len += entry_put(entries + len, node_number(snapshot(0, 1)), "snap-0123456789abcdef0");
	len += entry_put(entries + len, node_number(snapshot(0, 300)), "snap-2");
	kernel_refs_add_entries(&fs, entries, len);
	assert_true(kernel_refs_has(&fs, snapshot(0, 1)));
	assert_true(kernel_refs_has(&fs, snapshot(0, 300)));
	kernel_refs_forget(&fs, snapshot(0, 1), 1);
	kernel_refs_forget(&fs, snapshot(0, 300), 1);
	assert_int_equal(kernel_refs_memory(&fs.kernel_refs), 0);
}

static void test_a_walk_costs_four_bytes_a_snapshot(void **state)
{
	struct slot_set slots = {0};
	uint32_t n = 0;

	(void)state;
	for (uint32_t slot = 0; slot < 100000; slot++)
		kernel_refs_add(&fs, snapshot(1, slot));
	kernel_refs_add(&fs, snapshot(0, 100001));
	kernel_refs_add(&fs, snapshot(2, 100001));
	assert_int_equal(kernel_refs_mark(&fs.kernel_refs, NODE_SNAPSHOT, 1, &slots), 0);
	for (uint32_t slot = 0; slot < 110000; slot++)
		n += slot_set_has(&slots, slot) == (slot < 100000);
	assert_int_equal(n, 110000);
	slot_set_finish(&slots);
	assert_in_range(kernel_refs_memory(&fs.kernel_refs), 400000, 500000);
	kernel_refs_finish(&fs.kernel_refs);
	assert_int_equal(kernel_refs_memory(&fs.kernel_refs), 0);
}

/* --- slots --- */

static catalogue_slot put(const char *id)
{
	return catalogue_put(
		fs_catalogue(&fs, snapshot(1, 0)), &(struct ec2_snapshot){.id = id}, 0);
}

static void test_a_slot_that_the_kernel_knows_is_not_used_again(void **state)
{
	struct catalogue *c = fs_catalogue(&fs, snapshot(1, 0));
	struct node file = snapshot(1, put("snap-0000000a"));
	uint64_t generation = tree_generation(&fs, file);

	(void)state;
	file.kind = NODE_SNAPSHOT_FILE;
	kernel_refs_add(&fs, file);
	put("snap-0000000b");
	catalogue_absent(c, file.slot, 0);
	assert_int_equal(catalogue_sweep(c, 0), 1);
	assert_string_equal(catalogue_id(c, file.slot), "snap-0000000a");
	assert_false(catalogue_exists(c, file.slot));
	assert_int_not_equal(put("snap-0000000c"), file.slot);
	assert_true(tree_generation(&fs, file) == generation);

	kernel_refs_forget(&fs, file, 1);
	assert_int_equal(catalogue_sweep(c, 0), 2);
	assert_int_equal(catalogue_slots(c), 0);
	assert_int_equal(put("snap-0000000d"), file.slot);
	/* The kernel, and a file handle, tell the two apart. */
	assert_true(tree_generation(&fs, file) != generation);
	assert_true(tree_generation(&fs, file) == tree_generation(&fs, snapshot(1, file.slot)));
	assert_true(tree_generation(&fs, (struct node){.kind = NODE_RECEIPT}) == 0);
}

static void test_a_scratch_file_holds_its_slot(void **state)
{
	struct catalogue *c = fs_catalogue(&fs, snapshot(1, 0));
	struct node tags = snapshot(1, put("snap-0000000a"));
	struct draft *d;
	struct err err;

	(void)state;
	tags.kind = NODE_TAGS;
	d = drafts_add(fs.drafts, tags, ".swp", DRAFT_FILE, false, &err);
	assert_non_null(d);
	catalogue_absent(c, tags.slot, 0);
	assert_int_equal(catalogue_sweep(c, 0), 0);
	drafts_remove(fs.drafts, d);
	assert_int_equal(catalogue_sweep(c, 0), 1);
}

static void test_slots_are_freed_once_the_kernel_forgets_many(void **state)
{
	struct catalogue *c = fs_catalogue(&fs, snapshot(1, 0));
	char id[32];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "snap-%08x", i);
		kernel_refs_add(&fs, snapshot(1, put(id)));
	}
	uv_run(fs.loop, UV_RUN_NOWAIT);
	assert_int_equal(catalogue_slots(c), 1000);
	for (uint32_t slot = 0; slot < 1000; slot++)
		kernel_refs_forget(&fs, snapshot(1, slot), 1);
	assert_int_equal(catalogue_slots(c), 1000); /* in a turn of its own */
	uv_run(fs.loop, UV_RUN_NOWAIT);
	assert_int_equal(catalogue_slots(c), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_what_below_a_snapshot_is_counted_with_it),
		TEST(test_each_kind_with_a_node_of_a_slot_is_counted),
		TEST(test_no_more_is_forgotten_than_there_is),
		TEST(test_entries_of_readdirplus_are_counted),
		TEST(test_a_walk_costs_four_bytes_a_snapshot),
		TEST(test_a_slot_that_the_kernel_knows_is_not_used_again),
		TEST(test_a_scratch_file_holds_its_slot),
		TEST(test_slots_are_freed_once_the_kernel_forgets_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
