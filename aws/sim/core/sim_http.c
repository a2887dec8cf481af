/* SPDX-License-Identifier: MIT */
/* The simulator's HTTP server, over libmicrohttpd. */
#include "sim_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "clock.h"
#include "random.h"
#include "sim_ebs.h"

#define BODY_MAX       ((size_t)4 << 20)
#define HEADERS_MAX    64
#define CONNECTION_MEM ((size_t)256 << 10) /* a presigned URL with many tags is long */
#define STACK_SIZE     ((size_t)512 << 10)
#define TRICKLE_PIECES 20

struct sim_http {
	struct MHD_Daemon *daemon;
};

/* One request while it is being read and answered. */
struct exchange {
	char *uri; /* as sent: a signature covers the raw URI, but libmicrohttpd decodes its copy */
	struct buf body;
	struct sim_header headers[HEADERS_MAX];
	size_t n_headers;
	bool begun;
};

static void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	buf_init(&x->body, BODY_MAX);
	x->uri = strdup(uri);
	return x;
}

static void exchange_end(void *cls, struct MHD_Connection *connection, void **con_cls,
	enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *con_cls;

	if (!x)
		return;
	buf_finish(&x->body);
	free(x->uri);
	free(x);
	*con_cls = NULL;
}

static enum MHD_Result add_header(
	void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct exchange *x = cls;

	if (x->n_headers == HEADERS_MAX)
		return MHD_NO;
	x->headers[x->n_headers++] = (struct sim_header){key, value ? value : ""};
	return MHD_YES;
}

static void new_request_id(char out[40])
{
	unsigned char b[16];
	char *p = out;

	random_bytes(b, sizeof(b));
	for (size_t i = 0; i < sizeof(b); i++)
		p += sprintf(p, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
}

static void write_date(int64_t wall_ms, char out[64])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 64, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* A body that is cut short or sent slowly. */
struct stream {
	struct sim_server *server;
	char *data;
	size_t len, end, piece;
	int64_t pause_ms;
};

static ssize_t stream_read(void *cls, uint64_t position, char *out, size_t max)
{
	const struct stream *t = cls;
	size_t n;

	if (position >= t->end)
		return MHD_CONTENT_READER_END_WITH_ERROR; /* the connection ends here */
	sim_service_sleep(t->server, t->pause_ms);
	n = t->end - (size_t)position;
	n = n < t->piece ? n : t->piece;
	n = n < max ? n : max;
	memcpy(out, t->data + position, n);
	return (ssize_t)n;
}

static void stream_free(void *cls)
{
	struct stream *t = cls;

	free(t->data);
	free(t);
}

/* NULL on ENOMEM. */
static struct MHD_Response *stream_response(struct sim_server *s, struct sim_reply *reply)
{
	struct stream *t = calloc(1, sizeof(*t));
	struct MHD_Response *response;

	if (!t)
		return NULL;
	t->server = s;
	t->len = reply->body.len;
	t->data = buf_steal(&reply->body);
	t->end = reply->is_cut && reply->cut_at < t->len ? reply->cut_at : t->len;
	t->piece = reply->trickle_ms ? t->len / TRICKLE_PIECES + 1 : t->len + 1;
	t->pause_ms = reply->trickle_ms / TRICKLE_PIECES;
	response = t->data ? MHD_create_response_from_callback(
				     t->len, 65536, stream_read, t, stream_free)
			   : NULL;
	if (!response)
		stream_free(t);
	return response;
}

/* NULL on ENOMEM. */
static struct MHD_Response *whole_response(struct sim_reply *reply)
{
	size_t len = reply->body.len;
	char *body = buf_steal(&reply->body);
	struct MHD_Response *response =
		body ? MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE) : NULL;

	if (!response)
		free(body);
	return response;
}

static enum MHD_Result send_reply(
	struct sim_server *s, struct MHD_Connection *connection, struct sim_reply *reply)
{
	bool streamed = reply->is_cut || reply->trickle_ms;
	struct MHD_Response *response =
		streamed ? stream_response(s, reply) : whole_response(reply);
	enum MHD_Result result;
	char date[64];

	if (!response)
		return MHD_NO;
	write_date(reply->wall_ms ? reply->wall_ms : clock_wall_ms(), date);
	MHD_add_response_header(response, "Date", date);
	MHD_add_response_header(response, "Server", "AmazonEC2");
	MHD_add_response_header(response, "Content-Type", reply->content_type);
	MHD_add_response_header(response, "x-amzn-requestid", reply->request_id);
	for (size_t i = 0; i < reply->n_headers; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	result = MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Resets the connection instead of closing it in order. */
static enum MHD_Result connection_reset(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger none = {1, 0};

	if (info)
		setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	return MHD_NO;
}

static enum MHD_Result exchange_answer(struct sim_server *s, struct MHD_Connection *connection,
	struct exchange *x, const char *method)
{
	char *mark = strchr(x->uri, '?');
	struct sim_auth_request r = {.method = method,
		.path = x->uri,
		.query = mark ? mark + 1 : "",
		.headers = x->headers,
		.n_headers = x->n_headers,
		.body = buf_str(&x->body),
		.body_len = x->body.len};
	struct sim_reply reply = {.status = 200, .content_type = "text/plain"};
	enum MHD_Result result;

	if (mark)
		*mark = '\0';
	buf_init(&reply.body, SIM_REPLY_MAX);
	new_request_id(reply.request_id);
	if (x->body.error)
		reply.status = 413;
	else if (s->hooks && !strncmp(r.path, "/_sim/", 6))
		s->hooks->control(s, &r, &reply);
	else if (strcmp(r.path, "/") && !sim_ebs_is_path(r.path))
		reply.status = 404;
	else if (strcmp(method, "GET") && strcmp(method, "POST"))
		reply.status = 405;
	else
		sim_service_answer(s, &r, &reply);
	result = reply.drop ? connection_reset(connection) : send_reply(s, connection, &reply);
	buf_finish(&reply.body);
	return result;
}

static enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *data,
	size_t *data_len, void **con_cls)
{
	struct exchange *x = *con_cls;

	if (!x || !x->uri)
		return MHD_NO;
	if (!x->begun) {
		x->begun = true; /* the headers are here, the body is not */
		MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, x);
		return MHD_YES;
	}
	if (*data_len) {
		buf_add(&x->body, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	return exchange_answer(cls, connection, x, method);
}

int sim_http_start(struct sim_server *s, uint16_t *port, struct sim_http **out, struct err *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_free_ struct sim_http *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	if (!h)
		return err_set(err, ENOMEM, "out of memory");
	errno = 0;
	h->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION |
					     MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
					     MHD_USE_SUPPRESS_DATE_NO_CLOCK,
		*port, NULL, NULL, exchange_handle, s, MHD_OPTION_SOCK_ADDR,
		(struct sockaddr *)&address, MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_end, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEM, MHD_OPTION_THREAD_STACK_SIZE, STACK_SIZE,
		MHD_OPTION_LISTEN_BACKLOG_SIZE, 512u, MHD_OPTION_END);
	if (!h->daemon)
		return err_set(err, errno ? errno : EIO, "cannot listen on 127.0.0.1 port %u: %s",
			*port, strerror(errno ? errno : EIO));
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
	*port = info ? info->port : *port;
	*out = steal(&h);
	return 0;
}

void sim_http_stop(struct sim_http *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->daemon);
	free(h);
}
