/* SPDX-License-Identifier: MIT */
/* Counts of the kernel's references to nodes. */
#include <errno.h>
#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fs.h"
#include "kernel_refs.h"
#include "tree.h"

static struct node snapshot(uint32_t region, uint32_t slot)
{
	return (struct node){.kind = NODE_SNAPSHOT, .region = region, .slot = slot};
}

static void test_what_below_a_snapshot_is_counted_with_it(void **state)
{
	static struct fs fs;
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
	kernel_refs_finish(&fs.kernel_refs);
}

static void test_each_kind_with_a_node_of_a_slot_is_counted(void **state)
{
	static struct fs fs;

	(void)state;
	for (enum node_kind kind = NODE_SNAPSHOT; kind < NODE_FOLDER; kind++) {
		struct node n = {.kind = kind, .region = 1, .slot = 5};

		kernel_refs_add(&fs, n);
		assert_true(kernel_refs_has(&fs, snapshot(1, 5)));
		kernel_refs_forget(&fs, n, 1);
		assert_false(kernel_refs_has(&fs, snapshot(1, 5)));
	}
	/* A receipt's number is no slot. */
	for (enum node_kind kind = NODE_FOLDER; kind < NODE_KINDS; kind++)
		kernel_refs_add(&fs, (struct node){.kind = kind, .region = 1, .slot = 5});
	assert_false(kernel_refs_has(&fs, snapshot(1, 5)));
	kernel_refs_finish(&fs.kernel_refs);
}

static void test_no_more_is_forgotten_than_there_is(void **state)
{
	static struct fs fs;
	struct node n = snapshot(0, 1);

	(void)state;
	kernel_refs_forget(&fs, n, 1);
	kernel_refs_add(&fs, n);
	kernel_refs_forget(&fs, n, UINT64_MAX);
	kernel_refs_forget(&fs, n, 1);
	assert_false(kernel_refs_has(&fs, n));
	kernel_refs_add(&fs, n);
	assert_true(kernel_refs_has(&fs, n));
	kernel_refs_finish(&fs.kernel_refs);
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
	static struct fs fs;
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
	static struct fs fs;

	(void)state;
	for (uint32_t slot = 0; slot < 100000; slot++)
		kernel_refs_add(&fs, snapshot(0, slot));
	assert_in_range(kernel_refs_memory(&fs.kernel_refs), 400000, 500000);
	kernel_refs_finish(&fs.kernel_refs);
	assert_int_equal(kernel_refs_memory(&fs.kernel_refs), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_below_a_snapshot_is_counted_with_it),
		cmocka_unit_test(test_each_kind_with_a_node_of_a_slot_is_counted),
		cmocka_unit_test(test_no_more_is_forgotten_than_there_is),
		cmocka_unit_test(test_entries_of_readdirplus_are_counted),
		cmocka_unit_test(test_a_walk_costs_four_bytes_a_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
