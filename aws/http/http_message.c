/* SPDX-License-Identifier: MIT */
/* A call's own copy of its request. */
#include "http_message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool has_line_break(const char *s)
{
	return strpbrk(s, "\r\n") != NULL;
}

static int message_add_line(struct http_message *message, char *line)
{
	if (!line)
		return -ENOMEM;
	message->lines[message->n_lines++] = line;
	return 0;
}

static int message_add_header(struct http_message *message, const struct http_header *header)
{
	size_t size = strlen(header->name) + strlen(header->value) + 3;
	char *line = malloc(size);

	if (line)
		snprintf(line, size, *header->value ? "%s: %s" : "%s;%s", header->name,
			header->value);
	return message_add_line(message, line);
}

static int message_add_headers(
	struct http_message *message, const struct http_request *request, struct err *err)
{
	bool typed = false;
	int r;

	message->lines = calloc(request->n_headers + 2, sizeof(*message->lines));
	if (!message->lines)
		return -ENOMEM;
	for (size_t i = 0; i < request->n_headers; i++) {
		const struct http_header *h = &request->headers[i];

		if (has_line_break(h->name) || has_line_break(h->value))
			return err_set(
				err, EINVAL, "the header %.40s has a line break in it", h->name);
		r = message_add_header(message, h);
		if (r < 0)
			return r;
		typed |= !strcasecmp(h->name, "content-type");
	}
	/* Turns off two defaults of curl: Content-Type for a form, and "Expect: 100-continue"
	 * before a long body. */
	r = typed ? 0 : message_add_line(message, strdup("Content-Type:"));
	return r < 0 ? r : message_add_line(message, strdup("Expect:"));
}

int http_message_init(
	struct http_message *message, const struct http_request *request, struct err *err)
{
	*message = (struct http_message){.body_len = request->body ? request->body_len : 0};
	message->url = strdup(request->url);
	message->method = strdup(request->method);
	if (request->body)
		message->body = malloc(message->body_len + 1);
	if (!message->url || !message->method || (request->body && !message->body))
		return -ENOMEM;
	if (message->body_len)
		memcpy(message->body, request->body, message->body_len);
	for (size_t i = 0; i < HTTP_SECRETS_MAX; i++) {
		if (!request->secrets[i])
			continue;
		message->secrets[i] = strdup(request->secrets[i]);
		if (!message->secrets[i])
			return -ENOMEM;
	}
	return message_add_headers(message, request, err);
}

static void wipe_free(char *s, size_t len)
{
	if (s)
		explicit_bzero(s, len);
	free(s);
}

void http_message_finish(struct http_message *message)
{
	for (size_t i = 0; i < message->n_lines; i++)
		wipe_free(message->lines[i], strlen(message->lines[i]));
	free(message->lines);
	wipe_free(message->body, message->body_len);
	for (size_t i = 0; i < HTTP_SECRETS_MAX; i++)
		wipe_free(
			message->secrets[i], message->secrets[i] ? strlen(message->secrets[i]) : 0);
	free(message->url);
	free(message->method);
	*message = (struct http_message){0};
}
