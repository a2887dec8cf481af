/* SPDX-License-Identifier: MIT */
/* An HTTP request of a source, with its retries. */
#ifndef EBSFS_CREDENTIAL_REQUEST_H
#define EBSFS_CREDENTIAL_REQUEST_H

#include <stdint.h>

#include "credential_source.h"
#include "http.h"
#include "pacing.h"

/* Bytes of a response. Session tokens have no documented bound; real ones have a few thousand
 * bytes.
 */
#define CREDENTIAL_RESPONSE_MAX ((size_t)256 << 10)

struct credential_request {
	const struct credential_context *context;
	const struct credential_request_ops *ops;
	void *arg;
	int attempts; /* tries in all; 3 after credential_request_init() */
	struct http_call *call;
	struct loop_timer *timer;
	struct retry_state state;
	struct retry_budget budget;
	int64_t deadline_mono_ms;
};

struct credential_request_ops {
	/* Sends one try by http_send() with done and done_arg. NULL on ENOMEM. */
	struct http_call *(*send)(void *arg, http_done *done, void *done_arg);
	/* Reads a response. Returns 0; or -errno with *err, and the kind of retry in *kind, which
	 * is RETRY_NEVER before the call. */
	int (*take)(
		void *arg, struct http_response *response, enum retry_kind *kind, struct err *err);
	/* Called once at the end, perhaps before credential_request_start() has returned. err: NULL
	 * if take() returned 0. May finish the request or start another. */
	void (*done)(void *arg, const struct err *err);
};

void credential_request_init(struct credential_request *request,
	const struct credential_context *context, const struct credential_request_ops *ops,
	void *arg);
/* The caller must not touch its source after this: done may have freed it. */
void credential_request_start(struct credential_request *request);
/* Cancels without a call. Permitted for a request that is all zero, or finished. */
void credential_request_finish(struct credential_request *request);

/* AWS's clock minus this machine's in milliseconds, by the response's Date; 0 if less than a minute
 * or unknown. Subtract it from the expiration in the response. */
int64_t credential_request_skew(const struct http_response *response);

/* For a response that makes no sense: *err "<sender>: <reason>", EIO, to be retried. Returns -EIO.
 */
int credential_request_nonsense(
	const char *sender, const char *reason, enum retry_kind *kind, struct err *err);

#endif
