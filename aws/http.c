/* SPDX-License-Identifier: MIT */
/* HTTP on the loop: curl's multi interface in socket mode, with one uv_poll a socket and one timer. */
#include "http.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "http_failure.h"
#include "loop.h"

#define CONNECT_MS 5000
#define STALLED_MS 20000
#define TIMEOUT_MS 60000
/* EC2 answers a slow caller with throttling long before it needs this many connections. */
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
	bool reporting; /* done callbacks are being called: http_destroy() only sets `dying` */
	bool dying;
};

struct http_call {
	struct http_call *prev, *next;
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	size_t body_len;
	struct http_answer answer;
	struct loop_timer *refused; /* armed for a request that is wrong in itself */
	struct err err;
	bool fresh_tls; /* nothing is sent before the handshake of this call's own connection */
	char *url;
	http_done *done;
	void *arg;
	char reason[CURL_ERROR_SIZE];
};

struct http_socket {
	uv_poll_t poll;
	struct http *http;
	curl_socket_t fd;
};

/* Headers and bodies carry tokens. */
static void call_free(struct http_call *call)
{
	if (call->easy) {
		curl_multi_remove_handle(call->http->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	for (struct curl_slist *h = call->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(call->headers);
	if (call->body)
		explicit_bzero(call->body, call->body_len);
	free(call->body);
	free(call->url);
	buf_finish(&call->answer.body);
	loop_timer_destroy(call->refused);
	free(call);
}

void http_cancel(struct http_call *call)
{
	DL_DELETE(call->http->calls, call);
	call_free(call);
}

static void copy_header(CURL *easy, const char *name, char *out, size_t size)
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		snprintf(out, size, "%s", header->value);
}

/* Milliseconds from a header that counts in `unit` ms; -1 if absent, no number or more than a day. */
static int64_t read_delay(CURL *easy, const char *name, int64_t unit)
{
	char text[32] = "", *end;
	long long v;

	copy_header(easy, name, text, sizeof(text));
	v = strtoll(text, &end, 10);
	return end == text || *end || v < 0 || v > 86400000 / unit ? -1 : v * unit;
}

static void read_answer(struct http_call *call)
{
	struct http_answer *answer = &call->answer;
	char date[64] = "";
	time_t seconds;
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	answer->status = (int)status;
	copy_header(call->easy, "x-amzn-requestid", answer->request_id, sizeof(answer->request_id));
	copy_header(call->easy, "content-type", answer->content_type, sizeof(answer->content_type));
	copy_header(call->easy, "date", date, sizeof(date));
	seconds = date[0] ? curl_getdate(date, NULL) : -1;
	answer->date_ms = seconds > 0 ? (int64_t)seconds * 1000 : 0;
	answer->retry_after_ms = read_delay(call->easy, "x-amz-retry-after", 1);
	if (answer->retry_after_ms < 0)
		answer->retry_after_ms = read_delay(call->easy, "retry-after", 1000);
}

/*
 * Whether a byte of the request may have reached the server. curl counts what it handed to any socket for this call; a CONNECT to
 * a proxy counts too, but on a TLS connection of its own nothing of the request is sent before the handshake is over.
 */
static bool may_have_sent(const struct http_call *call)
{
	long sent = 0;
	curl_off_t handshake = 0;

	curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(call->easy, CURLINFO_APPCONNECT_TIME_T, &handshake);
	return sent > 0 && !(call->fresh_tls && !handshake);
}

static const struct {
	CURLcode code;
	enum http_failure failure;
} failures[] = {
	{CURLE_COULDNT_RESOLVE_HOST, HTTP_NO_ADDRESS},
	{CURLE_COULDNT_RESOLVE_PROXY, HTTP_NO_ADDRESS},
	{CURLE_COULDNT_CONNECT, HTTP_NO_CONNECTION},
	{CURLE_SSL_CONNECT_ERROR, HTTP_NO_TLS},
	{CURLE_PEER_FAILED_VERIFICATION, HTTP_NO_TRUST},
	{CURLE_SSL_ISSUER_ERROR, HTTP_NO_TRUST},
	{CURLE_SSL_CACERT_BADFILE, HTTP_NO_TRUST},
	{CURLE_SSL_CERTPROBLEM, HTTP_NO_TRUST},
	{CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT},
	{CURLE_FILESIZE_EXCEEDED, HTTP_TOO_LARGE},
	{CURLE_URL_MALFORMAT, HTTP_NO_URL},
	{CURLE_UNSUPPORTED_PROTOCOL, HTTP_NO_URL},
	{CURLE_OUT_OF_MEMORY, HTTP_NO_MEMORY},
};

static void describe(struct http_call *call, CURLcode code)
{
	const char *cause = call->reason[0] ? call->reason : curl_easy_strerror(code);
	enum http_failure failure = HTTP_BROKEN;
	long os_error = 0;

	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].code == code)
			failure = failures[i].failure;
	if (call->answer.body.error)
		failure = call->answer.body.error == EFBIG ? HTTP_TOO_LARGE : HTTP_NO_MEMORY;
	/* curl's words do not say why a connection was refused; but only they name a proxy. */
	curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_error);
	if (failure == HTTP_NO_CONNECTION && os_error && !strcasestr(cause, "proxy"))
		cause = strerror((int)os_error);
	http_failure_describe(failure, call->url, cause, may_have_sent(call), &call->err);
}

/* Takes the call out of curl and reports it. */
static void call_ends(struct http_call *call, CURLcode code)
{
	struct http *http = call->http;

	if (code == CURLE_OK)
		read_answer(call);
	else
		describe(call, code);
	curl_multi_remove_handle(http->multi, call->easy);
	curl_easy_cleanup(call->easy);
	call->easy = NULL;
	DL_DELETE(http->calls, call);
	call->done(call->arg, code == CURLE_OK ? &call->answer : NULL, code == CURLE_OK ? NULL : &call->err);
	call_free(call);
}

static void http_free(struct http *http);

/* Reports what has ended. curl_multi_remove_handle() takes a handle's message back, so done may cancel or start any call. */
static void report(struct http *http)
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
		call_ends(call, code);
	}
	http->reporting = false;
	if (http->dying)
		http_free(http);
}

static void timer_fired(void *arg)
{
	struct http *http = arg;
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	report(http);
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

static void socket_ready(uv_poll_t *poll, int status, int events)
{
	struct http_socket *s = poll->data;
	struct http *http = s->http; /* curl may let go of the socket meanwhile */
	int flags = 0, running;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(http->multi, s->fd, flags, &running);
	report(http);
}

static void socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static struct http_socket *socket_create(struct http *http, curl_socket_t fd)
{
	struct http_socket *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	if (uv_poll_init(http->loop, &s->poll, fd) < 0) {
		free(s);
		return NULL;
	}
	s->poll.data = s;
	s->http = http;
	s->fd = fd;
	curl_multi_assign(http->multi, fd, s);
	return s;
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http *http = arg;
	struct http_socket *s = socket_arg;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			curl_multi_assign(http->multi, fd, NULL);
			uv_close((uv_handle_t *)&s->poll, socket_closed);
		}
		return 0;
	}
	if (!s)
		s = socket_create(http, fd);
	/* Failing here would make curl give up the whole multi handle; without its events the transfer ends by its time-out. */
	if (!s)
		return 0;
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	uv_poll_start(&s->poll, events, socket_ready);
	return 0;
}

/* curl's own sockets would be inherited by the commands that ebsfs runs. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)arg;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t body_arrived(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;

	return buf_add(&call->answer.body, data, size * n) < 0 ? 0 : size * n;
}

static char *copy_or_null(const char *s, int *error)
{
	char *copy = s ? strdup(s) : NULL;

	if (s && !copy)
		*error = ENOMEM;
	return copy;
}

int http_create(uv_loop_t *loop, const struct http_options *options, struct http **out, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));
	int error = 0;

	if (!http)
		return err_set(err, ENOMEM, "out of memory");
	http->loop = loop;
	http->ca_bundle = copy_or_null(options->ca_bundle, &error);
	http->user_agent = copy_or_null(options->user_agent, &error);
	http->connect_ms = options->connect_ms ? options->connect_ms : CONNECT_MS;
	http->stalled_ms = options->stalled_ms ? options->stalled_ms : STALLED_MS;
	if (http->ca_bundle && access(http->ca_bundle, R_OK) < 0)
		err_set(err, error = EINVAL, "CA bundle %s: %s", http->ca_bundle, strerror(errno));
	http->timer = loop_timer_create(loop, timer_fired, http);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	http->multi = curl_multi_init();
	if (error != EINVAL && (error || !http->timer || !http->multi))
		err_set(err, error = ENOMEM, "out of memory");
	if (error) {
		http_free(http);
		return -error;
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

	DL_FOREACH_SAFE (http->calls, call, next)
		http_cancel(call);
	/* Closes the sockets, which come back through socket_wanted(): the rest must still be there. */
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

static bool has_line_break(const char *s)
{
	return strpbrk(s, "\r\n") != NULL;
}

static int add_line(struct http_call *call, const char *line)
{
	struct curl_slist *list = curl_slist_append(call->headers, line);

	if (!list)
		return -ENOMEM;
	call->headers = list;
	return 0;
}

static int add_header(struct http_call *call, const struct http_header *header)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	int r;

	/* Its final size first, so that no copy of a token is left behind. */
	buf_resize(&line, strlen(header->name) + strlen(header->value) + 2);
	buf_clear(&line);
	/* ';' is curl's sign for a header without a value. */
	buf_printf(&line, *header->value ? "%s: %s" : "%s;%s", header->name, header->value);
	r = line.error ? -ENOMEM : add_line(call, line.data);
	if (line.data)
		explicit_bzero(line.data, line.cap);
	return r;
}

static int set_headers(struct http_call *call, const struct http_request *request)
{
	bool typed = false;
	int r = add_line(call, "Expect:"); /* no waiting for "100 Continue" */

	for (size_t i = 0; i < request->n_headers && !r; i++) {
		const struct http_header *h = &request->headers[i];

		if (has_line_break(h->name) || has_line_break(h->value))
			return err_set(&call->err, EINVAL, "the header %.40s has a line break in it", h->name);
		r = add_header(call, h);
		typed |= !strcasecmp(h->name, "content-type");
	}
	/* curl would call any body a form. */
	return r || typed ? r : add_line(call, "Content-Type:");
}

static int set_body(struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;

	if (request->body) {
		call->body = malloc(request->body_len + 1);
		if (!call->body)
			return -ENOMEM;
		memcpy(call->body, request->body, request->body_len);
		call->body_len = request->body_len;
	}
	if (request->body || !strcmp(request->method, "POST") || !strcmp(request->method, "PUT")) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body ? call->body : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
	} else if (!strcmp(request->method, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK ? 0 : -ENOMEM;
}

/*
 * When a reused connection turns out dead before a byte of the answer came, curl 7.88 sends the request again over a fresh one
 * (lib/transfer.c, Curl_retry_request), whatever its method: the server may get a POST twice although it carried out the first. That is right for
 * what only reads; a request that must not arrive twice gets a fresh connection from the start, which curl never retries.
 * Over HTTP/2 there would be more such cases (refused streams): version 1.1 it is, and EC2 speaks no other.
 */
static void set_connection(struct http_call *call, const struct http_request *request)
{
	const struct http *http = call->http;
	static const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2}, /* at least */
		{CURLOPT_SSL_VERIFYPEER, 1},
		{CURLOPT_SSL_VERIFYHOST, 2},
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_PATH_AS_IS, 1}, /* the path is signed as it stands */
		{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_TCP_KEEPALIVE, 1},
		{CURLOPT_LOW_SPEED_LIMIT, 1},
	};
	CURL *easy = call->easy;
	int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS;

	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L);
	call->fresh_tls = request->once && !strncasecmp(request->url, "https:", 6);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (http->ca_bundle) {
		/* Only these: Debian's curl would still trust its directory of certificates. */
		curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_bundle);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	if (request->no_proxy)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->connect_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((http->stalled_ms + 999) / 1000));
}

static int set_request(struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;
	size_t max = request->max_answer ? request->max_answer : BUF_MAX;
	int r;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_arrived);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)max);
	buf_init(&call->answer.body, max);
	set_connection(call, request);
	r = set_headers(call, request);
	if (!r)
		r = set_body(call, request);
	if (r)
		return r;
	if (curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_USERAGENT, call->http->user_agent) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static void refuse(void *arg)
{
	struct http_call *call = arg;

	DL_DELETE(call->http->calls, call);
	call->done(call->arg, NULL, &call->err);
	call_free(call);
}

static int start(struct http_call *call, const struct http_request *request)
{
	int r;

	call->easy = curl_easy_init();
	call->url = strdup(request->url);
	if (!call->easy || !call->url)
		return -ENOMEM;
	r = set_request(call, request);
	if (r == -EINVAL) {
		/* Told from the loop, as every other end. */
		call->refused = loop_timer_create(call->http->loop, refuse, call);
		if (!call->refused)
			return -ENOMEM;
		loop_timer_start(call->refused, 0);
		return 0;
	}
	if (r < 0 || curl_multi_add_handle(call->http->multi, call->easy) != CURLM_OK)
		return -ENOMEM;
	return 0;
}

struct http_call *http_send(struct http *http, const struct http_request *request, http_done *done, void *arg)
{
	struct http_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->http = http;
	call->done = done;
	call->arg = arg;
	if (start(call, request) < 0) {
		call_free(call);
		return NULL;
	}
	DL_APPEND(http->calls, call);
	return call;
}
