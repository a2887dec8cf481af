/* SPDX-License-Identifier: MIT */
/* http, url: where plain http goes, what goes through a proxy, and that nothing follows a
 * redirect. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "http_fixture.h"
#include "url.h"

static void test_places(void **state)
{
	static const struct {
		const char *host;
		enum url_host kind;
	} table[] = {
		{"127.0.0.1", URL_HOST_LOCAL},
		{"127.255.0.9", URL_HOST_LOCAL},
		{"::1", URL_HOST_LOCAL},
		{"0:0:0:0:0:0:0:1", URL_HOST_LOCAL},
		{"localhost", URL_HOST_LOCAL},
		{"eu-west-1.localhost", URL_HOST_LOCAL},
		{".localhost", URL_HOST_REMOTE},
		{"notlocalhost", URL_HOST_REMOTE},
		{"169.254.169.254", URL_HOST_INSTANCE},
		{"fd00:ec2::254", URL_HOST_INSTANCE},
		{"fd00:ec2:0:0::254", URL_HOST_INSTANCE},
		{"169.254.170.2", URL_HOST_CONTAINER},
		{"169.254.170.23", URL_HOST_CONTAINER},
		{"fd00:ec2::23", URL_HOST_CONTAINER},
		{"localhost.example.org", URL_HOST_REMOTE},
		{"127.0.0.1.example.org", URL_HOST_REMOTE},
		{"128.0.0.1", URL_HOST_REMOTE},
		{"127.1", URL_HOST_REMOTE},
		{"2130706433", URL_HOST_REMOTE},
		{"::ffff:127.0.0.1", URL_HOST_REMOTE},
		{"169.254.169.253", URL_HOST_REMOTE},
		{"169.254.170.3", URL_HOST_REMOTE},
		{"fd00:ec2::2", URL_HOST_REMOTE},
		{"0.0.0.0", URL_HOST_REMOTE},
		{"", URL_HOST_REMOTE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (url_host_of(table[i].host) != table[i].kind)
			fail_msg("%s", table[i].host);
}

static enum http_server_then ok(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	http_server_answer(reply, "200 OK", "", "");
	return THEN_KEEP;
}

/* Sends a GET. Returns whether the server got it. */
static bool arrives(struct http_fixture *f, const struct http_request *request, struct err *err)
{
	struct http_result r = {0};
	int before = http_server_requests(f->server);

	http_ask(f, request, &r);
	*err = r.err;
	buf_finish(&r.body);
	return http_server_requests(f->server) > before;
}

/* A proxy would see what is sent to any host. */
static void test_plain_http(void **state)
{
	static const struct {
		const char *url;
		bool plain, sent;
	} table[] = {
		{"http://192.0.2.1/latest", false, false},
		{"http://cloud.example/", false, false},
		{"HTTP://cloud.example/", false, false},
		{"http://localhost.example.org/", false, false},
		{"http://127.0.0.1@cloud.example/", false, false},
		{"http://2130706433/", false, false},
		{" http://cloud.example/", false, false},
		{"//cloud.example/", false, false},
		{"cloud.example", false, false},
		{"http://192.0.2.1/latest", true, true},
		{"http://cloud.example:8773/", true, true},
	};
	struct http_fixture *f = *state;
	struct err err;

	f->behaviour = ok;
	setenv("http_proxy", f->url, 1);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct http_request request = {
			.method = "GET", .url = table[i].url, .plain = table[i].plain};

		if (arrives(f, &request, &err) != table[i].sent)
			fail_msg("%s", table[i].url);
		assert_int_equal(err.errnum, table[i].sent ? 0 : EINVAL);
		assert_false(err.maybe_done);
		if (!table[i].sent)
			assert_non_null(strstr(err.message, "no plain http to this host: "));
	}
	unsetenv("http_proxy");
}

/* Whatever stands in the environment. */
static void test_what_is_at_hand_needs_no_proxy(void **state)
{
	struct http_fixture *f = *state;
	struct http_request request = {
		.method = "GET", .url = "http://169.254.169.254/", .timeout_ms = 200};
	struct err err;

	f->behaviour = ok;
	setenv("http_proxy", f->url, 1);
	assert_false(arrives(f, &request, &err)); /* by the proxy it would have come */
	request.timeout_ms = 0;
	request.url = f->url;
	assert_true(arrives(f, &request, &err));
	assert_memory_equal(f->last_head.data, "GET / HTTP", 10);
	request.url = "http://192.0.2.1/";
	request.plain = true;
	assert_true(arrives(f, &request, &err));
	assert_memory_equal(f->last_head.data, "GET http://192.0.2.1/ HTTP", 26);
	setenv("no_proxy", "192.0.2.1", 1);
	request.timeout_ms = 200;
	assert_false(arrives(f, &request, &err));
	unsetenv("no_proxy");
	request.no_proxy = true;
	assert_false(arrives(f, &request, &err));
	unsetenv("http_proxy");
}

static char location[256];
static const char *moved_status;

static enum http_server_then moved(const struct http_server_request *request, struct buf *reply)
{
	(void)request;
	http_server_answer(reply, moved_status, location, "");
	return THEN_KEEP;
}

static void test_redirects_are_not_followed(void **state)
{
	static const char *const statuses[] = {"301 Moved Permanently", "302 Found",
		"303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"};
	static const struct {
		const char *to;
		const char *words;
	} table[] = {
		{"Location: http://other.example:99/path?token=secret\r\n",
			"points to http://other.example:99; if that is the right endpoint, name "
			"it"},
		{"Location: https://user:secret@other.example/\r\n", "points nowhere"},
		{"Location: /elsewhere\r\n", "points to http://127.0.0.1:"},
		{"", "points nowhere"},
	};
	struct http_fixture *f = *state;

	f->behaviour = moved;
	for (size_t i = 0; i < ARRAY_LEN(statuses) * ARRAY_LEN(table); i++) {
		const struct http_request request = {
			.method = "POST", .url = f->url, .body = "x", .body_len = 1, .once = true};
		struct http_result r = {0};
		int before = http_server_requests(f->server);
		const char *words = table[i % ARRAY_LEN(table)].words;

		moved_status = statuses[i / ARRAY_LEN(table)];
		strcpy(location, table[i % ARRAY_LEN(table)].to);
		http_ask(f, &request, &r);
		assert_int_equal(r.err.errnum, EIO);
		assert_int_equal(r.err.http_status, atoi(moved_status));
		/* Who points elsewhere has not done it. */
		assert_false(r.err.maybe_done);
		assert_false(r.err.retryable);
		if (!strstr(r.err.message, words))
			fail_msg("%s", r.err.message);
		assert_null(strstr(r.err.message, "secret"));
		assert_int_equal(http_server_requests(f->server), before + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test_setup_teardown(test_plain_http, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_what_is_at_hand_needs_no_proxy, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(
			test_redirects_are_not_followed, http_setup, http_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
