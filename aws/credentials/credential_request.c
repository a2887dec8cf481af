/* SPDX-License-Identifier: MIT */
/* An HTTP request that a source of keys sends, with its retries. */
#include "credential_request.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "loop.h"
#include "random.h"

#define ATTEMPTS    3
#define DEADLINE_MS 60000
#define SKEW_MIN_MS 60000

static void request_try(void *arg);

void credential_request_init(struct credential_request *request,
	const struct credential_context *context, const struct credential_request_ops *ops,
	void *arg)
{
	*request = (struct credential_request){
		.context = context, .ops = ops, .arg = arg, .attempts = ATTEMPTS};
}

static void request_end(struct credential_request *request, const struct err *err)
{
	request->ops->done(request->arg, err);
}

static void request_retry(struct credential_request *request, enum retry_kind kind,
	int64_t retry_after_ms, struct err *err)
{
	const struct retry_policy policy = {.attempts = request->attempts, .repeatable = true};
	const struct retry_failure failure = {.kind = kind, .retry_after_ms = retry_after_ms};
	int64_t delay = retry_next(&policy, &request->state, &request->budget, &failure,
		request->deadline_mono_ms - clock_mono_ms(), random_unit());

	err->maybe_done = false; /* these requests change nothing at AWS */
	if (delay >= 0 && !request->timer)
		request->timer = loop_timer_create(request->context->loop, request_try, request);
	if (delay >= 0 && request->timer)
		loop_timer_start(request->timer, delay);
	else
		request_end(request, err);
}

static void request_answered(void *arg, struct http_response *response, const struct err *failure)
{
	struct credential_request *request = arg;
	enum retry_kind kind = RETRY_NEVER;
	struct err err = {0};
	int r;

	request->call = NULL;
	if (!response) {
		err = *failure;
		if (err.errnum == ETIMEDOUT)
			kind = RETRY_TIMEOUT;
		else if (err.errnum == EHOSTUNREACH || err.errnum == EIO)
			kind = RETRY_TRANSIENT;
		err.retryable = kind != RETRY_NEVER;
		request_retry(request, kind, -1, &err);
		return;
	}
	r = request->ops->take(request->arg, response, &kind, &err);
	if (response->body.data)
		explicit_bzero(response->body.data, response->body.len);
	if (r < 0)
		request_retry(request, kind, response->retry_after_ms, &err);
	else
		request_end(request, NULL);
}

static void request_try(void *arg)
{
	struct credential_request *request = arg;
	struct err err;

	request->call = request->ops->send(request->arg, request_answered, request);
	if (!request->call) {
		err_set(&err, ENOMEM, "out of memory");
		request_end(request, &err);
	}
}

void credential_request_start(struct credential_request *request)
{
	request->state = (struct retry_state){0};
	request->budget = RETRY_BUDGET_INIT;
	request->deadline_mono_ms = clock_mono_ms() + DEADLINE_MS;
	request_try(request);
}

void credential_request_finish(struct credential_request *request)
{
	if (request->call)
		http_cancel(request->call);
	request->call = NULL;
	loop_timer_destroy(request->timer);
	request->timer = NULL;
}

int64_t credential_request_skew(const struct http_response *response)
{
	int64_t skew = response->date_ms ? response->date_ms - clock_wall_ms() : 0;

	/* A Date header is inexact: it has whole seconds, and the response took time to arrive. */
	return skew > -SKEW_MIN_MS && skew < SKEW_MIN_MS ? 0 : skew;
}

int credential_request_nonsense(
	const char *sender, const char *reason, enum retry_kind *kind, struct err *err)
{
	err_set(err, EIO, "%s: %s", sender, reason);
	err->retryable = true;
	*kind = RETRY_TRANSIENT;
	return -EIO;
}
