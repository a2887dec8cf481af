/* SPDX-License-Identifier: MIT */
/* One call to a Query API: credentials, signature, request, response, and retries. */
#include "aws_query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "aws_error.h"
#include "clock.h"
#include "digest.h"
#include "endpoint.h"
#include "log.h"
#include "loop.h"
#include "random.h"
#include "sigv2.h"
#include "sigv4.h"
#include "url.h"

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
	struct aws *aws; /* NULL: cancelled while parsing */
	struct aws_query query;
	char service[16];
	struct aws_region *region;
	struct aws_action *action;
	struct buf form;

	struct throttle_waiter throttle;
	bool queued; /* throttle is in the action's queue */
	struct credentials_waiter *waiter;
	struct http_call *http;
	struct loop_timer *timer;
	bool parsing;
	struct aws_stream *stream; /* of this attempt */

	struct credentials *credentials; /* of this attempt */
	struct retry_state retry;
	int64_t deadline_ms;    /* on the monotonic clock */
	int64_t sent_ms;        /* of this attempt, on the monotonic clock */
	int64_t signed_skew_ms; /* the signature's time minus this machine's clock */
	bool maybe_done;        /* any attempt may have been carried out */
	bool keys_refused;      /* by the last attempt */
	struct buf body;        /* of the response, while it is parsed */
	struct err err;         /* of this attempt */
};

static void query_free(struct aws_call *call)
{
	loop_timer_destroy(call->timer);
	aws_stream_destroy(call->stream);
	credentials_unref(call->credentials);
	buf_finish(&call->form);
	buf_finish(&call->body);
	call->query.release(call->query.arg);
	free(call);
}

void aws_cancel(struct aws_call *call)
{
	DL_DELETE(call->aws->calls, call);
	call->aws = NULL;
	if (call->queued)
		throttle_queue_leave(&call->action->queue, &call->throttle);
	if (call->waiter)
		credentials_cancel(call->waiter);
	if (call->http)
		http_cancel(call->http);
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

/* Ends the call with call->err. A person has more than one access key, so a refusal of the keys
 * names them; an access key's id is no secret. */
static void query_fail(struct aws_call *call)
{
	struct err *err = &call->err;
	size_t n = strlen(err->message);

	if (call->credentials && aws_error_blames_keys(err->code))
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

/* After an attempt that failed with call->err: starts the backoff, or ends the call. */
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
		throttle_queue_refused(&call->action->queue, call->sent_ms);
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

/* The response was read completely, or call->err says why not. */
static void query_read_done(struct aws_call *call)
{
	if (!call->err.errnum) {
		query_succeed(call);
		return;
	}
	/* The status was success: EC2 carried the request out. */
	call->err.maybe_done = call->query.effect != AWS_READS;
	call->err.retryable = call->err.errnum == EIO;
	query_retry(call, call->err.errnum == EIO ? RETRY_TRANSIENT : RETRY_NEVER, -1);
}

static void query_parse_run(void *arg)
{
	struct aws_call *call = arg;

	call->query.parse(call->query.arg, buf_str(&call->body), call->body.len, &call->err);
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
	call->err = (struct err){0};
	call->body = response->body;
	response->body = BUF_INIT;
	call->parsing = true;
	if (loop_work(call->aws->options.loop, query_parse_run, query_parse_done, call) < 0) {
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

/* Keys that this region accepted before, and refuses now, were replaced or have expired. Keys that
 * it never accepted are no reason to fetch others: a region that is not enabled responds the same.
 */
static bool query_keys_are_old(const struct aws_call *call)
{
	return aws_error_may_be_old_keys(call->err.code) &&
	       !strcmp(call->region->accepted_key, call->credentials->access_key);
}

static void query_refused(struct aws_call *call, const struct http_response *response)
{
	enum retry_kind kind = aws_error_judge(response->status, response->body.data,
		response->body.len, response->request_id, &call->err);

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
	/* The response was too large. A caller would take EFBIG for the size of its own file. */
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

/* --- the signature --- */

#define FORM_TYPE        "application/x-www-form-urlencoded; charset=utf-8"
#define SIGN_HEADERS_MAX 5

struct signed_headers {
	/* All headers to send. They borrow from the signer, the endpoint and this struct. */
	struct http_header headers[SIGN_HEADERS_MAX];
	size_t n_headers;
	struct sigv4_signature v4;
	char *host;
};

static void sign_add_header(struct signed_headers *out, const char *name, const char *value)
{
	out->headers[out->n_headers++] = (struct http_header){name, value};
}

static int sign_v4(const struct aws_signer *signer, const struct endpoint *endpoint,
	const char *service, const char *region, const struct buf *form, struct signed_headers *out)
{
	const struct credentials *keys = signer->credentials;
	char hash[DIGEST_SHA256_HEX];
	struct sigv4_request request = {.method = "POST",
		.path = endpoint->path,
		.headers = out->headers,
		.payload_hash = hash,
		.access_key = keys->access_key,
		.secret_key = keys->secret_key,
		.session_token = keys->session_token,
		.region = region,
		.service = service,
		.time_ms = signer->time_ms};
	int r = digest_sha256_hex(form->data, form->len, hash);

	sign_add_header(out, "Host", endpoint->host);
	request.n_headers = out->n_headers;
	if (!r)
		r = sigv4_sign(&request, &out->v4);
	if (r < 0)
		return r;
	sign_add_header(out, "X-Amz-Date", out->v4.date);
	sign_add_header(out, "Authorization", buf_str(&out->v4.authorization));
	if (keys->session_token)
		sign_add_header(out, "X-Amz-Security-Token", keys->session_token);
	return 0;
}

/* Puts the whole signature into the form. */
static int sign_v2(const struct aws_signer *signer, const struct endpoint *endpoint,
	struct buf *form, struct signed_headers *out)
{
	const struct credentials *keys = signer->credentials;
	struct sigv2_request request = {.method = "POST",
		.path = endpoint->path,
		.access_key = keys->access_key,
		.secret_key = keys->secret_key,
		.session_token = keys->session_token,
		.time_ms = signer->time_ms};

	/* Servers check without the scheme's default port. */
	out->host = url_authority(endpoint->url.data);
	if (!out->host)
		return -ENOMEM;
	request.host = out->host;
	sign_add_header(out, "Host", out->host);
	return sigv2_sign(&request, form);
}

/* Signs a POST of form to endpoint. Version 2 adds its parameters to the form, which must not be
 * changed afterwards. Finish *out also on failure. Returns 0 or -errno with *err. */
static int sign_request(const struct aws_signer *signer, const struct endpoint *endpoint,
	const char *service, const char *region, struct buf *form, struct signed_headers *out,
	struct err *err)
{
	int r;

	*out = (struct signed_headers){0};
	sign_add_header(out, "Content-Type", FORM_TYPE);
	r = signer->signature == AWS_SIGNATURE_V2
		    ? sign_v2(signer, endpoint, form, out)
		    : sign_v4(signer, endpoint, service, region, form, out);
	return r < 0 ? err_set(err, -r, "the request cannot be signed") : 0;
}

/* Wipes the signature. */
static void signed_headers_finish(struct signed_headers *out)
{
	sigv4_finish(&out->v4);
	free(out->host);
}

/* --- the request --- */

static int query_post(struct aws_call *call, const struct endpoint *endpoint,
	const struct buf *form, const struct signed_headers *signature)
{
	const struct http_request request = {.method = "POST",
		.url = endpoint->url.data,
		.secrets = {call->credentials->session_token},
		.plain = true, /* http only if an endpoint_url says so */
		.headers = signature->headers,
		.n_headers = signature->n_headers,
		.body = form->data,
		.body_len = form->len,
		.timeout_ms = query_time_left(call),
		.on_body = call->query.reader ? query_on_body : NULL,
		.gzip = true, /* EC2 compresses a page of snapshots to a twentieth */
		.once = call->query.effect == AWS_ONCE};

	if (call->query.reader) {
		call->stream = aws_stream_create(call->aws->options.loop, call->query.reader,
			call->query.arg, query_stream_room, query_stream_done, call);
		if (!call->stream)
			return query_no_memory(call);
	}
	call->http = http_send(call->aws->options.http, &request, query_http_done, call);
	if (!call->http)
		return query_no_memory(call);
	call->action->counter.requests++;
	call->sent_ms = clock_mono_ms();
	return 0;
}

static int query_send(struct aws_call *call)
{
	const struct aws_signer signer = {.credentials = call->credentials,
		.endpoints = call->aws->options.endpoints,
		.signature = call->aws->options.signature,
		.time_ms = clock_wall_ms() + call->aws->clock.skew_ms};
	_cleanup_endpoint_ struct endpoint endpoint = {0};
	_cleanup_(signed_headers_finish) struct signed_headers signature = {0};
	_cleanup_buf_wipe_ struct buf form = BUF_INIT; /* may hold the session token */
	int r;

	call->signed_skew_ms = call->aws->clock.skew_ms;
	if (query_time_left(call) <= 0)
		return err_set(&call->err, ETIMEDOUT, "no time left");
	r = endpoint_find(
		signer.endpoints, call->service, call->region->name, &endpoint, &call->err);
	if (r < 0)
		return r;
	buf_add(&form, call->form.data, call->form.len);
	if (call->query.complete)
		r = call->query.complete(call->query.arg, &signer, &form, &call->err);
	if (!r && form.error)
		r = err_set(&call->err, form.error, "the request is too large");
	if (!r)
		r = sign_request(&signer, &endpoint, call->service, call->region->name, &form,
			&signature, &call->err);
	return r < 0 ? r : query_post(call, &endpoint, &form, &signature);
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
	/* Where the keys are still the ones that were refused, the refusal in call->err holds. */
	if (!credentials || (call->keys_refused && credentials_same(before, credentials)) ||
		query_send(call) < 0)
		query_fail(call);
}

/* The call waited in the queue for too long. If an earlier attempt was refused, that refusal is in
 * call->err and tells more. */
static void query_not_sent(struct aws_call *call)
{
	const struct throttle_rate *rate = &call->action->queue.throttle.rate;

	if (!call->err.errnum) {
		err_set(&call->err, EAGAIN,
			"EC2's request rate is used up (%g at once, then %g a second)", rate->burst,
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

static void query_turn(void *arg)
{
	struct aws_call *call = arg;

	call->queued = false;
	if (query_get_keys(call) < 0)
		query_fail(call);
}

/* Returns true if the call must wait in the queue. A quarter of the deadline is left for the
 * request itself: sent at the last moment it would time out, and the outcome of a copy would be
 * unknown. */
static bool query_queue(struct aws_call *call)
{
	call->throttle.turn = query_turn;
	call->throttle.arg = call;
	call->queued = !throttle_queue_enter(&call->action->queue, &call->throttle);
	if (call->queued)
		loop_timer_start(
			call->timer, query_time_left(call) - call->aws->options.deadline_ms / 4);
	return call->queued;
}

static void query_timer_fired(void *arg)
{
	struct aws_call *call = arg;

	if (call->queued) {
		call->queued = false;
		throttle_queue_leave(&call->action->queue, &call->throttle);
		query_not_sent(call);
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
