/* SPDX-License-Identifier: MIT */
/* HTTP on the loop by curl's multi interface in socket mode: a watch per socket, one timer. */
#include "http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <utlist.h>

#include "http_error.h"
#include "http_message.h"
#include "loop.h"
#include "secret_mask.h"
#include "url.h"
#include "utf8.h"
#include "workdir.h"

#define CONNECT_MS        5000
#define STALLED_MS        20000
#define TIMEOUT_MS        60000
/* Connections to one host. EC2 throttles a caller long before it needs this many. */
#define HOST_CONNECTIONS  64
#define TOTAL_CONNECTIONS 256

struct http {
	uv_loop_t *loop;
	CURLM *multi;
	struct loop_timer *timer;
	char *ca_bundle;
	char *user_agent;
	int64_t connect_ms;
	int64_t stalled_ms;
	struct http_call *calls;
	struct http_timeouts *timeouts; /* borrowed; may be NULL */
	bool reporting; /* done callbacks are running: http_destroy() only sets `dying` */
	bool dying;
};

struct http_call {
	struct http_call *prev, *next;
	struct http *http;
	CURL *easy;
	struct http_message request;
	bool fresh_tls; /* the call has a new TLS connection: no byte of the request is sent before
			 * its handshake */
	struct http_response response;
	const char *const *wanted; /* the request's `wanted` */
	struct err err;
	struct loop_timer
		*refusal; /* timer that reports call->err for a request that is not sent */
	http_done *done;
	int (*on_body)(void *arg, const char *data, size_t len);
	size_t passed_on; /* bytes of the body that on_body accepted */
	void *arg;
	char cause[CURL_ERROR_SIZE];
};

static void http_call_free(struct http_call *call)
{
	if (call->easy) {
		curl_multi_remove_handle(call->http->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	http_message_finish(&call->request);
	buf_finish(&call->response.body);
	loop_timer_destroy(call->refusal);
	free(call);
}

void http_cancel(struct http_call *call)
{
	DL_DELETE(call->http->calls, call);
	http_call_free(call);
}

static void copy_header(CURL *easy, const char *name, char *out, size_t size)
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		snprintf(out, size, "%s", header->value);
}

/* Parses a header whose number counts units of `unit` ms. Returns milliseconds; -1 if the header is
 * absent, not a number or more than a day. */
static int64_t read_delay(CURL *easy, const char *name, int64_t unit)
{
	char text[32] = "", *end;
	long long v;

	copy_header(easy, name, text, sizeof(text));
	v = strtoll(text, &end, 10);
	return end == text || *end || v < 0 || v > 86400000 / unit ? -1 : v * unit;
}

static void read_head(
	CURL *easy, const char *const wanted[HTTP_WANTED_MAX], struct http_response *response)
{
	char date[64] = "";
	time_t seconds;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	response->status = (int)status;
	copy_header(easy, "x-amzn-requestid", response->request_id, sizeof(response->request_id));
	utf8_make_line(response->request_id);
	copy_header(easy, "x-amzn-errortype", response->error_type, sizeof(response->error_type));
	copy_header(easy, "content-type", response->content_type, sizeof(response->content_type));
	copy_header(easy, "date", date, sizeof(date));
	seconds = date[0] ? curl_getdate(date, NULL) : -1;
	response->date_ms = seconds > 0 ? (int64_t)seconds * 1000 : 0;
	response->retry_after_ms = read_delay(easy, "x-amz-retry-after", 1);
	if (response->retry_after_ms < 0)
		response->retry_after_ms = read_delay(easy, "retry-after", 1000);
	for (size_t i = 0; wanted && i < HTTP_WANTED_MAX && wanted[i]; i++) {
		copy_header(easy, wanted[i], response->wanted[i], sizeof(response->wanted[i]));
		utf8_make_line(response->wanted[i]);
	}
}

/* Fills the response except its body, or call->err. Returns 0 or -errno. */
static int http_call_result(struct http_call *call, CURLcode code)
{
	const struct http_transfer transfer = {.easy = call->easy,
		.code = (int)code,
		.cause = call->cause,
		.url = call->request.url,
		.fresh_tls = call->fresh_tls,
		.timeouts = call->http->timeouts,
		.body_error = call->response.body.error};

	if (code != CURLE_OK)
		return http_error_transfer(&transfer, &call->err);
	read_head(call->easy, call->wanted, &call->response);
	if (call->response.status < 300 || call->response.status > 399)
		return 0;
	return http_error_redirect(&transfer, call->response.status, &call->err);
}

/* Removes the call from curl and calls its done. */
static void http_call_end(struct http_call *call, CURLcode code)
{
	bool good = http_call_result(call, code) == 0;
	struct buf *body = &call->response.body;

	if (good && body->len && (call->response.status < 200 || call->response.status > 299)) {
		secret_mask(body->data, body->len, (const char *const *)call->request.secrets,
			HTTP_SECRETS_MAX);
		secret_mask_signatures(body->data, body->len);
	}

	DL_DELETE(call->http->calls, call);
	curl_multi_remove_handle(call->http->multi, call->easy);
	curl_easy_cleanup(steal(&call->easy));
	call->done(call->arg, good ? &call->response : NULL, good ? NULL : &call->err);
	http_call_free(call);
}

static void http_free(struct http *http);

/* Ends the calls whose transfers have ended. done may cancel or start any call, because
 * curl_multi_remove_handle() also removes the handle's message from curl's queue. */
static void http_report(struct http *http)
{
	CURLMsg *message;
	int left;

	http->reporting = true;
	while (!http->dying && (message = curl_multi_info_read(http->multi, &left))) {
		struct http_call *call = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		http_call_end(call, code);
	}
	http->reporting = false;
	if (http->dying)
		http_free(http);
}

static void http_timer_fired(void *arg)
{
	struct http *http = arg;
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	http_report(http);
}

static int timer_wanted(CURLM *multi, long timeout_ms, void *arg)
{
	struct http *http = arg;

	(void)multi;
	if (timeout_ms < 0)
		loop_timer_stop(http->timer);
	else
		loop_timer_start(http->timer, timeout_ms);
	return 0;
}

static void socket_ready(void *arg, int fd, int events)
{
	struct http *http = arg;
	int flags = 0, running;

	/* On an error of the socket `flags` stays 0: curl then examines the socket itself, and
	 * finds a reset, for example. */
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(http->multi, fd, flags, &running);
	http_report(http);
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http *http = arg;
	struct loop_watch *watch = socket_arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		loop_watch_destroy(watch);
		curl_multi_assign(http->multi, fd, NULL);
		return 0;
	}
	if (!watch) {
		watch = loop_watch_create(http->loop, fd, socket_ready, http);
		/* An error here would make curl abandon the whole multi handle. Without events only
		 * this transfer fails, by its timeout. */
		if (!watch)
			return 0;
		curl_multi_assign(http->multi, fd, watch);
	}
	loop_watch_start(watch,
		(what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0));
	return 0;
}

/* Opens sockets with close-on-exec: commands that ebsfs runs would inherit sockets that curl opens
 * itself. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)arg;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool is_success(const struct http_call *call)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status <= 299;
}

static size_t pass_on(struct http_call *call, const char *data, size_t len)
{
	struct buf *body =
		&call->response.body; /* this buffer stays empty: only its bound is used */
	int r;

	if (len > body->max - call->passed_on) {
		body->error = EFBIG;
		return 0;
	}
	r = call->on_body(call->arg, data, len);
	if (r == -EAGAIN)
		return CURL_WRITEFUNC_PAUSE;
	if (r < 0) {
		body->error = -r;
		return 0;
	}
	call->passed_on += len;
	return len;
}

void http_resume(struct http_call *call)
{
	curl_easy_pause(call->easy, CURLPAUSE_CONT);
}

static size_t http_body_arrived(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;

	if (call->on_body && is_success(call))
		return pass_on(call, data, size * n);
	return buf_add(&call->response.body, data, size * n) < 0 ? 0 : size * n;
}

static int set_strings(struct http *http, const struct http_options *options, struct err *err)
{
	if (options->ca_bundle) {
		http->ca_bundle = workdir_path(options->ca_bundle);
		if (http->ca_bundle && access(http->ca_bundle, R_OK) < 0)
			return err_set(err, EINVAL, "cannot read the CA bundle %s: %s",
				http->ca_bundle, strerror(errno));
	}
	if (options->user_agent)
		http->user_agent = strdup(options->user_agent);
	if ((options->ca_bundle && !http->ca_bundle) || (options->user_agent && !http->user_agent))
		return err_set(err, ENOMEM, "out of memory");
	return 0;
}

int http_create(
	uv_loop_t *loop, const struct http_options *options, struct http **out, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));
	int r;

	if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(http);
		return err_set(err, ENOMEM, "out of memory");
	}
	http->loop = loop;
	http->connect_ms = options->connect_ms ? options->connect_ms : CONNECT_MS;
	http->stalled_ms = options->stalled_ms ? options->stalled_ms : STALLED_MS;
	http->timeouts = options->timeouts;
	http->timer = loop_timer_create(loop, http_timer_fired, http);
	http->multi = curl_multi_init();
	r = set_strings(http, options, err);
	if (!r && (!http->timer || !http->multi))
		r = err_set(err, ENOMEM, "out of memory");
	if (r < 0) {
		http_free(http);
		return r;
	}
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS);
	curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)TOTAL_CONNECTIONS);
	*out = http;
	return 0;
}

static void http_free(struct http *http)
{
	struct http_call *call, *next;

	DL_FOREACH_SAFE(http->calls, call, next)
	http_cancel(call);
	/* curl closes the sockets here and calls socket_wanted(), so the other members must still
	 * exist. */
	curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	loop_timer_destroy(http->timer);
	free(http->ca_bundle);
	free(http->user_agent);
	free(http);
}

void http_destroy(struct http *http)
{
	if (http && http->reporting)
		http->dying = true;
	else if (http)
		http_free(http);
}

/* When a reused connection turns out dead before the first byte of the response, curl 7.88 sends
 * the request again over a new connection (lib/transfer.c, Curl_retry_request), whatever its
 * method: the server may receive a POST twice although it executed the first one. For requests that
 * only read, a repetition does no harm. A request with `once` gets a new connection from the start,
 * on which curl never repeats a request. HTTP/2 has more such cases (refused streams), so all
 * requests use HTTP/1.1. */
static int set_connection(struct http_call *call, const struct http_request *request)
{
	static const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_SSLVERSION,
			CURL_SSLVERSION_TLSv1_2}, /* the lowest version that is accepted */
		{CURLOPT_SSL_VERIFYPEER, 1},
		{CURLOPT_SSL_VERIFYHOST, 2},
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_PATH_AS_IS, 1}, /* the signature covers the path as it is */
		{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_TCP_KEEPALIVE, 1},
		{CURLOPT_LOW_SPEED_LIMIT, 1},
	};
	const struct http *http = call->http;
	CURL *easy = call->easy;

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L);
	call->fresh_tls = request->once && !strncasecmp(request->url, "https:", 6);
	/* curl copies strings, and may lack memory. If one of these options were not set, curl
	 * would trust other certificates or send the request through a proxy. */
	if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK)
		return -ENOMEM;
	if (http->ca_bundle) {
		/* Trusts only this file: Debian's curl otherwise also trusts its directory of
		 * certificates. */
		if (curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_bundle) != CURLE_OK)
			return -ENOMEM;
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	if ((request->no_proxy || url_host_in(request->url) != URL_HOST_REMOTE) &&
		curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK)
		return -ENOMEM;
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->connect_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
		(long)(request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS));
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((http->stalled_ms + 999) / 1000));
	return 0;
}

/* Sets the request's method, URL, headers and body. curl copies strings, and may lack memory: then
 * the call fails. */
static int set_message(struct http_call *call, const struct http_request *request)
{
	const struct http_message *message = &call->request;
	CURL *easy = call->easy;

	if (request->body || !strcmp(request->method, "POST") || !strcmp(request->method, "PUT")) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_str(&message->body));
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->body.len);
	} else if (!strcmp(request->method, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, message->headers);
	if (curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_USERAGENT, call->http->user_agent) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static int http_call_start(struct http_call *call, const struct http_request *request)
{
	size_t max = request->max_response ? request->max_response : BUF_MAX;
	CURL *easy = call->easy = curl_easy_init();

	if (!easy)
		return -ENOMEM;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->cause);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_body_arrived);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)max);
	if (request->piece)
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)request->piece);
	buf_init(&call->response.body, max);
	if (request->gzip)
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (set_connection(call, request) < 0 || set_message(call, request) < 0 ||
		curl_multi_add_handle(call->http->multi, easy) != CURLM_OK)
		return -ENOMEM;
	return 0;
}

static void http_refusal_fired(void *arg)
{
	struct http_call *call = arg;

	DL_DELETE(call->http->calls, call);
	call->done(call->arg, NULL, &call->err);
	http_call_free(call);
}

/* Reports call->err from the loop, so that done is not called before http_send() has returned. */
static int http_call_refuse(struct http_call *call)
{
	call->refusal = loop_timer_create(call->http->loop, http_refusal_fired, call);
	if (!call->refusal)
		return -ENOMEM;
	loop_timer_start(call->refusal, 0);
	return 0;
}

/* Refuses plain http unless the host is a local or metadata host, or the user wrote the URL with
 * http. */
static int check_plain(const struct http_request *request, struct err *err)
{
	if (request->plain || !strncasecmp(request->url, "https:", 6) ||
		url_host_in(request->url) != URL_HOST_REMOTE)
		return 0;
	return http_error_not_plain(request->url, err);
}

struct http_call *http_send(
	struct http *http, const struct http_request *request, http_done *done, void *arg)
{
	struct http_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return NULL;
	call->http = http;
	call->done = done;
	call->on_body = request->on_body;
	call->wanted = request->wanted;
	call->arg = arg;
	r = http_message_init(&call->request, request, &call->err);
	if (!r)
		r = check_plain(request, &call->err);
	if (!r)
		r = http_call_start(call, request);
	else if (r == -EINVAL)
		r = http_call_refuse(call);
	if (r < 0) {
		http_call_free(call);
		return NULL;
	}
	DL_APPEND(http->calls, call);
	return call;
}
