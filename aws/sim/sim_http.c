/* SPDX-License-Identifier: MIT */
/* The simulator's HTTP side, over libmicrohttpd. */
#include "sim_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "clock.h"
#include "random.h"
#include "sim_actions.h"

#define BODY_MAX       ((size_t)4 << 20)
#define HEADERS_MAX    64
#define CONNECTION_MEM ((size_t)256 << 10) /* a presigned URL with many tags is long */
#define STACK_SIZE     ((size_t)512 << 10)

struct sim_http {
	struct MHD_Daemon *daemon;
};

/* One request while it is being read and answered. */
struct exchange {
	char *uri; /* raw: libmicrohttpd's own is decoded, and a signature is over the raw one */
	struct buf body;
	struct sim_header headers[HEADERS_MAX];
	size_t n_headers;
	bool begun;
};

static void *begin_exchange(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	buf_init(&x->body, BODY_MAX);
	x->uri = strdup(uri);
	return x;
}

static void end_exchange(void *cls, struct MHD_Connection *connection, void **con_cls,
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

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
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

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct sim_reply *reply, int64_t wall_ms)
{
	size_t len = reply->body.len;
	char *body = buf_steal(&reply->body), date[64];
	struct MHD_Response *response =
		body ? MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE) : NULL;
	enum MHD_Result result;

	if (!response) {
		free(body);
		return MHD_NO;
	}
	write_date(wall_ms, date);
	MHD_add_response_header(response, "Date", date);
	MHD_add_response_header(response, "Server", "AmazonEC2");
	MHD_add_response_header(response, "Content-Type", reply->content_type);
	MHD_add_response_header(response, "x-amzn-requestid", reply->request_id);
	result = MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* The region that the request's signature claims, if the world has it; "unknown" otherwise. For counting and for faults. */
static const char *claimed_region(struct sim_world *w, const struct sim_auth_request *r)
{
	_cleanup_(sim_auth_finish) struct sim_auth a = {0};
	struct sim_region *region = NULL;
	const char *why, *name = "unknown";

	if (sim_auth_parse(r, &a, &why) == 0) {
		pthread_rwlock_rdlock(&w->lock);
		region = sim_world_region(w, a.region);
		name = region ? region->name : name; /* a region is never taken away */
		pthread_rwlock_unlock(&w->lock);
	}
	return name;
}

static void answer_malformed(struct sim_reply *reply, int result)
{
	struct sim_call c = {.reply = reply};

	reply->content_type = "text/xml;charset=UTF-8";
	if (result == -ENOMEM)
		sim_fail_memory(&c);
	else
		sim_fail(&c, 400, "MalformedQueryString", "The query string is malformed");
}

/* What the API answers, after the latency. */
static void answer_api(struct sim_server *s, const struct sim_auth_request *r, struct sim_reply *reply)
{
	struct sim_params params = SIM_PARAMS_INIT;
	const struct sim_action *action;
	const char *name, *region = claimed_region(s->world, r), *label;
	int result = sim_params_parse(&params, r->query, strlen(r->query), false);
	int64_t begun = clock_mono_ms();
	struct sim_range latency;

	if (result == 0)
		result = sim_params_parse(&params, r->body, r->body_len, true);
	name = sim_params_get(&params, "Action");
	action = name ? sim_action_find(name) : NULL;
	label = action ? action->name : "unknown";
	sim_counts_begin(s->counts, region, label);
	pthread_rwlock_rdlock(&s->world->lock);
	latency = s->world->behaviour.latency_ms;
	pthread_rwlock_unlock(&s->world->lock);
	sim_server_sleep(s, sim_world_draw(s->world, latency));
	if (result < 0)
		answer_malformed(reply, result);
	else
		sim_actions_answer(s->world, s->throttle, r, &params, 0, reply);
	sim_counts_end(s->counts, region, label, reply->code, NULL);
	if (s->trace)
		fprintf(stderr, "sim: %s %s %d %s %zu bytes %lld ms\n", region, label, reply->status, reply->code,
			reply->body.len, (long long)(clock_mono_ms() - begun));
	sim_params_finish(&params);
}

static enum MHD_Result answer(struct sim_server *s, struct MHD_Connection *connection, struct exchange *x,
	const char *method)
{
	char *mark = strchr(x->uri, '?');
	struct sim_auth_request r = {.method = method, .path = x->uri, .query = mark ? mark + 1 : "",
		.headers = x->headers, .n_headers = x->n_headers, .body = buf_str(&x->body),
		.body_len = x->body.len};
	struct sim_reply reply = {.status = 200, .content_type = "text/plain"};
	enum MHD_Result result;
	struct sim_time now;

	if (mark)
		*mark = '\0';
	buf_init(&reply.body, SIM_REPLY_MAX);
	new_request_id(reply.request_id);
	if (x->body.error)
		reply.status = 413;
	else if (!strncmp(r.path, "/_sim/", 6))
		sim_control_answer(s, &r, &reply);
	else if (strcmp(r.path, "/"))
		reply.status = 404;
	else if (strcmp(method, "GET") && strcmp(method, "POST"))
		reply.status = 405;
	else
		answer_api(s, &r, &reply);
	now = sim_world_now(s->world);
	result = send_reply(connection, &reply, now.wall);
	buf_finish(&reply.body);
	return result;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *data, size_t *data_len, void **con_cls)
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
	return answer(cls, connection, x, method);
}

int sim_http_start(struct sim_server *s, uint16_t *port, struct sim_http **out, struct err *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_free_ struct sim_http *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	if (!h)
		return err_set(err, ENOMEM, "out of memory");
	errno = 0;
	h->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			MHD_USE_SUPPRESS_DATE_NO_CLOCK,
		*port, NULL, NULL, handle, s, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
		MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, NULL, MHD_OPTION_NOTIFY_COMPLETED, end_exchange, NULL,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEM, MHD_OPTION_THREAD_STACK_SIZE, STACK_SIZE,
		MHD_OPTION_LISTEN_BACKLOG_SIZE, 512u, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (!h->daemon)
		return err_set(err, errno ? errno : EIO, "cannot listen on 127.0.0.1 port %u: %s", *port,
			strerror(errno ? errno : EIO));
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
