/* SPDX-License-Identifier: MIT */
/* SSO's cached token. The names of its members are those that the AWS CLI writes. */
#include "sso_token.h"

#include <errno.h>
#include <string.h>

#include "credential_source.h"
#include "digest.h"
#include "isotime.h"
#include "profile_path.h"
#include "secret.h"

#define TOKEN_FILE_MAX ((size_t)256 << 10)

int sso_token_load(struct sso_token *token, const char *name)
{
	_cleanup_secret_buf_ struct buf text = BUF_INIT;
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

void sso_token_finish(struct sso_token *token)
{
	free(token->path);
	jsondoc_destroy(token->doc);
	*token = (struct sso_token){0};
}

const char *sso_token_access(const struct sso_token *token)
{
	return jsondoc_string(token->doc, "accessToken");
}

bool sso_token_is_renewable(const struct sso_token *token, int64_t now_ms)
{
	const char *registration = jsondoc_string(token->doc, "registrationExpiresAt");
	int64_t registered_ms;

	return jsondoc_string(token->doc, "refreshToken") &&
	       jsondoc_string(token->doc, "clientId") &&
	       jsondoc_string(token->doc, "clientSecret") && registration &&
	       credential_date(registration, &registered_ms) == 0 && registered_ms > now_ms;
}

int sso_token_request(const struct sso_token *token, struct buf *out)
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

int sso_token_renew(
	struct sso_token *token, const struct jsondoc *answer, int64_t now_ms, int *file_errno)
{
	_cleanup_secret_buf_ struct buf text = BUF_INIT;
	const char *access = jsondoc_string(answer, "accessToken");
	const char *refresh = jsondoc_string(answer, "refreshToken");
	char expires[ISOTIME_SIZE];
	int64_t seconds;
	int r;

	if (!access || !*access || jsondoc_integer(answer, "expiresIn", &seconds) < 0 ||
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
