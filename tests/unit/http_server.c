/* SPDX-License-Identifier: MIT */
/* The tests' HTTP server. */
#include "http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include <cmocka.h>

struct peer {
	uv_tcp_t tcp;
	struct peer *prev, *next;
	struct http_server *server;
	int number;
	struct buf input;
};

struct http_server {
	uv_tcp_t tcp;
	http_server_fn *fn;
	void *arg;
	const char *greeting;
	int connections;
	int requests;
	struct peer *peers;
};

struct output {
	uv_write_t write;
	struct peer *peer;
	struct buf text;
	enum http_server_then then;
};

static void peer_closed(uv_handle_t *handle)
{
	struct peer *peer = handle->data;

	buf_finish(&peer->input);
	free(peer);
}

static void peer_end(struct peer *peer, bool reset)
{
	if (uv_is_closing((uv_handle_t *)&peer->tcp))
		return;
	DL_DELETE(peer->server->peers, peer);
	if (!reset || uv_tcp_close_reset(&peer->tcp, peer_closed) < 0)
		uv_close((uv_handle_t *)&peer->tcp, peer_closed);
}

static void written(uv_write_t *write, int status)
{
	struct output *out = write->data;

	if (status != UV_ECANCELED && out->then != THEN_KEEP)
		peer_end(out->peer, out->then == THEN_RESET);
	buf_finish(&out->text);
	free(out);
}

static void peer_send(struct peer *peer, struct buf *text, enum http_server_then then)
{
	struct output *out = calloc(1, sizeof(*out));
	uv_buf_t buf;

	assert_non_null(out);
	out->peer = peer;
	out->text = *text;
	out->then = then;
	out->write.data = out;
	buf = uv_buf_init(out->text.data, (unsigned int)out->text.len);
	assert_int_equal(uv_write(&out->write, (uv_stream_t *)&peer->tcp, &buf, 1, written), 0);
}

static void take_request(struct peer *peer, size_t head_len, size_t body_len)
{
	struct http_server *server = peer->server;
	char *head = strndup(peer->input.data, head_len);
	char *body = strndup(peer->input.data + head_len, body_len);
	const struct http_server_request request = {.connection = peer->number,
		.request = ++server->requests,
		.head = head,
		.body = body};
	struct buf reply = BUF_INIT;
	enum http_server_then then;

	memmove(peer->input.data, peer->input.data + head_len + body_len,
		peer->input.len - head_len - body_len);
	buf_resize(&peer->input, peer->input.len - head_len - body_len);
	then = server->fn(server->arg, &request, &reply);
	free(head);
	free(body);
	if (reply.len)
		peer_send(peer, &reply, then);
	else if (then != THEN_KEEP)
		peer_end(peer, then == THEN_RESET);
}

static void read_some(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct peer *peer = stream->data;
	const char *end, *length;
	size_t head_len, body_len;

	if (n < 0) {
		free(buf->base);
		peer_end(peer, false);
		return;
	}
	buf_add(&peer->input, buf->base, (size_t)n);
	free(buf->base);
	end = strstr(buf_str(&peer->input), "\r\n\r\n");
	if (!end)
		return;
	head_len = (size_t)(end + 4 - peer->input.data);
	length = strcasestr(peer->input.data, "\r\nContent-Length:");
	body_len = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
	if (peer->input.len >= head_len + body_len)
		take_request(peer, head_len, body_len);
}

static void allocate(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	*buf = uv_buf_init(malloc(size), (unsigned int)size);
}

static void connected(uv_stream_t *stream, int status)
{
	struct http_server *server = stream->data;
	struct peer *peer = calloc(1, sizeof(*peer));

	assert_int_equal(status, 0);
	assert_non_null(peer);
	uv_tcp_init(stream->loop, &peer->tcp);
	peer->tcp.data = peer;
	peer->server = server;
	peer->number = ++server->connections;
	DL_APPEND(server->peers, peer);
	assert_int_equal(uv_accept(stream, (uv_stream_t *)&peer->tcp), 0);
	if (server->greeting) {
		struct buf text = BUF_INIT;

		buf_puts(&text, server->greeting);
		peer_send(peer, &text, THEN_CLOSE);
	} else {
		uv_read_start((uv_stream_t *)&peer->tcp, allocate, read_some);
	}
}

struct http_server *http_server_create(uv_loop_t *loop, http_server_fn *fn, void *arg)
{
	struct http_server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address;

	assert_non_null(server);
	server->fn = fn;
	server->arg = arg;
	uv_tcp_init(loop, &server->tcp);
	server->tcp.data = server;
	uv_ip4_addr("127.0.0.1", 0, &address);
	assert_int_equal(uv_tcp_bind(&server->tcp, (struct sockaddr *)&address, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&server->tcp, 64, connected), 0);
	return server;
}

void http_server_greet(struct http_server *server, const char *text)
{
	server->greeting = text;
}

int http_server_port(const struct http_server *server)
{
	struct sockaddr_in address;
	int size = sizeof(address);

	assert_int_equal(uv_tcp_getsockname(&server->tcp, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

int http_server_requests(const struct http_server *server)
{
	return server->requests;
}

static void server_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void http_server_destroy(struct http_server *server)
{
	while (server->peers)
		peer_end(server->peers, false);
	uv_close((uv_handle_t *)&server->tcp, server_closed);
}

void http_server_answer(
	struct buf *reply, const char *status, const char *headers, const char *body)
{
	buf_printf(reply, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
		strlen(body), body);
}
