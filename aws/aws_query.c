/* SPDX-License-Identifier: MIT */
/* One call to a Query API: keys, signature, request, judgement, and again while it makes sense. */
#include "aws_query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "aws_client.h"
#include "aws_error.h"
#include "clock.h"
#include "log.h"
#include "loop.h"
#include "random.h"
#include "secret.h"

/*
 * A call is in one of these states, each with the one thing that it waits for:
 *
 *   pacing    place, and timer for what it may wait
 *   keys      waiter, and timer for the deadline
 *   sent      http
 *   parsing   the thread pool; a call cancelled here is freed when the pool gives it back
 *   reading   stream, which began while the answer arrived
 *   pausing   timer, until the next try
 */
struct aws_call {
	struct aws_call *prev, *next;
	struct aws *aws; /* NULL: cancelled while parsing */
	struct aws_query query;
	char service[16];
	struct aws_region *region;
	struct aws_action *action;
	struct buf form;

	struct throttle_waiter throttle;
	bool pacing; /* the place is in line */
	struct credentials_waiter *waiter;
	struct http_call *http;
	struct loop_timer *timer;
	bool parsing;
	struct aws_stream *stream; /* of this try */

	struct credentials *credentials; /* of this try */
	struct retry_state retry;
	int64_t deadline_ms;    /* on the monotonic clock */
	int64_t sent_ms;        /* likewise: this try */
	int64_t signed_skew_ms; /* of this try's time to this machine's clock */
	bool maybe_done;        /* of any try */
	bool keys_refused;      /* by the last try */
	struct buf answer;
	struct err err; /* of this try */
};

static void start_try(struct aws_call *call);

static void call_free(struct aws_call *call)
{
	loop_timer_destroy(call->timer);
	aws_stream_destroy(call->stream);
	credentials_unref(call->credentials);
	buf_finish(&call->form);
	buf_finish(&call->answer);
	call->query.release(call->query.arg);
	free(call);
}

void aws_cancel(struct aws_call *call)
{
	DL_DELETE(call->aws->calls, call);
	call->aws = NULL;
	if (call->pacing)
		throttle_queue_leave(&call->action->queue, &call->throttle);
	if (call->waiter)
		credentials_cancel(call->waiter);
	if (call->http)
		http_cancel(call->http);
	if (!call->parsing)
		call_free(call);
}

static void finish(struct aws_call *call, const struct err *err)
{
	DL_DELETE(call->aws->calls, call);
	call->query.done(call->query.arg, err);
	call_free(call);
}

static void succeed(struct aws_call *call)
{
	retry_succeeded(&call->retry, &call->region->budget);
	finish(call, NULL);
}

static const char *name_of(const struct aws_call *call)
{
	return call->action->counter.action;
}

/* Whose keys were refused: a person has more than one. An access key's id is no secret. */
static void name_keys(struct aws_call *call)
{
	struct err *err = &call->err;
	size_t n = strlen(err->message);

	if (call->credentials && aws_error_blames_keys(err->code))
		snprintf(err->message + n, sizeof(err->message) - n, " (access key %s, source: %s)",
			call->credentials->access_key, call->credentials->source);
}

static void give_up(struct aws_call *call)
{
	name_keys(call);
	call->action->counter.errors++;
	call->err.maybe_done = call->maybe_done;
	err_context(&call->err, "%s in %s", name_of(call), call->region->name);
	finish(call, &call->err);
}

static int64_t time_left(const struct aws_call *call)
{
	return call->deadline_ms - clock_mono_ms();
}

/* After a try that failed with call->err. */
static void try_failed(struct aws_call *call, enum retry_kind kind, int64_t retry_after_ms)
{
	const struct retry_policy policy = {
		.attempts = call->aws->options.attempts,
		.repeatable = call->query.effect != AWS_ONCE,
	};
	const struct retry_failure failure = {
		.kind = kind,
		.maybe_done = call->err.maybe_done,
		.retry_after_ms = retry_after_ms,
	};
	int64_t delay;

	if (call->query.effect != AWS_READS)
		call->maybe_done |= call->err.maybe_done;
	call->keys_refused = kind == RETRY_CREDENTIALS;
	if (kind == RETRY_THROTTLED) {
		call->action->counter.throttled++;
		throttle_queue_refused(&call->action->queue, call->sent_ms);
	}
	delay = retry_next(&policy, &call->retry, &call->region->budget, &failure, time_left(call),
		random_unit());
	if (delay < 0) {
		give_up(call);
		return;
	}
	log_debug("%s in %s: %s (%s); again in %lld ms", name_of(call), call->region->name,
		call->err.message, call->err.code[0] ? call->err.code : "no code",
		(long long)delay);
	call->action->counter.retries++;
	loop_timer_start(call->timer, delay);
}

static void parse_run(void *arg)
{
	struct aws_call *call = arg;

	call->query.parse(call->query.arg, buf_str(&call->answer), call->answer.len, &call->err);
}

/* The answer is understood, or is not: call->err. */
static void understood(struct aws_call *call)
{
	if (!call->err.errnum) {
		succeed(call);
		return;
	}
	/* EC2 said yes, in whatever words. */
	call->err.maybe_done = call->query.effect != AWS_READS;
	call->err.retryable = call->err.errnum == EIO;
	try_failed(call, call->err.errnum == EIO ? RETRY_TRANSIENT : RETRY_NEVER, -1);
}

static void parse_done(void *arg)
{
	struct aws_call *call = arg;

	call->parsing = false;
	buf_finish(&call->answer);
	if (!call->aws)
		call_free(call);
	else
		understood(call);
}

static void parse(struct aws_call *call, struct http_response *answer)
{
	call->err = (struct err){0};
	call->answer = answer->body;
	answer->body = BUF_INIT;
	call->parsing = true;
	if (loop_work(call->aws->options.loop, parse_run, parse_done, call) < 0) {
		call->parsing = false;
		err_set(&call->err, ENOMEM, "out of memory");
		understood(call);
	}
}

/* --- long answers --- */

static void stream_room(void *arg)
{
	struct aws_call *call = arg;

	if (call->http)
		http_resume(call->http);
}

static void stream_drop(struct aws_call *call)
{
	aws_stream_destroy(steal(&call->stream));
}

static void stream_done(void *arg, const struct err *err)
{
	struct aws_call *call = arg;

	call->err = err ? *err : (struct err){0};
	stream_drop(call);
	understood(call);
}

static int body_arrived(void *arg, const char *data, size_t len)
{
	struct aws_call *call = arg;

	return aws_stream_add(call->stream, data, len);
}

/* Keys that worked here and do no longer have been replaced or have run out. Keys that never worked
 * here are no reason to fetch others: so a region that is not enabled answers as well. */
static bool keys_are_old(const struct aws_call *call)
{
	return aws_error_may_be_old_keys(call->err.code) &&
	       !strcmp(call->region->accepted_key, call->credentials->access_key);
}

static void judge(struct aws_call *call, const struct http_response *answer)
{
	enum retry_kind kind = aws_error_judge(answer->status, answer->body.data, answer->body.len,
		answer->request_id, &call->err);

	snprintf(call->err.action, sizeof(call->err.action), "%s", name_of(call));
	if (call->query.dry_run && !strcmp(call->err.code, "DryRunOperation")) {
		succeed(call);
		return;
	}
	if (aws_clock_explains(
		    &call->aws->clock, call->err.code, answer->date_ms, call->signed_skew_ms)) {
		kind = RETRY_CLOCK;
	} else if (kind == RETRY_CREDENTIALS || keys_are_old(call)) {
		kind = RETRY_CREDENTIALS;
		credentials_expire(call->aws->options.credentials, call->credentials->access_key);
	}
	try_failed(call, kind, answer->retry_after_ms);
}

static enum retry_kind kind_of(const struct err *err)
{
	if (!err->retryable)
		return RETRY_NEVER;
	return err->errnum == ETIMEDOUT ? RETRY_TIMEOUT : RETRY_TRANSIENT;
}

static void answered(void *arg, struct http_response *answer, const struct err *err)
{
	struct aws_call *call = arg;
	struct aws_health *health = &call->region->health;

	call->http = NULL;
	if (!answer) {
		stream_drop(call);
		call->err = *err;
		/* What passes the bounds is no answer of AWS's; to a caller EFBIG would speak of
		 * the caller's own file. */
		if (err->errnum == EFBIG)
			call->err.errnum = EIO;
		health->last_failure_ms = clock_wall_ms();
		health->last_failure = *err;
		try_failed(call, kind_of(err), -1);
		return;
	}
	health->last_answer_ms = clock_wall_ms();
	aws_clock_see(&call->aws->clock, answer->date_ms);
	log_debug("%s in %s: HTTP %d, %zu bytes, %lld ms, request id %s", name_of(call),
		call->region->name, answer->status, answer->body.len,
		(long long)(clock_mono_ms() - call->sent_ms),
		answer->request_id[0] ? answer->request_id : "unknown");
	if (answer->status < 200 || answer->status > 299) {
		stream_drop(call);
		judge(call, answer);
		return;
	}
	snprintf(call->region->accepted_key, sizeof(call->region->accepted_key), "%s",
		call->credentials->access_key);
	if (call->query.reader)
		aws_stream_end(call->stream);
	else if (call->query.parse)
		parse(call, answer);
	else
		succeed(call);
}

static int post(struct aws_call *call, const struct aws_endpoint *endpoint, const struct buf *form,
	const struct aws_signed *signature)
{
	const struct http_request request = {.method = "POST",
		.url = endpoint->url.data,
		.secrets = {call->credentials->session_token},
		.plain = true, /* http only where an endpoint_url says so */
		.headers = signature->headers,
		.n_headers = signature->n_headers,
		.body = form->data,
		.body_len = form->len,
		.timeout_ms = time_left(call),
		.on_body = call->query.reader ? body_arrived : NULL,
		.gzip = true, /* EC2 compresses a page of snapshots to a twentieth */
		.once = call->query.effect == AWS_ONCE};

	if (call->query.reader) {
		call->stream = aws_stream_create(call->aws->options.loop, call->query.reader,
			call->query.arg, stream_room, stream_done, call);
		if (!call->stream)
			return err_set(&call->err, ENOMEM, "out of memory");
	}
	call->http = http_send(call->aws->options.http, &request, answered, call);
	if (!call->http)
		return err_set(&call->err, ENOMEM, "out of memory");
	call->action->counter.requests++;
	call->sent_ms = clock_mono_ms();
	return 0;
}

static int send_try(struct aws_call *call)
{
	const struct aws_signer signer = {.credentials = call->credentials,
		.endpoints = call->aws->options.endpoints,
		.signature = call->aws->options.signature,
		.time_ms = clock_wall_ms() + call->aws->clock.skew_ms};
	_cleanup_aws_endpoint_ struct aws_endpoint endpoint = {0};
	_cleanup_(aws_signed_finish) struct aws_signed signature = {0};
	_cleanup_secret_buf_ struct buf form = BUF_INIT; /* may tell the session token */
	int r;

	call->signed_skew_ms = call->aws->clock.skew_ms;
	if (time_left(call) <= 0)
		return err_set(&call->err, ETIMEDOUT, "no time left");
	r = aws_endpoint_find(
		signer.endpoints, call->service, call->region->name, &endpoint, &call->err);
	if (r < 0)
		return r;
	buf_add(&form, call->form.data, call->form.len);
	if (call->query.complete)
		r = call->query.complete(call->query.arg, &signer, &form, &call->err);
	if (!r && form.error)
		r = err_set(&call->err, form.error, "the request is too large");
	if (!r)
		r = aws_sign(&signer, &endpoint, call->service, call->region->name, &form,
			&signature, &call->err);
	return r < 0 ? r : post(call, &endpoint, &form, &signature);
}

static void keys_arrived(void *arg, struct credentials *credentials, const struct err *err)
{
	struct aws_call *call = arg;
	_cleanup_(credentials_unrefp) struct credentials *before = steal(&call->credentials);

	call->waiter = NULL;
	loop_timer_stop(call->timer);
	call->credentials = credentials;
	if (!credentials) {
		call->err = *err;
		give_up(call);
	} else if (call->keys_refused && credentials_same(before, credentials)) {
		give_up(call); /* with the refusal, which still holds */
	} else if (send_try(call) < 0) {
		give_up(call);
	}
}

/* A refusal that a try got says more than that there was no turn for another. */
static void no_turn(struct aws_call *call)
{
	const struct throttle_rate *rate = &call->action->queue.throttle.rate;

	if (!call->err.errnum) {
		err_set(&call->err, EAGAIN,
			"EC2's request rate is used up (%g at once, then %g a second)", rate->burst,
			rate->per_s);
		call->err.retryable = true;
	}
	give_up(call);
}

static void timer_fired(void *arg)
{
	struct aws_call *call = arg;

	if (call->pacing) {
		call->pacing = false;
		throttle_queue_leave(&call->action->queue, &call->throttle);
		no_turn(call);
	} else if (call->waiter) {
		credentials_cancel(steal(&call->waiter));
		err_set(&call->err, ETIMEDOUT, "no credentials in time");
		give_up(call);
	} else if (aws_is_held(call->aws, call->service)) {
		call->err = call->aws->held;
		give_up(call);
	} else {
		start_try(call);
	}
}

static int ask_for_keys(struct aws_call *call)
{
	call->waiter = credentials_get(call->aws->options.credentials, keys_arrived, call);
	if (!call->waiter)
		return -ENOMEM;
	loop_timer_start(call->timer, time_left(call));
	return 0;
}

static void my_turn(void *arg)
{
	struct aws_call *call = arg;

	call->pacing = false;
	if (ask_for_keys(call) < 0) {
		err_set(&call->err, ENOMEM, "out of memory");
		give_up(call);
	}
}

/* Into the line, or past it. A quarter of the deadline is left for the try itself: one that is sent
 * at the last moment would end in a time-out, and for a copy in doubt. */
static bool paced(struct aws_call *call)
{
	call->throttle.turn = my_turn;
	call->throttle.arg = call;
	call->pacing = !throttle_queue_enter(&call->action->queue, &call->throttle);
	if (call->pacing)
		loop_timer_start(call->timer, time_left(call) - call->aws->options.deadline_ms / 4);
	return call->pacing;
}

static void start_try(struct aws_call *call)
{
	if (!paced(call))
		my_turn(call);
}

static int start(struct aws_call *call)
{
	const struct aws_query *query = &call->query;

	snprintf(call->service, sizeof(call->service), "%s", query->service);
	call->deadline_ms = clock_mono_ms() + call->aws->options.deadline_ms;
	call->region = aws_region(call->aws, query->region);
	call->action = call->region
			       ? aws_action(call->aws, call->region, call->service, query->action)
			       : NULL;
	call->timer = loop_timer_create(call->aws->options.loop, timer_fired, call);
	if (!call->action || !call->timer || call->form.error)
		return -ENOMEM;
	if (aws_is_held(call->aws, call->service)) {
		loop_timer_start(call->timer, 0);
		return 0;
	}
	return paced(call) ? 0 : ask_for_keys(call);
}

struct aws_call *aws_query(struct aws *aws, const struct aws_query *query)
{
	struct aws_call *call = calloc(1, sizeof(*call));

	if (!call) {
		buf_finish(query->form);
		query->release(query->arg);
		return NULL;
	}
	call->aws = aws;
	call->query = *query;
	call->form = *query->form;
	*query->form = BUF_INIT;
	if (start(call) < 0) {
		call_free(call);
		return NULL;
	}
	DL_APPEND(aws->calls, call);
	return call;
}
