/* SPDX-License-Identifier: MIT */
/* Why a request got no answer: errno and words. */
#ifndef EBSFS_HTTP_FAILURE_H
#define EBSFS_HTTP_FAILURE_H

#include "err.h"
#include "http.h"

enum http_failure {
	HTTP_BROKEN,     /* EIO */
	HTTP_NO_ADDRESS, /* EHOSTUNREACH */
	HTTP_NO_CONNECTION,
	HTTP_NO_TLS,
	HTTP_NO_TRUST,  /* EHOSTUNREACH; trying again cannot help */
	HTTP_TIMED_OUT, /* ETIMEDOUT */
	HTTP_TOO_LARGE, /* EFBIG */
	HTTP_NO_URL,    /* EINVAL */
	HTTP_NO_MEMORY, /* ENOMEM */
};

/* Fills *err with one sentence that names the URL's host and port, what failed, and the cause. */
void http_failure_describe(enum http_failure failure, const char *url, const char *cause,
	bool maybe_done, struct err *err);

/* Counts a time-out, by curl's words for it and whether anything was sent yet. */
void http_failure_count(struct http_timeouts *timeouts, const char *cause, bool sent);

#endif
