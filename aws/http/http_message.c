/* SPDX-License-Identifier: MIT */
/* A call's own copy of its request. */
#include "http_message.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void wipe_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static int message_add_line(struct http_message *message, const char *line)
{
	struct curl_slist *list = curl_slist_append(message->headers, line);

	if (!list)
		return -ENOMEM;
	message->headers = list;
	return 0;
}

/* Adds "Name: value"; or "Name;" for an empty value, the form that curl expects. */
static int message_add_header(struct http_message *message, const struct http_header *header)
{
	size_t size = strlen(header->name) + strlen(header->value) + 3;
	char *line = malloc(size);
	int r;

	if (!line)
		return -ENOMEM;
	snprintf(line, size, *header->value ? "%s: %s" : "%s;%s", header->name, header->value);
	r = message_add_line(message, line);
	wipe_free(line);
	return r;
}

static int message_add_headers(
	struct http_message *message, const struct http_request *request, struct err *err)
{
	bool typed = false;
	int r;

	for (size_t i = 0; i < request->n_headers; i++) {
		const struct http_header *h = &request->headers[i];

		if (strpbrk(h->name, "\r\n") || strpbrk(h->value, "\r\n"))
			return err_set(
				err, EINVAL, "the header %.40s has a line break in it", h->name);
		r = message_add_header(message, h);
		if (r < 0)
			return r;
		typed |= !strcasecmp(h->name, "content-type");
	}
	/* Turns off two defaults of curl: Content-Type for a form, and "Expect: 100-continue"
	 * before a long body. */
	r = typed ? 0 : message_add_line(message, "Content-Type:");
	return r < 0 ? r : message_add_line(message, "Expect:");
}

int http_message_init(
	struct http_message *message, const struct http_request *request, struct err *err)
{
	*message = (struct http_message){.url = strdup(request->url)};
	if (!message->url ||
		(request->body && buf_add(&message->body, request->body, request->body_len) < 0))
		return -ENOMEM;
	for (size_t i = 0; i < HTTP_SECRETS_MAX; i++) {
		if (!request->secrets[i])
			continue;
		message->secrets[i] = strdup(request->secrets[i]);
		if (!message->secrets[i])
			return -ENOMEM;
	}
	return message_add_headers(message, request, err);
}

void http_message_finish(struct http_message *message)
{
	for (struct curl_slist *h = message->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data)); /* headers may contain tokens */
	curl_slist_free_all(message->headers);
	buf_wipe(&message->body);
	for (size_t i = 0; i < HTTP_SECRETS_MAX; i++)
		wipe_free(message->secrets[i]);
	free(message->url);
}
