/* SPDX-License-Identifier: MIT */
/* Signs requests to a Query API, by Version 4 or 2. */
#include "aws_sign.h"

#include <errno.h>

#include "digest.h"
#include "sigv2.h"
#include "url.h"

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"

static void sign_add_header(struct aws_signed *out, const char *name, const char *value)
{
	out->headers[out->n_headers++] = (struct http_header){name, value};
}

static int sign_v4(const struct aws_signer *signer, const struct endpoint *endpoint,
	const char *service, const char *region, const struct buf *form, struct aws_signed *out)
{
	const struct credentials *keys = signer->credentials;
	char hash[DIGEST_SHA256_HEX];
	struct sigv4_request request = {.method = "POST",
		.path = endpoint->path,
		.headers = out->headers,
		.payload_hash = hash,
		.access_key = keys->access_key,
		.secret_key = keys->secret_key,
		.session_token = keys->session_token,
		.region = region,
		.service = service,
		.time_ms = signer->time_ms};
	int r = digest_sha256_hex(form->data, form->len, hash);

	sign_add_header(out, "Host", endpoint->host);
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

/* Puts the whole signature into the form. */
static int sign_v2(const struct aws_signer *signer, const struct endpoint *endpoint,
	struct buf *form, struct aws_signed *out)
{
	const struct credentials *keys = signer->credentials;
	struct sigv2_request request = {.method = "POST",
		.path = endpoint->path,
		.access_key = keys->access_key,
		.secret_key = keys->secret_key,
		.session_token = keys->session_token,
		.time_ms = signer->time_ms};

	/* Servers check without the scheme's default port. */
	out->host = url_authority(endpoint->url.data);
	if (!out->host)
		return -ENOMEM;
	request.host = out->host;
	sign_add_header(out, "Host", out->host);
	return sigv2_sign(&request, form);
}

int aws_sign(const struct aws_signer *signer, const struct endpoint *endpoint, const char *service,
	const char *region, struct buf *form, struct aws_signed *out, struct err *err)
{
	int r;

	*out = (struct aws_signed){0};
	sign_add_header(out, "Content-Type", FORM_TYPE);
	r = signer->signature == AWS_SIGNATURE_V2
		    ? sign_v2(signer, endpoint, form, out)
		    : sign_v4(signer, endpoint, service, region, form, out);
	return r < 0 ? err_set(err, -r, "the request cannot be signed") : 0;
}

void aws_signed_finish(struct aws_signed *out)
{
	sigv4_finish(&out->v4);
	free(out->host);
}
