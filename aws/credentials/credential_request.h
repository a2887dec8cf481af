/* SPDX-License-Identifier: MIT */
/* An HTTP request that a source of keys sends, with its retries. */
#ifndef EBSFS_CREDENTIAL_REQUEST_H
#define EBSFS_CREDENTIAL_REQUEST_H

#include <stdint.h>

#include "credential_source.h"
#include "http.h"
#include "pacing.h"

/* Bound of a response, in bytes. Session tokens have no documented bound; real ones have a few
 * thousand bytes. */
#define CREDENTIAL_RESPONSE_MAX ((size_t)256 << 10)

struct credential_request {
	const struct credential_context *context;
	const struct credential_request_ops *ops;
	void *arg;
	int attempts; /* tries in total; credential_request_init() sets 3 */
	struct http_call *call;
	struct loop_timer *timer;
	struct retry_state state;
	struct retry_budget budget;
	int64_t deadline_mono_ms;
};

struct credential_request_ops {
	/* Sends one try by http_send(), to which it passes done and done_arg. NULL on ENOMEM. */
	struct http_call *(*send)(void *arg, http_done *done, void *done_arg);
	/* Reads a response. Returns 0; or -errno with *err, and the kind of retry in *kind, which
	 * is RETRY_NEVER when the function is called. */
	int (*take)(
		void *arg, struct http_response *response, enum retry_kind *kind, struct err *err);
	/* Called once when the request has ended, perhaps before credential_request_start() has
	 * returned. err is NULL if take() returned 0. May finish the request or start another. */
	void (*done)(void *arg, const struct err *err);
};

void credential_request_init(struct credential_request *request,
	const struct credential_context *context, const struct credential_request_ops *ops,
	void *arg);
/* Starts the request. The caller must not use its source afterwards: done may have freed it. */
void credential_request_start(struct credential_request *request);
/* Cancels the request without calling done. Permitted for a request that is all zero, or finished.
 */
void credential_request_finish(struct credential_request *request);

/* Returns AWS's clock minus this machine's in milliseconds, by the response's Date header; 0 if the
 * difference is less than a minute or unknown. Subtract it from the expiration in the response. */
int64_t credential_request_skew(const struct http_response *response);

/* Reports a response that makes no sense: sets *err to "<sender>: <reason>", EIO, retryable.
 * Returns -EIO. */
int credential_request_nonsense(
	const char *sender, const char *reason, enum retry_kind *kind, struct err *err);

#endif
