/* SPDX-License-Identifier: MIT */
/* A question of a source of credentials over HTTP, asked again as long as that may help. */
#ifndef EBSFS_CREDENTIAL_REQUEST_H
#define EBSFS_CREDENTIAL_REQUEST_H

#include <stdint.h>

#include "credential_source.h"
#include "http.h"
#include "retry.h"

/* Bytes of an answer: session tokens have no bound of their own, but none has more than some
 * thousand bytes. */
#define CREDENTIAL_RESPONSE_MAX ((size_t)256 << 10)

struct credential_ask {
	const struct credential_context *context;
	const struct credential_ask_ops *ops;
	void *arg;
	int attempts; /* tries in all; 3 after _init() */
	struct http_call *call;
	struct loop_timer *timer;
	struct retry_state state;
	struct retry_budget budget;
	int64_t deadline_mono_ms;
};

struct credential_ask_ops {
	/* Sends one try by http_send() with done and done_arg. NULL on ENOMEM. */
	struct http_call *(*send)(void *arg, http_done *done, void *done_arg);
	/* Takes what it wants from an answer. Returns 0; or -errno with *err set and in *kind
	 * whether to ask again (RETRY_NEVER if it does not say). */
	int (*take)(
		void *arg, struct http_response *response, enum retry_kind *kind, struct err *err);
	/* The end. err is NULL if an answer was taken. Called once, perhaps before
	 * credential_ask_start() has returned; the question may be finished, or started anew, in
	 * it. */
	void (*done)(void *arg, const struct err *err);
};

void credential_ask_init(struct credential_ask *ask, const struct credential_context *context,
	const struct credential_ask_ops *ops, void *arg);
/* The last thing that a caller does with its source: it may be gone when this returns. */
void credential_ask_start(struct credential_ask *ask);
/* Stops it without a call. A question that was never initialised (all zero) or was finished before
 * is permitted. */
void credential_ask_finish(struct credential_ask *ask);

/* How far AWS's clock is before this machine's, by the answer's Date; 0 if that is less than a
 * minute or unknown. To be subtracted from the end of what was handed out. */
int64_t credential_ask_skew(const struct http_response *response);

/* An answer that cannot be: *err "<who>: <what>", EIO, to be asked for again. Returns -EIO. */
int credential_ask_nonsense(
	const char *who, const char *what, enum retry_kind *kind, struct err *err);

#endif
