/* SPDX-License-Identifier: MIT */
/* A call's own copy of its request: URL, header lines and body, wiped when it is freed. */
#ifndef EBSFS_HTTP_MESSAGE_H
#define EBSFS_HTTP_MESSAGE_H

#include "http.h"

struct http_message {
	char *url;
	char *method;
	char **lines; /* "Name: value"; "Name;" for an empty value, as curl expects it */
	size_t n_lines;
	char *body; /* NULL: none */
	size_t body_len;
	char *secrets[HTTP_SECRETS_MAX];
};

/* Returns 0, -ENOMEM, or -EINVAL with *err: a line break in a header. Call http_message_finish()
 * after an error too. */
int http_message_init(
	struct http_message *message, const struct http_request *request, struct err *err);
void http_message_finish(struct http_message *message);

#endif
