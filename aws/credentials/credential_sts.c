/* SPDX-License-Identifier: MIT */
/* Roles that are assumed at STS: by AssumeRole, signed with the keys of another source, and by
 * AssumeRoleWithWebIdentity, with a token from a file. Requests are sent to the region's own
 * endpoint: keys from the global endpoint are not valid in regions that an account had to enable
 * (IAM user guide, "Managing AWS STS in an AWS Region"). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws_error.h"
#include "buf.h"
#include "clock.h"
#include "credential_request.h"
#include "digest.h"
#include "encode.h"
#include "endpoint.h"
#include "isotime.h"
#include "num.h"
#include "profile.h"
#include "secret.h"
#include "sigv4.h"
#include "url.h"
#include "xml.h"

#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define TRY_MS       20000
/* Bound of a web identity token. STS accepts 20000 characters (API reference). */
#define TOKEN_MAX    ((size_t)64 << 10)

struct sts_role {
	struct credential_source base;
	const struct credential_context *context;
	struct credential_source *parent; /* its keys sign the request; NULL: web identity, whose
					   * request is not signed */
	char *token_file;                 /* the file with the web identity token */
	char *arn;
	char *external_id;  /* NULL: none */
	char *session_name; /* NULL: generated */
	int duration_s;     /* 0: STS's default, an hour */

	/* The request and the keys of one fetch. */
	struct credential_request request;
	struct credentials *signer; /* NULL: the request is not signed */
	struct buf form;
	char *token; /* the web identity token within the form */
	struct buf url;
	const char *path; /* in url */
	char *host;
	const char *region;
	int64_t clock_skew_ms; /* AWS's clock minus this machine's; set after STS refused a request
				* because of its time */

	/* The keys in the response. */
	char *access_key;
	char *secret_key;
	char *session_token;
	int64_t expires_ms; /* by this machine's clock */
};

static void sts_forget_response(struct sts_role *role)
{
	secret_free(steal(&role->access_key));
	secret_free(steal(&role->secret_key));
	secret_free(steal(&role->session_token));
	role->expires_ms = 0;
}

/* Cancels a fetch and wipes its data. */
static void sts_reset(struct sts_role *role)
{
	credential_request_finish(&role->request);
	credentials_unref(steal(&role->signer));
	buf_wipe(&role->form);
	secret_free(steal(&role->token));
	buf_finish(&role->url);
	free(steal(&role->host));
	sts_forget_response(role);
	role->clock_skew_ms = 0;
}

/* Sends one try. Each try is signed anew, because a signature contains the time. */
static struct http_call *sts_send(void *arg, http_done *done, void *done_arg)
{
	struct sts_role *role = arg;
	struct http_header headers[5] = {{"content-type", CONTENT_TYPE}, {"host", role->host}};
	struct http_request request = {.method = "POST",
		.url = role->url.data,
		.secrets = {role->token, role->signer ? role->signer->session_token : NULL},
		.plain = true, /* endpoints are https unless endpoint_url says http */
		.headers = headers,
		.n_headers = 2,
		.body = role->form.data,
		.body_len = role->form.len,
		.max_response = CREDENTIAL_RESPONSE_MAX,
		.timeout_ms = TRY_MS};
	_cleanup_(sigv4_finish) struct sigv4_signature signature = {0};
	char payload_hash[DIGEST_SHA256_HEX];

	if (role->signer) {
		const struct sigv4_request to_sign = {.method = "POST",
			.path = role->path,
			.headers = headers,
			.n_headers = 2,
			.payload_hash = payload_hash,
			.access_key = role->signer->access_key,
			.secret_key = role->signer->secret_key,
			.session_token = role->signer->session_token,
			.region = role->region,
			.service = "sts",
			.time_ms = clock_wall_ms() + role->clock_skew_ms};

		if (digest_sha256_hex(role->form.data, role->form.len, payload_hash) < 0 ||
			sigv4_sign(&to_sign, &signature) < 0)
			return NULL;
		headers[request.n_headers++] = (struct http_header){"x-amz-date", signature.date};
		headers[request.n_headers++] =
			(struct http_header){"authorization", signature.authorization.data};
		if (role->signer->session_token)
			headers[request.n_headers++] = (struct http_header){
				"x-amz-security-token", role->signer->session_token};
	}
	return http_send(role->context->http, &request, done, done_arg);
}

static int sts_take_element(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *err)
{
	struct sts_role *role = arg;
	char **to = NULL;

	(void)depth;
	if (!text)
		return 0;
	if (strcmp(name, "AccessKeyId") == 0)
		to = &role->access_key;
	else if (strcmp(name, "SecretAccessKey") == 0)
		to = &role->secret_key;
	else if (strcmp(name, "SessionToken") == 0)
		to = &role->session_token;
	else if (strcmp(name, "Expiration") == 0 && isotime_parse(text, len, &role->expires_ms) < 0)
		return err_set(err, EIO, "the response's Expiration is not a date");
	if (!to)
		return 0;
	secret_free(*to);
	*to = strndup(text, len);
	return *to ? 0 : err_set(err, ENOMEM, "out of memory");
}

static int sts_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct sts_role *role = arg;
	const struct xml_handler handler = {.close = sts_take_element, .arg = role};
	int64_t skew_ms = credential_request_skew(response);

	if (response->status != 200) {
		*kind = aws_error_judge(&(struct aws_refusal){.status = response->status,
						.body = response->body.data,
						.len = response->body.len,
						.type = "",
						.request_id = response->request_id},
			err);
		snprintf(err->action, sizeof(err->action), "%s",
			role->parent ? "AssumeRole" : "AssumeRoleWithWebIdentity");
		if (skew_ms && aws_error_may_be_clock(err->code)) {
			role->clock_skew_ms = skew_ms;
			*kind = RETRY_CLOCK;
		} else if (*kind == RETRY_CREDENTIALS) {
			*kind = RETRY_NEVER; /* new keys would not help: these were fetched a moment
						ago */
		}
		return -err->errnum;
	}
	sts_forget_response(role);
	if (xml_parse(response->body.data, response->body.len, &handler, err) < 0)
		return credential_request_nonsense("STS", "the response cannot be read", kind, err);
	if (!role->access_key || !role->secret_key || !role->session_token || !role->expires_ms)
		return credential_request_nonsense("STS", "the response has no keys", kind, err);
	role->expires_ms -= skew_ms;
	return 0;
}

static void sts_done(void *arg, const struct err *err)
{
	struct sts_role *role = arg;
	struct err failure;

	if (!err) {
		credential_source_end_with(&role->base, role->access_key, role->secret_key,
			role->session_token, role->expires_ms);
		return;
	}
	failure = *err;
	err_context(&failure, "%s, assuming %s", role->base.name, role->arn);
	credential_source_end(&role->base, NULL, &failure);
}

static const struct credential_request_ops sts_request_ops = {sts_send, sts_take, sts_done};

/* Fills in the request's URL, host and region. */
static int sts_prepare(struct sts_role *role, struct err *err)
{
	const struct credential_context *context = role->context;
	const struct endpoint_config config = {
		.profiles = context->profiles, .profile = context->profile};
	struct url_parts parts;
	int r;

	role->region = endpoint_home_region(context->profiles, context->profile);
	r = endpoint_url(&config, "sts", role->region, &role->url, err);
	if (r < 0)
		return r;
	buf_putc(&role->url, '/');
	if (role->url.error || role->form.error || url_split(role->url.data, &parts) < 0)
		return err_set(err, ENOMEM, "out of memory");
	role->path = parts.path;
	role->host = url_authority(role->url.data);
	return role->host ? 0 : err_set(err, ENOMEM, "out of memory");
}

/* Appends the role to the form, which already has the action, and starts the request. */
static void sts_assume(struct sts_role *role)
{
	struct buf *form = &role->form;
	char session_name[40];
	struct err err;

	snprintf(session_name, sizeof(session_name), "ebsfs-session-%lld",
		(long long)(clock_wall_ms() / 1000));
	form_add(form, role->arn, "RoleArn");
	form_add(form, role->session_name ? role->session_name : session_name, "RoleSessionName");
	form_add(form, role->external_id, "ExternalId");
	if (role->duration_s)
		form_add_number(form, role->duration_s, "DurationSeconds");
	credential_request_init(&role->request, role->context, &sts_request_ops, role);
	if (sts_prepare(role, &err) < 0)
		sts_done(role, &err);
	else
		credential_request_start(&role->request);
}

static void sts_parent_done(void *arg, struct credentials *credentials, const struct err *err)
{
	struct sts_role *role = arg;

	if (!credentials) {
		credential_source_fail(&role->base, err);
		return;
	}
	role->signer = credentials;
	buf_puts(&role->form, "Action=AssumeRole&Version=2011-06-15");
	sts_assume(role);
}

static void sts_role_fetch(struct credential_source *base)
{
	struct sts_role *role = (struct sts_role *)base;

	sts_reset(role);
	credential_source_fetch(role->parent, sts_parent_done, role);
}

/* Begins the form with the token from the file. */
static int sts_load_token(struct sts_role *role, struct err *err)
{
	_cleanup_buf_wipe_ struct buf token = BUF_INIT;
	struct buf *form = &role->form;
	int r = secret_file_read(role->token_file, TOKEN_MAX, &token);

	if (r < 0)
		return err_set(err, r == -ENOMEM ? ENOMEM : EACCES,
			"%s: cannot read the token file %s: %s", role->base.name, role->token_file,
			strerror(-r));
	/* Drops white space at the end: a token is Base64 and dots, and an editor may have added a
	 * line break. */
	while (token.len > 0 && isspace((unsigned char)token.data[token.len - 1]))
		buf_resize(&token, token.len - 1);
	if (!token.len || strlen(token.data) != token.len)
		return err_set(err, EACCES, "%s: there is no token in %s", role->base.name,
			role->token_file);
	/* The form is allocated at its full size: a buffer that grows leaves copies of the token
	 * behind. */
	buf_resize(form, 3 * token.len + 8192);
	buf_clear(form);
	buf_puts(form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
	form_add(form, token.data, "WebIdentityToken");
	role->token = strdup(token.data);
	return role->token ? 0 : err_set(err, ENOMEM, "out of memory");
}

static void sts_web_fetch(struct credential_source *base)
{
	struct sts_role *role = (struct sts_role *)base;
	struct err err;

	sts_reset(role);
	if (sts_load_token(role, &err) < 0)
		credential_source_end(base, NULL, &err);
	else
		sts_assume(role);
}

static void sts_destroy(struct credential_source *base)
{
	struct sts_role *role = (struct sts_role *)base;

	sts_reset(role);
	credential_source_destroy(role->parent);
	free(role->token_file);
	free(role->arn);
	free(role->external_id);
	free(role->session_name);
	free(role);
}

static const struct credential_source_ops sts_role_ops = {sts_role_fetch, sts_destroy};
static const struct credential_source_ops sts_web_ops = {sts_web_fetch, sts_destroy};

/* Sets *to to a copy of the value; NULL stays NULL. Returns false on ENOMEM. */
static bool sts_set(char **to, const char *value)
{
	*to = value ? strdup(value) : NULL;
	return *to || !value;
}

/* Parses duration_seconds within STS's bounds (API reference, AssumeRole). A value that is not a
 * number is ignored, as in botocore. */
static int sts_parse_duration(const char *profile, const char *text, int *out, struct err *err)
{
	int64_t value;
	int r = text ? num_parse_i64(text, strlen(text), 900, 43200, &value) : -EINVAL;

	if (r == -ERANGE)
		return err_set(err, EINVAL,
			"profile %s: duration_seconds must lie between 900 and 43200", profile);
	*out = r < 0 ? 0 : (int)value;
	return 0;
}

int credential_role_create(const struct credential_context *context, const char *profile,
	struct credential_source *parent, struct credential_source **out, struct err *err)
{
	const struct profiles *p = context->profiles;
	struct sts_role *role = calloc(1, sizeof(*role));
	int r;

	if (!role) {
		credential_source_destroy(parent);
		return err_set(err, ENOMEM, "out of memory");
	}
	credential_source_init(&role->base, &sts_role_ops, "profile %s", profile);
	role->context = context;
	role->parent = parent;
	r = sts_parse_duration(
		profile, profiles_get(p, profile, "duration_seconds"), &role->duration_s, err);
	if (r == 0 &&
		(!sts_set(&role->arn, profiles_get(p, profile, "role_arn")) ||
			!sts_set(&role->external_id, profiles_get(p, profile, "external_id")) ||
			!sts_set(&role->session_name,
				profiles_get(p, profile, "role_session_name"))))
		r = err_set(err, ENOMEM, "out of memory");
	if (r < 0) {
		sts_destroy(&role->base);
		return r;
	}
	*out = &role->base;
	return 0;
}

static const char *sts_setting(const struct credential_context *context, const char *profile,
	bool use_environment, const char *env, const char *key)
{
	const char *value = use_environment ? profile_env(env) : NULL;

	return value ? value : profiles_get(context->profiles, profile, key);
}

int credential_web_create(const struct credential_context *context, const char *profile,
	bool use_environment, struct credential_source **out, struct err *err)
{
	const char *file = sts_setting(context, profile, use_environment,
		"AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
	const char *arn =
		sts_setting(context, profile, use_environment, "AWS_ROLE_ARN", "role_arn");
	const char *name = sts_setting(
		context, profile, use_environment, "AWS_ROLE_SESSION_NAME", "role_session_name");
	struct sts_role *role;

	*out = NULL;
	if (!file || !*file)
		return 0;
	if (!arn || !*arn)
		return err_set(err, EINVAL,
			"profile %s: there is a web identity token file, but neither AWS_ROLE_ARN "
			"nor role_arn",
			profile);
	role = calloc(1, sizeof(*role));
	if (!role)
		return err_set(err, ENOMEM, "out of memory");
	credential_source_init(&role->base, &sts_web_ops, "web identity of profile %s", profile);
	role->context = context;
	if (!sts_set(&role->token_file, file) || !sts_set(&role->arn, arn) ||
		!sts_set(&role->session_name, name && *name ? name : NULL)) {
		sts_destroy(&role->base);
		return err_set(err, ENOMEM, "out of memory");
	}
	*out = &role->base;
	return 0;
}
