/* SPDX-License-Identifier: MIT */
/* aws_stream: pieces arrive in order, in bounded memory, and the end is told once, whatever happens
 * meanwhile */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws_stream.h"
#include "buf.h"
#include "cleanup.h"
#include "loop.h"

/* A reader that keeps what it reads, and says no at a certain place. */
struct reader {
	struct buf text;
	size_t fail_at; /* 0: never */
	bool ended;
};

static struct {
	uv_loop_t loop;
	struct aws_stream *stream;
	struct reader *reader; /* alive */
	size_t fail_at;
	unsigned created, destroyed, took, done, room;
	bool destroy_in_took;
	struct err err;
	struct buf text; /* taken over */
} t;

static void *reader_create(void)
{
	struct reader *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->fail_at = t.fail_at;
	t.created++;
	t.reader = r;
	return r;
}

static int reader_read(void *reader, const char *data, size_t len, bool last, struct err *err)
{
	struct reader *r = reader;

	buf_add(&r->text, data, len);
	r->ended = last;
	if (r->fail_at && r->text.len >= r->fail_at)
		return err_set(err, EIO, "no such thing");
	return 0;
}

static void reader_took(void *arg, void *reader)
{
	struct reader *r = reader;

	assert_ptr_equal(arg, &t);
	t.took++;
	buf_finish(&t.text);
	buf_add(&t.text, r->text.data, r->text.len);
	if (t.destroy_in_took)
		aws_stream_destroy(steal(&t.stream));
}

static void reader_destroy(void *reader)
{
	struct reader *r = reader;

	buf_finish(&r->text);
	free(r);
	t.reader = NULL;
	t.destroyed++;
}

static const struct aws_reader ops = {reader_create, reader_read, reader_took, reader_destroy};

static void room(void *arg)
{
	assert_ptr_equal(arg, &t.loop);
	t.room++;
}

static void done(void *arg, const struct err *err)
{
	assert_ptr_equal(arg, &t.loop);
	t.done++;
	t.err = err ? *err : (struct err){0};
}

static int set_up(void **state)
{
	memset(&t, 0, sizeof(t));
	assert_int_equal(loop_init(&t.loop), 0);
	t.stream = aws_stream_create(&t.loop, &ops, &t, room, done, &t.loop);
	assert_non_null(t.stream);
	return 0;
}

static int tear_down(void **state)
{
	aws_stream_destroy(t.stream);
	uv_run(&t.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t.loop), 0);
	assert_int_equal(t.created, t.destroyed);
	buf_finish(&t.text);
	return 0;
}

static void run(void)
{
	uv_run(&t.loop, UV_RUN_DEFAULT);
}

/* Adds so many bytes, numbered in their order, waiting for room where there is none. */
static void add(size_t from, size_t len, size_t at_a_time)
{
	char piece[5000];

	assert_true(at_a_time <= sizeof(piece));
	while (len) {
		size_t n = len < at_a_time ? len : at_a_time;
		int r;

		for (size_t i = 0; i < n; i++)
			piece[i] = (char)('a' + (from + i) % 23);
		while ((r = aws_stream_add(t.stream, piece, n)) == -EAGAIN) {
			unsigned before = t.room;

			while (t.room == before)
				uv_run(&t.loop, UV_RUN_ONCE);
		}
		assert_int_equal(r, 0);
		from += n;
		len -= n;
	}
}

static void assert_text(size_t len)
{
	assert_int_equal(t.text.len, len);
	for (size_t i = 0; i < len; i++)
		if (t.text.data[i] != (char)('a' + i % 23))
			fail_msg("byte %zu is out of place", i);
}

static void test_all_arrives_in_order(void **state)
{
	static const size_t sizes[] = {1, 100, 65535, 65536, 65537, 1000000};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		if (i) {
			tear_down(state);
			set_up(state);
		}
		add(0, sizes[i], 4999);
		aws_stream_end(t.stream);
		assert_int_equal(t.done, 0);
		run();
		assert_int_equal(t.done, 1);
		assert_int_equal(t.err.errnum, 0);
		assert_true(t.reader->ended);
		assert_text(sizes[i]);
	}
	/* It came in pieces, not in one. */
	assert_true(t.took >= 5);
}

static void test_an_empty_answer_is_read_too(void **state)
{
	aws_stream_end(t.stream);
	assert_int_equal(t.done, 0);
	run();
	assert_int_equal(t.done, 1);
	assert_int_equal(t.took, 1);
	assert_true(t.reader->ended);
}

static void test_who_adds_too_fast_is_told_to_wait(void **state)
{
	static char piece[1000];
	size_t taken = 0;

	while (aws_stream_add(t.stream, piece, sizeof(piece)) == 0) {
		taken += sizeof(piece);
		assert_true(taken < 1000000);
	}
	assert_in_range(taken, 32768, 100000);
	assert_int_equal(t.room, 0);
	run();
	assert_int_equal(t.room, 1);
	assert_int_equal(aws_stream_add(t.stream, piece, sizeof(piece)), 0);
	aws_stream_end(t.stream);
	run();
	assert_int_equal(t.text.len, taken + sizeof(piece));
}

/* Whether it fails early or with the last piece, the end is told once, after all was added. */
static void test_what_cannot_be_read_is_told_at_the_end(void **state)
{
	static const size_t places[] = {1, 70000, 400000};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		tear_down(state);
		set_up(state);
		t.reader->fail_at = places[i];
		add(0, 400000, 5000);
		run();
		assert_int_equal(t.done, 0);
		aws_stream_end(t.stream);
		assert_int_equal(t.done, 0);
		run();
		assert_int_equal(t.done, 1);
		assert_int_equal(t.err.errnum, EIO);
		assert_string_equal(t.err.message, "no such thing");
	}
}

static void test_destroyed_at_any_time(void **state)
{
	for (int when = 0; when < 4; when++) {
		tear_down(state);
		set_up(state);
		t.destroy_in_took = when == 3;
		add(0, 30000, 5000);
		if (when == 1)
			aws_stream_end(t.stream);
		if (when == 2) {
			t.reader->fail_at = 1;
			run();
			aws_stream_end(t.stream);
		}
		if (when < 3)
			aws_stream_destroy(steal(&t.stream));
		run();
		assert_int_equal(t.done, 0);
		assert_int_equal(t.destroyed, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_arrives_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_an_empty_answer_is_read_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_who_adds_too_fast_is_told_to_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_cannot_be_read_is_told_at_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_destroyed_at_any_time, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
