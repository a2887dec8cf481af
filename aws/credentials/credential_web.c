/* SPDX-License-Identifier: MIT */
/* Web identity. */
#include "credential_web.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "credential_sts.h"
#include "form.h"
#include "profile.h"
#include "profile_path.h"
#include "secret.h"

/* STS takes 20000 characters (API reference); more is no token. */
#define TOKEN_MAX ((size_t)64 << 10)

struct web {
	struct credential_source base;
	const struct credential_context *context;
	struct credential_sts sts;
	bool sts_used;
	char *token_file;
	char *arn;
	char *session_name; /* NULL: one is made */
};

static void web_stop(struct web *web)
{
	if (web->sts_used)
		credential_sts_finish(&web->sts);
	web->sts_used = false;
}

static void web_assumed(void *arg, const struct err *err)
{
	struct web *web = arg;
	struct credential_sts *sts = &web->sts;
	struct err failure;

	if (!err) {
		credential_source_end_with(&web->base, sts->access_key, sts->secret_key,
			sts->session_token, sts->expires_ms);
		return;
	}
	failure = *err;
	err_context(&failure, "%s, assuming %s", web->base.name, web->arn);
	credential_source_end(&web->base, NULL, &failure);
}

static int add_token(struct web *web, struct err *err)
{
	_cleanup_secret_buf_ struct buf token = BUF_INIT;
	struct buf *form = &web->sts.form;
	int r = secret_file_read(web->token_file, TOKEN_MAX, &token);

	if (r < 0)
		return err_set(err, r == -ENOMEM ? ENOMEM : EACCES,
			"%s: cannot read the token file %s: %s", web->base.name, web->token_file,
			strerror(-r));
	/* A token is Base64 and dots; what an editor put behind it is not part of it. */
	while (token.len > 0 && isspace((unsigned char)token.data[token.len - 1]))
		buf_resize(&token, token.len - 1);
	if (!token.len || strlen(token.data) != token.len)
		return err_set(err, EACCES, "%s: there is no token in %s", web->base.name,
			web->token_file);
	/* In one piece from the start: a buffer that grows leaves copies behind. */
	buf_resize(form, 3 * token.len + 8192);
	buf_clear(form);
	form_start(form, "AssumeRoleWithWebIdentity", "2011-06-15");
	form_add(form, token.data, "WebIdentityToken");
	secret_free(steal(&web->sts.told));
	web->sts.told = strdup(token.data);
	if (!web->sts.told)
		return err_set(err, ENOMEM, "out of memory");
	return 0;
}

static void web_fetch(struct credential_source *base)
{
	struct web *web = (struct web *)base;
	struct buf *form = &web->sts.form;
	char session_name[40];
	struct err err;

	web_stop(web);
	credential_sts_init(&web->sts, web->context, web_assumed, web);
	web->sts_used = true;
	if (add_token(web, &err) < 0) {
		credential_source_end(base, NULL, &err);
		return;
	}
	snprintf(session_name, sizeof(session_name), "ebsfs-session-%lld",
		(long long)(clock_wall_ms() / 1000));
	form_add(form, web->arn, "RoleArn");
	form_add(form, web->session_name ? web->session_name : session_name, "RoleSessionName");
	credential_sts_start(&web->sts, NULL);
}

static void web_destroy(struct credential_source *base)
{
	struct web *web = (struct web *)base;

	web_stop(web);
	free(web->token_file);
	free(web->arn);
	free(web->session_name);
	free(web);
}

static const struct credential_source_ops web_ops = {web_fetch, web_destroy};

static const char *setting(const struct credential_context *context, const char *profile,
	bool use_environment, const char *env, const char *key)
{
	const char *value = use_environment ? profile_env(env) : NULL;

	return value ? value : profiles_get(context->profiles, profile, key);
}

int credential_web_create(const struct credential_context *context, const char *profile,
	bool use_environment, struct credential_source **out, struct err *err)
{
	const char *file = setting(context, profile, use_environment, "AWS_WEB_IDENTITY_TOKEN_FILE",
		"web_identity_token_file");
	const char *arn = setting(context, profile, use_environment, "AWS_ROLE_ARN", "role_arn");
	const char *name = setting(
		context, profile, use_environment, "AWS_ROLE_SESSION_NAME", "role_session_name");
	struct web *web;

	*out = NULL;
	if (!file || !*file)
		return 0;
	if (!arn || !*arn)
		return err_set(err, EINVAL,
			"profile %s: there is a web identity token file, but neither AWS_ROLE_ARN "
			"nor role_arn",
			profile);
	web = calloc(1, sizeof(*web));
	if (!web)
		return err_set(err, ENOMEM, "out of memory");
	credential_source_init(&web->base, &web_ops, "web identity of profile %s", profile);
	web->context = context;
	web->token_file = strdup(file);
	web->arn = strdup(arn);
	web->session_name = name && *name ? strdup(name) : NULL;
	if (!web->token_file || !web->arn || (name && *name && !web->session_name)) {
		web_destroy(&web->base);
		return err_set(err, ENOMEM, "out of memory");
	}
	*out = &web->base;
	return 0;
}
