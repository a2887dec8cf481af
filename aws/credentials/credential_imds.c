/* SPDX-License-Identifier: MIT */
/* Fetches keys from an instance's metadata service: requests a token, the role's name and the
 * role's keys. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "credential_request.h"
#include "log.h"
#include "num.h"
#include "profile.h"
#include "random.h"
#include "secret.h"
#include "url.h"

#define HOST_V4  "http://169.254.169.254"
#define HOST_V6  "http://[fd00:ec2::254]"
#define ROLES    "latest/meta-data/iam/security-credentials/"
/* The longest name of a role: IAM permits 64 characters (API reference, CreateRole). */
#define ROLE_MAX 128

#define MINUTE_MS 60000

struct imds {
	struct credential_source base;
	const struct credential_context *context;
	struct credential_request request;
	char prefix[400]; /* beginning of every error message */
	char *host;       /* the service's host, with a slash at its end */
	bool v1_permitted;
	int64_t timeout_ms;
	int attempts;

	char *token; /* NULL: version 1 */
	char role[ROLE_MAX];
	struct credentials *credentials;
};

static void imds_fail(struct imds *imds, const struct err *err)
{
	struct err failure = *err;

	failure.errnum = err->errnum == ENOMEM ? ENOMEM : EACCES;
	failure.http_status = 0; /* the status is not AWS's: the metadata service sent it */
	err_context(&failure, "%s (%s)", imds->prefix, imds->host);
	credential_source_end(&imds->base, NULL, &failure);
}

/* Sends a GET, with the token if there is one. */
static struct http_call *imds_get(
	struct imds *imds, const char *path, const char *role, http_done *done, void *done_arg)
{
	_cleanup_buf_ struct buf url = BUF_INIT;
	const struct http_header header = {"x-aws-ec2-metadata-token", imds->token};
	struct http_request request = {.method = "GET",
		.headers = &header,
		.n_headers = imds->token ? 1 : 0,
		.max_response = CREDENTIAL_RESPONSE_MAX,
		.timeout_ms = imds->timeout_ms,
		.no_proxy = true};

	if (buf_printf(&url, "%s%s%s", imds->host, path, role) < 0)
		return NULL;
	request.url = url.data;
	return http_send(imds->context->http, &request, done, done_arg);
}

static void imds_request(struct imds *imds, const struct credential_request_ops *ops)
{
	credential_request_finish(&imds->request);
	credential_request_init(&imds->request, imds->context, ops, imds);
	imds->request.attempts = imds->attempts;
	credential_request_start(&imds->request);
}

static int imds_unexpected(
	const struct http_response *response, enum retry_kind *kind, struct err *err)
{
	err_set(err, EIO, "HTTP status %d", response->status);
	err->http_status = response->status;
	err->retryable = true;
	*kind = RETRY_TRANSIENT;
	return -EIO;
}

/* The role's keys. */

static struct http_call *imds_keys_send(void *arg, http_done *done, void *done_arg)
{
	struct imds *imds = arg;

	return imds_get(imds, ROLES, imds->role, done, done_arg);
}

static int imds_keys_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct imds *imds = arg;
	const char *text = response->body.data;
	size_t len = response->body.len;
	int r;

	if (response->status != 200)
		return imds_unexpected(response, kind, err);
	r = credential_json_parse(imds->base.name, text, len, "Token", true,
		credential_request_skew(response), &imds->credentials, err);
	if (r == -EIO && credential_json_refusal(text, len, err) < 0)
		r = -EACCES; /* a valid response which says why there are no keys: the role cannot
			      * be assumed, and so on */
	else if (r == -EIO)
		*kind = RETRY_TRANSIENT;
	err->retryable = r < 0;
	return r;
}

/* Keeps the keys. When EC2 has trouble renewing a role's keys, the service returns keys that are
 * about to expire or have expired, and EC2 accepts them for longer. Such keys get a new expiration,
 * 2 to 10 minutes beyond the 15 minutes before expiry at which keys are renewed: the next fetch
 * follows after 2 to 10 minutes. */
static void imds_keys_done(void *arg, const struct err *err)
{
	struct imds *imds = arg;
	int64_t now = clock_wall_ms();
	int64_t window = 15 * MINUTE_MS + (int64_t)((2 + 8 * random_unit()) * MINUTE_MS);

	if (err) {
		imds_fail(imds, err);
		return;
	}
	if (imds->credentials->expires_ms - window <= now) {
		log_info("credentials: the instance's metadata has keys that are about to expire; "
			 "fetching again in some minutes");
		imds->credentials->expires_ms = now + window;
	}
	credential_source_end(&imds->base, steal(&imds->credentials), NULL);
}

static const struct credential_request_ops imds_keys_ops = {
	imds_keys_send, imds_keys_take, imds_keys_done};

/* The role's name. */

static struct http_call *imds_role_send(void *arg, http_done *done, void *done_arg)
{
	return imds_get(arg, ROLES, "", done, done_arg);
}

static int imds_role_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct imds *imds = arg;
	const char *text = buf_str(&response->body);
	size_t len = strspn(
		text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-");

	if (response->status == 404) {
		err_set(err, EACCES, "the instance has no role");
		err->retryable = true;
		*kind = RETRY_TRANSIENT;
		return -EACCES;
	}
	if (response->status != 200)
		return imds_unexpected(response, kind, err);
	if (len == 0 || len >= sizeof(imds->role) ||
		strspn(text + len, "\r\n") != response->body.len - len)
		return credential_request_nonsense("the role", "not a name", kind, err);
	memcpy(imds->role, text, len);
	imds->role[len] = '\0';
	return 0;
}

static void imds_role_done(void *arg, const struct err *err)
{
	struct imds *imds = arg;

	if (err)
		imds_fail(imds, err);
	else
		imds_request(imds, &imds_keys_ops);
}

static const struct credential_request_ops imds_role_ops = {
	imds_role_send, imds_role_take, imds_role_done};

/* The token. */

static struct http_call *imds_token_send(void *arg, http_done *done, void *done_arg)
{
	struct imds *imds = arg;
	_cleanup_buf_ struct buf url = BUF_INIT;
	const struct http_header header = {"x-aws-ec2-metadata-token-ttl-seconds", "21600"};
	struct http_request request = {.method = "PUT",
		.headers = &header,
		.n_headers = 1,
		.max_response = CREDENTIAL_RESPONSE_MAX,
		.timeout_ms = imds->timeout_ms,
		.no_proxy = true};

	if (buf_printf(&url, "%slatest/api/token", imds->host) < 0)
		return NULL;
	request.url = url.data;
	return http_send(imds->context->http, &request, done, done_arg);
}

static int imds_token_take(
	void *arg, struct http_response *response, enum retry_kind *kind, struct err *err)
{
	struct imds *imds = arg;
	const char *text = buf_str(&response->body);

	if (response->status == 403 || response->status == 404 || response->status == 405)
		return 0; /* the service does not have version 2 */
	if (response->status == 400) {
		err_set(err, EACCES, "the request for a token was refused");
		return -EACCES;
	}
	if (response->status != 200)
		return imds_unexpected(response, kind, err);
	if (!*text || strcspn(text, "\r\n") != response->body.len)
		return credential_request_nonsense("the token", "not a token", kind, err);
	imds->token = strdup(text);
	return imds->token ? 0 : err_set(err, ENOMEM, "out of memory");
}

static void imds_token_done(void *arg, const struct err *err)
{
	struct imds *imds = arg;
	/* A timeout may mean that the response was dropped because it passed one network hop too
	 * many, as from a container; version 1 has no such limit. */
	bool no_version_2 = !err || err->errnum == ETIMEDOUT || err->errnum == EIO;
	struct err refused;

	if (!no_version_2) {
		imds_fail(imds, err);
	} else if (!imds->token && !imds->v1_permitted) {
		err_set(&refused, EACCES,
			"%s, and version 1 is disabled (ec2_metadata_v1_disabled)",
			err ? err->message : "it gives no token");
		refused.retryable = err != NULL;
		imds_fail(imds, &refused);
	} else {
		imds_request(imds, &imds_role_ops);
	}
}

static const struct credential_request_ops imds_token_ops = {
	imds_token_send, imds_token_take, imds_token_done};

/* The source. */

static void imds_fetch(struct credential_source *base)
{
	struct imds *imds = (struct imds *)base;

	secret_free(steal(&imds->token));
	credentials_unref(steal(&imds->credentials));
	imds_request(imds, &imds_token_ops);
}

static void imds_destroy(struct credential_source *base)
{
	struct imds *imds = (struct imds *)base;

	credential_request_finish(&imds->request);
	credentials_unref(imds->credentials);
	secret_free(imds->token);
	free(imds->host);
	free(imds);
}

static const struct credential_source_ops imds_ops = {imds_fetch, imds_destroy};

/* Finds the service's host and sets imds->host. */
static int imds_find_host(struct imds *imds, struct err *err)
{
	const struct profiles *p = imds->context->profiles;
	const char *profile = imds->context->profile;
	const char *host = profiles_setting(
		p, "AWS_EC2_METADATA_SERVICE_ENDPOINT", profile, "ec2_metadata_service_endpoint");
	const char *mode = profiles_setting(p, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", profile,
		"ec2_metadata_service_endpoint_mode");
	bool v6 = profiles_switch(p, "AWS_IMDS_USE_IPV6", profile, "imds_use_ipv6");
	struct buf url = BUF_INIT;
	struct url_parts parts;

	if (mode && strcasecmp(mode, "ipv4") != 0 && strcasecmp(mode, "ipv6") != 0)
		return err_set(
			err, EINVAL, "ec2_metadata_service_endpoint_mode must be ipv4 or ipv6");
	if (mode)
		v6 = strcasecmp(mode, "ipv6") == 0;
	if (!host || !*host)
		host = v6 ? HOST_V6 : HOST_V4;
	if (url_split(host, &parts) < 0 || strchr(parts.path, '?'))
		return err_set(err, EINVAL, "ec2_metadata_service_endpoint is not a URL");
	buf_printf(&url, "%s%s", host, host[strlen(host) - 1] == '/' ? "" : "/");
	imds->host = buf_steal(&url);
	return imds->host ? 0 : err_set(err, ENOMEM, "out of memory");
}

static int imds_number(const struct imds *imds, const char *env, const char *key, int64_t max,
	int64_t *out, struct err *err)
{
	const char *text =
		profiles_setting(imds->context->profiles, env, imds->context->profile, key);

	*out = 1;
	if (text && num_parse_i64(text, strlen(text), 1, max, out) < 0)
		return err_set(
			err, EINVAL, "%s must be a number from 1 to %lld", key, (long long)max);
	return 0;
}

static int imds_configure(struct imds *imds, struct err *err)
{
	int64_t timeout_s, attempts;
	int r;

	imds->v1_permitted = !profiles_switch(imds->context->profiles,
		"AWS_EC2_METADATA_V1_DISABLED", imds->context->profile, "ec2_metadata_v1_disabled");
	r = imds_find_host(imds, err);
	if (r == 0)
		r = imds_number(imds, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout",
			300, &timeout_s, err);
	if (r == 0)
		r = imds_number(imds, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
			"metadata_service_num_attempts", 100, &attempts, err);
	if (r < 0)
		return r;
	imds->timeout_ms = timeout_s * 1000;
	imds->attempts = (int)attempts;
	return 0;
}

int credential_imds_create(const struct credential_context *context, const char *prefix,
	struct credential_source **out, struct err *err)
{
	const char *disabled = profile_env("AWS_EC2_METADATA_DISABLED");
	struct imds *imds;
	int r;

	*out = NULL;
	if (disabled && strcasecmp(disabled, "true") == 0)
		return 0;
	imds = calloc(1, sizeof(*imds));
	if (!imds)
		return err_set(err, ENOMEM, "out of memory");
	credential_source_init(&imds->base, &imds_ops, "the instance's role");
	imds->context = context;
	snprintf(imds->prefix, sizeof(imds->prefix), "%s", prefix);
	r = imds_configure(imds, err);
	if (r < 0) {
		imds_destroy(&imds->base);
		return r;
	}
	*out = &imds->base;
	return 0;
}
