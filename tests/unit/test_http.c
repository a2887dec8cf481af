/* SPDX-License-Identifier: MIT */
/* http: every way in which a request ends, over real sockets, and how often the server got it. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "cleanup.h"
#include "http.h"
#include "http_server.h"

struct fixture {
	uv_loop_t loop;
	struct http *http;
	struct http_server *server;
	enum http_server_then (*behaviour)(
		const struct http_server_request *request, struct buf *reply);
	struct buf last_head, last_body; /* of the last request that came */
	char url[64];
};

struct result {
	uv_loop_t *loop;
	int called;
	int status;
	struct err err;
	struct http_answer answer; /* without its body */
	struct buf body;
};

static void ended(void *arg, struct http_answer *answer, const struct err *err)
{
	struct result *r = arg;

	r->called++;
	uv_stop(r->loop);
	assert_true(!answer != !err);
	if (err)
		r->err = *err;
	if (!answer)
		return;
	r->status = answer->status;
	r->answer = *answer;
	r->body = answer->body;
	answer->body = BUF_INIT;
}

static enum http_server_then serve(
	void *arg, const struct http_server_request *request, struct buf *reply)
{
	struct fixture *f = arg;

	buf_clear(&f->last_head);
	buf_puts(&f->last_head, request->head);
	buf_clear(&f->last_body);
	buf_puts(&f->last_body, request->body);
	return f->behaviour(request, reply);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;

	unsetenv("http_proxy");
	unsetenv("https_proxy");
	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&f->loop);
	assert_int_equal(
		http_create(&f->loop,
			&(struct http_options){
				.user_agent = "ebsfs-test", .connect_ms = 300, .stalled_ms = 1000},
			&f->http, &err),
		0);
	f->server = http_server_create(&f->loop, serve, f);
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/", http_server_port(f->server));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_destroy(f->http);
	http_server_destroy(f->server);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	buf_finish(&f->last_head);
	buf_finish(&f->last_body);
	free(f);
	return 0;
}

/* Sends and waits for the end. */
static void ask(struct fixture *f, const struct http_request *request, struct result *r)
{
	buf_finish(&r->body);
	*r = (struct result){.loop = &f->loop};
	assert_non_null(http_send(f->http, request, ended, r));
	assert_int_equal(r->called, 0);
	while (!r->called)
		uv_run(&f->loop, UV_RUN_DEFAULT);
}

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
	struct fixture *f = *state;
	struct result r = {0};
	const struct http_header headers[] = {{"X-Empty", ""}, {"X-Full", "a b"}};

	f->behaviour = ok;
	ask(f,
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
	ask(f,
		&(struct http_request){
			.method = "POST", .url = f->url, .body = body.data, .body_len = body.len},
		&r);
	assert_int_equal(f->last_body.len, body.len);
	assert_null(strcasestr(f->last_head.data, "Expect:"));
	/* An empty PUT says so; a path is sent as it stands. */
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/a/../b", http_server_port(f->server));
	ask(f, &(struct http_request){.method = "PUT", .url = f->url}, &r);
	assert_memory_equal(f->last_head.data, "PUT /a/../b HTTP/1.1\r\n", 22);
	assert_non_null(strstr(f->last_head.data, "\r\nContent-Length: 0\r\n"));
	buf_finish(&r.body);
}

static enum http_server_then moved(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	http_server_answer(reply, "302 Found", "Location: /other\r\nRetry-After: 7\r\n", "");
	return THEN_KEEP;
}

static void test_redirects_are_answers(void **state)
{
	struct fixture *f = *state;
	struct result r = {0};

	f->behaviour = moved;
	ask(f, &(struct http_request){.method = "GET", .url = f->url}, &r);
	assert_int_equal(r.status, 302);
	assert_int_equal(r.answer.retry_after_ms, 7000);
	assert_int_equal(r.answer.date_ms, 0);
	assert_int_equal(http_server_requests(f->server), 1);
	buf_finish(&r.body);
}

static enum http_server_then resets(const struct http_server_request *request, struct buf *reply)
{
	(void)request, (void)reply;
	return THEN_RESET;
}

static enum http_server_then closes(const struct http_server_request *request, struct buf *reply)
{
	(void)request, (void)reply;
	return THEN_CLOSE;
}

static enum http_server_then cuts(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	buf_puts(reply, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
	return THEN_CLOSE;
}

static enum http_server_then babbles(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	buf_puts(reply, "this is not HTTP\r\n\r\n");
	return THEN_CLOSE;
}

static enum http_server_then hangs(const struct http_server_request *request, struct buf *reply)
{
	(void)request, (void)reply;
	return THEN_KEEP;
}

static enum http_server_then stalls(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	buf_puts(reply, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
	return THEN_KEEP;
}

static enum http_server_then too_large(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	buf_puts(reply, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
	return THEN_KEEP;
}

static enum http_server_then swells(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	buf_puts(reply, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 101; i++)
		buf_puts(reply, "a\r\n0123456789\r\n");
	return THEN_KEEP;
}

/* The request arrived, so each of these may have been carried out. */
static void test_ends_after_the_request_was_sent(void **state)
{
	static const struct {
		enum http_server_then (*behaviour)(
			const struct http_server_request *r, struct buf *reply);
		int errnum;
		bool retryable;
		const char *words;
	} table[] = {
		{resets, EIO, true, "the connection broke: Recv failure: Connection reset by peer"},
		{closes, EIO, true, "the connection broke: Empty reply from server"},
		{cuts, EIO, true, "the connection broke: "},
		{babbles, EIO, true, "the connection broke: "},
		{hangs, ETIMEDOUT, true, "timed out: "},
		{stalls, ETIMEDOUT, true, "timed out: Operation too slow"},
		{too_large, EFBIG, false, "the answer is too large: "},
		{swells, EFBIG, false, "the answer is too large: "},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		/* A stalled transfer takes curl some seconds to see. */
		for (int once = table[i].behaviour == stalls; once < 2; once++) {
			struct result r = {0};
			int before = http_server_requests(f->server);

			f->behaviour = table[i].behaviour;
			ask(f,
				&(struct http_request){.method = "POST",
					.url = f->url,
					.body = "x",
					.body_len = 1,
					.max_answer = 1000,
					.once = once,
					.timeout_ms = table[i].behaviour == hangs ? 200 : 30000},
				&r);
			if (r.err.errnum != table[i].errnum ||
				!strstr(r.err.message, table[i].words))
				fail_msg("%zu: %s", i, r.err.message);
			assert_int_equal(r.err.retryable, table[i].retryable);
			assert_true(r.err.maybe_done);
			assert_memory_equal(r.err.message, f->url + 7, strlen(f->url + 7) - 1);
			assert_int_equal(http_server_requests(f->server), before + 1);
		}
	}
}

/* A port of this machine on which nobody listens, as long as *fd is open. */
static int closed_port(int *fd)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static void test_ends_before_the_request_was_sent(void **state)
{
	static const char long_label[] =
		"http://0123456789012345678901234567890123456789012345678901234567890123.x/";
	_cleanup_close_ int fd = -1;
	struct fixture *f = *state;
	char refused[64], tls[64], refused_words[128];
	const struct {
		const char *url;
		int errnum;
		const char *words;
	} table[] = {
		{refused, EHOSTUNREACH, refused_words},
		{long_label, EHOSTUNREACH, ".x:80: cannot find the address: "},
		{tls, EHOSTUNREACH, ": no TLS connection: "},
		{"ftp://127.0.0.1/", EINVAL, "not an http or https URL"},
	};

	snprintf(refused, sizeof(refused), "http://127.0.0.1:%d/", closed_port(&fd));
	snprintf(refused_words, sizeof(refused_words), "%.*s: cannot connect: Connection refused",
		(int)strlen(refused) - 8, refused + 7);
	snprintf(tls, sizeof(tls), "https://127.0.0.1:%d/", http_server_port(f->server));
	http_server_greet(f->server, "HTTP/1.1 400 Bad Request\r\n\r\n");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct result r = {0};

		ask(f,
			&(struct http_request){
				.method = "POST", .url = table[i].url, .body = "x", .body_len = 1},
			&r);
		if (r.err.errnum != table[i].errnum || !strstr(r.err.message, table[i].words))
			fail_msg("%zu: %s", i, r.err.message);
		assert_false(r.err.maybe_done);
	}
	assert_int_equal(http_server_requests(f->server), 0);
}

/* A listener whose queue is full drops what comes: nobody answers the connection request. */
static void test_connecting_takes_too_long(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int fd = -1;
	int fill[8];
	char url[64];
	struct result r = {0};
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	address.sin_port = htons((uint16_t)closed_port(&fd));
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fill[i], (struct sockaddr *)&address, sizeof(address));
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	ask(f, &(struct http_request){.method = "GET", .url = url}, &r);
	assert_int_equal(r.err.errnum, ETIMEDOUT);
	assert_false(r.err.maybe_done);
	assert_true(r.err.retryable);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		close(fill[i]);
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
	struct fixture *f = *state;
	struct result r = {0};
	struct http_request request = {.method = "POST", .url = f->url, .body = "x", .body_len = 1};

	/* curl sends what only reads again, and the server gets it twice. */
	f->behaviour = dies_later;
	ask(f, &request, &r);
	ask(f, &request, &r);
	assert_int_equal(r.status, 200);
	assert_int_equal(http_server_requests(f->server), 3);
	buf_finish(&r.body);
}

static void test_once_is_once(void **state)
{
	struct fixture *f = *state;
	struct result r = {0};
	struct http_request request = {.method = "POST", .url = f->url, .body = "x", .body_len = 1};

	f->behaviour = dies_later;
	ask(f, &request, &r);
	request.once = true;
	ask(f, &request, &r);
	assert_int_equal(r.err.errnum, EIO);
	assert_true(r.err.maybe_done);
	assert_int_equal(http_server_requests(f->server), 2);
	/* Its connection is nothing special afterwards. */
	request.once = false;
	ask(f, &request, &r);
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
	struct fixture *f = *state;
	struct result r = {0};

	f->behaviour = tells_connection;
	for (int i = 0; i < 3; i++) {
		ask(f, &(struct http_request){.method = "GET", .url = f->url}, &r);
		assert_string_equal(r.body.data, "1");
	}
	ask(f, &(struct http_request){.method = "GET", .url = f->url, .once = true}, &r);
	assert_string_equal(r.body.data, "2");
	buf_finish(&r.body);
}

static void test_header_with_a_line_break(void **state)
{
	struct fixture *f = *state;
	struct result r = {0};

	f->behaviour = ok;
	ask(f,
		&(struct http_request){.method = "GET",
			.url = f->url,
			.headers = &(struct http_header){"X-A", "b\r\nX-Evil: c"},
			.n_headers = 1},
		&r);
	assert_int_equal(r.err.errnum, EINVAL);
	assert_false(r.err.maybe_done);
	assert_int_equal(http_server_requests(f->server), 0);
}

static void test_proxy(void **state)
{
	struct fixture *f = *state;
	struct result r = {0};

	f->behaviour = ok;
	setenv("http_proxy", f->url, 1);
	ask(f, &(struct http_request){.method = "GET", .url = "http://192.0.2.1/latest"}, &r);
	assert_memory_equal(f->last_head.data, "GET http://192.0.2.1/latest HTTP", 32);
	ask(f, &(struct http_request){.method = "GET", .url = f->url, .no_proxy = true}, &r);
	assert_memory_equal(f->last_head.data, "GET / HTTP", 10);
	unsetenv("http_proxy");
	buf_finish(&r.body);
}

struct canceller {
	struct result result;
	struct http_call *victim;
	struct http *http; /* destroyed instead, if not NULL */
};

static void cancels(void *arg, struct http_answer *answer, const struct err *err)
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
	struct fixture *f = *state;
	struct canceller first = {.result.loop = &f->loop};
	struct result at_once = {.loop = &f->loop}, victim = {.loop = &f->loop};
	const struct http_request request = {.method = "GET", .url = f->url};

	f->behaviour = ok;
	http_cancel(http_send(f->http, &request, ended, &at_once));
	assert_non_null(http_send(f->http, &request, cancels, &first));
	f->behaviour = hangs;
	first.victim = http_send(f->http, &request, ended, &victim);
	f->behaviour = ok;
	while (!first.result.called)
		uv_run(&f->loop, UV_RUN_DEFAULT);
	/* Both were answered; the second must have been cancelled before it could tell. */
	ask(f, &request, &first.result);
	assert_int_equal(victim.called, 0);
	assert_int_equal(at_once.called, 0);
	buf_finish(&first.result.body);
}

static void test_destroyed_from_done(void **state)
{
	struct fixture *f = *state;
	struct canceller c = {.result.loop = &f->loop, .http = f->http};
	struct result other = {.loop = &f->loop};
	const struct http_request request = {.method = "GET", .url = f->url};

	f->behaviour = ok;
	assert_non_null(http_send(f->http, &request, cancels, &c));
	assert_non_null(http_send(f->http, &request, ended, &other));
	while (!c.result.called)
		uv_run(&f->loop, UV_RUN_DEFAULT);
	/* The other may have been quicker; if it was not, it stays untold. */
	f->http = NULL;
	buf_finish(&other.body);
}

static void test_unreadable_ca_bundle(void **state)
{
	struct fixture *f = *state;
	struct http *http = NULL;
	struct err err;

	assert_int_equal(http_create(&f->loop, &(struct http_options){.ca_bundle = "/nonexistent"},
				 &http, &err),
		-EINVAL);
	assert_string_equal(err.message, "CA bundle /nonexistent: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_redirects_are_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_ends_after_the_request_was_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_ends_before_the_request_was_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connecting_takes_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reused_connection_that_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_once_is_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connections_are_reused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_header_with_a_line_break, setup, teardown),
		cmocka_unit_test_setup_teardown(test_proxy, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_cancelled_calls_do_not_report, setup, teardown),
		cmocka_unit_test_setup_teardown(test_destroyed_from_done, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreadable_ca_bundle, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
