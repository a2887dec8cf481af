/* SPDX-License-Identifier: MIT */
/* http: every way in which a request fails, over real sockets, and whether it may have arrived. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "cleanup.h"
#include "http_fixture.h"

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
		{too_large, EFBIG, false, "the response is too large: "},
		{swells, EFBIG, false, "the response is too large: "},
	};
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		/* A stalled transfer takes curl some seconds to see. */
		for (int once = table[i].behaviour == stalls; once < 2; once++) {
			struct http_result r = {0};
			int before = http_server_requests(f->server);

			f->behaviour = table[i].behaviour;
			http_ask(f,
				&(struct http_request){.method = "POST",
					.url = f->url,
					.body = "x",
					.body_len = 1,
					.max_response = 1000,
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
	assert_int_equal(f->timeouts.connect, 0);
	assert_int_equal(f->timeouts.stalled, 1);
	assert_int_equal(f->timeouts.total, 2);
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
	struct http_fixture *f = *state;
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
		struct http_result r = {0};

		http_ask(f,
			&(struct http_request){.method = "POST",
				.url = table[i].url,
				.body = "x",
				.body_len = 1,
				.plain = true},
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
	struct http_fixture *f = *state;
	_cleanup_close_ int fd = -1;
	int fill[8];
	char url[64];
	struct http_result r = {0};
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	address.sin_port = htons((uint16_t)closed_port(&fd));
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fill[i], (struct sockaddr *)&address, sizeof(address));
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	http_ask(f, &(struct http_request){.method = "GET", .url = url}, &r);
	assert_int_equal(r.err.errnum, ETIMEDOUT);
	assert_false(r.err.maybe_done);
	assert_true(r.err.retryable);
	assert_int_equal(f->timeouts.connect, 1);
	assert_int_equal(f->timeouts.stalled + f->timeouts.total, 0);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		close(fill[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_ends_after_the_request_was_sent, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_ends_before_the_request_was_sent, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_connecting_takes_too_long, http_setup, http_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
