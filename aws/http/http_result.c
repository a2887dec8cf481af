/* SPDX-License-Identifier: MIT */
/* Why a request got no answer. */
#include "http_result.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct {
	int errnum;
	bool retryable;
	const char *text;
	const char *advice;
} table[] = {
	[HTTP_BROKEN] = {EIO, true, "the connection broke", NULL},
	[HTTP_NO_ADDRESS] = {EHOSTUNREACH, true, "cannot find the address", NULL},
	[HTTP_NO_CONNECTION] = {EHOSTUNREACH, true, "cannot connect", NULL},
	[HTTP_NO_TLS] = {EHOSTUNREACH, true, "no TLS connection", NULL},
	[HTTP_NO_TRUST] = {EHOSTUNREACH, false, "no trusted TLS connection", NULL},
	[HTTP_NO_BUNDLE] = {EHOSTUNREACH, false, "no trusted TLS connection",
		"the file that AWS_CA_BUNDLE or ca_bundle names must hold certificates in PEM "
		"form"},
	[HTTP_TIMED_OUT] = {ETIMEDOUT, true, "timed out", NULL},
	[HTTP_TOO_LARGE] = {EFBIG, false, "the answer is too large", NULL},
	[HTTP_NO_URL] = {EINVAL, false, "not an http or https URL", NULL},
	[HTTP_NOT_PLAIN] = {EINVAL, false, "no plain http to this host",
		"write https, or name an endpoint_url"},
	[HTTP_REDIRECTED] = {EIO, false, "a redirect, which is not followed",
		"if that is the right endpoint, name it; otherwise a proxy or a login page is in "
		"the way"},
	[HTTP_NO_MEMORY] = {ENOMEM, false, "out of memory", NULL},
};

/* By OpenSSL's numbers, which are fixed (openssl/x509_vfy.h). */
static const char *advice_on_trust(long fault)
{
	switch (fault) {
	case 0:
	case 1: /* unspecified: what curl leaves there when the chain is good, but not the name */
		return "the certificate is for other names: correct the endpoint's URL";
	case 9:  /* not yet valid */
	case 10: /* expired */
		return "the server needs a new certificate, or this machine's clock is wrong";
	case 2:  /* the issuer of the chain's end is not known */
	case 18: /* self-signed */
	case 19: /* self-signed in chain */
	case 20: /* the issuer is not known */
	case 21: /* the chain has one certificate, whose issuer is not known */
		return "if the server is the right one, name its CA with AWS_CA_BUNDLE or "
		       "ca_bundle";
	default:
		return "the server needs another certificate";
	}
}

/* By OpenSSL's words, for curl has one code for all. NULL: nothing but another try is known. */
static const char *advice_on_tls(const char *cause)
{
	if (strstr(cause, "protocol version") || strstr(cause, "unsupported protocol"))
		return "ebsfs speaks TLS 1.2 and later, which the server must, too";
	if (strstr(cause, "wrong version number"))
		return "if the endpoint is without TLS, its URL begins with http:";
	return NULL;
}

static const char *advise(enum http_failure failure, const char *cause, long fault)
{
	switch (failure) {
	case HTTP_NO_TRUST:
		return advice_on_trust(fault);
	case HTTP_NO_TLS:
		return advice_on_tls(cause);
	default:
		return table[failure].advice;
	}
}

/* The length of "host[:port]" at the start of s; *has_port: whether it has a port. */
static int authority(const char *s, bool *has_port)
{
	size_t len = strcspn(s, "/?#");
	const char *bracket = memchr(s, ']', len), *host_end = bracket ? bracket : s;

	*has_port = memchr(host_end, ':', len - (size_t)(host_end - s)) != NULL;
	return len < 280 ? (int)len : 280;
}

void http_failure_describe(enum http_failure failure, const char *url, const char *cause,
	long fault, bool maybe_done, struct err *err)
{
	const char *text = table[failure].text, *advice = advise(failure, cause, fault);
	const char *colon = strstr(url, "://");
	const char *host = colon ? colon + 3 : url;
	const char *port = strncasecmp(url, "https:", 6) ? ":80" : ":443";
	bool has_port;
	int len = authority(host, &has_port);

	if (failure == HTTP_NO_URL)
		err_set(err, EINVAL, "%s", text);
	else
		err_set(err, table[failure].errnum, "%.*s%s: %s: %s%s%s", len, host,
			has_port ? "" : port, text, cause, advice ? "; " : "",
			advice ? advice : "");
	/* Where advice is needed, another try does not help. */
	err->retryable = table[failure].retryable && !advice;
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
