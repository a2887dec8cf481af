/* SPDX-License-Identifier: MIT */
/* fs/, what of it is pure: node numbers, names, options, the guard against recursive removal, the
 * table of mounts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "last_error.h"
#include "mount_table.h"
#include "names.h"
#include "node.h"
#include "options.h"
#include "receipts.h"
#include "spelling.h"

static void test_node_numbers_are_coordinates(void **state)
{
	(void)state;
	assert_true(node_number((struct node){.kind = NODE_ROOT}) == 1);
	assert_int_equal(node_of(1).kind, NODE_ROOT);
	/* There is room for more kinds than there are. */
	for (int kind = NODE_README; kind < 128; kind++) {
		struct node n = {(enum node_kind)kind, 255, NODE_SLOT_MAX, NODE_SUB_MAX},
			    back = node_of(node_number(n));

		if (n.kind == NODE_INODE)
			continue;
		assert_int_equal(back.kind, n.kind);
		assert_int_equal(back.region, n.region);
		assert_int_equal(back.slot, n.slot);
		assert_int_equal(back.sub, n.sub);
		assert_true(node_number(n) >> 63 == 0);
	}
}

static void test_inodes_have_numbers_of_another_form(void **state)
{
	static const uint64_t inodes[] = {1, 2, 1 << 23, ((uint64_t)1 << 39) + 5, NODE_INODE_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(inodes); i++) {
		uint64_t number = node_number(node_of_inode(NODE_FILESYSTEM_MAX, inodes[i]));
		struct node n = node_of(number);

		assert_true(number == (UINT64_MAX << 47 | inodes[i]));
		assert_int_equal(n.kind, NODE_INODE);
		assert_int_equal(n.region, NODE_FILESYSTEM_MAX);
		assert_true(node_inode(n) == inodes[i]);
	}
}

static void test_the_file_that_asks_has_the_highest_number_of_its_folder(void **state)
{
	static const enum node_kind in_snapshot[] = {
		NODE_DESCRIPTION, NODE_METADATA, NODE_TAGS, NODE_STATUS, NODE_WAIT};
	static const enum node_kind in_folder[] = {NODE_DRAFT, NODE_DRAFT_FOLDER, NODE_DRAFT_LINK};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(in_snapshot); i++)
		assert_true(node_number((struct node){.kind = in_snapshot[i], .slot = 7}) <
			    node_number((struct node){.kind = NODE_SNAPSHOT_FILE, .slot = 7}));
	for (size_t i = 0; i < ARRAY_LEN(in_folder); i++)
		assert_true(node_number((struct node){.kind = in_folder[i], .slot = 7}) <
			    node_number((struct node){.kind = NODE_RECEIPT, .slot = 7}));
}

static void test_each_key_has_one_name(void **state)
{
	static const struct {
		const char *key, *name;
	} table[] = {{"Name", "Name"}, {"a/b", "a%2Fb"}, {"100%", "100%25"}, {".", "%2E"},
		{"..", "%2E%2E"}, {".a", "%2Ea"}, {"a~", "%61~"}, {"~", "%7E"}, {"4913", "%34913"},
		{"#a#", "%23a#"}, {"#a", "#a"}, {"a.b", "a.b"}, {"\xc3\xa9~", "%C3%A9~"},
		{"/~", "%2F~"}, {"aws:backup:source", "aws:backup:source"},
		{"sp ace\xc3\xa9", "sp ace\xc3\xa9"}, {"a\nb", "a%0Ab"},
		{"\xc2\x9b"
		 "1m\xe2\x80\xae",
			"%C2%9B1m%E2%80%AE"}};
	static const char *const never_made[] = {"a%2fb", "%41", "%", "%2", "%00", "", ".", "..",
		"a%2Eb", ".a", "a~", "~", "4913", "#a#", "##", "a%7E"};
	char out[NAME_MAX + 1], long_key[NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_true(names_escape(table[i].key, out));
		assert_string_equal(out, table[i].name);
		assert_true(names_unescape(table[i].name, out));
		assert_string_equal(out, table[i].key);
	}
	for (size_t i = 0; i < ARRAY_LEN(never_made); i++)
		assert_false(names_unescape(never_made[i], out));
	memset(long_key, 'k', NAME_MAX + 1);
	long_key[NAME_MAX + 1] = '\0';
	assert_false(names_escape(long_key, out));
	long_key[NAME_MAX] = '\0';
	assert_true(names_escape(long_key, out));
	long_key[0] = '/';
	assert_false(names_escape(long_key, out));
}

static void test_the_empty_value_has_a_name(void **state)
{
	char out[NAME_MAX + 1];

	(void)state;
	assert_true(names_escape_value("", out));
	assert_string_equal(out, NAMES_EMPTY);
	assert_true(names_unescape_value(NAMES_EMPTY, out));
	assert_string_equal(out, "");
	/* No other value has this name. */
	assert_false(names_unescape(NAMES_EMPTY, out));
	assert_true(names_escape_value(NAMES_EMPTY, out));
	assert_string_equal(out, "%25empty");
	assert_true(names_unescape_value("a%2Fb", out));
	assert_string_equal(out, "a/b");
}

static void test_scratch_names(void **state)
{
	static const char *const scratch[] = {
		".Name.swp", "Name~", "4913", "#Name#", ".#Name", "~"};
	static const char *const keys[] = {
		"Name", "%61~", "%2Ea", "%34913", "%23a#", "#", "a~b", "49130"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scratch); i++)
		assert_true(names_is_scratch(scratch[i]));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_false(names_is_scratch(keys[i]));
}

static void test_names_of_statuses(void **state)
{
	char out[NAME_MAX + 1];

	(void)state;
	receipts_stem("snap-1.snapshot", out);
	assert_string_equal(out, "snap-1");
	receipts_stem("nightly", out);
	assert_string_equal(out, "nightly");
	receipts_stem(".snapshot", out);
	assert_string_equal(out, ".snapshot");
	assert_true(receipts_strip("a.status", ".status", out));
	assert_string_equal(out, "a");
	assert_false(receipts_strip(".status", ".status", out));
}

static int parse(struct options *o, struct err *err, const char *list)
{
	char *argv[] = {(char *)"ebsfs", (char *)"-o", (char *)list, (char *)"/mnt", NULL};

	return options_parse(4, argv, o, err);
}

static void test_options(void **state)
{
	struct options o;
	struct err err;

	(void)state;
	assert_int_equal(parse(&o, &err,
				 "regions=us-east-1:eu-west-1,ttl=2.5,delete,ro,_netdev,x-systemd."
				 "automount,profile=a\\,b,rate=0.5"),
		0);
	assert_string_equal(o.regions[0], "us-east-1");
	assert_string_equal(o.regions[1], "eu-west-1");
	assert_null(o.regions[2]);
	assert_int_equal(o.ttl_ms, 2500);
	assert_true(o.rate == 0.5);
	assert_true(o.delete_);
	assert_true(o.read_only);
	assert_string_equal(o.profile, "a,b");
	assert_string_equal(o.mountpoint, "/mnt");
	assert_int_equal(o.fuse.len, 0);
	options_finish(&o);

	assert_int_equal(parse(&o, &err, "noatime,fsname=x"), 0);
	assert_string_equal(o.fuse.data, "noatime,fsname=x");
	options_finish(&o);
}

static void test_bad_options_are_named(void **state)
{
	static const struct {
		const char *list, *named;
	} table[] = {{"colour=red", "colour"}, {"ttl=soon", "soon"}, {"ttl", "ttl"},
		{"ttl=-1", "ttl"}, {"rate=0", "rate"}, {"delete=yes", "delete"},
		{"regions=../etc", "../etc"}, {"regions=", "regions"},
		{"simulate,endpoint_url=http://x", "simulate"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct options o;
		struct err err;

		assert_int_equal(parse(&o, &err, table[i].list), -EINVAL);
		assert_non_null(strstr(err.message, table[i].named));
		options_finish(&o);
	}
}

static void test_mount_calls_with_the_source_first(void **state)
{
	char *argv[] = {(char *)"ebsfs", (char *)"backups", (char *)"/mnt", (char *)"-o",
		(char *)"rw,ttl=1", NULL};
	char *none[] = {(char *)"ebsfs", NULL},
	     *three[] = {(char *)"ebsfs", (char *)"a", (char *)"b", (char *)"c", NULL};
	struct options o;
	struct err err;

	(void)state;
	assert_int_equal(options_parse(5, argv, &o, &err), 0);
	assert_string_equal(o.source, "backups");
	assert_string_equal(o.mountpoint, "/mnt");
	options_finish(&o);
	assert_int_equal(options_parse(1, none, &o, &err), -EINVAL);
	options_finish(&o);
	assert_int_equal(options_parse(4, three, &o, &err), -EINVAL);
	options_finish(&o);
}

static unsigned errors_shown(const struct last_error *l, uid_t user, bool everybody)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	unsigned n = 0;

	assert_int_equal(last_error_text(l, user, everybody, &text), 0);
	for (const char *s = text.data; (s = strstr(s, "operation: ")); s++)
		n++;
	return n;
}

static void test_each_user_is_shown_their_own_errors(void **state)
{
	struct last_error *l = last_error_create();
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct err err;

	(void)state;
	last_error_text(l, 7, false, &text);
	assert_string_equal(text.data, "no error of yours since the mount\n");
	err_set(&err, EEXIST, "of user 7");
	assert_int_equal(last_error_report(l, 7, "rm x", &err), EEXIST);
	err_set(&err, EPERM, "of user 8");
	for (int i = 0; i < 100; i++)
		assert_int_equal(last_error_report(l, 8, "rm y", &err), EPERM);
	/* One user's many errors evict nobody else's. */
	assert_int_equal(errors_shown(l, 7, false), 1);
	assert_int_equal(errors_shown(l, 8, false), 10);
	assert_int_equal(errors_shown(l, 9, false), 0);
	assert_int_equal(errors_shown(l, 0, true), 10);
	buf_clear(&text);
	last_error_text(l, 7, false, &text);
	assert_non_null(strstr(text.data, "of user 7"));
	assert_null(strstr(text.data, "of user 8"));
	/* More users than there is room for: the latest are kept. */
	for (uid_t user = 10; user < 60; user++)
		last_error_report(l, user, "rm z", &err);
	assert_int_equal(errors_shown(l, 59, false), 1);
	assert_int_equal(errors_shown(l, 7, false), 0);
	last_error_destroy(l);
}

static void test_the_guard_bars_for_a_while(void **state)
{
	struct guard g = {0};

	(void)state;
	assert_int_equal(guard_check(&g, 10, 0), GUARD_FREE);
	guard_bar(&g, 10, 1000);
	assert_int_equal(guard_check(&g, 10, 1001), GUARD_BARRED);
	assert_int_equal(guard_check(&g, 11, 1001), GUARD_FREE);
	assert_int_equal(guard_check(&g, 10, 1001 + GUARD_MS - 1), GUARD_BARRED); /* bars anew */
	assert_int_equal(guard_check(&g, 10, 1001 + 2 * GUARD_MS - 2), GUARD_BARRED);
	assert_int_equal(guard_check(&g, 10, 1001 + 4 * GUARD_MS), GUARD_FREE);
}

/* However many processes walk at once, none of them is forgotten. */
static void test_the_guard_never_forgets(void **state)
{
	struct guard g = {0};

	(void)state;
	for (pid_t pid = 1; pid <= GUARD_MAX; pid++)
		guard_bar(&g, pid, 1000);
	assert_int_equal(guard_check(&g, 1000, 1001), GUARD_FREE);
	guard_bar(&g, GUARD_MAX, 1001); /* has its place already */
	assert_int_equal(guard_check(&g, 1000, 1001), GUARD_FREE);
	guard_bar(&g, 99, 5000);
	for (pid_t pid = 1; pid <= GUARD_MAX; pid++)
		assert_int_equal(guard_check(&g, pid, 5001), GUARD_BARRED);
	assert_int_equal(guard_check(&g, 99, 5001), GUARD_FULL);
	assert_int_equal(guard_check(&g, 1000, 5000 + GUARD_MS - 1), GUARD_FULL);
	assert_int_equal(guard_check(&g, 1000, 5000 + GUARD_MS), GUARD_FREE);
	/* Expired places are taken again. */
	guard_bar(&g, 200, 5001 + GUARD_MS);
	assert_int_equal(guard_check(&g, 200, 5001 + GUARD_MS), GUARD_BARRED);
	assert_int_equal(guard_check(&g, 1000, 5001 + GUARD_MS), GUARD_FREE);
}

static void test_what_is_mounted_uppermost(void **state)
{
	static const char text[] = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
				   "80 22 0:50 / /aws rw,nosuid shared:9 - fuse.ebsfs ebsfs "
				   "rw,user_id=1000,group_id=0\n"
				   "81 22 0:51 / /a\\040b\\134 rw - fuse.ebsfs a\\040-\\040b rw\n"
				   "82 22 0:52 / /over rw - fuse.ebsfs ebsfs rw\n"
				   "83 82 0:53 / /over rw master:3 - fuse.sshfs host: rw\n"
				   "84 22 0:54 /aws2 /elsewhere rw - tmpfs - rw\n";
	static const struct {
		const char *path, *type;
	} table[] = {{"/", "ext4"}, {"/aws", "fuse.ebsfs"}, {"/a b\\", "fuse.ebsfs"},
		{"/over", "fuse.sshfs"}, {"/elsewhere", "tmpfs"}, {"/aw", NULL}, {"/aws/", NULL},
		{"/aws2", NULL}, {"/a\\040b\\134", NULL}, {"", NULL}};
	struct mount_table_entry entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		bool found = mount_table_find(text, table[i].path, &entry);

		assert_int_equal(found, table[i].type != NULL);
		if (found)
			assert_string_equal(entry.type, table[i].type);
	}
	assert_false(mount_table_find("", "/", &entry));
	assert_false(mount_table_find("1 2 3 - ext4\n\n", "/", &entry));
	assert_false(mount_table_find("1 2 3 / / rw - ext4 a rw\n", "/", &entry));
	assert_true(mount_table_find(text, "/aws", &entry));
	assert_int_equal(entry.minor, 50);
	assert_int_equal(entry.user, 1000);
}

static void test_the_process_that_serves_a_mount(void **state)
{
	static const char head[] = "0000000000000000: 00000002 00000000 00000000 0002 01 12345";
	static const struct {
		const char *name;
		pid_t pid; /* 0: no process that serves the mount with minor number 50 */
	} table[] = {{" @ebsfs/50/4711\n", 4711}, {" @ebsfs/50/1", 1}, {" @ebsfs/5/4711\n", 0},
		{" @ebsfs/50/0\n", 0}, {" @ebsfs/50/4711x\n", 0}, {" @ebsfs/50/\n", 0},
		{" @ebsfs/50/4294967295\n", 0}, {" /run/@ebsfs/50/4711\n", 0}, {"\n", 0}};
	static const char zombie[] = "Name:\tebsfs\nState:\tZ (zombie)\nUid:\t1000\t0\t0\t0\n";
	static const char slow[] = "Name:\tebsfs\nState:\tT (stopped)\nUid:\t1000\t0\t0\t0\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char line[200];
		pid_t pid = 0;

		snprintf(line, sizeof(line), "%s%s", head, table[i].name);
		assert_int_equal(mount_table_server_line(line, 50, &pid), table[i].pid != 0);
		assert_int_equal(pid, table[i].pid);
	}
	assert_int_equal(mount_table_server_status(zombie, 1000), MOUNT_SERVER_DEAD);
	assert_int_equal(mount_table_server_status(slow, 1000), MOUNT_SERVER_LIVES);
	assert_int_equal(mount_table_server_status(zombie, 0), MOUNT_SERVER_UNKNOWN);
	assert_int_equal(mount_table_server_status("", 0), MOUNT_SERVER_UNKNOWN);
}

static void test_a_mistyped_region(void **state)
{
	static const char *const names[] = {"eu-west-1", "us-east-1", "us-east-2", "us-west-1"};
	static const struct {
		const char *name, *words;
	} table[] = {{"us-esat-1", "did you mean us-east-1?"},
		{"us-west-2", "did you mean us-west-1?"}, {"eu-west1", "did you mean eu-west-1?"},
		{"eu-west-11", "did you mean eu-west-1?"},
		{"us-east", "did you mean us-east-1 or us-east-2?"},
		{"mars-north-1", "enabled are eu-west-1, us-east-1, us-east-2, us-west-1"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT;

		assert_false(spelling_has(names, ARRAY_LEN(names), table[i].name));
		assert_int_equal(spelling_instead(names, ARRAY_LEN(names), table[i].name, &out), 0);
		assert_string_equal(buf_str(&out), table[i].words);
	}
	assert_true(spelling_has(names, ARRAY_LEN(names), "us-west-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_numbers_are_coordinates),
		cmocka_unit_test(test_inodes_have_numbers_of_another_form),
		cmocka_unit_test(test_the_file_that_asks_has_the_highest_number_of_its_folder),
		cmocka_unit_test(test_each_key_has_one_name),
		cmocka_unit_test(test_the_empty_value_has_a_name),
		cmocka_unit_test(test_scratch_names),
		cmocka_unit_test(test_names_of_statuses),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_bad_options_are_named),
		cmocka_unit_test(test_mount_calls_with_the_source_first),
		cmocka_unit_test(test_each_user_is_shown_their_own_errors),
		cmocka_unit_test(test_the_guard_bars_for_a_while),
		cmocka_unit_test(test_the_guard_never_forgets),
		cmocka_unit_test(test_what_is_mounted_uppermost),
		cmocka_unit_test(test_the_process_that_serves_a_mount),
		cmocka_unit_test(test_a_mistyped_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
