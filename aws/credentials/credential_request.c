/* SPDX-License-Identifier: MIT */
/* Asking, and asking again. */
#include "credential_request.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "loop.h"
#include "random.h"

#define ATTEMPTS    3
#define DEADLINE_MS 60000
#define SKEW_MIN_MS 60000

static void try(void *arg);

void credential_ask_init(struct credential_ask *ask, const struct credential_context *context,
	const struct credential_ask_ops *ops, void *arg)
{
	*ask = (struct credential_ask){
		.context = context, .ops = ops, .arg = arg, .attempts = ATTEMPTS};
}

static void end(struct credential_ask *ask, const struct err *err)
{
	ask->ops->done(ask->arg, err);
}

static void again_or_end(
	struct credential_ask *ask, enum retry_kind kind, int64_t retry_after_ms, struct err *err)
{
	const struct retry_policy policy = {.attempts = ask->attempts, .repeatable = true};
	const struct retry_failure failure = {.kind = kind, .retry_after_ms = retry_after_ms};
	int64_t delay = retry_next(&policy, &ask->state, &ask->budget, &failure,
		ask->deadline_mono_ms - clock_mono_ms(), random_unit());

	err->maybe_done = false; /* nothing that is asked here changes anything */
	if (delay >= 0 && !ask->timer)
		ask->timer = loop_timer_create(ask->context->loop, try, ask);
	if (delay >= 0 && ask->timer)
		loop_timer_start(ask->timer, delay);
	else
		end(ask, err);
}

static void answered(void *arg, struct http_response *response, const struct err *failure)
{
	struct credential_ask *ask = arg;
	enum retry_kind kind = RETRY_NEVER;
	struct err err = {0};
	int r;

	ask->call = NULL;
	if (!response) {
		err = *failure;
		if (err.errnum == ETIMEDOUT)
			kind = RETRY_TIMEOUT;
		else if (err.errnum == EHOSTUNREACH || err.errnum == EIO)
			kind = RETRY_TRANSIENT;
		err.retryable = kind != RETRY_NEVER;
		again_or_end(ask, kind, -1, &err);
		return;
	}
	r = ask->ops->take(ask->arg, response, &kind, &err);
	if (response->body.data)
		explicit_bzero(response->body.data, response->body.len);
	if (r < 0)
		again_or_end(ask, kind, response->retry_after_ms, &err);
	else
		end(ask, NULL);
}

static void try(void *arg)
{
	struct credential_ask *ask = arg;
	struct err err;

	ask->call = ask->ops->send(ask->arg, answered, ask);
	if (!ask->call) {
		err_set(&err, ENOMEM, "out of memory");
		end(ask, &err);
	}
}

void credential_ask_start(struct credential_ask *ask)
{
	ask->state = (struct retry_state){0};
	ask->budget = RETRY_BUDGET_INIT;
	ask->deadline_mono_ms = clock_mono_ms() + DEADLINE_MS;
	try(ask);
}

void credential_ask_finish(struct credential_ask *ask)
{
	if (ask->call)
		http_cancel(ask->call);
	ask->call = NULL;
	loop_timer_destroy(ask->timer);
	ask->timer = NULL;
}

int64_t credential_ask_skew(const struct http_response *response)
{
	int64_t skew = response->date_ms ? response->date_ms - clock_wall_ms() : 0;

	/* The header counts whole seconds, and the answer has travelled. */
	return skew > -SKEW_MIN_MS && skew < SKEW_MIN_MS ? 0 : skew;
}

int credential_ask_nonsense(
	const char *who, const char *what, enum retry_kind *kind, struct err *err)
{
	err_set(err, EIO, "%s: %s", who, what);
	err->retryable = true;
	*kind = RETRY_TRANSIENT;
	return -EIO;
}
