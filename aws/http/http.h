/* SPDX-License-Identifier: MIT */
/* HTTP on the loop: each request gets one response or one error. Knows nothing of AWS and never
 * retries. */
#ifndef EBSFS_HTTP_H
#define EBSFS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "buf.h"
#include "err.h"

struct http;

/* How many requests timed out, by the phase. */
struct http_timeouts {
	uint64_t connect; /* connecting, TLS included */
	uint64_t stalled; /* no byte moved for stalled_ms */
	uint64_t total;   /* the request's timeout_ms */
};

struct http_options {
	const char *ca_bundle; /* PEM file; NULL: the system's certificates */
	const char *user_agent;
	int64_t connect_ms;             /* timeout of connecting; 0: 5 s */
	int64_t stalled_ms;             /* timeout of a transfer that moves no byte; 0: 20 s */
	struct http_timeouts *timeouts; /* timeouts are counted here; borrowed; NULL: nowhere */
};

/* The process must ignore SIGPIPE: TLS writes to connections that the peer has closed. Proxies come
 * from the environment. Returns 0, -ENOMEM, or -EINVAL with *err (unreadable ca_bundle). */
int http_create(
	uv_loop_t *loop, const struct http_options *options, struct http **out, struct err *err);
/* After every call has ended or was cancelled. NULL is permitted. */
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
	size_t max_response; /* bytes of the response's body; 0: BUF_MAX. More is EFBIG */
	int64_t timeout_ms;  /* of the whole request; 0: 60 s */
	bool gzip;     /* accept a compressed response; max_response bounds the decompressed body */
	bool plain;    /* plain http to any host, because the user wrote the URL so. Without it http
			* goes only to local and metadata hosts (url.h); to others it is EINVAL, and
			* nothing is sent */
	bool no_proxy; /* bypass proxies; local and metadata hosts always do */
	/* Secrets in the request; NULL for none. They and signatures are masked in the body of a
	 * response that is not 2xx (secret_mask.h): servers repeat what they refuse. */
	const char *secrets[HTTP_SECRETS_MAX];
	/* Names of headers to read from the response; NULL ends them, if they are fewer. Borrowed
	 * until the call has ended. NULL: none. */
	const char *const *wanted;
	bool once; /* must not reach the server twice: gets a connection of its own, see http.c */
	/* NULL: the body comes with the response. Otherwise on_body is called with each piece of a
	 * 2xx body as it arrives, with the arg of done; response->body stays empty. Returns 0,
	 * -EAGAIN (the transfer pauses until http_resume(), then the same piece comes again),
	 * -EFBIG or -ENOMEM. Must not cancel the call. */
	int (*on_body)(void *arg, const char *data, size_t len);
	size_t piece; /* the most that on_body gets at once; 0: 16 KiB, curl's own */
};

struct http_response {
	int status;
	struct buf body;      /* done may take it with buf_steal() */
	char request_id[80];  /* x-amzn-requestid, "" if absent */
	char error_type[120]; /* x-amzn-errortype, "" if absent */
	char content_type[80];
	int64_t date_ms;        /* the Date header; 0 if absent or unreadable */
	int64_t retry_after_ms; /* x-amz-retry-after (ms) or Retry-After (s); -1 if absent */
	char wanted[HTTP_WANTED_MAX][120]; /* the headers that the request wanted; "" if absent */
};

/* Starts a request; everything is copied. done gets the response, whatever its status, or NULL with
 * *err: EHOSTUNREACH (name, route, refused, TLS), ETIMEDOUT, EFBIG, EINVAL (not an http URL, plain
 * http not permitted, line breaks in a header), ENOMEM, EIO. A redirect is EIO too and is not
 * followed: signatures and secrets are for one host. err->maybe_done is set unless it is certain
 * that no byte of the request reached the server; err->retryable if another try may succeed. done
 * is called exactly once, never before this returns, and not after http_cancel(). The response is
 * freed when done returns. NULL on ENOMEM (done is not called). */
struct http_call;
typedef void http_done(void *arg, struct http_response *response, const struct err *err);
struct http_call *http_send(
	struct http *http, const struct http_request *request, http_done *done, void *arg);
void http_cancel(struct http_call *call);
/* Continues a transfer that on_body paused with -EAGAIN. Not to be called from on_body. */
void http_resume(struct http_call *call);

#endif
