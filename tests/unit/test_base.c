/* SPDX-License-Identifier: MIT */
/* base/: buffers, numbers, dates, encodings, UTF-8, errors, the loop. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backoff.h"
#include "buf.h"
#include "encode.h"
#include "err.h"
#include "file.h"
#include "isotime.h"
#include "loop.h"
#include "num.h"
#include "timespec.h"
#include "utf8.h"
#include "waiters.h"
#include "watchers.h"
#include "workdir.h"

static void test_buf_grows_and_stops_at_its_maximum(void **state)
{
	_cleanup_buf_ struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_int_equal(buf_puts(&b, "12345"), 0);
	assert_int_equal(buf_printf(&b, "%d", 67890), 0);
	assert_string_equal(b.data, "1234567890");
	assert_int_equal(buf_putc(&b, 'x'), -EFBIG);
	assert_int_equal(b.len, 10);
	assert_int_equal(buf_puts(&b, ""), -EFBIG); /* sticky */
	buf_clear(&b);
	assert_int_equal(buf_write_at(&b, 3, "abc", 3), 0);
	assert_memory_equal(b.data, "\0\0\0abc", 7);
	assert_int_equal(buf_resize(&b, 4), 0);
	assert_memory_equal(b.data, "\0\0\0a", 5);
	assert_int_equal(buf_write_at(&b, SIZE_MAX, "x", 1), -EFBIG);
}

static void test_num_is_whole_and_in_range(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} table[] = {{"0", 0, 0}, {"42", 0, 42}, {"100", 0, 100}, {"101", -ERANGE, 0},
		{"", -EINVAL, 0}, {"-1", -EINVAL, 0}, {"4 2", -EINVAL, 0}, {"0x1", -EINVAL, 0},
		{"99999999999999999999999", -ERANGE, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint64_t v = 0;

		assert_int_equal(num_parse_u64(table[i].text, strlen(table[i].text), 0, 100, &v),
			table[i].result);
		assert_int_equal(v, table[i].value);
	}
	int64_t signed_value;
	double fraction;

	assert_int_equal(num_parse_i64("-12", 3, -20, 20, &signed_value), 0);
	assert_int_equal(signed_value, -12);
	assert_int_equal(num_parse_double("0.25", 0, 1, &fraction), 0);
	assert_true(fraction == 0.25);
	assert_int_equal(num_parse_double("1e9", 0, 1, &fraction), -EINVAL);
	assert_int_equal(num_parse_double("1.0.0", 0, 1, &fraction), -EINVAL);
}

static void test_isotime(void **state)
{
	char out[ISOTIME_SIZE];
	int64_t ms = 0;

	(void)state;
	assert_int_equal(isotime_parse("2015-08-30T12:36:00Z", 20, &ms), 0);
	assert_true(ms == 1440938160000);
	assert_string_equal(isotime_format(ms, out), "2015-08-30T12:36:00Z");
	assert_string_equal(isotime_format_basic(ms, out), "20150830T123600Z");
	assert_int_equal(isotime_parse("2026-01-02T03:04:05.678000Z", 27, &ms), 0);
	assert_string_equal(isotime_format_ms(ms, out), "2026-01-02T03:04:05.678Z");
	assert_string_equal(isotime_duration(751, out), "12m31s");
	assert_string_equal(isotime_duration(7500, out), "2h05m");
	assert_string_equal(isotime_duration(-3, out), "0s");
}

/* tv_nsec is never negative, and nothing overflows. */
static void test_timespec(void **state)
{
	static const struct {
		struct timespec t;
		int64_t ns;
		bool kept;
	} table[] = {
		{{0, 0}, 0, true},
		{{-1, 500000000}, -500000000, true},
		{{-1, 0}, -1000000000, true},
		{{1440938160, 5}, 1440938160000000005, true},
		{{9223372036, 854775807}, INT64_MAX, true},
		{{9223372036, 854775808}, INT64_MAX, false},
		{{16725225600, 0}, INT64_MAX, false}, /* the year 2500 */
		{{INT64_MAX, 999999999}, INT64_MAX, false},
		{{INT64_MIN, 0}, INT64_MIN, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct timespec back = timespec_of_ns(timespec_ns(table[i].t));

		assert_true(timespec_ns(table[i].t) == table[i].ns);
		assert_true(back.tv_nsec >= 0 && back.tv_nsec < 1000000000);
		assert_true((back.tv_sec == table[i].t.tv_sec &&
				    back.tv_nsec == table[i].t.tv_nsec) == table[i].kept);
	}
	assert_true(timespec_of_ms(-1).tv_sec == -1 && timespec_of_ms(-1).tv_nsec == 999000000);
	assert_true(timespec_of_ms(INT64_MIN).tv_nsec >= 0);
}

/* As botocore 1.43's parse_timestamp() reads them; without an offset they are UTC. */
static void test_isotime_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"2026-11-20T03:00:12Z", 1795143612000},
		{"2026-11-20T03:00:12.345Z", 1795143612345},
		{"2026-11-20T03:00:12.3456789Z", 1795143612345},
		{"2026-11-20T03:00:12,5Z", 1795143612500},
		{"2026-11-20T03:00:12+02:00", 1795136412000},
		{"2026-11-20T03:00:12-0530", 1795163412000},
		{"2026-11-20T03:00:12+02", 1795136412000}, {"2026-11-20 03:00:12", 1795143612000},
		{"2026-11-20 03:00:12 +0200", 1795136412000},
		{"2026-11-20 03:00:12 UTC", 1795143612000}, {"2026-11-20t03:00:12z", 1795143612000},
		{"  2026-11-20T03:00:12Z\n ", 1795143612000}, {"2026-11-20T03:00", 1795143600000},
		{"2026-11-20", 1795132800000}, {"20261120T030012Z", 1795143612000},
		{"20261120T0300", 1795143600000}, {"Fri, 20 Nov 2026 03:00:12 GMT", 1795143612000},
		{"20 Nov 2026 03:00:12 +0200", 1795136412000},
		{"2 Nov 2026 03:00:12 GMT", 1793588412000}, {"1795143612", 1795143612000},
		{"1795143612.5", 1795143612500}, {"2024-02-29T00:00:00Z", 1709164800000}};
	static const char *const bad[] = {"", " ", "yesterday", "2026-13-02T03:04:05Z",
		"2026-02-29T00:00:00Z", "2026-04-31", "2100-02-29", "2026-11-20T24:00:00Z",
		"2026-11-20T03:00:61Z", "2026-11-20T03:00:12.Z", "2026-11-20T03:00:12Z junk",
		"2026-11-20T03:00:12+2", "2026-11-20T03:00:12+24:00", "2026-11-20T", "2026-1-2",
		"0000-01-01T00:00:00Z", "12", "20261120", "1795143612000", "1795143612.",
		"20 Nob 2026 03:00:12 GMT", "0001-01-01T00:00:00+01:00", "-1795143612",
		"2026-11-20T03:00:12+02:0"};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ms = 1;
		if (isotime_parse(good[i].text, strlen(good[i].text), &ms) || ms != good[i].ms)
			fail_msg("%s: %lld", good[i].text, (long long)ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (isotime_parse(bad[i], strlen(bad[i]), &ms) != -EINVAL)
			fail_msg("%s: %lld", bad[i], (long long)ms);
	/* Cut anywhere, nothing beyond the end is read. */
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		for (size_t len = 0; len <= strlen(good[i].text); len++) {
			char *cut = malloc(len + 1);

			memcpy(cut, good[i].text, len);
			cut[len] = '9';
			(void)isotime_parse(cut, len, &ms);
			free(cut);
		}
}

static void test_encode(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char hex[9];

	(void)state;
	encode_percent(&b, "a b/~\xc3\xa9", 7, 0);
	assert_string_equal(b.data, "a%20b%2F~%C3%A9");
	buf_clear(&b);
	decode_percent(&b, "a%2Fb%zz+%", 10, 1);
	assert_string_equal(b.data, "a/b%zz %");
	buf_clear(&b);
	encode_base64(&b, "any carnal pleas", 16);
	assert_string_equal(b.data, "YW55IGNhcm5hbCBwbGVhcw==");
	buf_clear(&b);
	encode_json_string(&b, "a\"\\\n\x01\xff\xc3\xa9", 8);
	assert_string_equal(b.data, "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\"");
	buf_clear(&b);
	encode_json_string(&b, "\x7f\xc2\x9b\xe2\x80\xae", 6);
	assert_string_equal(b.data, "\"\\u007f\\u009b\\u202e\"");
	assert_string_equal(encode_hex("\x00\xab\xff\x10", 4, hex), "00abff10");
}

static void test_utf8_is_counted(void **state)
{
	static const struct {
		const char *text;
		ssize_t count;
	} table[] = {{"", 0}, {"abc", 3}, {"é😀", 2}, {"\xc0\x80", -1}, {"\xed\xa0\x80", -1},
		{"\xf4\x90\x80\x80", -1}, {"\xe2\x82", -1}, {"\x80", -1},
		{"\xf8\x88\x80\x80\x80", -1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(utf8_count(table[i].text, strlen(table[i].text)), table[i].count);
	assert_int_equal(utf8_prefix("éaé", 2), 3);
	assert_int_equal(utf8_prefix("éaé", 9), 5);
	assert_int_equal(utf8_prefix("\xff\xff", 1), 1);
}

static void test_utf8_is_written_and_cut(void **state)
{
	static const uint32_t characters[] = {0x41, 0xe4, 0x20ac, 0x1f600};
	_cleanup_buf_ struct buf out = BUF_INIT;
	uint32_t c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
		size_t n = i + 1;

		buf_clear(&out);
		assert_int_equal(utf8_encode(&out, characters[i]), 0);
		assert_int_equal(out.len, n);
		assert_int_equal(utf8_decode(out.data, n, &c), n);
		assert_int_equal(c, characters[i]);
		for (size_t len = 1; len <= n; len++) {
			assert_int_equal(utf8_is_cut(out.data, len), len < n);
			assert_int_equal(utf8_whole(out.data, len), len < n ? 0 : n);
		}
	}
	assert_false(utf8_is_cut("\xe2\x41", 2));
	assert_false(utf8_is_cut("\x80", 1));
	assert_false(utf8_is_cut("\xff", 1));
}

static void test_outside_text_commands_no_terminal(void **state)
{
	static const struct {
		const char *text, *line;
	} table[] = {{"", ""}, {"plain é😀 ~", "plain é😀 ~"}, {"a\nstate: x\t\r", "a state: x  "},
		{"\x1b[31m\x7f", "?[31m?"}, {"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "???\xc2\xa0"},
		{"a\xe2\x80\xae"
		 "b\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8e\xd8\x9c",
			"a?b????"},
		{"\xe2\x80\xa8\xef\xbb\xbf", "??"},
		{"\x9b"
		 "31m cut \xe2\x82",
			"?31m cut ??"}};
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err e;
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		strcpy(text, table[i].text);
		assert_int_equal(utf8_make_line(text), strlen(table[i].line));
		assert_string_equal(text, table[i].line);
	}
	buf_puts(&b, "\x1b");
	assert_int_equal(utf8_put_line(&b, "\x1b"
					   "a"),
		0);
	assert_string_equal(b.data, "\x1b?a");
	assert_int_equal(b.len, 3);
	err_set(&e, EIO, "%s",
		"\xc2\x9b"
		"1m");
	err_context(&e, "%s", "\xe2\x80\xae");
	assert_string_equal(e.message, "?: ?1m");
}

static void test_err_keeps_the_errno_and_gathers_context(void **state)
{
	struct err e;
	char text[700];

	(void)state;
	assert_int_equal(err_set(&e, EACCES, "no right to %s", "copy"), -EACCES);
	strcpy(e.code, "UnauthorizedOperation");
	assert_int_equal(err_context(&e, "snap-1"), -EACCES);
	assert_string_equal(err_text(&e, text, sizeof(text)),
		"snap-1: no right to copy (UnauthorizedOperation)");
	/* An argument inside the struct itself. */
	err_set(&e, EIO, "again: %s", e.message);
	assert_string_equal(e.message, "again: snap-1: no right to copy");
	assert_string_equal(e.code, "");
}

struct row {
	uv_loop_t loop;
	struct loop_between between;
	unsigned run, done, between_calls, stop_at;
};

static void row_run(void *arg)
{
	struct row *row = arg;

	__atomic_add_fetch(&row->run, 1, __ATOMIC_RELAXED);
}

static void row_done(void *arg)
{
	struct row *row = arg;

	row->done++;
	if (row->done == row->stop_at)
		loop_set_between(&row->loop, NULL);
}

static void row_between(void *arg)
{
	struct row *row = arg;

	/* Between any two of them, however many come back together. */
	row->between_calls++;
	assert_int_equal(row->between_calls, row->done);
}

static void test_loop_between_work_that_comes_back(void **state)
{
	struct row row = {.between = {row_between, &row}, .stop_at = 30};

	(void)state;
	assert_int_equal(loop_init(&row.loop), 0);
	loop_set_between(&row.loop, &row.between);
	for (int i = 0; i < 40; i++)
		assert_int_equal(loop_work(&row.loop, row_run, row_done, &row), 0);
	/* Let all of it be there before the loop looks. */
	while (__atomic_load_n(&row.run, __ATOMIC_RELAXED) < 40)
		usleep(1000);
	assert_int_equal(row.done, 0);
	uv_run(&row.loop, UV_RUN_DEFAULT);
	assert_int_equal(row.done, 40);
	assert_int_equal(row.between_calls, 29);
	assert_int_equal(uv_loop_close(&row.loop), 0);
}

static void assert_workdir_path(const char *path, const char *dir, const char *rest)
{
	_cleanup_free_ char *got = workdir_path(path);
	char expected[64];

	snprintf(expected, sizeof(expected), "%s%s", dir, rest);
	assert_string_equal(got, expected);
}

static void assert_here(const char *dir)
{
	char here[64];

	assert_non_null(getcwd(here, sizeof(here)));
	assert_string_equal(here, dir);
}

/* Leaves the directory that the test was started in. */
static void test_backoff_doubles_to_its_longest(void **state)
{
	(void)state;
	assert_int_equal(backoff_pause(1000, 60000, 1, 0), 500);
	assert_int_equal(backoff_pause(1000, 60000, 1, 0.999), 999);
	assert_int_equal(backoff_pause(1000, 60000, 4, 0), 4000);
	assert_int_equal(backoff_pause(1000, 60000, 7, 0), 30000);
	assert_int_equal(backoff_pause(1000, 60000, 4000000000u, 0), 30000);
	assert_int_equal(backoff_pause(1000, 500, 1, 0), 250);
	assert_int_equal(backoff_pause_full(100, 20000, 1, 0), 0);
	assert_int_equal(backoff_pause_full(100, 20000, 3, 0.5), 200);
	assert_int_equal(backoff_pause_full(100, 20000, 50, 0.5), 10000);
}

struct numbered {
	struct waiter base;
	int number;
};

struct delivery {
	struct waiters *list;
	char calls[16];
};

static struct numbered *wait_numbered(struct waiters *list, int number)
{
	struct numbered *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->number = number;
	waiters_append(list, &w->base);
	return w;
}

static void numbered_call(struct waiter *w, const void *result)
{
	struct delivery *d = *(struct delivery *const *)result;
	int number = ((struct numbered *)w)->number;
	size_t n = strlen(d->calls);

	free(w);
	d->calls[n] = (char)('0' + number);
	if (number == 2)
		waiters_remove(waiters_next(d->list, NULL)); /* 3 */
	else if (number == 4)
		wait_numbered(d->list, 5);
	else if (number == 6)
		waiters_drop(d->list);
}

static void test_waiters_survive_their_callbacks(void **state)
{
	struct waiters list = {0}, other = {0};
	struct delivery d = {.list = &list}, *result = &d;

	(void)state;
	assert_true(waiters_empty(&list));
	assert_null(waiters_take(&list));
	waiters_drop(&list);
	assert_true(waiters_deliver(&list, numbered_call, &result));
	for (int i = 1; i < 5; i++)
		wait_numbered(&list, i);
	assert_true(waiters_deliver(&list, numbered_call, &result));
	assert_string_equal(d.calls, "1245");
	assert_true(waiters_empty(&list));
	for (int i = 6; i < 9; i++)
		wait_numbered(&other, i);
	waiters_move_all(&other, &list);
	waiters_move(waiters_next(&list, waiters_next(&list, NULL)), &other); /* 7 */
	assert_false(waiters_deliver(&list, numbered_call, &result));
	assert_string_equal(d.calls, "12456");
	assert_true(waiters_empty(&list));
	assert_false(waiters_empty(&other));
	waiters_drop(&other);
	assert_true(waiters_empty(&other));
}

static void add_number(void *arg, int number)
{
	*(int *)arg += number;
}

static void test_watchers(void **state)
{
	typedef void number_fn(void *arg, int number);
	struct watchers w = {0};
	int sums[3] = {0};

	(void)state;
	watchers_remove(&w, (watchers_fn *)add_number, &sums[0]);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(watchers_add(&w, (watchers_fn *)add_number, &sums[i]), 0);
		watchers_remove(&w, (watchers_fn *)add_number, &sums[1]);
		for (size_t i = 0; i < w.n; i++)
			((number_fn *)w.list[i].fn)(w.list[i].arg, 7);
		assert_int_equal(sums[0], 7 * (round + 1));
		assert_int_equal(sums[1], 0);
		assert_int_equal(sums[2], 7 * (round + 1));
		watchers_finish(&w);
		assert_int_equal(w.n, 0);
	}
}

static void test_a_file_is_replaced(void **state)
{
	char folder[] = "/tmp/ebsfs-test-XXXXXX", text[8] = "";
	int at, fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	at = open(folder, O_RDONLY | O_DIRECTORY);
	fd = openat(at, "new", O_RDWR | O_CREAT, 0600);
	assert_int_equal(file_write(fd, "cdef", 4, 2), 0);
	assert_int_equal(file_write(fd, "ab", 2, 0), 0);
	assert_int_equal(file_read(fd, text, sizeof(text), 1), 5);
	assert_memory_equal(text, "bcdef", 5);
	assert_int_equal(file_read(fd, text, sizeof(text), 6), 0);
	assert_int_equal(file_replace(at, fd, "new", "file"), 0);
	assert_int_equal(file_replace(at, fd, "new", "file"), -ENOENT);
	assert_int_equal(unlinkat(at, "file", 0), 0);
	assert_int_equal(file_write(-1, "a", 1, 0), -EBADF);
	assert_int_equal(file_read(-1, text, 1, 0), -EBADF);
	close(fd);
	close(at);
	assert_int_equal(rmdir(folder), 0);
}

static void test_workdir(void **state)
{
	char dir[] = "/tmp/ebsfs-workdir.XXXXXX", mountpoint[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	/* A mount there would hide this directory. */
	assert_int_equal(workdir_leave(dir), 0);
	assert_here(dir);
	assert_null(workdir_of_child());
	assert_workdir_path("a/b", "", "a/b");
	/* A name that only begins alike. */
	snprintf(mountpoint, sizeof(mountpoint), "%s-mnt", dir);
	assert_int_equal(mkdir(mountpoint, 0700), 0);
	assert_int_equal(workdir_leave(mountpoint), 0);
	assert_int_equal(rmdir(mountpoint), 0);
	assert_here("/");
	assert_string_equal(workdir_of_child(), dir);
	assert_workdir_path("a/b", dir, "/a/b");
	assert_workdir_path("/a/b", "", "/a/b");
	/* A child is not refused because that directory has gone. */
	assert_int_equal(rmdir(dir), 0);
	assert_null(workdir_of_child());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_grows_and_stops_at_its_maximum),
		cmocka_unit_test(test_num_is_whole_and_in_range),
		cmocka_unit_test(test_isotime),
		cmocka_unit_test(test_timespec),
		cmocka_unit_test(test_isotime_forms),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_utf8_is_counted),
		cmocka_unit_test(test_utf8_is_written_and_cut),
		cmocka_unit_test(test_outside_text_commands_no_terminal),
		cmocka_unit_test(test_err_keeps_the_errno_and_gathers_context),
		cmocka_unit_test(test_loop_between_work_that_comes_back),
		cmocka_unit_test(test_backoff_doubles_to_its_longest),
		cmocka_unit_test(test_waiters_survive_their_callbacks),
		cmocka_unit_test(test_watchers),
		cmocka_unit_test(test_a_file_is_replaced),
		cmocka_unit_test(test_workdir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
