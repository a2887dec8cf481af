/* SPDX-License-Identifier: MIT */
/* One call to AWS: credentials, signature, request, response, and retries. */
#include "aws_query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "aws_error.h"
#include "aws_sign.h"
#include "clock.h"
#include "endpoint.h"
#include "log.h"
#include "loop.h"
#include "random.h"

/* The body is copied into query.into in pieces of this size: 512 KiB take a tenth less time than in
 * curl's pieces of 16 KiB, and larger pieces gain nothing more. */
#define INTO_PIECE ((size_t)64 << 10)

/*
 * A call is in one of these states, and waits for the members named with it:
 *
 *   queued    throttle, and timer for the longest wait
 *   keys      waiter, and timer for the deadline
 *   sent      http
 *   parsing   the thread pool; a call cancelled here is freed when the pool returns it
 *   reading   stream, which began while the response arrived
 *   backoff   timer, until the next attempt
 */
struct aws_call {
	struct aws_call *prev, *next;
	struct aws *aws; /* NULL: the client cancelled the call while it was parsed */
	struct aws_query query;
	char service[16];
	struct aws_region *region;
	struct aws_action *action;
	struct buf form;
	char *path; /* NULL: not a REST call */
	struct aws_resource *resource;

	struct throttle_waiter throttle;
	struct throttle_queue *queued; /* throttle is in this queue; NULL: in none */
	struct credentials_waiter *waiter;
	struct http_call *http;
	struct loop_timer *timer;
	bool parsing;
	struct aws_stream *stream; /* of this attempt */

	struct credentials *credentials; /* of this attempt */
	struct retry_state retry;
	int64_t deadline_ms;    /* on the monotonic clock */
	int64_t sent_ms;        /* time of this attempt, on the monotonic clock */
	int64_t signed_skew_ms; /* the signature's time minus this machine's clock */
	bool maybe_done;        /* any attempt may have been carried out */
	bool keys_refused;      /* the last attempt was refused because of its keys */
	struct buf body;        /* of the response, while it is parsed */
	size_t into_len;        /* bytes of the body in query.into */
	struct err err;         /* of this attempt */
};

static void query_free(struct aws_call *call)
{
	loop_timer_destroy(call->timer);
	aws_stream_destroy(call->stream);
	credentials_unref(call->credentials);
	buf_finish(&call->form);
	buf_finish(&call->body);
	free(call->path);
	aws_resource_put(call->resource);
	call->query.release(call->query.arg);
	free(call);
}

void aws_cancel(struct aws_call *call)
{
	DL_DELETE(call->aws->calls, call);
	call->aws = NULL;
	if (call->queued)
		throttle_queue_leave(call->queued, &call->throttle);
	if (call->waiter)
		credentials_cancel(call->waiter);
	if (call->http)
		http_cancel(call->http);
	/* Released now, because a call that is being parsed may outlive the client. */
	aws_resource_put(steal(&call->resource));
	if (!call->parsing)
		query_free(call);
}

void aws_destroy(struct aws *aws)
{
	while (aws && aws->calls)
		aws_cancel(aws->calls);
	if (aws)
		aws_free(aws);
}

static void query_finish(struct aws_call *call, const struct err *err)
{
	DL_DELETE(call->aws->calls, call);
	call->query.done(call->query.arg, err);
	query_free(call);
}

static void query_succeed(struct aws_call *call)
{
	retry_succeeded(&call->retry, &call->region->budget);
	query_finish(call, NULL);
}

static const char *query_action(const struct aws_call *call)
{
	return call->action->counter.action;
}

/* Ends the call with call->err. A refusal of the keys names the access key, because users have
 * several; the id of an access key is not secret. */
static void query_fail(struct aws_call *call)
{
	struct err *err = &call->err;
	size_t n = strlen(err->message);

	if (call->credentials && aws_error_blames_keys(err->action, err->code))
		snprintf(err->message + n, sizeof(err->message) - n, " (access key %s, source: %s)",
			call->credentials->access_key, call->credentials->source);
	call->action->counter.errors++;
	err->maybe_done = call->maybe_done;
	err_context(err, "%s in %s", query_action(call), call->region->name);
	query_finish(call, err);
}

static int query_no_memory(struct aws_call *call)
{
	return err_set(&call->err, ENOMEM, "out of memory");
}

static int64_t query_time_left(const struct aws_call *call)
{
	return call->deadline_ms - clock_mono_ms();
}

/* Handles an attempt that failed with call->err: starts the backoff, or ends the call. */
static void query_retry(struct aws_call *call, enum retry_kind kind, int64_t retry_after_ms)
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
		throttle_queue_refused(call->resource && aws_error_is_resource_rate(call->err.code)
					       ? &call->resource->queue
					       : &call->action->queue,
			call->sent_ms);
	}
	delay = retry_next(&policy, &call->retry, &call->region->budget, &failure,
		query_time_left(call), random_unit());
	if (delay < 0) {
		query_fail(call);
		return;
	}
	log_debug("%s in %s: %s (%s); retry in %lld ms", query_action(call), call->region->name,
		call->err.message, call->err.code[0] ? call->err.code : "no code",
		(long long)delay);
	call->action->counter.retries++;
	loop_timer_start(call->timer, delay);
}

/* --- the response --- */

/* The response was read completely, or call->err says why it could not be read. */
static void query_read_done(struct aws_call *call)
{
	if (!call->err.errnum) {
		query_succeed(call);
		return;
	}
	/* The status was success, so EC2 has carried the request out. */
	call->err.maybe_done = call->query.effect != AWS_READS;
	call->err.retryable = call->err.errnum == EIO;
	query_retry(call, call->err.errnum == EIO ? RETRY_TRANSIENT : RETRY_NEVER, -1);
}

static void query_parse_run(void *arg)
{
	struct aws_call *call = arg;
	const struct aws_memory *into = &call->query.into;

	call->query.parse(call->query.arg,
		into->data ? (const char *)into->data : buf_str(&call->body),
		into->data ? call->into_len : call->body.len, &call->err);
}

static void query_parse_done(void *arg)
{
	struct aws_call *call = arg;

	call->parsing = false;
	buf_finish(&call->body);
	if (!call->aws)
		query_free(call);
	else
		query_read_done(call);
}

static void query_parse(struct aws_call *call, struct http_response *response)
{
	struct workers *workers = call->query.workers;

	call->err = (struct err){0};
	call->body = response->body;
	response->body = BUF_INIT;
	call->parsing = true;
	if (call->query.head)
		call->query.head(call->query.arg, response);
	if ((workers ? workers_run(workers, query_parse_run, query_parse_done, call)
		     : loop_work(call->aws->options.loop, query_parse_run, query_parse_done,
			       call)) < 0) {
		call->parsing = false;
		query_no_memory(call);
		query_read_done(call);
	}
}

static void query_stream_room(void *arg)
{
	struct aws_call *call = arg;

	if (call->http)
		http_resume(call->http);
}

static void query_stream_done(void *arg, const struct err *err)
{
	struct aws_call *call = arg;

	call->err = err ? *err : (struct err){0};
	aws_stream_destroy(steal(&call->stream));
	query_read_done(call);
}

static int query_on_body(void *arg, const char *data, size_t len)
{
	struct aws_call *call = arg;

	return aws_stream_add(call->stream, data, len);
}

static int query_into(void *arg, const char *data, size_t len)
{
	struct aws_call *call = arg;
	const struct aws_memory *into = &call->query.into;

	if (len > into->size - call->into_len)
		return -EFBIG;
	memcpy(into->data + call->into_len, data, len);
	call->into_len += len;
	return 0;
}

/* Returns whether this region accepted the keys before and refuses them now: then they were
 * replaced or have expired. If it never accepted them, new keys are not fetched: a region that is
 * not enabled refuses every key in the same way. */
static bool query_keys_are_old(const struct aws_call *call)
{
	return aws_error_may_be_old_keys(call->err.action, call->err.code) &&
	       !strcmp(call->region->accepted_key, call->credentials->access_key);
}

static void query_refused(struct aws_call *call, const struct http_response *response)
{
	enum retry_kind kind = aws_error_judge(&(struct aws_refusal){.status = response->status,
						       .body = response->body.data,
						       .len = response->body.len,
						       .type = response->error_type,
						       .request_id = response->request_id},
		&call->err);

	snprintf(call->err.action, sizeof(call->err.action), "%s", query_action(call));
	if (call->query.dry_run && !strcmp(call->err.code, "DryRunOperation")) {
		query_succeed(call);
		return;
	}
	if (aws_clock_explains(
		    &call->aws->clock, call->err.code, response->date_ms, call->signed_skew_ms)) {
		kind = RETRY_CLOCK;
	} else if (kind == RETRY_CREDENTIALS || query_keys_are_old(call)) {
		kind = RETRY_CREDENTIALS;
		credentials_expire(call->aws->options.credentials, call->credentials->access_key);
	}
	query_retry(call, kind, response->retry_after_ms);
}

static void query_no_response(struct aws_call *call, const struct err *err)
{
	enum retry_kind kind = RETRY_NEVER;

	if (err->retryable)
		kind = err->errnum == ETIMEDOUT ? RETRY_TIMEOUT : RETRY_TRANSIENT;
	call->err = *err;
	/* The response was too large. EFBIG would tell the caller that its own file is too large.
	 */
	if (err->errnum == EFBIG)
		call->err.errnum = EIO;
	call->region->health.last_failure_ms = clock_wall_ms();
	call->region->health.last_failure = *err;
	query_retry(call, kind, -1);
}

static void query_http_done(void *arg, struct http_response *response, const struct err *err)
{
	struct aws_call *call = arg;
	bool success = response && response->status >= 200 && response->status <= 299;

	call->http = NULL;
	if (!success)
		aws_stream_destroy(steal(&call->stream));
	if (!response) {
		query_no_response(call, err);
		return;
	}
	call->region->health.last_answer_ms = clock_wall_ms();
	aws_clock_note(&call->aws->clock, response->date_ms);
	log_debug("%s in %s: HTTP %d, %zu bytes, %lld ms, request id %s", query_action(call),
		call->region->name, response->status, response->body.len,
		(long long)(clock_mono_ms() - call->sent_ms),
		response->request_id[0] ? response->request_id : "unknown");
	if (!success) {
		query_refused(call, response);
		return;
	}
	snprintf(call->region->accepted_key, sizeof(call->region->accepted_key), "%s",
		call->credentials->access_key);
	if (call->query.reader)
		aws_stream_end(call->stream);
	else if (call->query.parse)
		query_parse(call, response);
	else
		query_succeed(call);
}

/* --- the request --- */

static int query_start_stream(struct aws_call *call)
{
	call->stream = aws_stream_create(call->aws->options.loop, call->query.reader,
		call->query.arg, query_stream_room, query_stream_done, call);
	return call->stream ? 0 : query_no_memory(call);
}

/* Sends the request. body: NULL for a GET. */
static int query_http(struct aws_call *call, const struct endpoint *endpoint,
	const struct buf *body, const struct aws_signed *signature)
{
	const struct aws_memory *into = &call->query.into;
	const struct http_request request = {.method = body ? "POST" : "GET",
		.url = endpoint->url.data,
		.secrets = {call->credentials->session_token},
		.plain = true, /* endpoints are https unless an endpoint_url says http */
		.headers = signature->headers,
		.n_headers = signature->n_headers,
		.body = body ? body->data : NULL,
		.body_len = body ? body->len : 0,
		.timeout_ms = query_time_left(call),
		.wanted = call->query.wanted,
		.max_response = into->data ? into->size : call->query.max_response,
		.on_body = into->data           ? query_into
			   : call->query.reader ? query_on_body
						: NULL,
		/* EC2 compresses a page of snapshots to a twentieth; blocks are not text, so they
		 * are not compressed. */
		.gzip = !into->data,
		.piece = into->data ? INTO_PIECE : 0,
		.once = call->query.effect == AWS_ONCE};

	call->into_len = 0;
	if (call->query.reader && query_start_stream(call) < 0)
		return -ENOMEM;
	call->http = http_send(call->aws->options.http, &request, query_http_done, call);
	if (!call->http)
		return query_no_memory(call);
	call->action->counter.requests++;
	call->sent_ms = clock_mono_ms();
	return 0;
}

/* Appends the parameters that depend on the keys and the time. */
static int query_complete(struct aws_call *call, const struct aws_signer *signer, struct buf *form)
{
	int r = 0;

	buf_add(form, call->form.data, call->form.len);
	if (call->query.complete)
		r = call->query.complete(call->query.arg, signer, form, &call->err);
	if (!r && form->error)
		r = err_set(&call->err, form->error, "the request is too large");
	return r;
}

/* Signs the form as a POST's body, or as the query of a GET, and sends it. */
static int query_sign_and_send(struct aws_call *call, const struct aws_signer *signer,
	struct endpoint *endpoint, struct buf *form)
{
	_cleanup_(aws_signed_finish) struct aws_signed signature = {0};
	const char *text = buf_str(form), *query = text + (*text == '&');
	const struct aws_unsigned request = {.service = call->service,
		.region = call->region->name,
		.endpoint = endpoint,
		.method = call->path ? "GET" : "POST",
		.query = query,
		.form = form};
	int r = call->path ? endpoint_add_path(endpoint, call->path, &call->err) : 0;

	if (!r)
		r = aws_sign(signer, &request, &signature, &call->err);
	if (r < 0)
		return r;
	if (!call->path)
		return query_http(call, endpoint, form, &signature);
	if (*query && buf_printf(&endpoint->url, "?%s", query) < 0)
		return query_no_memory(call);
	return query_http(call, endpoint, NULL, &signature);
}

static int query_send(struct aws_call *call)
{
	const struct aws_signer signer = {.credentials = call->credentials,
		.endpoints = call->aws->options.endpoints,
		.signature = call->aws->options.signature,
		.time_ms = clock_wall_ms() + call->aws->clock.skew_ms};
	_cleanup_endpoint_ struct endpoint endpoint = {0};
	_cleanup_buf_wipe_ struct buf form = BUF_INIT; /* may hold the session token */
	int r;

	call->signed_skew_ms = call->aws->clock.skew_ms;
	if (query_time_left(call) <= 0)
		return err_set(
			&call->err, ETIMEDOUT, "the deadline passed before the request was sent");
	r = endpoint_find(
		signer.endpoints, call->service, call->region->name, &endpoint, &call->err);
	if (!r)
		r = query_complete(call, &signer, &form);
	return r < 0 ? r : query_sign_and_send(call, &signer, &endpoint, &form);
}

static void query_keys_arrived(void *arg, struct credentials *credentials, const struct err *err)
{
	struct aws_call *call = arg;
	_cleanup_(credentials_unrefp) struct credentials *before = steal(&call->credentials);

	call->waiter = NULL;
	loop_timer_stop(call->timer);
	call->credentials = credentials;
	if (!credentials)
		call->err = *err;
	/* If the keys are still those that AWS refused, the call ends with that refusal, which is
	 * in call->err. */
	if (!credentials || (call->keys_refused && credentials_same(before, credentials)) ||
		query_send(call) < 0)
		query_fail(call);
}

/* Ends a call that waited in the queue for too long. If an earlier attempt was refused, call->err
 * still has that refusal, which is more useful. */
static void query_not_sent(struct aws_call *call, const struct throttle_queue *queue)
{
	const struct throttle_rate *rate = &queue->throttle.rate;

	if (!call->err.errnum) {
		err_set(&call->err, EAGAIN,
			"AWS's request rate is used up (%g at once, then %g a second)", rate->burst,
			rate->per_s);
		call->err.retryable = true;
	}
	query_fail(call);
}

static int query_get_keys(struct aws_call *call)
{
	call->waiter = credentials_get(call->aws->options.credentials, query_keys_arrived, call);
	if (!call->waiter)
		return query_no_memory(call);
	loop_timer_start(call->timer, query_time_left(call));
	return 0;
}

static void query_turn(void *arg);

/* Enters the queue; returns true if the call must wait there. It waits for three quarters of the
 * deadline at most: a request that is sent at the last moment would time out, and the outcome of a
 * copy would be unknown. */
static bool query_enter(struct aws_call *call, struct throttle_queue *queue)
{
	call->throttle.turn = query_turn;
	call->throttle.arg = call;
	if (throttle_queue_enter(queue, &call->throttle))
		return false;
	call->queued = queue;
	loop_timer_start(call->timer, query_time_left(call) - call->aws->options.deadline_ms / 4);
	return true;
}

/* Waits for the resource's own rate first: a call in that queue must not hold tokens of the
 * account's rate. */
static bool query_queue(struct aws_call *call)
{
	return (call->resource && query_enter(call, &call->resource->queue)) ||
	       query_enter(call, &call->action->queue);
}

static void query_turn(void *arg)
{
	struct aws_call *call = arg;
	struct throttle_queue *queue = steal(&call->queued);

	if (call->resource && queue == &call->resource->queue &&
		query_enter(call, &call->action->queue))
		return;
	if (query_get_keys(call) < 0)
		query_fail(call);
}

static void query_timer_fired(void *arg)
{
	struct aws_call *call = arg;

	if (call->queued) {
		struct throttle_queue *queue = steal(&call->queued);

		throttle_queue_leave(queue, &call->throttle);
		query_not_sent(call, queue);
	} else if (call->waiter) {
		credentials_cancel(steal(&call->waiter));
		err_set(&call->err, ETIMEDOUT, "no credentials in time");
		query_fail(call);
	} else if (aws_is_held(call->aws, call->service)) {
		call->err = call->aws->held;
		query_fail(call);
	} else if (!query_queue(call)) {
		query_turn(call);
	}
}

static int query_start(struct aws_call *call)
{
	const struct aws_query *query = &call->query;

	snprintf(call->service, sizeof(call->service), "%s", query->service);
	call->deadline_ms = clock_mono_ms() + call->aws->options.deadline_ms;
	call->region = aws_region(call->aws, query->region);
	call->action = aws_action(call->aws, call->region, call->service, query->action);
	call->timer = loop_timer_create(call->aws->options.loop, query_timer_fired, call);
	if (!call->action || !call->timer || call->form.error)
		return -ENOMEM;
	if (query->path && !(call->path = strdup(query->path)))
		return -ENOMEM;
	if (query->resource && !(call->resource = aws_resource_get(
					 call->aws, call->action, call->service, query->resource)))
		return -ENOMEM;
	if (aws_is_held(call->aws, call->service)) {
		loop_timer_start(call->timer, 0);
		return 0;
	}
	return query_queue(call) ? 0 : query_get_keys(call);
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
	if (query_start(call) < 0) {
		query_free(call);
		return NULL;
	}
	DL_APPEND(aws->calls, call);
	return call;
}
