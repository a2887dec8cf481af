/* SPDX-License-Identifier: MIT */
/* SSO: the cached token, renewed at OIDC's endpoint if need be, then the role's keys from the
 * portal. */
#include "credential_sso.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "credential_request.h"
#include "encode.h"
#include "endpoint.h"
#include "jsondoc.h"
#include "log.h"
#include "profile.h"
#include "secret.h"
#include "sso_token.h"

#define TRY_MS   20000
/* A token that ends sooner is renewed; botocore's window. */
#define RENEW_MS (15 * 60 * 1000)

struct sso {
	struct credential_source base;
	const struct credential_context *context;
	struct credential_ask ask;
	struct sso_token token;
	struct jsondoc *response; /* the last one that was taken */
	int64_t skew_ms;          /* of its Date */
	const char *profile;      /* these are borrowed from the profiles */
	const char *session;      /* NULL: the older form */
	const char *start_url;
	const char *region;
	const char *account_id;
	const char *role_name;
};

static void sso_fail(struct sso *sso, const struct err *err)
{
	struct err failure = *err;

	err_context(&failure, "%s", sso->base.name);
	credential_source_end(&sso->base, NULL, &failure);
}

static int log_in_again(const struct sso *sso, const char *why, struct err *err)
{
	return err_set(err, EACCES, "%s: run: aws sso login --profile %s", why, sso->profile);
}

static int service_url(struct sso *sso, const char *service, struct buf *url, struct err *err)
{
	const struct endpoint_config config = {
		.profiles = sso->context->profiles, .profile = sso->context->profile};

	return endpoint_url(&config, service, sso->region, url, err);
}

static int keep_response(struct sso *sso, const struct http_response *response)
{
	jsondoc_destroy(sso->response);
	sso->response = jsondoc_parse(response->body.data, response->body.len);
	return sso->response ? 0 : -EINVAL;
}

/* A refusal of either service. */
static int refused(struct sso *sso, const struct http_response *response, enum retry_kind *kind,
	struct err *err)
{
	const char *message =
		keep_response(sso, response) == 0 ? jsondoc_string(sso->response, "message") : NULL;
	const char *code = sso->response ? jsondoc_string(sso->response, "error") : NULL;

	if (!message && sso->response)
		message = jsondoc_string(sso->response, "error_description");
	err_set(err, EACCES, "%.200s", message && *message ? message : "refused without a reason");
	err->http_status = response->status;
	snprintf(err->code, sizeof(err->code), "%s", code ? code : "");
	snprintf(err->request_id, sizeof(err->request_id), "%s", response->request_id);
	if (response->status == 429 || response->status >= 500) {
		*kind = response->status == 429 ? RETRY_THROTTLED : RETRY_TRANSIENT;
		err->errnum = response->status == 429 ? EAGAIN : EIO;
		err->retryable = true;
	}
	return -err->errnum;
}

/* The role's keys. */

static struct http_call *keys_send(void *arg, http_done *done, void *done_arg)
{
	struct sso *sso = arg;
	_cleanup_buf_ struct buf url = BUF_INIT;
	const struct http_header headers[] = {
		{"x-amz-sso_bearer_token", sso_token_access(&sso->token)},
		{"accept", "application/json"}};
	const struct http_request request = {.method = "GET",
		.headers = headers,
		.n_headers = ARRAY_LEN(headers),
		.max_response = CREDENTIAL_RESPONSE_MAX,
		.timeout_ms = TRY_MS,
		.secrets = {sso_token_access(&sso->token)},
		.plain = true}; /* http only where an endpoint_url says so */
	struct http_request with_url = request;

	if (service_url(sso, "sso", &url, NULL) < 0)
		return NULL;
	buf_puts(&url, "/federation/credentials?role_name=");
	encode_percent(&url, sso->role_name, strlen(sso->role_name), 0);
	buf_puts(&url, "&account_id=");
	encode_percent(&url, sso->account_id, strlen(sso->account_id), 0);
	with_url.url = url.data;
	return url.error ? NULL : http_send(sso->context->http, &with_url, done, done_arg);
}

static int keys_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct sso *sso = arg;
	int64_t expires_ms;

	if (response->status == 401)
		return log_in_again(sso, "SSO does not take the token any more", err);
	if (response->status != 200)
		return refused(sso, response, kind, err);
	sso->skew_ms = credential_ask_skew(response);
	if (keep_response(sso, response) < 0 ||
		!jsondoc_string(sso->response, "roleCredentials.accessKeyId") ||
		!jsondoc_string(sso->response, "roleCredentials.secretAccessKey") ||
		!jsondoc_string(sso->response, "roleCredentials.sessionToken") ||
		jsondoc_integer(sso->response, "roleCredentials.expiration", &expires_ms) < 0)
		return credential_ask_nonsense("SSO", "an answer without keys", kind, err);
	return 0;
}

static void keys_done(void *arg, const struct err *err)
{
	struct sso *sso = arg;
	int64_t expires_ms = 0;

	if (err) {
		sso_fail(sso, err);
		return;
	}
	jsondoc_integer(sso->response, "roleCredentials.expiration", &expires_ms);
	credential_source_end_with(&sso->base,
		jsondoc_string(sso->response, "roleCredentials.accessKeyId"),
		jsondoc_string(sso->response, "roleCredentials.secretAccessKey"),
		jsondoc_string(sso->response, "roleCredentials.sessionToken"),
		expires_ms - sso->skew_ms);
}

static const struct credential_ask_ops keys_ops = {keys_send, keys_take, keys_done};

static void ask_for_keys(struct sso *sso)
{
	credential_ask_finish(&sso->ask);
	credential_ask_init(&sso->ask, sso->context, &keys_ops, sso);
	credential_ask_start(&sso->ask);
}

/* A new token for one that is about to end. */

static struct http_call *renewal_send(void *arg, http_done *done, void *done_arg)
{
	struct sso *sso = arg;
	_cleanup_buf_ struct buf url = BUF_INIT;
	_cleanup_secret_buf_ struct buf body = BUF_INIT;
	const struct http_header headers[] = {
		{"content-type", "application/json"}, {"accept", "application/json"}};
	struct http_request request = {.method = "POST",
		.headers = headers,
		.n_headers = ARRAY_LEN(headers),
		.max_response = CREDENTIAL_RESPONSE_MAX,
		.timeout_ms = TRY_MS,
		.secrets = {jsondoc_string(sso->token.doc, "refreshToken"),
			jsondoc_string(sso->token.doc, "clientSecret")},
		.plain = true}; /* http only where an endpoint_url says so */

	if (service_url(sso, "sso-oidc", &url, NULL) < 0 || buf_puts(&url, "/token") < 0 ||
		sso_token_request(&sso->token, &body) < 0)
		return NULL;
	request.url = url.data;
	request.body = body.data;
	request.body_len = body.len;
	return http_send(sso->context->http, &request, done, done_arg);
}

static int renewal_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct sso *sso = arg;
	int file_errno = 0, r;

	if (response->status != 200)
		return refused(sso, response, kind, err);
	if (keep_response(sso, response) < 0)
		return credential_ask_nonsense("SSO", "an answer that is no JSON", kind, err);
	r = sso_token_renew(&sso->token, sso->response, clock_wall_ms(), &file_errno);
	if (r == -EINVAL)
		return credential_ask_nonsense("SSO", "an answer without a token", kind, err);
	if (r < 0)
		return err_set(err, -r, "out of memory");
	if (r > 0)
		log_warning("credentials: cannot write the renewed SSO token to %s: %s",
			sso->token.path, strerror(file_errno));
	return 0;
}

static void renewal_done(void *arg, const struct err *err)
{
	struct sso *sso = arg;
	struct err failure;

	if (err && sso->token.expires_ms <= clock_wall_ms()) {
		failure = *err;
		if (!err->retryable)
			log_in_again(sso, "the SSO token has expired and could not be renewed",
				&failure);
		sso_fail(sso, &failure);
		return;
	}
	if (err)
		log_warning("credentials: %s: the SSO token could not be renewed yet: %s",
			sso->base.name, err->message);
	ask_for_keys(sso);
}

static const struct credential_ask_ops renewal_ops = {renewal_send, renewal_take, renewal_done};

/* The source. */

static int load_token(struct sso *sso, int64_t now, struct err *err)
{
	sso_token_finish(&sso->token);
	if (sso_token_load(&sso->token, sso->session ? sso->session : sso->start_url) < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (!sso->token.doc)
		return log_in_again(sso, "there is no SSO token", err);
	if (sso->token.expires_ms <= now &&
		!(sso->session && sso_token_is_renewable(&sso->token, now)))
		return log_in_again(sso, "the SSO token has expired", err);
	return 0;
}

static void sso_fetch(struct credential_source *base)
{
	struct sso *sso = (struct sso *)base;
	int64_t now = clock_wall_ms();
	_cleanup_buf_ struct buf url = BUF_INIT;
	struct err err;

	/* The URLs are made again at each try; what is wrong with them is said once, here. */
	if (load_token(sso, now, &err) < 0 || service_url(sso, "sso", &url, &err) < 0 ||
		service_url(sso, "sso-oidc", &url, &err) < 0) {
		sso_fail(sso, &err);
		return;
	}
	if (sso->session && sso->token.expires_ms - now < RENEW_MS &&
		sso_token_is_renewable(&sso->token, now)) {
		credential_ask_finish(&sso->ask);
		credential_ask_init(&sso->ask, sso->context, &renewal_ops, sso);
		credential_ask_start(&sso->ask);
	} else {
		ask_for_keys(sso);
	}
}

static void sso_destroy(struct credential_source *base)
{
	struct sso *sso = (struct sso *)base;

	credential_ask_finish(&sso->ask);
	sso_token_finish(&sso->token);
	jsondoc_destroy(sso->response);
	free(sso);
}

static const struct credential_source_ops sso_ops = {sso_fetch, sso_destroy};

/* A setting of the profile, or of its sso-session; where both have it they must agree. Returns 0,
 * or -EINVAL with *err. */
static int setting(const struct sso *sso, const char *key, const char **out, struct err *err)
{
	const struct profiles *p = sso->context->profiles;
	const char *own = profiles_get(p, sso->profile, key);
	const char *shared =
		sso->session ? profiles_section(p, "sso-session", sso->session, key) : NULL;

	*out = shared ? shared : own;
	if (own && shared && strcmp(own, shared) != 0)
		return err_set(err, EINVAL, "profile %s and [sso-session %s] disagree about %s",
			sso->profile, sso->session, key);
	if (!*out)
		return err_set(err, EINVAL, "profile %s is set up for SSO but has no %s",
			sso->profile, key);
	return 0;
}

int credential_sso_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err)
{
	const struct profiles *p = context->profiles;
	struct sso *sso;

	*out = NULL;
	if (!profiles_get(p, profile, "sso_role_name") &&
		!profiles_get(p, profile, "sso_account_id"))
		return 0;
	sso = calloc(1, sizeof(*sso));
	if (!sso)
		return err_set(err, ENOMEM, "out of memory");
	credential_source_init(&sso->base, &sso_ops, "SSO of profile %s", profile);
	sso->context = context;
	sso->profile = profile;
	sso->session = profiles_get(p, profile, "sso_session");
	if (sso->session && !profiles_has_section(p, "sso-session", sso->session)) {
		err_set(err, EINVAL,
			"profile %s names the section [sso-session %s], which does not exist",
			profile, sso->session);
	} else if (setting(sso, "sso_role_name", &sso->role_name, err) == 0 &&
		   setting(sso, "sso_account_id", &sso->account_id, err) == 0 &&
		   setting(sso, "sso_start_url", &sso->start_url, err) == 0 &&
		   setting(sso, "sso_region", &sso->region, err) == 0) {
		*out = &sso->base;
		return 0;
	}
	sso_destroy(&sso->base);
	return -EINVAL;
}
