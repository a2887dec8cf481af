/* SPDX-License-Identifier: MIT */
/* Sources whose keys are stored on this machine: in the environment, in the AWS CLI's two files, in
 * the files of older tools, and in the cache of `aws login`. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "credential_source.h"
#include "digest.h"
#include "jsondoc.h"
#include "profile.h"
#include "profile_parse.h"
#include "secret.h"

#define LEGACY_FILE_MAX ((size_t)64 << 10)
#define LOGIN_FILE_MAX  ((size_t)256 << 10)

struct keys {
	struct credential_source base;
	struct err why; /* errnum set: the source has no keys, for this reason */
	char *access_key;
	char *secret_key;
	char *session_token;
	int64_t expires_ms;
};

static void keys_fetch(struct credential_source *base)
{
	struct keys *k = (struct keys *)base;

	if (k->why.errnum)
		credential_source_end(base, NULL, &k->why);
	else
		credential_source_end_with(
			base, k->access_key, k->secret_key, k->session_token, k->expires_ms);
}

static void keys_destroy(struct credential_source *base)
{
	struct keys *k = (struct keys *)base;

	secret_free(k->access_key);
	secret_free(k->secret_key);
	secret_free(k->session_token);
	free(k);
}

static const struct credential_source_ops keys_ops = {.fetch = keys_fetch, .destroy = keys_destroy};

/* Creates a source. secret_key NULL is an error, which calls the absent setting `missing`. */
static int keys_create(const char *access_key, const char *secret_key, const char *session_token,
	const char *missing, const char *name, struct keys **out, struct err *err)
{
	struct keys *k;

	if (!secret_key)
		return err_set(err, EINVAL, "%s: there is an access key, but no %s; set both", name,
			missing);
	k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(err, ENOMEM, "out of memory");
	credential_source_init(&k->base, &keys_ops, "%s", name);
	k->base.local = true;
	k->access_key = strdup(access_key);
	k->secret_key = strdup(secret_key);
	k->session_token = session_token ? strdup(session_token) : NULL;
	if (!k->access_key || !k->secret_key || (session_token && !k->session_token)) {
		keys_destroy(&k->base);
		return err_set(err, ENOMEM, "out of memory");
	}
	*out = k;
	return 0;
}

int credential_env_create(
	const struct credential_context *context, struct credential_source **out, struct err *err)
{
	const char *access_key = profile_env("AWS_ACCESS_KEY_ID");
	const char *token = profile_env("AWS_SECURITY_TOKEN");
	const char *expiration = profile_env("AWS_CREDENTIAL_EXPIRATION");
	int64_t expires_ms = 0;
	struct keys *k;
	int r;

	(void)context;
	*out = NULL;
	if (!access_key)
		return 0;
	if (expiration && credential_date(expiration, &expires_ms) < 0)
		return err_set(err, EINVAL, "AWS_CREDENTIAL_EXPIRATION is not a date");
	r = keys_create(access_key, profile_env("AWS_SECRET_ACCESS_KEY"),
		token ? token : profile_env("AWS_SESSION_TOKEN"), "AWS_SECRET_ACCESS_KEY",
		"environment", &k, err);
	if (r < 0)
		return r;
	k->expires_ms = expires_ms;
	*out = &k->base;
	return 0;
}

int credential_keys_create(const struct credential_context *context, enum profiles_file file,
	const char *profile, struct credential_source **out, struct err *err)
{
	const struct profiles *p = context->profiles;
	const char *access_key = profiles_get_from(p, file, profile, "aws_access_key_id");
	const char *token = profiles_get_from(p, file, profile, "aws_security_token");
	char name[64];
	struct keys *k;
	int r;

	*out = NULL;
	if (!access_key)
		return 0;
	if (!token)
		token = profiles_get_from(p, file, profile, "aws_session_token");
	snprintf(name, sizeof(name), "profile %s", profile);
	r = keys_create(access_key, profiles_get_from(p, file, profile, "aws_secret_access_key"),
		token, "aws_secret_access_key", name, &k, err);
	if (r == 0)
		*out = &k->base;
	return r;
}

/* Returns the value of the last line `key = value` in a text. Writes NULs into the text. */
static char *legacy_line(char *text, const char *key)
{
	char *found = NULL, *next = NULL;

	for (char *line = strtok_r(text, "\r\n", &next); line;
		line = strtok_r(NULL, "\r\n", &next)) {
		char *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(profile_strip(line), key) == 0)
			found = profile_strip(value);
	}
	return found;
}

static int ec2_file_create(const char *variable, struct credential_source **out, struct err *err)
{
	_cleanup_free_ char *path = profile_path_expand(variable);
	_cleanup_buf_wipe_ struct buf text = BUF_INIT, again = BUF_INIT;
	char *access_key;
	struct keys *k;
	int r = path ? secret_file_read(path, LEGACY_FILE_MAX, &text) : -ENOMEM;

	if (r < 0)
		return err_set(err, -r, "cannot read AWS_CREDENTIAL_FILE %s: %s", path ? path : "",
			strerror(-r));
	if (buf_resize(&again, text.len) < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (text.len)
		memcpy(again.data, text.data, text.len);
	access_key = text.len ? legacy_line(text.data, "AWSAccessKeyId") : NULL;
	if (!access_key)
		return 0;
	r = keys_create(access_key, legacy_line(again.data, "AWSSecretKey"), NULL, "AWSSecretKey",
		"AWS_CREDENTIAL_FILE", &k, err);
	if (r == 0)
		*out = &k->base;
	return r;
}

static int boto_file_create(const char *path, struct credential_source **out, struct err *err)
{
	_cleanup_free_ char *expanded = profile_path_expand(path);
	_cleanup_(profile_file_finish) struct profile_file file = {0};
	const struct profile_section *section;
	const char *access_key = NULL;
	struct keys *k;
	int r = expanded ? profile_file_load(&file, expanded, err)
			 : err_set(err, ENOMEM, "out of memory");

	if (r == -EACCES)
		return 0; /* not an error: the user did not ask for /etc/boto.cfg, which only root
			   * may be able to read */
	if (r < 0)
		return r;
	section = profile_file_section(&file, "Credentials");
	if (section)
		access_key = profile_file_get(&file, section, "aws_access_key_id");
	if (!access_key)
		return 0;
	r = keys_create(access_key, profile_file_get(&file, section, "aws_secret_access_key"), NULL,
		"aws_secret_access_key", path, &k, err);
	if (r == 0)
		*out = &k->base;
	return r;
}

int credential_legacy_create(
	const struct credential_context *context, struct credential_source **out, struct err *err)
{
	static const char *const boto_files[] = {"/etc/boto.cfg", "~/.boto"};
	const char *variable = profile_env("AWS_CREDENTIAL_FILE");
	int r = 0;

	(void)context;
	*out = NULL;
	if (variable)
		r = ec2_file_create(variable, out, err);
	if (r < 0 || *out)
		return r;
	variable = profile_env("BOTO_CONFIG");
	if (variable)
		return boto_file_create(variable, out, err);
	for (size_t i = 0; i < ARRAY_LEN(boto_files) && r == 0 && !*out; i++)
		r = boto_file_create(boto_files[i], out, err);
	return r;
}

int credential_none_create(const struct err *why, struct credential_source **out, struct err *err)
{
	struct keys *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(err, ENOMEM, "out of memory");
	credential_source_init(&k->base, &keys_ops, "none");
	k->base.local = true;
	k->why = *why;
	*out = &k->base;
	return 0;
}

/* The cache of `aws login`. */

struct login {
	struct credential_source base;
	const char *profile; /* both are borrowed from the profiles */
	const char *session;
};

static struct jsondoc *login_load(const struct login *login)
{
	_cleanup_free_ char *dir = profile_path("AWS_LOGIN_CACHE_DIRECTORY", "~/.aws/login/cache");
	_cleanup_buf_wipe_ struct buf text = BUF_INIT;
	_cleanup_buf_ struct buf path = BUF_INIT;
	char hash[DIGEST_SHA256_HEX];

	if (!dir || digest_sha256_hex(login->session, strlen(login->session), hash) < 0 ||
		buf_printf(&path, "%s/%s.json", dir, hash) < 0 ||
		secret_file_read(path.data, LOGIN_FILE_MAX, &text) < 0)
		return NULL;
	return jsondoc_parse(text.data, text.len);
}

static void login_fetch(struct credential_source *base)
{
	struct login *login = (struct login *)base;
	_cleanup_(jsondoc_destroyp) struct jsondoc *doc = login_load(login);
	const char *access = doc ? jsondoc_string(doc, "accessToken.accessKeyId") : NULL;
	const char *secret = doc ? jsondoc_string(doc, "accessToken.secretAccessKey") : NULL;
	const char *token = doc ? jsondoc_string(doc, "accessToken.sessionToken") : NULL;
	const char *expires = doc ? jsondoc_string(doc, "accessToken.expiresAt") : NULL;
	int64_t expires_ms;
	struct err err;

	if (!access || !secret || !token || !expires || credential_date(expires, &expires_ms) < 0)
		err_set(&err, EACCES, "%s: there are no keys: run: aws login --profile %s",
			base->name, login->profile);
	else if (expires_ms <= clock_wall_ms())
		err_set(&err, EACCES, "%s: the keys have expired: run: aws login --profile %s",
			base->name, login->profile);
	else
		err.errnum = 0;
	if (err.errnum)
		credential_source_end(base, NULL, &err);
	else
		credential_source_end_with(base, access, secret, token, expires_ms);
}

static void login_destroy(struct credential_source *base)
{
	free((struct login *)base);
}

static const struct credential_source_ops login_ops = {login_fetch, login_destroy};

int credential_login_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err)
{
	const char *session = profiles_get(context->profiles, profile, "login_session");
	struct login *login;

	*out = NULL;
	if (!session)
		return 0;
	login = calloc(1, sizeof(*login));
	if (!login)
		return err_set(err, ENOMEM, "out of memory");
	credential_source_init(&login->base, &login_ops, "login of profile %s", profile);
	login->base.local = true;
	login->profile = profile;
	login->session = session;
	*out = &login->base;
	return 0;
}
