/* SPDX-License-Identifier: MIT */
/* HTTP on the loop: each request gets one response or one error. This module is independent of AWS
 * and never retries. */
#ifndef EBSFS_HTTP_H
#define EBSFS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "buf.h"
#include "err.h"

struct http;

/* Numbers of requests that timed out, by the phase. */
struct http_timeouts {
	uint64_t connect; /* while connecting, including TLS */
	uint64_t stalled; /* because no byte was transferred for stalled_ms */
	uint64_t total;   /* because the request took longer than timeout_ms */
};

struct http_options {
	const char *ca_bundle; /* PEM file; NULL: the system's certificates */
	const char *user_agent;
	int64_t connect_ms; /* timeout of connecting; 0: 5 s */
	int64_t stalled_ms; /* timeout of a transfer in which no byte moves; 0: 20 s */
	struct http_timeouts
		*timeouts; /* gets the counts of timeouts; borrowed; NULL: not counted */
};

/* Creates the client. The process must ignore SIGPIPE, because TLS may write to a connection that
 * the peer has closed. Proxies are taken from the environment. Returns 0, -ENOMEM, or -EINVAL with
 * *err (unreadable ca_bundle). */
int http_create(
	uv_loop_t *loop, const struct http_options *options, struct http **out, struct err *err);
/* Frees the client, after every call has ended or was cancelled. NULL is permitted. */
void http_destroy(struct http *http);

struct http_header {
	const char *name;
	const char *value;
};

#define HTTP_SECRETS_MAX 2
#define HTTP_WANTED_MAX  3

struct http_request {
	const char *method;
	const char *url;
	const struct http_header *headers;
	size_t n_headers;
	const char *body; /* NULL: none */
	size_t body_len;
	size_t max_response; /* bound of the response's body, in bytes; 0: BUF_MAX. A longer body is
			      * EFBIG */
	int64_t timeout_ms;  /* of the whole request; 0: 60 s */
	bool gzip;     /* accept a compressed response; max_response bounds the decompressed body */
	bool plain;    /* permit plain http to any host, because the user wrote the URL with http.
			* Otherwise http is permitted only to local and metadata hosts (url.h); to
			* other    hosts it is EINVAL, and the request is not sent */
	bool no_proxy; /* bypass proxies; requests to local and metadata hosts always do */
	/* Secrets in the request; NULL for none. Secrets and signatures are masked in the body of a
	 * response that is not 2xx (secret_mask.h): servers may repeat them in an error message. */
	const char *secrets[HTTP_SECRETS_MAX];
	/* Names of headers to read from the response; NULL ends them if there are fewer than
	 * HTTP_WANTED_MAX. Borrowed until the call has ended. NULL: none. */
	const char *const *wanted;
	bool once; /* the server must not receive the request twice: uses a new connection, see
		    * set_connection() */
	/* NULL: response->body holds the body. Otherwise on_body is called with each piece of a 2xx
	 * body as it arrives, with the arg of done; response->body stays empty. on_body returns 0,
	 * -EAGAIN (the transfer pauses until http_resume(), then delivers the same piece again),
	 * -EFBIG or -ENOMEM. It must not cancel the call. */
	int (*on_body)(void *arg, const char *data, size_t len);
	size_t piece; /* largest piece that on_body gets; 0: 16 KiB, curl's own */
};

struct http_response {
	int status;
	struct buf body;      /* done may take it with buf_steal() */
	char request_id[80];  /* x-amzn-requestid, "" if absent */
	char error_type[120]; /* x-amzn-errortype, "" if absent */
	char content_type[80];
	int64_t date_ms;        /* the Date header; 0 if absent or unreadable */
	int64_t retry_after_ms; /* x-amz-retry-after (ms) or Retry-After (s); -1 if absent */
	char wanted[HTTP_WANTED_MAX]
		   [120]; /* values of the request's `wanted` headers; "" if absent */
};

/* Starts a request; the call copies everything. done gets the response, whatever its status, or
 * NULL with *err: EHOSTUNREACH (name, route, refused connection, TLS), ETIMEDOUT, EFBIG, EINVAL
 * (not an http URL, plain http not permitted, line breaks in a header), ENOMEM, EIO. A redirect is
 * EIO too and is not followed: signatures and secrets are for one host. err->maybe_done is set
 * unless it is certain that no byte of the request reached the server; err->retryable if another
 * try may succeed. done is called exactly once, never before this returns, and not after
 * http_cancel(). The response is freed when done returns. NULL on ENOMEM (done is not called). */
struct http_call;
typedef void http_done(void *arg, struct http_response *response, const struct err *err);
struct http_call *http_send(
	struct http *http, const struct http_request *request, http_done *done, void *arg);
void http_cancel(struct http_call *call);
/* Continues a transfer that on_body paused with -EAGAIN. Must not be called from on_body. */
void http_resume(struct http_call *call);

#endif
