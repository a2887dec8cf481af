/* SPDX-License-Identifier: MIT */
/* Fetches keys from a container's endpoint (ECS, EKS Pod Identity). */

#include <errno.h>
#include <string.h>

#include "credential_request.h"
#include "profile.h"
#include "secret.h"
#include "url.h"

#define TRY_MS    2000
#define TOKEN_MAX ((size_t)64 << 10)
#define HOST      "http://169.254.170.2"

struct container {
	struct credential_source base;
	const struct credential_context *context;
	struct credential_request request;
	char *url;
	struct buf token; /* the authorization token; empty: none */
	struct credentials *credentials;
};

static struct http_call *container_send(void *arg, http_done *done, void *done_arg)
{
	struct container *c = arg;
	const struct http_header headers[] = {
		{"accept", "application/json"}, {"authorization", buf_str(&c->token)}};
	const struct http_request request = {.method = "GET",
		.url = c->url,
		.headers = headers,
		.n_headers = c->token.len ? 2 : 1,
		.max_response = CREDENTIAL_RESPONSE_MAX,
		.timeout_ms = TRY_MS,
		.no_proxy = true};

	return http_send(c->context->http, &request, done, done_arg);
}

static int container_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct container *c = arg;

	*kind = RETRY_TRANSIENT; /* the agent may still be starting: every failure is retried */
	if (response->status != 200) {
		err_set(err, response->status < 500 ? EACCES : EIO, "HTTP status %d",
			response->status);
		err->http_status = response->status;
		err->retryable = true;
		return -err->errnum;
	}
	return credential_json_parse(c->base.name, response->body.data, response->body.len, "Token",
		true, credential_request_skew(response), &c->credentials, err);
}

static void container_done(void *arg, const struct err *err)
{
	struct container *c = arg;

	if (err)
		credential_source_fail(&c->base, err);
	else
		credential_source_end(&c->base, steal(&c->credentials), NULL);
}

static const struct credential_request_ops container_ops = {
	container_send, container_take, container_done};

/* Reads the authorization token into c->token. */
static int container_load_token(struct container *c, struct err *err)
{
	const char *file = profile_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *value = profile_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	int r = 0;

	buf_wipe(&c->token);
	if (file)
		r = secret_file_read(file, TOKEN_MAX, &c->token);
	else if (value)
		r = buf_puts(&c->token, value);
	if (r < 0)
		return err_set(err, r == -ENOMEM ? ENOMEM : EACCES,
			"%s: cannot read the token file %s: %s", c->base.name, file ? file : "",
			strerror(-r));
	if (strcspn(buf_str(&c->token), "\r\n") != c->token.len)
		return err_set(err, EACCES, "%s: the authorization token has a line break in it",
			c->base.name);
	return 0;
}

static void container_fetch(struct credential_source *base)
{
	struct container *c = (struct container *)base;
	struct err err;

	if (container_load_token(c, &err) < 0)
		credential_source_end(base, NULL, &err);
	else
		credential_request_start(&c->request);
}

static void container_destroy(struct credential_source *base)
{
	struct container *c = (struct container *)base;

	credential_request_finish(&c->request);
	credentials_unref(c->credentials);
	buf_wipe(&c->token);
	free(c->url);
	free(c);
}

static const struct credential_source_ops source_ops = {container_fetch, container_destroy};

/* Refuses plain http to other hosts: it would show the token and the keys to every host between. */
static int container_check_url(const char *url, struct err *err)
{
	struct url_parts parts;
	enum url_host kind;

	if (url_split(url, &parts) < 0)
		return err_set(err, EINVAL, "the container's credentials URI is not a URL");
	kind = url_host_of(parts.host);
	if (parts.https || kind == URL_HOST_LOCAL || kind == URL_HOST_CONTAINER)
		return 0;
	return err_set(err, EINVAL,
		"the container's credentials URI: http only goes to a loopback address or an "
		"agent, not to %s",
		parts.host);
}

int credential_container_create(
	const struct credential_context *context, struct credential_source **out, struct err *err)
{
	const char *relative = profile_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = profile_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	struct container *c;
	struct buf url = BUF_INIT;
	int r;

	*out = NULL;
	if (!relative && !full)
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(err, ENOMEM, "out of memory");
	credential_source_init(&c->base, &source_ops, "the container's credentials endpoint");
	c->context = context;
	credential_request_init(&c->request, context, &container_ops, c);
	buf_printf(&url, "%s%s", relative ? HOST : "", relative ? relative : full);
	c->url = buf_steal(&url);
	r = c->url ? container_check_url(c->url, err) : err_set(err, ENOMEM, "out of memory");
	if (r < 0) {
		container_destroy(&c->base);
		return r;
	}
	*out = &c->base;
	return 0;
}
