/* SPDX-License-Identifier: MIT */
/* A request as it goes out: its own copy of the URL, the header lines and the body, wiped when it
 * goes. */
#ifndef EBSFS_HTTP_MESSAGE_H
#define EBSFS_HTTP_MESSAGE_H

#include "http.h"

struct http_copy {
	char *url;
	char *method;
	char **lines; /* "Name: value"; "Name;" for an empty value, which is curl's sign */
	size_t n_lines;
	char *body; /* NULL: none */
	size_t body_len;
	char *secrets[HTTP_SECRETS_MAX];
};

/* Returns 0, -ENOMEM, or -EINVAL with *err: a line break in a header. Finish it in any case. */
int http_copy_init(struct http_copy *copy, const struct http_request *request, struct err *err);
void http_copy_finish(struct http_copy *copy);

#endif
