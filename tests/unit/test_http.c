/* SPDX-License-Identifier: MIT */
/* http: what is sent and what comes back, over real sockets, and how often the server gets it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "http_fixture.h"
#include "loop.h"

static enum http_server_then ok(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	http_server_answer(reply, "200 OK",
		"x-amzn-RequestId: 1234-abcd\r\nContent-Type: text/xml;charset=UTF-8\r\n"
		"Date: Sun, 30 Aug 2015 12:36:00 GMT\r\nx-amz-retry-after: 1500\r\nRetry-After: "
		"7\r\n",
		"<a/>");
	return THEN_KEEP;
}

static void test_answer(void **state)
{
	struct http_fixture *f = *state;
	struct http_result r = {0};
	const struct http_header headers[] = {{"X-Empty", ""}, {"X-Full", "a b"}};

	f->behaviour = ok;
	http_ask(f,
		&(struct http_request){.method = "POST",
			.url = f->url,
			.headers = headers,
			.n_headers = 2,
			.body = "a=1&b=%20",
			.body_len = 9},
		&r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body.data, "<a/>");
	assert_string_equal(r.answer.request_id, "1234-abcd");
	assert_string_equal(r.answer.content_type, "text/xml;charset=UTF-8");
	assert_int_equal(r.answer.date_ms, 1440938160000);
	assert_int_equal(r.answer.retry_after_ms, 1500);
	assert_string_equal(f->last_body.data, "a=1&b=%20");
	assert_memory_equal(f->last_head.data, "POST / HTTP/1.1\r\n", 17);
	assert_non_null(strstr(f->last_head.data, "\r\nX-Empty:"));
	assert_non_null(strstr(f->last_head.data, "\r\nX-Full: a b\r\n"));
	assert_non_null(strstr(f->last_head.data, "\r\nUser-Agent: ebsfs-test\r\n"));
	assert_null(strcasestr(f->last_head.data, "Expect:"));
	assert_null(strcasestr(f->last_head.data, "Content-Type:"));
	/* A long body goes at once, too. */
	_cleanup_buf_ struct buf body = BUF_INIT;

	buf_resize(&body, 1500000);
	memset(body.data, 'x', body.len);
	http_ask(f,
		&(struct http_request){
			.method = "POST", .url = f->url, .body = body.data, .body_len = body.len},
		&r);
	assert_int_equal(f->last_body.len, body.len);
	assert_null(strcasestr(f->last_head.data, "Expect:"));
	/* An empty PUT says so; a path is sent as it stands. */
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/a/../b", http_server_port(f->server));
	http_ask(f, &(struct http_request){.method = "PUT", .url = f->url}, &r);
	assert_memory_equal(f->last_head.data, "PUT /a/../b HTTP/1.1\r\n", 22);
	assert_non_null(strstr(f->last_head.data, "\r\nContent-Length: 0\r\n"));
	buf_finish(&r.body);
}

/* "<a>", forty times x, "</a>"; and twenty thousand zeros. */
static const char small_gzip[] =
	"\037\213\010\000\000\000\000\000\002\003\263\111\264\253\040\022\330\350"
	"\047\332\001\000\370\142\261\353\057\000\000\000";
static const char large_gzip[] =
	"\037\213\010\000\000\000\000\000\002\003\355\301\061\001\000\000\000\302"
	"\240\112\353\237\316\032\036\100\001\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\360\140\275\017\033\214\040\116\000"
	"\000";

static enum http_server_then compresses(
	const struct http_server_request *request, struct buf *reply)
{
	bool large = request->request > 1;
	size_t len = large ? sizeof(large_gzip) - 1 : sizeof(small_gzip) - 1;

	buf_printf(reply,
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", len);
	buf_add(reply, large ? large_gzip : small_gzip, len);
	return THEN_KEEP;
}

/* The bound is on what comes out. */
static void test_compressed_answers(void **state)
{
	struct http_fixture *f = *state;
	struct http_result r = {0};
	const struct http_request request = {
		.method = "GET", .url = f->url, .gzip = true, .max_response = 10000};

	f->behaviour = compresses;
	http_ask(f, &request, &r);
	assert_non_null(strstr(f->last_head.data, "\r\nAccept-Encoding: gzip\r\n"));
	assert_string_equal(r.body.data, "<a>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</a>");
	http_ask(f, &request, &r);
	assert_int_equal(r.err.errnum, EFBIG);
	f->behaviour = ok;
	http_ask(f, &(struct http_request){.method = "GET", .url = f->url}, &r);
	assert_null(strcasestr(f->last_head.data, "Accept-Encoding"));
	buf_finish(&r.body);
}

/* Who takes a body piece by piece, and rests in the middle. */
struct taker {
	struct http_result r; /* the arg of done, so the first */
	struct http_call *call;
	struct loop_timer *timer;
	struct buf body;
	size_t rest_at;
	bool rested, resting;
};

static int take(void *arg, const char *data, size_t len)
{
	struct taker *t = arg;

	assert_false(t->resting);
	if (t->rest_at && t->body.len >= t->rest_at && !t->rested) {
		t->resting = t->rested = true;
		loop_timer_start(t->timer, 50);
		return -EAGAIN;
	}
	return buf_add(&t->body, data, len);
}

static void rested(void *arg)
{
	struct taker *t = arg;

	t->resting = false;
	http_resume(t->call);
}

static void take_all(struct http_fixture *f, struct http_request request, struct taker *t)
{
	t->r.loop = &f->loop;
	t->timer = loop_timer_create(&f->loop, rested, t);
	request.on_body = take;
	t->call = http_send(f->http, &request, http_ended, t);
	assert_non_null(t->call);
	while (!t->r.called)
		uv_run(&f->loop, UV_RUN_DEFAULT);
	loop_timer_destroy(t->timer);
	buf_finish(&t->r.body);
}

static enum http_server_then large(const struct http_server_request *request, struct buf *reply)
{
	bool fails = strstr(request->head, "/fails") != NULL;

	buf_printf(reply, "HTTP/1.1 %s\r\nContent-Length: 3000000\r\n\r\n",
		fails ? "503 No" : "200 OK");
	for (int i = 0; i < 300000; i++)
		buf_printf(reply, "%09d\n", i);
	return THEN_KEEP;
}

static void test_bodies_piece_by_piece(void **state)
{
	struct http_fixture *f = *state;
	struct http_request request = {.method = "GET", .url = f->url};
	struct taker t = {.rest_at = 100000};

	f->behaviour = large;
	take_all(f, request, &t);
	assert_int_equal(t.r.status, 200);
	assert_true(t.rested);
	assert_int_equal(t.body.len, 3000000);
	for (int i = 0; i < 300000; i++) {
		char line[11];

		/* Not atoi(): with strict_string_checks it measures the whole rest, each time. */
		snprintf(line, sizeof(line), "%09d\n", i);
		assert_memory_equal(t.body.data + 10 * i, line, 10);
	}
	/* The bound holds. */
	buf_finish(&t.body);
	t = (struct taker){0};
	request.max_response = 1000000;
	take_all(f, request, &t);
	assert_int_equal(t.r.err.errnum, EFBIG);
	/* What is no success comes with the answer. */
	buf_finish(&t.body);
	t = (struct taker){0};
	request.max_response = 0;
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/fails", http_server_port(f->server));
	take_all(f, request, &t);
	assert_int_equal(t.r.status, 503);
	assert_int_equal(t.body.len, 0);
	buf_finish(&t.body);
}

static enum http_server_then busy(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	http_server_answer(reply, "503 Service Unavailable", "Retry-After: 7\r\n", "");
	return THEN_KEEP;
}

static void test_refusals_are_answers(void **state)
{
	struct http_fixture *f = *state;
	struct http_result r = {0};

	f->behaviour = busy;
	http_ask(f, &(struct http_request){.method = "GET", .url = f->url}, &r);
	assert_int_equal(r.status, 503);
	assert_int_equal(r.answer.retry_after_ms, 7000);
	assert_int_equal(r.answer.date_ms, 0);
	assert_int_equal(http_server_requests(f->server), 1);
	buf_finish(&r.body);
}

/* The first request of each connection is answered; at the second the connection dies, after the
 * request was read. */
static enum http_server_then dies_later(
	const struct http_server_request *request, struct buf *reply)
{
	if (request->request == 2)
		return THEN_RESET;
	http_server_answer(reply, "200 OK", "", "");
	return THEN_KEEP;
}

static void test_reused_connection_that_dies(void **state)
{
	struct http_fixture *f = *state;
	struct http_result r = {0};
	struct http_request request = {.method = "POST", .url = f->url, .body = "x", .body_len = 1};

	/* curl sends what only reads again, and the server gets it twice. */
	f->behaviour = dies_later;
	http_ask(f, &request, &r);
	http_ask(f, &request, &r);
	assert_int_equal(r.status, 200);
	assert_int_equal(http_server_requests(f->server), 3);
	buf_finish(&r.body);
}

static void test_once_is_once(void **state)
{
	struct http_fixture *f = *state;
	struct http_result r = {0};
	struct http_request request = {.method = "POST", .url = f->url, .body = "x", .body_len = 1};

	f->behaviour = dies_later;
	http_ask(f, &request, &r);
	request.once = true;
	http_ask(f, &request, &r);
	assert_int_equal(r.err.errnum, EIO);
	assert_true(r.err.maybe_done);
	assert_int_equal(http_server_requests(f->server), 2);
	/* Its connection is nothing special afterwards. */
	request.once = false;
	http_ask(f, &request, &r);
	assert_int_equal(r.status, 200);
	buf_finish(&r.body);
}

static enum http_server_then tells_connection(
	const struct http_server_request *request, struct buf *reply)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", request->connection);
	http_server_answer(reply, "200 OK", "", number);
	return THEN_KEEP;
}

static void test_connections_are_reused(void **state)
{
	struct http_fixture *f = *state;
	struct http_result r = {0};

	f->behaviour = tells_connection;
	for (int i = 0; i < 3; i++) {
		http_ask(f, &(struct http_request){.method = "GET", .url = f->url}, &r);
		assert_string_equal(r.body.data, "1");
	}
	http_ask(f, &(struct http_request){.method = "GET", .url = f->url, .once = true}, &r);
	assert_string_equal(r.body.data, "2");
	buf_finish(&r.body);
}

static void test_header_with_a_line_break(void **state)
{
	struct http_fixture *f = *state;
	struct http_result r = {0};

	f->behaviour = ok;
	http_ask(f,
		&(struct http_request){.method = "GET",
			.url = f->url,
			.headers = &(struct http_header){"X-A", "b\r\nX-Evil: c"},
			.n_headers = 1},
		&r);
	assert_int_equal(r.err.errnum, EINVAL);
	assert_false(r.err.maybe_done);
	assert_int_equal(http_server_requests(f->server), 0);
}

struct canceller {
	struct http_result result;
	struct http_call *victim;
	struct http *http; /* destroyed instead, if not NULL */
};

static void cancels(void *arg, struct http_response *answer, const struct err *err)
{
	struct canceller *c = arg;

	(void)answer, (void)err;
	c->result.called++;
	uv_stop(c->result.loop);
	if (c->http)
		http_destroy(c->http);
	else
		http_cancel(c->victim);
}

static void test_cancelled_calls_do_not_report(void **state)
{
	struct http_fixture *f = *state;
	struct canceller first = {.result.loop = &f->loop};
	struct http_result at_once = {.loop = &f->loop}, victim = {.loop = &f->loop};
	const struct http_request request = {.method = "GET", .url = f->url};

	f->behaviour = ok;
	http_cancel(http_send(f->http, &request, http_ended, &at_once));
	assert_non_null(http_send(f->http, &request, cancels, &first));
	first.victim = http_send(f->http, &request, http_ended, &victim);
	while (!first.result.called)
		uv_run(&f->loop, UV_RUN_DEFAULT);
	/* Both were answered; the second must have been cancelled before it could tell. */
	http_ask(f, &request, &first.result);
	assert_int_equal(victim.called, 0);
	assert_int_equal(at_once.called, 0);
	buf_finish(&first.result.body);
}

static void test_destroyed_from_done(void **state)
{
	struct http_fixture *f = *state;
	struct canceller c = {.result.loop = &f->loop, .http = f->http};
	struct http_result other = {.loop = &f->loop};
	const struct http_request request = {.method = "GET", .url = f->url};

	f->behaviour = ok;
	assert_non_null(http_send(f->http, &request, cancels, &c));
	assert_non_null(http_send(f->http, &request, http_ended, &other));
	while (!c.result.called)
		uv_run(&f->loop, UV_RUN_DEFAULT);
	/* The other may have been quicker; if it was not, it stays untold. */
	f->http = NULL;
	buf_finish(&other.body);
}

static void test_unreadable_ca_bundle(void **state)
{
	struct http_fixture *f = *state;
	struct http *http = NULL;
	struct err err;

	assert_int_equal(http_create(&f->loop, &(struct http_options){.ca_bundle = "/nonexistent"},
				 &http, &err),
		-EINVAL);
	assert_string_equal(
		err.message, "cannot read the CA bundle /nonexistent: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answer, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(test_compressed_answers, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_bodies_piece_by_piece, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_refusals_are_answers, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_reused_connection_that_dies, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(test_once_is_once, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_connections_are_reused, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_header_with_a_line_break, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_cancelled_calls_do_not_report, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_destroyed_from_done, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_unreadable_ca_bundle, http_setup, http_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
