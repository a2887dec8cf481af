/* SPDX-License-Identifier: MIT */
/* The measure of a cold read of a disk: its blocks over 64 connections of curl's, with
 * one thread that compares each with its SHA-256 and writes it to a file. Nothing is retried.
 *
 * `pipeline ENDPOINT REGION SNAPSHOT FILE`, with the keys in AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY, prints the number of blocks, the seconds from the first list to the last
 * byte written, and the seconds of processor time. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
#include "digest.h"
#include "ebs.h"
#include "encode.h"
#include "file.h"
#include "sigv4.h"

#define CONNECTIONS 64
#define BUFFERS     80

static const char *endpoint, *host, *region, *snapshot;
static int out;

static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "pipeline: %s: %s\n", what, why);
	exit(1);
}

/* --- requests --- */

struct text {
	char *data;
	size_t len, room;
};

static size_t text_add(char *data, size_t size, size_t n, void *arg)
{
	struct text *t = arg;

	(void)size;
	if (t->len + n > t->room) {
		t->room = (t->len + n) * 2;
		t->data = realloc(t->data, t->room);
		if (!t->data)
			give_up("a response", strerror(ENOMEM));
	}
	memcpy(t->data + t->len, data, n);
	t->len += n;
	return n;
}

static struct curl_slist *header_add(struct curl_slist *list, const char *name, const char *value)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s: %s", name, value);
	return curl_slist_append(list, line);
}

/* Signs a GET of this path and query, and sets its URL and headers. */
static struct curl_slist *request_sign(CURL *curl, const char *path, const char *query)
{
	struct http_header headers[] = {{"host", host}};
	struct sigv4_signature signature;
	struct curl_slist *list = NULL;
	char url[1024];

	if (sigv4_sign(&(struct sigv4_request){.method = "GET",
			       .path = path,
			       .query = query,
			       .headers = headers,
			       .n_headers = 1,
			       .payload_hash = SIGV4_EMPTY_PAYLOAD,
			       .access_key = getenv("AWS_ACCESS_KEY_ID"),
			       .secret_key = getenv("AWS_SECRET_ACCESS_KEY"),
			       .region = region,
			       .service = "ebs",
			       .time_ms = clock_wall_ms()},
		    &signature) < 0)
		give_up(path, "it cannot be signed");
	list = header_add(list, "x-amz-date", signature.date);
	list = header_add(list, "authorization", signature.authorization.data);
	snprintf(url, sizeof(url), "%s%s?%s", endpoint, path, query);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	sigv4_finish(&signature);
	return list;
}

/* --- the list --- */

static struct ebs_page **pages;
static size_t n_pages, page_now, block_now;

static void list_window(CURL *curl, uint32_t start)
{
	char path[128], query[64];
	struct text body = {0};
	struct curl_slist *headers;
	struct err err;

	snprintf(path, sizeof(path), "/snapshots/%s/blocks", snapshot);
	snprintf(query, sizeof(query), "maxResults=10000&startingBlockIndex=%u", start);
	headers = request_sign(curl, path, query);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, text_add);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	if (curl_easy_perform(curl) != CURLE_OK)
		give_up(path, "the list failed");
	pages = realloc(pages, (n_pages + 1) * sizeof(struct ebs_page *));
	if (!pages || ebs_page_parse(body.data, body.len, false, false, &pages[n_pages++], &err))
		give_up(path, "the list is none");
	free(body.data);
	curl_slist_free_all(headers);
}

static void list_all(void)
{
	CURL *curl = curl_easy_init();
	const struct ebs_page *page;
	uint32_t start = 0;

	do {
		list_window(curl, start);
		page = pages[n_pages - 1];
		if (page->n_blocks)
			start = page->blocks[page->n_blocks - 1].index + 1;
	} while (page->next_token);
	curl_easy_cleanup(curl);
}

/* Whether blocks are left: pages[page_now]->blocks[block_now] is the next one. */
static bool list_has_next(void)
{
	while (page_now < n_pages && block_now == pages[page_now]->n_blocks) {
		page_now++;
		block_now = 0;
	}
	return page_now < n_pages;
}

/* --- the thread --- */

struct buffer {
	struct buffer *next;
	unsigned char *data;
	size_t len;
	uint32_t index;
	char sha256[64];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static struct buffer *spare, *first, **end = &first;
static unsigned done;
static int wake; /* an eventfd: a buffer is spare again */

static void buffer_write(const struct buffer *b)
{
	unsigned char sha256[DIGEST_SHA256_SIZE];
	_cleanup_buf_ struct buf base64 = BUF_INIT;

	if (b->len != EBS_BLOCK_SIZE || digest_sha256(b->data, b->len, sha256) < 0 ||
		encode_base64(&base64, sha256, sizeof(sha256)) < 0 ||
		strcmp(base64.data, b->sha256) != 0)
		give_up("a block", "it is not as AWS sent it");
	if (file_write(out, b->data, b->len, (off_t)b->index * (off_t)EBS_BLOCK_SIZE) < 0)
		give_up("the file", "it cannot be written");
}

static void *thread(void *arg)
{
	uint64_t one = 1;

	for (;;) {
		struct buffer *b;

		pthread_mutex_lock(&lock);
		while (!first)
			pthread_cond_wait(&filled, &lock);
		b = first;
		first = b->next;
		if (!first)
			end = &first;
		pthread_mutex_unlock(&lock);
		buffer_write(b);
		pthread_mutex_lock(&lock);
		b->next = spare;
		spare = b;
		done++;
		pthread_mutex_unlock(&lock);
		if (write(wake, &one, sizeof(one)) < 0)
			give_up("eventfd", strerror(errno));
	}
	return arg;
}

/* --- the connections --- */

struct connection {
	CURL *curl;
	struct curl_slist *headers;
	struct buffer *buffer; /* NULL: idle */
};

static struct connection connections[CONNECTIONS];
static CURLM *multi;
static int events;
static long timeout_ms = -1;

static size_t body_add(char *data, size_t size, size_t n, void *arg)
{
	struct buffer *b = ((struct connection *)arg)->buffer;

	(void)size;
	if (b->len + n > EBS_BLOCK_SIZE)
		return 0;
	memcpy(b->data + b->len, data, n);
	b->len += n;
	return n;
}

static size_t header_take(char *data, size_t size, size_t n, void *arg)
{
	static const char name[] = "x-amz-checksum: ";
	struct buffer *b = ((struct connection *)arg)->buffer;

	(void)size;
	if (n > sizeof(name) && !strncasecmp(data, name, sizeof(name) - 1))
		snprintf(b->sha256, sizeof(b->sha256), "%.*s", (int)(n - sizeof(name) - 1),
			data + sizeof(name) - 1);
	return n;
}

static struct buffer *buffer_take(void)
{
	struct buffer *b;

	pthread_mutex_lock(&lock);
	b = spare;
	if (b)
		spare = b->next;
	pthread_mutex_unlock(&lock);
	return b;
}

/* Requests the next block, if there are one and a buffer for it. */
static void connection_start(struct connection *c)
{
	char path[128], query[512];
	const struct ebs_listed *block;
	char *token;

	if (!list_has_next() || !(c->buffer = buffer_take()))
		return;
	block = &pages[page_now]->blocks[block_now++];
	c->buffer->len = 0;
	c->buffer->index = block->index;
	token = curl_easy_escape(c->curl, block->token, 0);
	snprintf(path, sizeof(path), "/snapshots/%s/blocks/%u", snapshot, block->index);
	snprintf(query, sizeof(query), "blockToken=%s", token);
	curl_free(token);
	curl_slist_free_all(c->headers);
	c->headers = request_sign(c->curl, path, query);
	curl_multi_add_handle(multi, c->curl);
}

static void connection_end(struct connection *c, CURLcode result)
{
	curl_multi_remove_handle(multi, c->curl);
	if (result != CURLE_OK)
		give_up("a block", curl_easy_strerror(result));
	pthread_mutex_lock(&lock);
	c->buffer->next = NULL;
	*end = c->buffer;
	end = &c->buffer->next;
	pthread_cond_signal(&filled);
	pthread_mutex_unlock(&lock);
	c->buffer = NULL;
}

static int socket_changed(CURL *curl, curl_socket_t fd, int what, void *arg, void *old)
{
	struct epoll_event event = {.events = (what & CURL_POLL_IN ? (unsigned)EPOLLIN : 0) |
					      (what & CURL_POLL_OUT ? (unsigned)EPOLLOUT : 0),
		.data.fd = fd};

	(void)curl;
	(void)arg;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(events, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	epoll_ctl(events, old ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
	curl_multi_assign(multi, fd, multi);
	return 0;
}

static int timer_changed(CURLM *m, long ms, void *arg)
{
	(void)m;
	(void)arg;
	timeout_ms = ms;
	return 0;
}

static void connections_create(void)
{
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_changed);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS);
	for (struct connection *c = connections; c < connections + CONNECTIONS; c++) {
		c->curl = curl_easy_init();
		curl_easy_setopt(c->curl, CURLOPT_PRIVATE, c);
		curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, body_add);
		curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
		curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, header_take);
		curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, c);
		curl_easy_setopt(c->curl, CURLOPT_BUFFERSIZE, 512L << 10);
		curl_easy_setopt(c->curl, CURLOPT_FAILONERROR, 1L);
		connection_start(c);
	}
}

/* Does what epoll reports. */
static void events_wait(void)
{
	struct epoll_event ready[CONNECTIONS];
	int n = epoll_wait(events, ready, CONNECTIONS, (int)timeout_ms), running;
	uint64_t count;

	if (n == 0)
		curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	for (int i = 0; i < n; i++) {
		int what = (ready[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			   (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (ready[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		if (ready[i].data.fd != wake)
			curl_multi_socket_action(multi, ready[i].data.fd, what, &running);
		else if (read(wake, &count, sizeof(count)) < 0)
			give_up("eventfd", strerror(errno));
	}
}

static void transfer(unsigned blocks)
{
	unsigned now = 0;

	while (now < blocks) {
		CURLMsg *message;
		int left;

		events_wait();
		while ((message = curl_multi_info_read(multi, &left))) {
			struct connection *c;

			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &c);
			connection_end(c, message->data.result);
		}
		for (struct connection *c = connections; c < connections + CONNECTIONS; c++)
			if (!c->buffer)
				connection_start(c);
		pthread_mutex_lock(&lock);
		now = done;
		pthread_mutex_unlock(&lock);
	}
}

static void buffers_create(void)
{
	struct epoll_event event = {.events = EPOLLIN};

	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	event.data.fd = wake;
	epoll_ctl(events, EPOLL_CTL_ADD, wake, &event);
	for (int i = 0; i < BUFFERS; i++) {
		struct buffer *b = calloc(1, sizeof(*b));

		if (!b || posix_memalign((void **)&b->data, 4096, EBS_BLOCK_SIZE) != 0)
			give_up("a buffer", strerror(ENOMEM));
		b->next = spare;
		spare = b;
	}
}

int main(int argc, char **argv)
{
	int64_t began = clock_mono_ms();
	struct rusage used;
	unsigned blocks = 0;
	pthread_t id;

	if (argc != 5) {
		fprintf(stderr, "usage: pipeline ENDPOINT REGION SNAPSHOT FILE\n");
		return 2;
	}
	endpoint = argv[1];
	host = strstr(endpoint, "://") + 3;
	region = argv[2];
	snapshot = argv[3];
	out = open(argv[4], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (out < 0)
		give_up(argv[4], strerror(errno));
	curl_global_init(CURL_GLOBAL_ALL);
	list_all();
	for (size_t i = 0; i < n_pages; i++)
		blocks += (unsigned)pages[i]->n_blocks;
	events = epoll_create1(EPOLL_CLOEXEC);
	pthread_create(&id, NULL, thread, NULL);
	buffers_create();
	connections_create();
	transfer(blocks);
	getrusage(RUSAGE_SELF, &used);
	printf("%u %.3f %.3f\n", blocks, (double)(clock_mono_ms() - began) / 1000,
		(double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	return 0;
}
