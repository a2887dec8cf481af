/* SPDX-License-Identifier: MIT */
/* Signs one attempt: with Version 4, or with Version 2 for EC2-compatible clouds. */
#include "aws_sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "sigv2.h"
#include "url.h"

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"

static void sign_add_header(struct aws_signed *out, const char *name, const char *value)
{
	out->headers[out->n_headers++] = (struct http_header){name, value};
}

static int sign_v4(
	const struct aws_signer *signer, const struct aws_unsigned *in, struct aws_signed *out)
{
	const struct credentials *keys = signer->credentials;
	char hash[DIGEST_SHA256_HEX] = SIGV4_EMPTY_PAYLOAD;
	bool get = !strcmp(in->method, "GET");
	struct sigv4_request request = {.method = in->method,
		.path = in->endpoint->path,
		.query = get ? in->query : NULL,
		.headers = out->headers,
		.payload_hash = hash,
		.access_key = keys->access_key,
		.secret_key = keys->secret_key,
		.session_token = keys->session_token,
		.region = in->region,
		.service = in->service,
		.time_ms = signer->time_ms};
	int r = get ? 0 : digest_sha256_hex(in->form->data, in->form->len, hash);

	sign_add_header(out, "Host", in->endpoint->host);
	request.n_headers = out->n_headers;
	if (!r)
		r = sigv4_sign(&request, &out->v4);
	if (r < 0)
		return r;
	sign_add_header(out, "X-Amz-Date", out->v4.date);
	sign_add_header(out, "Authorization", buf_str(&out->v4.authorization));
	if (keys->session_token)
		sign_add_header(out, "X-Amz-Security-Token", keys->session_token);
	return 0;
}

/* Appends the parameters of a Version 2 signature to the form; no header is needed. */
static int sign_v2(
	const struct aws_signer *signer, const struct aws_unsigned *in, struct aws_signed *out)
{
	const struct credentials *keys = signer->credentials;
	struct sigv2_request request = {.method = in->method,
		.path = in->endpoint->path,
		.access_key = keys->access_key,
		.secret_key = keys->secret_key,
		.session_token = keys->session_token,
		.time_ms = signer->time_ms};

	/* Servers check the signature with a Host header that lacks the scheme's default port. */
	out->host = url_authority(in->endpoint->url.data);
	if (!out->host)
		return -ENOMEM;
	request.host = out->host;
	sign_add_header(out, "Host", out->host);
	return sigv2_sign(&request, in->form);
}

int aws_sign(const struct aws_signer *signer, const struct aws_unsigned *request,
	struct aws_signed *out, struct err *err)
{
	int r;

	*out = (struct aws_signed){0};
	if (!strcmp(request->method, "POST"))
		sign_add_header(out, "Content-Type", FORM_TYPE);
	else if (signer->signature == AWS_SIGNATURE_V2)
		return err_set(
			err, EOPNOTSUPP, "a cloud with Signature Version 2 has no such service");
	r = signer->signature == AWS_SIGNATURE_V2 ? sign_v2(signer, request, out)
						  : sign_v4(signer, request, out);
	return r < 0 ? err_set(err, -r, "the request cannot be signed") : 0;
}

void aws_signed_finish(struct aws_signed *out)
{
	sigv4_finish(&out->v4);
	free(out->host);
}
