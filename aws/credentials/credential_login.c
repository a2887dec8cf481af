/* SPDX-License-Identifier: MIT */
/* The cache of `aws login`. */
#include "credential_login.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "digest.h"
#include "jsondoc.h"
#include "profile.h"
#include "profile_path.h"
#include "secret.h"

#define CACHE_FILE_MAX ((size_t)256 << 10)

struct login {
	struct credential_source base;
	const char *profile; /* these are borrowed from the profiles */
	const char *session;
};

static struct jsondoc *load(const struct login *login)
{
	_cleanup_free_ char *dir = profile_path("AWS_LOGIN_CACHE_DIRECTORY", "~/.aws/login/cache");
	_cleanup_secret_buf_ struct buf text = BUF_INIT;
	_cleanup_buf_ struct buf path = BUF_INIT;
	char hash[DIGEST_SHA256_HEX];

	if (!dir || digest_sha256_hex(login->session, strlen(login->session), hash) < 0 ||
		buf_printf(&path, "%s/%s.json", dir, hash) < 0 ||
		secret_file_read(path.data, CACHE_FILE_MAX, &text) < 0)
		return NULL;
	return jsondoc_parse(text.data, text.len);
}

static void login_fetch(struct credential_source *base)
{
	struct login *login = (struct login *)base;
	_cleanup_(jsondoc_destroyp) struct jsondoc *doc = load(login);
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
