/* SPDX-License-Identifier: MIT */
/* How a request ended. */
#include "http_end.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "http_answer.h"
#include "http_result.h"
#include "url.h"

/*
 * Whether a byte of the request may have reached the server. curl counts what it handed to any
 * socket for this call; a CONNECT to a proxy counts too, but on a TLS connection of its own nothing
 * of the request is sent before the handshake is over.
 */
static bool may_have_sent(const struct http_ended *ended)
{
	long sent = 0;
	curl_off_t handshake = 0;

	curl_easy_getinfo(ended->easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(ended->easy, CURLINFO_APPCONNECT_TIME_T, &handshake);
	return sent > 0 && !(ended->fresh_tls && !handshake);
}

static const struct {
	CURLcode code;
	enum http_failure failure;
} failures[] = {
	{CURLE_COULDNT_RESOLVE_HOST, HTTP_NO_ADDRESS},
	{CURLE_COULDNT_RESOLVE_PROXY, HTTP_NO_ADDRESS},
	{CURLE_COULDNT_CONNECT, HTTP_NO_CONNECTION},
	{CURLE_SSL_CONNECT_ERROR, HTTP_NO_TLS},
	{CURLE_PEER_FAILED_VERIFICATION, HTTP_NO_TRUST},
	{CURLE_SSL_ISSUER_ERROR, HTTP_NO_TRUST},
	{CURLE_SSL_CACERT_BADFILE, HTTP_NO_BUNDLE},
	{CURLE_SSL_CERTPROBLEM, HTTP_NO_TRUST},
	{CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT},
	{CURLE_FILESIZE_EXCEEDED, HTTP_TOO_LARGE},
	{CURLE_URL_MALFORMAT, HTTP_NO_URL},
	{CURLE_UNSUPPORTED_PROTOCOL, HTTP_NO_URL},
	{CURLE_OUT_OF_MEMORY, HTTP_NO_MEMORY},
};

/* curl's words do not say why a connection was refused, but name who refused it: the host, or a
 * proxy. */
static bool names_host(const char *cause, const char *url)
{
	struct url_parts parts;

	return url_split(url, &parts) < 0 || strcasestr(cause, parts.host);
}

static void describe(const struct http_ended *ended, struct err *err)
{
	const char *cause =
		ended->reason[0] ? ended->reason : curl_easy_strerror((CURLcode)ended->code);
	enum http_failure failure = HTTP_BROKEN;
	long os_error = 0, fault = 0;
	char text[160];

	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if ((int)failures[i].code == ended->code)
			failure = failures[i].failure;
	if (failure == HTTP_TIMED_OUT && ended->timeouts)
		http_failure_count(ended->timeouts, cause, may_have_sent(ended));
	if (failure == HTTP_NO_URL && may_have_sent(ended))
		failure = HTTP_BROKEN; /* curl calls HTTP/0.9 an unsupported protocol, too */
	/* curl calls header lines without end a lack of memory. */
	if (failure == HTTP_NO_MEMORY && may_have_sent(ended))
		failure = HTTP_TOO_LARGE;
	if (ended->body_error)
		failure = ended->body_error == EFBIG ? HTTP_TOO_LARGE : HTTP_NO_MEMORY;
	curl_easy_getinfo(ended->easy, CURLINFO_OS_ERRNO, &os_error);
	if (failure == HTTP_NO_CONNECTION && os_error) {
		snprintf(text, sizeof(text), "%s%s", strerror((int)os_error),
			names_host(cause, ended->url) ? "" : ", by the proxy");
		cause = text;
	}
	curl_easy_getinfo(ended->easy, CURLINFO_SSL_VERIFYRESULT, &fault);
	http_failure_describe(failure, ended->url, cause, fault, may_have_sent(ended), err);
}

/* Where it leads is said as far as the host: the rest may repeat what the request said. */
static void describe_redirect(const struct http_ended *ended, int status, struct err *err)
{
	char *url = NULL, cause[400];
	struct url_parts parts;

	curl_easy_getinfo(ended->easy, CURLINFO_REDIRECT_URL, &url);
	if (url && url_split(url, &parts) == 0)
		snprintf(cause, sizeof(cause), "status %d points to %.*s", status,
			(int)(parts.path - url), url);
	else
		snprintf(cause, sizeof(cause), "status %d points nowhere", status);
	http_failure_describe(HTTP_REDIRECTED, ended->url, cause, 0, false, err);
	err->http_status = status;
}

int http_end(const struct http_ended *ended, struct http_answer *answer, struct err *err)
{
	if (ended->code != CURLE_OK) {
		describe(ended, err);
		return -err->errnum;
	}
	http_answer_read(answer, ended->easy);
	if (answer->status < 300 || answer->status > 399)
		return 0;
	describe_redirect(ended, answer->status, err);
	return -err->errnum;
}
