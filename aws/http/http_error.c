/* SPDX-License-Identifier: MIT */
/* Explains the failure of a curl transfer. */
#include "http_error.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "url.h"

/* Texts of the failures: errno, text, and advice for failures that another try cannot solve. */

enum http_failure {
	HTTP_BROKEN,
	HTTP_NO_ADDRESS,
	HTTP_NO_CONNECTION,
	HTTP_NO_TLS,
	HTTP_NO_TRUST,
	HTTP_BAD_BUNDLE,
	HTTP_TIMED_OUT,
	HTTP_TOO_LARGE,
	HTTP_BAD_URL,
	HTTP_NOT_PLAIN, /* http where TLS is required */
	HTTP_REDIRECT,
	HTTP_NO_MEMORY,
};

static const struct {
	int errnum;
	bool retryable;
	const char *text;
	const char *advice;
} failures[] = {
	[HTTP_BROKEN] = {EIO, true, "the connection broke", NULL},
	[HTTP_NO_ADDRESS] = {EHOSTUNREACH, true, "cannot find the address", NULL},
	[HTTP_NO_CONNECTION] = {EHOSTUNREACH, true, "cannot connect", NULL},
	[HTTP_NO_TLS] = {EHOSTUNREACH, true, "no TLS connection", NULL},
	[HTTP_NO_TRUST] = {EHOSTUNREACH, false, "no trusted TLS connection", NULL},
	[HTTP_BAD_BUNDLE] = {EHOSTUNREACH, false, "no trusted TLS connection",
		"the file that AWS_CA_BUNDLE or ca_bundle names must hold certificates in PEM "
		"form"},
	[HTTP_TIMED_OUT] = {ETIMEDOUT, true, "timed out", NULL},
	[HTTP_TOO_LARGE] = {EFBIG, false, "the response is too large", NULL},
	[HTTP_BAD_URL] = {EINVAL, false, "not an http or https URL", NULL},
	[HTTP_NOT_PLAIN] = {EINVAL, false, "no plain http to this host",
		"write https, or name an endpoint_url"},
	[HTTP_REDIRECT] = {EIO, false, "a redirect, which is not followed",
		"if that is the right endpoint, name it; otherwise a proxy or a login page is in "
		"the way"},
	[HTTP_NO_MEMORY] = {ENOMEM, false, "out of memory", NULL},
};

static const struct {
	CURLcode code;
	enum http_failure failure;
} codes[] = {
	{CURLE_COULDNT_RESOLVE_HOST, HTTP_NO_ADDRESS},
	{CURLE_COULDNT_RESOLVE_PROXY, HTTP_NO_ADDRESS},
	{CURLE_COULDNT_CONNECT, HTTP_NO_CONNECTION},
	{CURLE_SSL_CONNECT_ERROR, HTTP_NO_TLS},
	{CURLE_PEER_FAILED_VERIFICATION, HTTP_NO_TRUST},
	{CURLE_SSL_ISSUER_ERROR, HTTP_NO_TRUST},
	{CURLE_SSL_CACERT_BADFILE, HTTP_BAD_BUNDLE},
	{CURLE_SSL_CERTPROBLEM, HTTP_NO_TRUST},
	{CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT},
	{CURLE_FILESIZE_EXCEEDED, HTTP_TOO_LARGE},
	{CURLE_URL_MALFORMAT, HTTP_BAD_URL},
	{CURLE_UNSUPPORTED_PROTOCOL, HTTP_BAD_URL},
	{CURLE_OUT_OF_MEMORY, HTTP_NO_MEMORY},
};

/* Returns the advice for a certificate that is not trusted. fault: OpenSSL's number, which is fixed
 * (X509_V_ERR_… in openssl/x509_vfy.h). */
static const char *advice_on_trust(long fault)
{
	switch (fault) {
	case 0:
	case 1: /* unspecified: curl reports it if the chain is trusted but the host's name does not
		 * match */
		return "the certificate is for other names: correct the endpoint's URL";
	case 9:  /* the certificate is not yet valid */
	case 10: /* the certificate has expired */
		return "the server needs a new certificate, or this machine's clock is wrong";
	case 2:  /* the issuer of the chain's last certificate is not known */
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

/* Returns the advice for a TLS error by OpenSSL's text, because curl has one code for all TLS
 * errors. NULL: no advice. */
static const char *advice_on_tls(const char *cause)
{
	if (strstr(cause, "protocol version") || strstr(cause, "unsupported protocol"))
		return "ebsfs speaks TLS 1.2 and later, which the server must, too";
	if (strstr(cause, "wrong version number"))
		return "if the endpoint is without TLS, its URL begins with http:";
	return NULL;
}

static const char *advice_on(enum http_failure failure, const char *cause, long fault)
{
	switch (failure) {
	case HTTP_NO_TRUST:
		return advice_on_trust(fault);
	case HTTP_NO_TLS:
		return advice_on_tls(cause);
	default:
		return failures[failure].advice;
	}
}

/* Returns the length of "host[:port]" at the start of s; *has_port: whether s has a port. */
static int authority_len(const char *s, bool *has_port)
{
	size_t len = strcspn(s, "/?#");
	const char *bracket = memchr(s, ']', len), *host_end = bracket ? bracket : s;

	*has_port = memchr(host_end, ':', len - (size_t)(host_end - s)) != NULL;
	return len < 280 ? (int)len : 280;
}

/* Fills *err with one sentence: the URL's host and port, the failure, its cause, and advice. fault:
 * OpenSSL's number, for HTTP_NO_TRUST. Returns -errno. */
static int http_fail(enum http_failure failure, const char *url, const char *cause, long fault,
	bool maybe_done, struct err *err)
{
	const char *text = failures[failure].text, *advice = advice_on(failure, cause, fault);
	const char *colon = strstr(url, "://");
	const char *host = colon ? colon + 3 : url;
	const char *port = strncasecmp(url, "https:", 6) ? ":80" : ":443";
	bool has_port;
	int len = authority_len(host, &has_port);

	if (failure == HTTP_BAD_URL)
		err_set(err, EINVAL, "%s", text);
	else
		err_set(err, failures[failure].errnum, "%.*s%s: %s: %s%s%s", len, host,
			has_port ? "" : port, text, cause, advice ? "; " : "",
			advice ? advice : "");
	/* A failure with advice is not retryable: another try would fail in the same way. */
	err->retryable = failures[failure].retryable && !advice;
	err->maybe_done = maybe_done;
	return -err->errnum;
}

int http_error_not_plain(const char *url, struct err *err)
{
	return http_fail(HTTP_NOT_PLAIN, url,
		"it goes to this machine and to the metadata addresses only", 0, false, err);
}

/* Returns whether a byte of the request may have reached the server. curl counts the bytes that it
 * wrote to any socket for this transfer, including a CONNECT to a proxy. On a new TLS connection,
 * no byte of the request is sent before the handshake is complete. */
static bool may_have_sent(const struct http_transfer *transfer)
{
	long sent = 0;
	curl_off_t handshake = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(transfer->easy, CURLINFO_APPCONNECT_TIME_T, &handshake);
	return sent > 0 && !(transfer->fresh_tls && !handshake);
}

/* Returns whether curl's text names the URL's host. For a refused connection curl's text lacks the
 * reason, but names the peer: the host, or a proxy. */
static bool names_host(const char *cause, const char *url)
{
	struct url_parts parts;

	return url_split(url, &parts) < 0 || strcasestr(cause, parts.host);
}

/* Counts a timeout in its phase, which follows from curl's text and from whether the request was
 * sent. */
static void count_timeout(struct http_timeouts *timeouts, const char *cause, bool sent)
{
	if (!sent)
		timeouts->connect++;
	else if (strstr(cause, "too slow"))
		timeouts->stalled++;
	else
		timeouts->total++;
}

static enum http_failure failure_of(const struct http_transfer *transfer, bool sent)
{
	enum http_failure failure = HTTP_BROKEN;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if ((int)codes[i].code == transfer->code)
			failure = codes[i].failure;
	if (transfer->body_error)
		return transfer->body_error == EFBIG ? HTTP_TOO_LARGE : HTTP_NO_MEMORY;
	if (failure == HTTP_BAD_URL && sent)
		return HTTP_BROKEN; /* curl reports HTTP/0.9 as an unsupported protocol */
	if (failure == HTTP_NO_MEMORY && sent)
		return HTTP_TOO_LARGE; /* curl reports an endless header as lack of memory */
	return failure;
}

int http_error_transfer(const struct http_transfer *transfer, struct err *err)
{
	const char *cause =
		transfer->cause[0] ? transfer->cause : curl_easy_strerror((CURLcode)transfer->code);
	bool sent = may_have_sent(transfer);
	enum http_failure failure = failure_of(transfer, sent);
	long os_error = 0, fault = 0;
	char text[160];

	if (transfer->code == CURLE_OPERATION_TIMEDOUT && transfer->timeouts)
		count_timeout(transfer->timeouts, cause, sent);
	curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_error);
	if (failure == HTTP_NO_CONNECTION && os_error) {
		snprintf(text, sizeof(text), "%s%s", strerror((int)os_error),
			names_host(cause, transfer->url) ? "" : ", by the proxy");
		cause = text;
	}
	curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &fault);
	return http_fail(failure, transfer->url, cause, fault, sent, err);
}

/* Reports a redirect. The message names only the host of the redirect's target: the rest of the URL
 * may repeat secrets of the request. */
int http_error_redirect(const struct http_transfer *transfer, int status, struct err *err)
{
	char *url = NULL, cause[400];
	struct url_parts parts;

	curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
	if (url && url_split(url, &parts) == 0)
		snprintf(cause, sizeof(cause), "status %d points to %.*s", status,
			(int)(parts.path - url), url);
	else
		snprintf(cause, sizeof(cause), "status %d points nowhere", status);
	http_fail(HTTP_REDIRECT, transfer->url, cause, 0, false, err);
	err->http_status = status;
	return -err->errnum;
}
