/* SPDX-License-Identifier: MIT */
/* IAM Identity Center ("SSO"): reads the token that `aws sso login` wrote to ~/.aws/sso/cache,
 * renews it at the OIDC endpoint if necessary, and gets the role's keys from the portal. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "credential_request.h"
#include "digest.h"
#include "encode.h"
#include "endpoint.h"
#include "isotime.h"
#include "jsondoc.h"
#include "log.h"
#include "profile.h"
#include "secret.h"

#define TOKEN_FILE_MAX ((size_t)256 << 10)
#define TRY_MS         20000
/* A token that expires within this time is renewed; botocore uses the same time. */
#define RENEW_MS       (15 * 60 * 1000)

/* A cached token. The members have the names of the file's, which the AWS CLI writes. */
struct sso_token {
	char *path;
	struct jsondoc *doc; /* NULL: there is no token */
	int64_t expires_ms;
};

struct sso {
	struct credential_source base;
	const struct credential_context *context;
	struct credential_request ask;
	struct sso_token token;
	struct jsondoc *response; /* the last response of OIDC */
	int64_t skew_ms;     /* AWS's clock minus this machine's, by the response's Date header */
	const char *profile; /* this and the members below belong to the profiles */
	const char *session; /* NULL: the profile has sso_start_url itself, the older form */
	const char *start_url;
	const char *region;
	const char *account_id;
	const char *role_name;
};

/* The cached token. */

static const char *sso_token_access(const struct sso_token *token)
{
	return jsondoc_string(token->doc, "accessToken");
}

/* Reads a token from its file, which is named by the SHA-1 of `name`: the sso-session's name, or
 * the start URL if there is no session. If the file lacks an access token or its expiresAt,
 * token->doc is NULL. Returns 0 or -ENOMEM. Call sso_token_finish() after an error too. */
static int sso_token_load(struct sso_token *token, const char *name)
{
	_cleanup_buf_wipe_ struct buf text = BUF_INIT;
	_cleanup_buf_ struct buf path = BUF_INIT;
	char hash[DIGEST_SHA1_HEX];
	const char *expires;

	*token = (struct sso_token){0};
	if (digest_sha1_hex(name, strlen(name), hash) < 0 ||
		buf_printf(&path, "~/.aws/sso/cache/%s.json", hash) < 0)
		return -ENOMEM;
	token->path = profile_path_expand(path.data);
	if (!token->path)
		return -ENOMEM;
	if (secret_file_read(token->path, TOKEN_FILE_MAX, &text) < 0)
		return 0;
	token->doc = jsondoc_parse(text.data, text.len);
	expires = token->doc ? jsondoc_string(token->doc, "expiresAt") : NULL;
	if (!expires || credential_date(expires, &token->expires_ms) < 0 ||
		!sso_token_access(token)) {
		jsondoc_destroy(token->doc);
		token->doc = NULL;
	}
	return 0;
}

static void sso_token_finish(struct sso_token *token)
{
	free(token->path);
	jsondoc_destroy(token->doc);
	*token = (struct sso_token){0};
}

/* Returns whether a request can renew the token without a login: the token has a refresh token, and
 * its client is still registered. */
static bool sso_token_is_renewable(const struct sso_token *token, int64_t now_ms)
{
	const char *registration = jsondoc_string(token->doc, "registrationExpiresAt");
	int64_t registered_ms;

	return jsondoc_string(token->doc, "refreshToken") &&
	       jsondoc_string(token->doc, "clientId") &&
	       jsondoc_string(token->doc, "clientSecret") && registration &&
	       credential_date(registration, &registered_ms) == 0 && registered_ms > now_ms;
}

/* Writes the body of OIDC's CreateToken, the request that renews the token. `out` must be empty;
 * call buf_wipe() on it. Returns 0 or -ENOMEM. */
static int sso_token_request(const struct sso_token *token, struct buf *out)
{
	static const char *const members[] = {"clientId", "clientSecret", "refreshToken"};
	_cleanup_(jsondoc_destroyp) struct jsondoc *doc = jsondoc_create();

	if (!doc || jsondoc_set_string(doc, "grantType", "refresh_token") < 0)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (jsondoc_set_string(doc, members[i], jsondoc_string(token->doc, members[i])) < 0)
			return -ENOMEM;
	}
	return jsondoc_print(doc, out);
}

/* Copies the new token from CreateToken's response into `token` and its file. Returns 0; -EINVAL if
 * the response has no token; -ENOMEM; 1 if the file could not be written, with *file_errno: the new
 * token is used all the same. */
static int sso_token_renew(
	struct sso_token *token, const struct jsondoc *response, int64_t now_ms, int *file_errno)
{
	_cleanup_buf_wipe_ struct buf text = BUF_INIT;
	const char *access = jsondoc_string(response, "accessToken");
	const char *refresh = jsondoc_string(response, "refreshToken");
	char expires[ISOTIME_SIZE];
	int64_t seconds;
	int r;

	if (!access || !*access || jsondoc_integer(response, "expiresIn", &seconds) < 0 ||
		seconds <= 0 || seconds > INT32_MAX)
		return -EINVAL;
	token->expires_ms = now_ms + seconds * 1000;
	isotime_format(token->expires_ms, expires);
	if (jsondoc_set_string(token->doc, "accessToken", access) < 0 ||
		jsondoc_set_string(token->doc, "expiresAt", expires) < 0 ||
		(refresh && jsondoc_set_string(token->doc, "refreshToken", refresh) < 0) ||
		jsondoc_print(token->doc, &text) < 0)
		return -ENOMEM;
	r = secret_file_replace(token->path, text.data, text.len);
	*file_errno = -r;
	return r < 0;
}

/* Requests. */

static int sso_log_in_again(const struct sso *sso, const char *why, struct err *err)
{
	return err_set(err, EACCES, "%s: run: aws sso login --profile %s", why, sso->profile);
}

static int sso_service_url(struct sso *sso, const char *service, struct buf *url, struct err *err)
{
	const struct endpoint_config config = {
		.profiles = sso->context->profiles, .profile = sso->context->profile};

	return endpoint_url(&config, service, sso->region, url, err);
}

static int sso_keep_response(struct sso *sso, const struct http_response *response)
{
	jsondoc_destroy(sso->response);
	sso->response = jsondoc_parse(response->body.data, response->body.len);
	return sso->response ? 0 : -EINVAL;
}

/* Fills *err from an error response of the OIDC endpoint or the portal. */
static int sso_refused(struct sso *sso, const struct http_response *response, enum retry_kind *kind,
	struct err *err)
{
	const char *message = sso_keep_response(sso, response) == 0
				      ? jsondoc_string(sso->response, "message")
				      : NULL;
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

static struct http_call *sso_keys_send(void *arg, http_done *done, void *done_arg)
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
		.plain = true}; /* endpoints are https unless endpoint_url says http */
	struct http_request with_url = request;

	if (sso_service_url(sso, "sso", &url, NULL) < 0)
		return NULL;
	buf_puts(&url, "/federation/credentials?role_name=");
	encode_percent(&url, sso->role_name, strlen(sso->role_name), 0);
	buf_puts(&url, "&account_id=");
	encode_percent(&url, sso->account_id, strlen(sso->account_id), 0);
	with_url.url = url.data;
	return url.error ? NULL : http_send(sso->context->http, &with_url, done, done_arg);
}

static int sso_keys_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct sso *sso = arg;
	int64_t expires_ms;

	if (response->status == 401)
		return sso_log_in_again(sso, "SSO does not take the token any more", err);
	if (response->status != 200)
		return sso_refused(sso, response, kind, err);
	sso->skew_ms = credential_request_skew(response);
	if (sso_keep_response(sso, response) < 0 ||
		!jsondoc_string(sso->response, "roleCredentials.accessKeyId") ||
		!jsondoc_string(sso->response, "roleCredentials.secretAccessKey") ||
		!jsondoc_string(sso->response, "roleCredentials.sessionToken") ||
		jsondoc_integer(sso->response, "roleCredentials.expiration", &expires_ms) < 0)
		return credential_request_nonsense("SSO", "the response has no keys", kind, err);
	return 0;
}

static void sso_keys_done(void *arg, const struct err *err)
{
	struct sso *sso = arg;
	int64_t expires_ms = 0;

	if (err) {
		credential_source_fail(&sso->base, err);
		return;
	}
	jsondoc_integer(sso->response, "roleCredentials.expiration", &expires_ms);
	credential_source_end_with(&sso->base,
		jsondoc_string(sso->response, "roleCredentials.accessKeyId"),
		jsondoc_string(sso->response, "roleCredentials.secretAccessKey"),
		jsondoc_string(sso->response, "roleCredentials.sessionToken"),
		expires_ms - sso->skew_ms);
}

static const struct credential_request_ops sso_keys_ops = {
	sso_keys_send, sso_keys_take, sso_keys_done};

static void sso_request_keys(struct sso *sso)
{
	credential_request_finish(&sso->ask);
	credential_request_init(&sso->ask, sso->context, &sso_keys_ops, sso);
	credential_request_start(&sso->ask);
}

/* Renewal of a token that is about to expire. */

static struct http_call *sso_renewal_send(void *arg, http_done *done, void *done_arg)
{
	struct sso *sso = arg;
	_cleanup_buf_ struct buf url = BUF_INIT;
	_cleanup_buf_wipe_ struct buf body = BUF_INIT;
	const struct http_header headers[] = {
		{"content-type", "application/json"}, {"accept", "application/json"}};
	struct http_request request = {.method = "POST",
		.headers = headers,
		.n_headers = ARRAY_LEN(headers),
		.max_response = CREDENTIAL_RESPONSE_MAX,
		.timeout_ms = TRY_MS,
		.secrets = {jsondoc_string(sso->token.doc, "refreshToken"),
			jsondoc_string(sso->token.doc, "clientSecret")},
		.plain = true}; /* endpoints are https unless endpoint_url says http */

	if (sso_service_url(sso, "sso-oidc", &url, NULL) < 0 || buf_puts(&url, "/token") < 0 ||
		sso_token_request(&sso->token, &body) < 0)
		return NULL;
	request.url = url.data;
	request.body = body.data;
	request.body_len = body.len;
	return http_send(sso->context->http, &request, done, done_arg);
}

static int sso_renewal_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct sso *sso = arg;
	int file_errno = 0, r;

	if (response->status != 200)
		return sso_refused(sso, response, kind, err);
	if (sso_keep_response(sso, response) < 0)
		return credential_request_nonsense("SSO", "the response is not JSON", kind, err);
	r = sso_token_renew(&sso->token, sso->response, clock_wall_ms(), &file_errno);
	if (r == -EINVAL)
		return credential_request_nonsense("SSO", "the response has no token", kind, err);
	if (r < 0)
		return err_set(err, -r, "out of memory");
	if (r > 0)
		log_warning("credentials: cannot write the renewed SSO token to %s: %s",
			sso->token.path, strerror(file_errno));
	return 0;
}

static void sso_renewal_done(void *arg, const struct err *err)
{
	struct sso *sso = arg;
	struct err failure;

	if (err && sso->token.expires_ms <= clock_wall_ms()) {
		failure = *err;
		if (!err->retryable)
			sso_log_in_again(sso, "the SSO token has expired and could not be renewed",
				&failure);
		credential_source_fail(&sso->base, &failure);
		return;
	}
	if (err)
		log_warning("credentials: %s: the SSO token could not be renewed yet: %s",
			sso->base.name, err->message);
	sso_request_keys(sso);
}

static const struct credential_request_ops sso_renewal_ops = {
	sso_renewal_send, sso_renewal_take, sso_renewal_done};

/* The source. */

static int sso_load_token(struct sso *sso, int64_t now, struct err *err)
{
	sso_token_finish(&sso->token);
	if (sso_token_load(&sso->token, sso->session ? sso->session : sso->start_url) < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (!sso->token.doc)
		return sso_log_in_again(sso, "there is no SSO token", err);
	if (sso->token.expires_ms <= now &&
		!(sso->session && sso_token_is_renewable(&sso->token, now)))
		return sso_log_in_again(sso, "the SSO token has expired", err);
	return 0;
}

static void sso_fetch(struct credential_source *base)
{
	struct sso *sso = (struct sso *)base;
	int64_t now = clock_wall_ms();
	_cleanup_buf_ struct buf url = BUF_INIT;
	struct err err;

	/* Each try builds its URL again; errors in the URLs are reported here, before the first
	 * try. */
	if (sso_load_token(sso, now, &err) < 0 || sso_service_url(sso, "sso", &url, &err) < 0 ||
		sso_service_url(sso, "sso-oidc", &url, &err) < 0) {
		credential_source_fail(&sso->base, &err);
		return;
	}
	if (sso->session && sso->token.expires_ms - now < RENEW_MS &&
		sso_token_is_renewable(&sso->token, now)) {
		credential_request_finish(&sso->ask);
		credential_request_init(&sso->ask, sso->context, &sso_renewal_ops, sso);
		credential_request_start(&sso->ask);
	} else {
		sso_request_keys(sso);
	}
}

static void sso_destroy(struct credential_source *base)
{
	struct sso *sso = (struct sso *)base;

	credential_request_finish(&sso->ask);
	sso_token_finish(&sso->token);
	jsondoc_destroy(sso->response);
	free(sso);
}

static const struct credential_source_ops sso_ops = {sso_fetch, sso_destroy};

/* Reads a setting of the profile or of its sso-session; if both have the setting, the values must
 * be equal. Returns 0, or -EINVAL with *err. */
static int sso_setting(const struct sso *sso, const char *key, const char **out, struct err *err)
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
		return err_set(err, EINVAL,
			"profile %s is set up for SSO but has no %s; run: aws configure sso",
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
	} else if (sso_setting(sso, "sso_role_name", &sso->role_name, err) == 0 &&
		   sso_setting(sso, "sso_account_id", &sso->account_id, err) == 0 &&
		   sso_setting(sso, "sso_start_url", &sso->start_url, err) == 0 &&
		   sso_setting(sso, "sso_region", &sso->region, err) == 0) {
		*out = &sso->base;
		return 0;
	}
	sso_destroy(&sso->base);
	return -EINVAL;
}
