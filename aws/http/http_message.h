/* SPDX-License-Identifier: MIT */
/* A call's own copy of its request, in the forms that curl expects. The copy is wiped when it is
 * freed. */
#ifndef EBSFS_HTTP_MESSAGE_H
#define EBSFS_HTTP_MESSAGE_H

#include "buf.h"
#include "http.h"

struct curl_slist;

struct http_message {
	char *url;
	struct curl_slist *headers;
	struct buf body;
	char *secrets[HTTP_SECRETS_MAX];
};

/* Copies the request. Returns 0, -ENOMEM, or -EINVAL with *err if a header has a line break. Call
 * http_message_finish() after an error too. */
int http_message_init(
	struct http_message *message, const struct http_request *request, struct err *err);
void http_message_finish(struct http_message *message);

#endif
