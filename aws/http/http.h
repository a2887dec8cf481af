/* SPDX-License-Identifier: MIT */
/* HTTP on the loop: one request out, one answer, or one reason why there is none, back. It knows
 * nothing of AWS and never retries. */
#ifndef EBSFS_HTTP_H
#define EBSFS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "buf.h"
#include "err.h"

struct http;

/* How often a request ran out of time, by what it waited for. */
struct http_timeouts {
	uint64_t connect; /* a connection, with its TLS */
	uint64_t stalled; /* the next byte */
	uint64_t total;   /* the end */
};

struct http_options {
	const char *ca_bundle; /* PEM file; NULL: the system's */
	const char *user_agent;
	int64_t connect_ms;             /* time-out of connecting; 0: 5 s */
	int64_t stalled_ms;             /* time-out of a transfer that moves nothing; 0: 20 s */
	struct http_timeouts *timeouts; /* counted here; borrowed, NULL: nowhere */
};

/* The process must ignore SIGPIPE: TLS writes to connections that the peer has closed. Proxies are
 * taken from the environment. Returns 0, -ENOMEM, or -EINVAL with *err (unreadable ca_bundle). */
int http_create(
	uv_loop_t *loop, const struct http_options *options, struct http **out, struct err *err);
/* Every call must have ended or been cancelled. NULL is permitted. */
void http_destroy(struct http *http);

struct http_header {
	const char *name;
	const char *value;
};

#define HTTP_SECRETS_MAX 2

struct http_request {
	const char *method;
	const char *url;
	const struct http_header *headers;
	size_t n_headers;
	const char *body; /* NULL: none */
	size_t body_len;
	size_t max_answer;  /* bytes of the answer's body; 0: BUF_MAX. More is EFBIG */
	int64_t timeout_ms; /* in all; 0: 60 s */
	bool gzip;          /* the answer may come compressed; its bound is on what comes out */
	bool plain;         /* http to any host: whoever named the URL said so. Else only to what
			       http_place_of() knows; it is EINVAL otherwise, and nothing is sent */
	bool no_proxy;      /* not through a proxy; what http_place_of() knows never is */
	/* What the request says and nobody may read elsewhere; NULL where there is none. An answer
	 * that is no success comes without them and without signatures (secret_mask.h), for servers
	 * like to repeat what they do not like. */
	const char *secrets[HTTP_SECRETS_MAX];
	bool once; /* must not reach the server twice: see http.c */
	/* NULL: the body comes with the answer. Else it is called with each piece of it as it
	 * arrives, if the status is 2xx, with the arg of done; answer->body stays empty. Returns 0,
	 * -EAGAIN (not taken: the transfer rests until http_resume(), and then the piece comes
	 * again) or -ENOMEM. Must not cancel. */
	int (*on_body)(void *arg, const char *data, size_t len);
};

struct http_answer {
	int status;
	struct buf body;     /* the callee may take it with buf_steal() */
	char request_id[80]; /* x-amzn-requestid, "" if absent */
	char content_type[80];
	int64_t date_ms;        /* the Date header; 0 if absent or unreadable */
	int64_t retry_after_ms; /* x-amz-retry-after (ms) or Retry-After (s); -1 if absent */
};

/* Starts a request; everything is copied. done gets the answer, whatever its status, or NULL with
 * *err: EHOSTUNREACH (name, route, refused, TLS), ETIMEDOUT, EFBIG, EINVAL (no http URL, no plain
 * http permitted, line breaks in a header), ENOMEM, EIO. A redirect is EIO, too: it is not
 * followed, for what is signed or secret is meant for one host. err->maybe_done unless it is
 * certain that no byte of the request reached the server; err->retryable if another try may end
 * better. Called exactly once, never before this returns; not after http_cancel(). The answer lives
 * until done returns. NULL on ENOMEM (done is not called). */
struct http_call;
typedef void http_done(void *arg, struct http_answer *answer, const struct err *err);
struct http_call *http_send(
	struct http *http, const struct http_request *request, http_done *done, void *arg);
void http_cancel(struct http_call *call);
/* Goes on after an on_body that returned -EAGAIN; not to be called from one. */
void http_resume(struct http_call *call);

#endif
