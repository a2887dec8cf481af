/* SPDX-License-Identifier: MIT */
/* cache/files: requests to a reader that misbehaves in each way there is (fake_reader.c) fail, and
 * the next ones succeed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>

#include "disk.h"
#include "fake_reader.h"
#include "files.h"
#include "loop.h"

static uv_loop_t loop;
static struct files *files;

/* --- the disk: byte i of block b is b --- */

struct disk_reader {
	int64_t size;
};

static unsigned n_readers;
static int disk_errno;  /* of all reads; 0: none fails */
static bool disk_later; /* reads end in a later turn of the loop */

struct disk_read {
	disk_read_done *done;
	void *arg;
	uint32_t block;
	size_t size;
	struct loop_timer *timer;
};

static void read_finish(struct disk_read *read)
{
	static unsigned char bytes[READER_RANGE_MAX];
	struct disk_data data = {.parts = {{bytes, read->size}}, .n_parts = 1, .len = read->size};
	struct err err;

	memset(bytes, (int)read->block, read->size);
	err_set(&err, disk_errno, "the disk says no");
	read->done(read->arg, disk_errno ? NULL : &data, disk_errno ? &err : NULL);
}

static void read_later(void *arg)
{
	struct disk_read *read = arg;

	loop_timer_destroy(read->timer);
	read_finish(read);
	free(read);
}

int disk_open(struct disks *d, const struct disk_facts *facts, const char *reader,
	struct disk_reader **out)
{
	(void)d;
	assert_string_equal(reader, "cat");
	*out = calloc(1, sizeof(**out));
	(*out)->size = (int64_t)facts->volume_gib << 30;
	n_readers++;
	return 0;
}

void disk_close(struct disk_reader *r)
{
	n_readers--;
	free(r);
}

void disk_read_exactly(struct disk_reader *r)
{
	(void)r;
}

struct disk_read *disk_read(struct disk_reader *r, int64_t offset, size_t size,
	disk_read_done *done, void *arg, bool *ready)
{
	struct disk_read read = {done, arg, (uint32_t)(offset / READER_RANGE_MAX), size, NULL};
	struct disk_read *later;

	assert_true(offset + (int64_t)size <= r->size);
	*ready = !disk_later;
	if (!disk_later) {
		read_finish(&read);
		return NULL;
	}
	later = malloc(sizeof(*later));
	*later = read;
	later->timer = loop_timer_create(&loop, read_later, later);
	loop_timer_start(later->timer, 0);
	return later;
}

void disk_read_cancel(struct disk_read *read)
{
	loop_timer_destroy(read->timer);
	free(read);
}

/* --- requests --- */

struct result {
	bool done;
	struct err err; /* errnum 0: success */
	size_t len;
	union {
		char bytes[4096];
		struct reader_attributes attributes;
	};
};

static void ask_done(void *arg, const void *answer, size_t len, const struct err *err)
{
	struct result *r = arg;

	assert_false(r->done);
	r->done = true;
	assert_true((answer == NULL) == (err != NULL));
	if (err)
		r->err = *err;
	r->len = len;
	if (answer)
		memcpy(r->bytes, answer, len < sizeof(r->bytes) ? len : sizeof(r->bytes));
}

static void wait_for(const struct result *r)
{
	while (!r->done)
		assert_true(uv_run(&loop, UV_RUN_ONCE) || r->done);
}

static void set_up_limits(unsigned processes, int64_t idle_ms, int64_t limit_ms)
{
	struct files_options options = {.loop = &loop,
		.program = FAKE_READER,
		.processes_max = processes,
		.idle_ms = idle_ms,
		.limit_ms = limit_ms,
		.need_max = (uint64_t)64 << 20};

	assert_int_equal(loop_init(&loop), 0);
	files = files_create(&options);
	disk_errno = 0;
	disk_later = false;
}

static void tear_down(void)
{
	files_destroy(files);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(n_readers, 0);
}

static struct files_disk *disk_of(const char *snapshot, uint32_t gib)
{
	struct files_disk *d;

	assert_int_equal(files_disk_open(files,
				 &(struct disk_facts){.region = "us-east-1",
					 .snapshot = snapshot,
					 .volume = "vol-1",
					 .volume_gib = gib},
				 &d),
		0);
	return d;
}

static struct files_system *system_of(struct files_disk *d, unsigned number)
{
	if (!files_table(d)) {
		struct result r = {0};

		assert_non_null(files_ask_table(d, "cat", ask_done, &r));
		assert_false(r.done);
		wait_for(&r);
		assert_int_equal(r.err.errnum, 0);
	}
	assert_int_equal(files_partition(d, number - 1)->number, number);
	return files_system_at(d, number - 1);
}

static struct result ask(struct files_system *s, struct files_ask what)
{
	struct result r = {0};

	assert_non_null(files_ask(s, &what, "cat", ask_done, &r));
	assert_false(r.done);
	wait_for(&r);
	return r;
}

static struct result look_up(struct files_system *s, const char *name)
{
	return ask(s, (struct files_ask){.type = READER_LOOKUP, .name = name});
}

/* --- tests --- */

static void test_works(void **state)
{
	struct files_disk *d;
	struct files_system *s;
	struct result r;

	(void)state;
	set_up_limits(0, 0, 0);
	d = disk_of("snap-1", FAKE_DISK);
	s = system_of(d, FAKE_OPEN);
	assert_null(files_opened(s));
	r = look_up(s, "passwd");
	assert_int_equal(r.err.errnum, 0);
	assert_int_equal(r.attributes.inode, 42);
	assert_string_equal(files_opened(s)->note, "clean");
	r = ask(s, (struct files_ask){.type = READER_STAT});
	assert_int_equal(r.attributes.inode, FAKE_ROOT);
	r = look_up(s, "none");
	assert_int_equal(r.err.errnum, ENOENT);
	r = look_up(s, "enosys"); /* the kernel would give up that operation for ever */
	assert_int_equal(r.err.errnum, EIO);
	assert_string_equal(r.err.message, "no such call");
	assert_int_equal(files_stats(files).failed, 0);
	assert_int_equal(files_stats(files).started, 2); /* the table, the file system */
	files_disk_close(d);
	tear_down();
}

static void test_needs(void **state)
{
	struct files_disk *d;
	struct files_system *s;
	struct result r;

	(void)state;
	set_up_limits(0, 0, 0);
	d = disk_of("snap-1", FAKE_DISK);
	s = system_of(d, FAKE_OPEN);
	for (int later = 0; later < 2; later++) {
		disk_later = later;
		r = look_up(s, "needs");
		assert_int_equal(r.attributes.size, 64 * 63 / 2);
		disk_errno = EDQUOT;
		r = look_up(s, "needs");
		assert_int_equal(r.err.errnum, EDQUOT);
		assert_string_equal(r.err.message, "the disk says no");
		disk_errno = 0;
	}
	assert_int_equal(files_stats(files).failed, 0);
	files_disk_close(d);
	tear_down();
}

/* Each of these costs its request and its process, and nothing else. */
static void expect_failure(struct files_system *s, struct files_ask what, const char *message)
{
	uint64_t failed = files_stats(files).failed;
	struct result r = ask(s, what);

	assert_int_equal(r.err.errnum, EIO);
	assert_non_null(strstr(r.err.message, message));
	assert_int_equal(files_stats(files).failed, failed + 1);
	r = look_up(s, "fstab");
	assert_int_equal(r.err.errnum, 0);
	assert_int_equal(r.attributes.inode, 42);
}

static void test_misbehaves(void **state)
{
	static const struct {
		const char *name, *message;
	} names[] = {{"die", "ended with status 3"}, {"signal", "ended by signal 9"},
		{"version", "another version"}, {"long", "too long"}, {"type", "unknown type"},
		{"id", "answers no request"}, {"short", "too short"},
		{"need-none", "number of ranges"}, {"need-outside", "outside the disk"},
		{"need-odd", "outside the disk"}, {"need-across", "across blocks"},
		{"need-forever", "too much of the disk"}, {"mode", "type is unknown"},
		{"time", "nanoseconds"}, {"size", "size is too large"},
		{"inode", "number is too large"}};
	static const struct {
		enum reader_type type;
		enum fake_wrong first, last;
	} kinds[] = {{READER_READDIR, FAKE_SLASH, FAKE_INODE},
		{READER_MAP, FAKE_OUTSIDE, FAKE_KIND}, {READER_MAP, FAKE_TOO_LONG, FAKE_TOO_LONG},
		{READER_MAP, FAKE_EMPTY, FAKE_EMPTY}, {READER_READLINK, FAKE_EMPTY, FAKE_EMPTY},
		{READER_READLINK, FAKE_NUL, FAKE_NUL},
		{READER_READLINK, FAKE_TOO_LONG, FAKE_TOO_LONG},
		{READER_READ, FAKE_TOO_LONG, FAKE_TOO_LONG}, {READER_STAT, FAKE_OTHER, FAKE_OTHER}};
	struct files_disk *d;
	struct files_system *s;

	(void)state;
	set_up_limits(0, 0, 0);
	d = disk_of("snap-1", FAKE_DISK);
	s = system_of(d, FAKE_OPEN);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_failure(s, (struct files_ask){.type = READER_LOOKUP, .name = names[i].name},
			names[i].message);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct files_ask what = {
			.type = kinds[i].type, .inode = FAKE_RIGHT, .length = 8192};

		assert_string_equal(ask(s, what).err.message, "");
		for (what.inode = kinds[i].first; what.inode <= kinds[i].last; what.inode++)
			expect_failure(s, what, "broke the protocol");
	}
	files_disk_close(d);
	tear_down();
}

/* A second reply is noticed with the first, or before the next. */
static void test_says_more(void **state)
{
	struct files_disk *d;
	struct files_system *s;

	(void)state;
	set_up_limits(0, 0, 0);
	d = disk_of("snap-1", FAKE_DISK);
	s = system_of(d, FAKE_OPEN);
	look_up(s, "extra");
	look_up(s, "fstab");
	assert_int_equal(files_stats(files).failed, 1);
	assert_int_equal(look_up(s, "fstab").err.errnum, 0);
	files_disk_close(d);
	tear_down();
}

static void test_is_silent(void **state)
{
	struct files_disk *d;

	(void)state;
	set_up_limits(0, 0, 200);
	d = disk_of("snap-1", FAKE_DISK);
	expect_failure(system_of(d, FAKE_OPEN),
		(struct files_ask){.type = READER_LOOKUP, .name = "silent"}, "no answer within");
	files_disk_close(d);
	tear_down();
}

static void test_cannot_open(void **state)
{
	struct files_disk *d;
	struct result r;

	(void)state;
	set_up_limits(0, 0, 0);
	d = disk_of("snap-1", FAKE_DISK);
	r = look_up(system_of(d, FAKE_OPEN_REFUSED), "fstab");
	assert_int_equal(r.err.errnum, EOPNOTSUPP);
	assert_null(strchr(r.err.message, '\x1b'));
	assert_non_null(strstr(r.err.message, "is not supported"));
	r = look_up(system_of(d, FAKE_OPEN_DIES), "fstab");
	assert_int_equal(r.err.errnum, EIO);
	r = look_up(system_of(d, FAKE_OPEN_ROOT), "fstab");
	assert_int_equal(r.err.errnum, EIO);
	r = look_up(system_of(d, FAKE_OPEN), "fstab");
	assert_int_equal(r.err.errnum, 0);
	files_disk_close(d);
	tear_down();
}

static void test_tables(void **state)
{
	(void)state;
	set_up_limits(0, 0, 0);
	for (uint32_t gib = FAKE_DISK_OUTSIDE; gib <= FAKE_DISK_COUNT; gib++) {
		char snapshot[20];
		struct files_disk *d;
		struct result r = {0};

		snprintf(snapshot, sizeof(snapshot), "snap-%u", gib);
		d = disk_of(snapshot, gib);
		assert_non_null(files_ask_table(d, "cat", ask_done, &r));
		wait_for(&r);
		assert_int_equal(r.err.errnum, EIO);
		assert_null(files_table(d));
		files_disk_close(d);
	}
	tear_down();
}

/* Twenty file systems with requests at once, and two processes for them. */
static void test_many(void **state)
{
	struct result r[20][5] = {0};
	struct files_disk *d[20];

	(void)state;
	set_up_limits(2, 0, 0);
	for (int i = 0; i < 20; i++) {
		char snapshot[20];

		snprintf(snapshot, sizeof(snapshot), "snap-%d", i);
		d[i] = disk_of(snapshot, FAKE_DISK);
		system_of(d[i], FAKE_OPEN);
	}
	for (int k = 0; k < 5; k++)
		for (int i = 0; i < 20; i++)
			assert_non_null(files_ask(files_system_at(d[i], 0),
				&(struct files_ask){.type = READER_LOOKUP, .name = "needs"}, "cat",
				ask_done, &r[i][k]));
	for (int i = 0; i < 20; i++)
		for (int k = 0; k < 5; k++) {
			wait_for(&r[i][k]);
			assert_int_equal(r[i][k].err.errnum, 0);
			assert_true(files_stats(files).processes <= 2);
		}
	for (int i = 0; i < 20; i++)
		files_disk_close(d[i]);
	tear_down();
}

/* A process that works through one request after another keeps its place for its turn. */
static void test_turns(void **state)
{
	struct files_disk *d, *other;
	struct result r = {0};
	struct files_system *s;
	uint64_t started;

	(void)state;
	set_up_limits(1, 0, 0);
	d = disk_of("snap-1", FAKE_DISK);
	other = disk_of("snap-2", FAKE_DISK);
	s = system_of(d, FAKE_OPEN);
	look_up(s, "fstab");
	started = files_stats(files).started;
	assert_non_null(files_ask_table(other, "cat", ask_done, &r));
	for (int i = 0; i < 10; i++)
		look_up(s, "fstab");
	wait_for(&r);
	assert_int_equal(r.err.errnum, 0);
	assert_int_equal(files_stats(files).started, started + 1);
	files_disk_close(other);
	files_disk_close(d);
	tear_down();
}

static void test_idle(void **state)
{
	struct files_disk *d;

	(void)state;
	set_up_limits(0, 50, 0);
	d = disk_of("snap-1", FAKE_DISK);
	look_up(system_of(d, FAKE_OPEN), "fstab");
	assert_true(files_stats(files).processes > 0);
	while (files_stats(files).processes > 0)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(n_readers, 0);
	assert_int_equal(look_up(system_of(d, FAKE_OPEN), "fstab").err.errnum, 0);
	assert_int_equal(files_stats(files).failed, 0);
	files_disk_close(d);
	tear_down();
}

static void test_cancel(void **state)
{
	struct files_disk *d;
	struct files_system *s;
	struct files_request *queued[8];
	struct result r = {0};

	(void)state;
	set_up_limits(0, 0, 0);
	d = disk_of("snap-1", FAKE_DISK);
	s = system_of(d, FAKE_OPEN);
	disk_later = true;
	look_up(s, "fstab");
	for (int i = 0; i < 8; i++)
		queued[i] =
			files_ask(s, &(struct files_ask){.type = READER_LOOKUP, .name = "needs"},
				"cat", ask_done, &r);
	uv_run(&loop, UV_RUN_ONCE); /* the first one is being worked on */
	for (int i = 0; i < 8; i++)
		files_cancel(queued[i]);
	assert_int_equal(look_up(s, "needs").attributes.size, 64 * 63 / 2);
	assert_false(r.done);
	/* With a request under way everything can end. */
	files_ask(s, &(struct files_ask){.type = READER_LOOKUP, .name = "needs"}, "cat", ask_done,
		&r);
	files_ask(s, &(struct files_ask){.type = READER_LOOKUP, .name = "needs"}, "cat", ask_done,
		&r);
	uv_run(&loop, UV_RUN_ONCE);
	files_disk_close(d);
	tear_down();
	assert_false(r.done);
}

static void test_no_program(void **state)
{
	struct files_options options = {.loop = &loop, .program = "/nonexistent/ebsfs-reader"};
	struct files_disk *d;
	struct result r = {0};

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	files = files_create(&options);
	d = disk_of("snap-1", FAKE_DISK);
	assert_non_null(files_ask_table(d, "cat", ask_done, &r));
	wait_for(&r);
	assert_int_equal(r.err.errnum, EIO);
	assert_non_null(strstr(r.err.message, "ebsfs-reader"));
	files_disk_close(d);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_misbehaves),
		cmocka_unit_test(test_says_more),
		cmocka_unit_test(test_is_silent),
		cmocka_unit_test(test_cannot_open),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_no_program),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
