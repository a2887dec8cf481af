/* SPDX-License-Identifier: MIT */
/* A request's own copy. */
#include "http_message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool has_line_break(const char *s)
{
	return strpbrk(s, "\r\n") != NULL;
}

static int add_line(struct http_copy *copy, char *line)
{
	if (!line)
		return -ENOMEM;
	copy->lines[copy->n_lines++] = line;
	return 0;
}

static int add_header(struct http_copy *copy, const struct http_header *header)
{
	size_t size = strlen(header->name) + strlen(header->value) + 3;
	char *line = malloc(size);

	if (line)
		snprintf(line, size, *header->value ? "%s: %s" : "%s;%s", header->name,
			header->value);
	return add_line(copy, line);
}

static int copy_headers(struct http_copy *copy, const struct http_request *request, struct err *err)
{
	bool typed = false;
	int r;

	copy->lines = calloc(request->n_headers + 2, sizeof(*copy->lines));
	if (!copy->lines)
		return -ENOMEM;
	for (size_t i = 0; i < request->n_headers; i++) {
		const struct http_header *h = &request->headers[i];

		if (has_line_break(h->name) || has_line_break(h->value))
			return err_set(
				err, EINVAL, "the header %.40s has a line break in it", h->name);
		r = add_header(copy, h);
		if (r < 0)
			return r;
		typed |= !strcasecmp(h->name, "content-type");
	}
	/* What curl would do of its own: call any body a form, and wait for "100 Continue" before a
	 * long one. */
	r = typed ? 0 : add_line(copy, strdup("Content-Type:"));
	return r < 0 ? r : add_line(copy, strdup("Expect:"));
}

int http_copy_init(struct http_copy *copy, const struct http_request *request, struct err *err)
{
	*copy = (struct http_copy){.body_len = request->body ? request->body_len : 0};
	copy->url = strdup(request->url);
	copy->method = strdup(request->method);
	if (request->body)
		copy->body = malloc(copy->body_len + 1);
	if (!copy->url || !copy->method || (request->body && !copy->body))
		return -ENOMEM;
	if (copy->body_len)
		memcpy(copy->body, request->body, copy->body_len);
	for (size_t i = 0; i < HTTP_SECRETS_MAX; i++) {
		if (!request->secrets[i])
			continue;
		copy->secrets[i] = strdup(request->secrets[i]);
		if (!copy->secrets[i])
			return -ENOMEM;
	}
	return copy_headers(copy, request, err);
}

static void wipe(char *s, size_t len)
{
	if (s)
		explicit_bzero(s, len);
	free(s);
}

void http_copy_finish(struct http_copy *copy)
{
	for (size_t i = 0; i < copy->n_lines; i++)
		wipe(copy->lines[i], strlen(copy->lines[i]));
	free(copy->lines);
	wipe(copy->body, copy->body_len);
	for (size_t i = 0; i < HTTP_SECRETS_MAX; i++)
		wipe(copy->secrets[i], copy->secrets[i] ? strlen(copy->secrets[i]) : 0);
	free(copy->url);
	free(copy->method);
	*copy = (struct http_copy){0};
}
