/* SPDX-License-Identifier: MIT */
/* Why a request got no answer. */
#include "http_failure.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct {
	int errnum;
	bool retryable;
	const char *text;
} table[] = {
	[HTTP_BROKEN] = {EIO, true, "the connection broke"},
	[HTTP_NO_ADDRESS] = {EHOSTUNREACH, true, "cannot find the address"},
	[HTTP_NO_CONNECTION] = {EHOSTUNREACH, true, "cannot connect"},
	[HTTP_NO_TLS] = {EHOSTUNREACH, true, "no TLS connection"},
	[HTTP_NO_TRUST] = {EHOSTUNREACH, false, "no trusted TLS connection"},
	[HTTP_TIMED_OUT] = {ETIMEDOUT, true, "timed out"},
	[HTTP_TOO_LARGE] = {EFBIG, false, "the answer is too large"},
	[HTTP_NO_URL] = {EINVAL, false, "not an http or https URL"},
	[HTTP_NO_MEMORY] = {ENOMEM, false, "out of memory"},
};

/* The length of "host[:port]" at the start of s; *has_port: whether it has a port. */
static int authority(const char *s, bool *has_port)
{
	size_t len = strcspn(s, "/?#");
	const char *bracket = memchr(s, ']', len), *host_end = bracket ? bracket : s;

	*has_port = memchr(host_end, ':', len - (size_t)(host_end - s)) != NULL;
	return len < 280 ? (int)len : 280;
}

void http_failure_describe(enum http_failure failure, const char *url, const char *cause,
	bool maybe_done, struct err *err)
{
	const char *text = table[failure].text, *colon = strstr(url, "://");
	const char *host = colon ? colon + 3 : url;
	const char *port = strncasecmp(url, "https:", 6) ? ":80" : ":443";
	bool has_port;
	int len = authority(host, &has_port);

	if (failure == HTTP_NO_URL)
		err_set(err, EINVAL, "%s", text);
	else
		err_set(err, table[failure].errnum, "%.*s%s: %s: %s", len, host,
			has_port ? "" : port, text, cause);
	err->retryable = table[failure].retryable;
	err->maybe_done = maybe_done;
}

void http_failure_count(struct http_timeouts *timeouts, const char *cause, bool sent)
{
	if (!sent)
		timeouts->connect++;
	else if (strstr(cause, "too slow"))
		timeouts->stalled++;
	else
		timeouts->total++;
}
