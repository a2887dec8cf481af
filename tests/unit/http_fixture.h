/* SPDX-License-Identifier: MIT */
/* What the tests over the tests' HTTP server share: a loop, a client, a server, one request at a
 * time. */
#ifndef EBSFS_TEST_HTTP_FIXTURE_H
#define EBSFS_TEST_HTTP_FIXTURE_H

#include "http.h"
#include "http_server.h"

struct http_fixture {
	uv_loop_t loop;
	struct http *http;
	struct http_timeouts timeouts; /* counted by it */
	struct http_server *server;
	enum http_server_then (*behaviour)(
		const struct http_server_request *request, struct buf *reply);
	struct buf last_head, last_body; /* of the last request that came */
	char url[64];
};

struct http_result {
	uv_loop_t *loop;
	int called;
	int status;
	struct err err;
	struct http_response answer; /* without its body */
	struct buf body;
};

/* For cmocka: *state becomes a struct http_fixture. */
int http_setup(void **state);
int http_teardown(void **state);
/* A done function that records the end in a struct http_result and stops the loop. */
void http_ended(void *arg, struct http_response *answer, const struct err *err);
/* Sends and waits for the end; what the result held before is freed. */
void http_ask(struct http_fixture *f, const struct http_request *request, struct http_result *r);

#endif
