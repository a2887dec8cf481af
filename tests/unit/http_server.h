/* SPDX-License-Identifier: MIT */
/* A tiny HTTP server on the test's own loop, which answers as badly as the test wants. */
#ifndef EBSFS_TEST_HTTP_SERVER_H
#define EBSFS_TEST_HTTP_SERVER_H

#include <uv.h>

#include "buf.h"

struct http_server;

struct http_server_request {
	int connection;   /* 1, 2, … in the order of their coming */
	int request;      /* 1, 2, … over all connections */
	const char *head; /* request line and headers */
	const char *body;
};

enum http_server_then {
	THEN_KEEP, /* wait for the next request */
	THEN_CLOSE,
	THEN_RESET, /* with a TCP reset */
};

/* Appends what is to be sent, raw, to `reply`; nothing at all with THEN_KEEP is a server that
 * hangs. */
typedef enum http_server_then http_server_fn(
	void *arg, const struct http_server_request *request, struct buf *reply);

/* Listens on a free port of 127.0.0.1. Fails the test if it cannot. */
struct http_server *http_server_create(uv_loop_t *loop, http_server_fn *fn, void *arg);
/* Sends this to whoever connects, before any request, and closes. */
void http_server_greet(struct http_server *server, const char *text);
int http_server_port(const struct http_server *server);
int http_server_requests(const struct http_server *server);
/* Closes everything; the loop must run once more. */
void http_server_destroy(struct http_server *server);

/* "HTTP/1.1 <status>\r\n<headers>Content-Length: …\r\n\r\n<body>"; headers end in \r\n or are "".
 */
void http_server_answer(
	struct buf *reply, const char *status, const char *headers, const char *body);

#endif
