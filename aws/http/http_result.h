/* SPDX-License-Identifier: MIT */
/* Why a request got no answer: errno, words, and what helps. */
#ifndef EBSFS_HTTP_RESULT_H
#define EBSFS_HTTP_RESULT_H

#include "err.h"
#include "http.h"

enum http_failure {
	HTTP_BROKEN,     /* EIO */
	HTTP_NO_ADDRESS, /* EHOSTUNREACH */
	HTTP_NO_CONNECTION,
	HTTP_NO_TLS,
	HTTP_NO_TRUST, /* EHOSTUNREACH; trying again cannot help */
	HTTP_NO_BUNDLE,
	HTTP_TIMED_OUT,  /* ETIMEDOUT */
	HTTP_TOO_LARGE,  /* EFBIG */
	HTTP_NO_URL,     /* EINVAL */
	HTTP_NOT_PLAIN,  /* EINVAL: http where it must be https */
	HTTP_REDIRECTED, /* EIO */
	HTTP_NO_MEMORY,  /* ENOMEM */
};

/* Fills *err with one sentence that names the URL's host and port, what failed, the cause, and what
 * to do where that is known. fault: what OpenSSL found in the certificate (X509_V_ERR_…), for
 * HTTP_NO_TRUST. */
void http_failure_describe(enum http_failure failure, const char *url, const char *cause,
	long fault, bool maybe_done, struct err *err);

/* Counts a time-out, by curl's words for it and whether anything was sent yet. */
void http_failure_count(struct http_timeouts *timeouts, const char *cause, bool sent);

#endif
