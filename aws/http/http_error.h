/* SPDX-License-Identifier: MIT */
/* Explains why a curl transfer failed: the failed step, its cause, and the remedy. */
#ifndef EBSFS_HTTP_ERROR_H
#define EBSFS_HTTP_ERROR_H

#include "http.h"

struct http_transfer {
	void *easy;        /* curl's handle (CURL *), whose transfer has ended */
	int code;          /* curl's result (CURLcode) */
	const char *cause; /* the text of curl's error buffer; "" if empty */
	const char *url;
	bool fresh_tls; /* the transfer had a new TLS connection, on which no request was sent
			   before */
	struct http_timeouts *timeouts; /* gets the counts of timeouts; NULL: not counted */
	int body_error;                 /* error of the buffer for the response's body; 0: none */
};

/* Fills *err, as http_send() documents, for a transfer that failed. Returns -errno. */
int http_error_transfer(const struct http_transfer *transfer, struct err *err);
/* Fills *err for a transfer that ended in a redirect of this status. Returns -errno. */
int http_error_redirect(const struct http_transfer *transfer, int status, struct err *err);

/* Refuses a plain http URL before anything is sent: fills *err and returns -EINVAL. */
int http_error_not_plain(const char *url, struct err *err);

#endif
