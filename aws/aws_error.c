/* SPDX-License-Identifier: MIT */
/* Reads AWS's error responses, and finds the advice for them. */
#include "aws_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws_error_codes.h"
#include "cleanup.h"
#include "jsondoc.h"
#include "utf8.h"
#include "xml.h"

/* Bound of an error body. EC2's bodies have a few hundred bytes, or some thousand with an encoded
 * authorization message. The bound also fits a far longer message before the request's id, which
 * XML_TEXT_MAX then cuts. */
#define BODY_MAX ((size_t)4 << 20)

#define NO_REASON "without a reason from AWS"

bool aws_error_is_passing(const struct err *err)
{
	return err->retryable || !err->http_status || err->http_status >= 500 ||
	       aws_error_blames_keys(err->action, err->code);
}

/* --- responses --- */

/* Copies the text as one line without its final full stop, unless `out` already has a text. */
static void error_take(const char *text, size_t len, char *out, size_t size)
{
	size_t n;

	if (out[0])
		return;
	snprintf(out, size, "%.*s", (int)len, text);
	n = utf8_make_line(out);
	while (n && (out[n - 1] == ' ' || out[n - 1] == '.'))
		n--;
	out[n] = '\0';
}

static int error_element(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *ignored)
{
	struct err *err = arg;

	(void)depth, (void)ignored;
	if (!text)
		return 0;
	if (!strcmp(name, "Code"))
		error_take(text, len, err->code, sizeof(err->code));
	else if (!strcmp(name, "Message"))
		error_take(text, len, err->message, sizeof(err->message));
	else if (!strcmp(name, "RequestID") || !strcmp(name, "RequestId") ||
		 !strcmp(name, "requestId"))
		error_take(text, len, err->request_id, sizeof(err->request_id));
	return 0;
}

/* Cuts off the encoded authorization message: it fills the line and tells the user nothing. */
static void error_cut_blob(char *message)
{
	char *blob = strstr(message, ". Encoded authorization failure message");

	if (blob)
		*blob = '\0';
}

static enum retry_kind error_judge_status(struct err *err)
{
	int status = err->http_status;

	if (status == 429) {
		err->errnum = EAGAIN;
		return RETRY_THROTTLED;
	}
	err->errnum = status == 401 || status == 403 ? EACCES
		      : status == 408                ? ETIMEDOUT
		      : status == 503                ? EAGAIN
						     : EIO;
	return status >= 500 || status == 408 ? RETRY_TRANSIENT : RETRY_NEVER;
}

/* Appends the first word of text to err->code: "ValidationException" of
 * "com.amazon.ebs#ValidationException" and of "ValidationException:http://…". */
static void error_take_type(const char *text, struct err *err)
{
	const char *hash = text ? strrchr(text, '#') : NULL;

	text = hash ? hash + 1 : text;
	if (text)
		error_take(text, strcspn(text, ":, "), err->code, sizeof(err->code));
}

static void error_read_json(const struct aws_refusal *in, struct err *err)
{
	_cleanup_(jsondoc_destroyp) struct jsondoc *doc = jsondoc_parse(in->body, in->len);
	static const char *const messages[] = {"Message", "message"};
	const char *reason = NULL, *text;
	size_t n;

	error_take_type(in->type, err);
	if (!doc)
		return;
	error_take_type(jsondoc_string(doc, "__type"), err);
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		text = jsondoc_string(doc, messages[i]);
		if (text)
			error_take(text, strlen(text), err->message, sizeof(err->message));
	}
	reason = jsondoc_string(doc, "Reason");
	n = strlen(err->code);
	if (n && reason && *reason && n + 2 < sizeof(err->code)) {
		err->code[n] = '.';
		error_take(reason, strlen(reason), err->code + n + 1, sizeof(err->code) - n - 1);
	}
}

/* Fills *err from an XML body. Of broken XML the elements before the fault are used. */
static void error_read_xml(const struct aws_refusal *in, struct err *err)
{
	const struct xml_handler handler = {.close = error_element, .arg = err};

	xml_parse(in->body, in->len < BODY_MAX ? in->len : BODY_MAX, &handler, NULL);
}

enum retry_kind aws_error_judge(const struct aws_refusal *in, struct err *err)
{
	const struct error_code *known;
	enum retry_kind kind;

	*err = (struct err){.http_status = in->status};
	if (in->type[0] || (in->len && in->body[0] == '{'))
		error_read_json(in, err);
	else if (in->body)
		error_read_xml(in, err);
	error_cut_blob(err->message);
	if (!err->request_id[0])
		snprintf(err->request_id, sizeof(err->request_id), "%s", in->request_id);
	if (!err->code[0])
		snprintf(err->message, sizeof(err->message), "HTTP status %d " NO_REASON,
			in->status);
	else if (!err->message[0])
		snprintf(err->message, sizeof(err->message), "AWS gave no reason but its code");
	known = aws_error_find(NULL, err->code);
	err->errnum = known->errnum;
	kind = known->pattern ? known->retry : error_judge_status(err);
	err->retryable = kind != RETRY_NEVER;
	err->maybe_done =
		in->status >= 500 && kind != RETRY_THROTTLED && !aws_error_is_refusal(err->code);
	return kind;
}

/* --- advice --- */

/* Returns the source of the keys, with the rest of the message after it, from the note at the
 * message's end that aws_query.c adds: "environment)" of "… (access key AKIA…, source:
 * environment)". NULL if there is no note. */
static const char *error_source(const char *message)
{
	static const char mark[] = ", source: ";
	const char *note = message ? strstr(message, " (access key ") : NULL;
	const char *next;

	while (note && (next = strstr(note + 1, " (access key ")))
		note = next;
	note = note ? strstr(note, mark) : NULL;
	return note ? note + strlen(mark) : NULL;
}

const char *aws_error_advice(const char *action, const char *code, const char *message)
{
	const struct error_advice *a = aws_error_find(action, code)->advice;
	const char *source = error_source(message);

	for (; a && (a->action || a->source); a++) {
		if (a->action && action && !strcmp(a->action, action))
			return a->text;
		if (a->source && source && !strncmp(a->source, source, strlen(a->source)))
			return a->text;
	}
	return a ? a->text : NULL;
}

const char *aws_error_advice_for(const struct err *err)
{
	const char *advice = aws_error_advice(err->action, err->code, err->message);

	if (advice)
		return advice;
	if (err->http_status < 500 && !err->retryable && strstr(err->message, NO_REASON))
		return "a proxy or another server may have answered in place of AWS: check the "
		       "endpoint and the proxy";
	switch (err->errnum) {
	case EHOSTUNREACH:
		if (!err->retryable)
			return NULL; /* a TLS error: its message contains the advice */
		return "check the network, the proxy and the endpoint's name";
	case ETIMEDOUT:
		/* A CopySnapshot that is repeated without a check may become a second copy. */
		if (err->maybe_done)
			return "do not repeat this yet: it may have been carried out; look first";
		return "check the network; the request may be tried again";
	case EACCES:
		return err->http_status ? "check the credentials and their IAM policy" : NULL;
	default:
		return NULL;
	}
}
