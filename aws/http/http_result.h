/* SPDX-License-Identifier: MIT */
/* The result of a finished curl transfer: the response's head, or an error that says what failed,
 * why, and what to do. */
#ifndef EBSFS_HTTP_RESULT_H
#define EBSFS_HTTP_RESULT_H

#include "http.h"

struct http_transfer {
	void *easy;        /* curl's handle (CURL *); the transfer is over */
	int code;          /* curl's result (CURLcode) */
	const char *cause; /* the text of curl's error buffer; "" if empty */
	const char *url;
	bool fresh_tls; /* the transfer had a TLS connection of its own, with no request before it
			 */
	struct http_timeouts *timeouts; /* timeouts are counted here; NULL: nowhere */
	int body_error;                 /* of the buffer for the response's body; 0: none */
};

/* Returns 0 and fills *response except its body; or -errno with *err, as http_send() documents. */
int http_result(
	const struct http_transfer *transfer, struct http_response *response, struct err *err);

/* Refuses a plain http URL before anything is sent: fills *err and returns -EINVAL. */
int http_result_not_plain(const char *url, struct err *err);

#endif
