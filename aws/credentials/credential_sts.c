/* SPDX-License-Identifier: MIT */
/* Requests to STS. They go to the region's own endpoint: keys from the global one are not good in
 * regions that an account had to enable (IAM user guide, "Managing AWS STS in an AWS Region"). */
#include "credential_sts.h"

#include <errno.h>
#include <string.h>

#include "aws_error.h"
#include "clock.h"
#include "digest.h"
#include "endpoint.h"
#include "isotime.h"
#include "profile.h"
#include "secret.h"
#include "sigv4.h"
#include "url.h"
#include "xml.h"

#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define TRY_MS       20000

/* One try; it is signed anew because its time is. */
static struct http_call *sts_send(void *arg, http_done *done, void *done_arg)
{
	struct credential_sts *sts = arg;
	struct http_header headers[5] = {{"content-type", CONTENT_TYPE}, {"host", sts->host}};
	struct http_request request = {.method = "POST",
		.url = sts->url.data,
		.secrets = {sts->told, sts->signer ? sts->signer->session_token : NULL},
		.plain = true, /* http only where an endpoint_url says so */
		.headers = headers,
		.n_headers = 2,
		.body = sts->form.data,
		.body_len = sts->form.len,
		.max_response = CREDENTIAL_RESPONSE_MAX,
		.timeout_ms = TRY_MS};
	_cleanup_(sigv4_finish) struct sigv4_signature signature = {0};
	char payload_hash[DIGEST_SHA256_HEX];

	if (sts->signer) {
		const struct sigv4_request to_sign = {.method = "POST",
			.path = sts->path,
			.headers = headers,
			.n_headers = 2,
			.payload_hash = payload_hash,
			.access_key = sts->signer->access_key,
			.secret_key = sts->signer->secret_key,
			.session_token = sts->signer->session_token,
			.region = sts->region,
			.service = "sts",
			.time_ms = clock_wall_ms() + sts->clock_skew_ms};

		if (digest_sha256_hex(sts->form.data, sts->form.len, payload_hash) < 0 ||
			sigv4_sign(&to_sign, &signature) < 0)
			return NULL;
		headers[request.n_headers++] = (struct http_header){"x-amz-date", signature.date};
		headers[request.n_headers++] =
			(struct http_header){"authorization", signature.authorization.data};
		if (sts->signer->session_token)
			headers[request.n_headers++] = (struct http_header){
				"x-amz-security-token", sts->signer->session_token};
	}
	return http_send(sts->ask.context->http, &request, done, done_arg);
}

static int take_element(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *err)
{
	struct credential_sts *sts = arg;
	char **to = NULL;

	(void)depth;
	if (!text)
		return 0;
	if (strcmp(name, "AccessKeyId") == 0)
		to = &sts->access_key;
	else if (strcmp(name, "SecretAccessKey") == 0)
		to = &sts->secret_key;
	else if (strcmp(name, "SessionToken") == 0)
		to = &sts->session_token;
	else if (strcmp(name, "Expiration") == 0 && isotime_parse(text, len, &sts->expires_ms) < 0)
		return err_set(err, EIO, "an Expiration that is not a date");
	if (!to)
		return 0;
	secret_free(*to);
	*to = strndup(text, len);
	return *to ? 0 : err_set(err, ENOMEM, "out of memory");
}

static void forget_response(struct credential_sts *sts)
{
	secret_free(steal(&sts->access_key));
	secret_free(steal(&sts->secret_key));
	secret_free(steal(&sts->session_token));
	sts->expires_ms = 0;
}

static int sts_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct credential_sts *sts = arg;
	const struct xml_handler handler = {.close = take_element, .arg = sts};
	int64_t skew_ms = credential_ask_skew(response);

	if (response->status != 200) {
		*kind = aws_error_judge(response->status, response->body.data, response->body.len,
			response->request_id, err);
		snprintf(err->action, sizeof(err->action), "%s",
			sts->signer ? "AssumeRole" : "AssumeRoleWithWebIdentity");
		if (skew_ms && aws_error_may_be_clock(err->code)) {
			sts->clock_skew_ms = skew_ms;
			*kind = RETRY_CLOCK;
		} else if (*kind == RETRY_CREDENTIALS) {
			*kind = RETRY_NEVER; /* what signed it was fetched a moment ago */
		} else if (strcmp(err->code, "IDPCommunicationError") == 0) {
			*kind = RETRY_TRANSIENT;
		}
		return -err->errnum;
	}
	forget_response(sts);
	if (xml_parse(response->body.data, response->body.len, &handler, err) < 0)
		return credential_ask_nonsense("STS", "an answer that cannot be read", kind, err);
	if (!sts->access_key || !sts->secret_key || !sts->session_token || !sts->expires_ms)
		return credential_ask_nonsense("STS", "an answer without keys", kind, err);
	sts->expires_ms -= skew_ms;
	return 0;
}

static void sts_done(void *arg, const struct err *err)
{
	struct credential_sts *sts = arg;

	sts->done(sts->arg, err);
}

static const struct credential_ask_ops sts_ops = {sts_send, sts_take, sts_done};

void credential_sts_init(struct credential_sts *sts, const struct credential_context *context,
	void (*done)(void *arg, const struct err *err), void *arg)
{
	*sts = (struct credential_sts){.done = done, .arg = arg};
	credential_ask_init(&sts->ask, context, &sts_ops, sts);
}

/* Where to send it. */
static int prepare(struct credential_sts *sts, struct err *err)
{
	const struct credential_context *context = sts->ask.context;
	const struct endpoint_config config = {
		.profiles = context->profiles, .profile = context->profile};
	struct url_parts parts;
	int r;

	sts->region = endpoint_home_region(context->profiles, context->profile);
	buf_clear(&sts->url);
	r = endpoint_url(&config, "sts", sts->region, &sts->url, err);
	if (r < 0)
		return r;
	buf_putc(&sts->url, '/');
	free(steal(&sts->host));
	if (sts->url.error || sts->form.error || url_split(sts->url.data, &parts) < 0)
		return err_set(err, ENOMEM, "out of memory");
	sts->path = parts.path;
	sts->host = url_authority(sts->url.data);
	return sts->host ? 0 : err_set(err, ENOMEM, "out of memory");
}

void credential_sts_start(struct credential_sts *sts, struct credentials *signer)
{
	struct err err;

	credentials_unref(sts->signer);
	sts->signer = signer;
	if (prepare(sts, &err) < 0)
		sts->done(sts->arg, &err);
	else
		credential_ask_start(&sts->ask);
}

void credential_sts_finish(struct credential_sts *sts)
{
	credential_ask_finish(&sts->ask);
	credentials_unref(sts->signer);
	secret_buf_finish(&sts->form);
	secret_free(sts->told);
	buf_finish(&sts->url);
	free(sts->host);
	forget_response(sts);
}
