/* SPDX-License-Identifier: MIT */
/* Chooses the source of the keys, and follows the chains of source_profile that roles form. */
#include "credential_resolver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "profile.h"

/* A chain of source_profile that is longer than this counts as a mistake. */
#define CHAIN_MAX 16

/* The profiles of a chain of roles, as far as the chain has been followed. */
struct visited {
	const char *names[CHAIN_MAX];
	size_t n;
};

/* Tries the sources 3 to 8 of the order: those of a profile that is not a role. */
static int resolver_profile(const struct credential_context *context, const char *profile,
	bool use_environment, struct credential_source **out, struct err *err)
{
	int r = credential_web_create(context, profile, use_environment, out, err);

	if (r == 0 && !*out)
		r = credential_sso_create(context, profile, out, err);
	if (r == 0 && !*out)
		r = credential_keys_create(context, PROFILES_CREDENTIALS, profile, out, err);
	if (r == 0 && !*out)
		r = credential_login_create(context, profile, out, err);
	if (r == 0 && !*out)
		r = credential_process_create(context, profile, out, err);
	if (r == 0 && !*out)
		r = credential_keys_create(context, PROFILES_CONFIG, profile, out, err);
	return r;
}

static bool profile_has_role(const struct credential_context *context, const char *profile)
{
	return profiles_get(context->profiles, profile, "role_arn") &&
	       !profiles_get(context->profiles, profile, "web_identity_token_file");
}

static bool profile_has_keys(const struct credential_context *context, const char *profile)
{
	return profiles_get(context->profiles, profile, "aws_access_key_id") ||
	       profiles_get(context->profiles, profile, "aws_secret_access_key");
}

/* Creates the source that `credential_source = …` names. Upper and lower case count, as in
 * botocore. */
static int resolver_named_source(const struct credential_context *context, const char *profile,
	const char *name, struct credential_source **out, struct err *err)
{
	char words[200];
	int r;

	*out = NULL;
	snprintf(words, sizeof(words),
		"credential_source %s of profile %.60s: the instance's metadata", name, profile);
	if (strcmp(name, "Environment") == 0)
		r = credential_env_create(context, out, err);
	else if (strcmp(name, "EcsContainer") == 0)
		r = credential_container_create(context, out, err);
	else if (strcmp(name, "Ec2InstanceMetadata") == 0)
		r = credential_imds_create(context, words, out, err);
	else
		return err_set(err, EINVAL,
			"profile %s: credential_source must be Environment, Ec2InstanceMetadata or "
			"EcsContainer",
			profile);
	if (r == 0 && !*out)
		return err_set(err, EINVAL,
			"profile %s: credential_source %s has no credentials here", profile, name);
	return r;
}

static int resolver_loop(const struct visited *visited, const char *profile, struct err *err)
{
	char way[256] = "";

	for (size_t i = 0; i < visited->n; i++)
		snprintf(way + strlen(way), sizeof(way) - strlen(way), "%s -> ", visited->names[i]);
	return err_set(
		err, EINVAL, "the source_profile settings go in a circle: %s%s", way, profile);
}

/* Refuses a profile that occurs twice in a chain, except that a profile with keys of its own may
 * name itself as source. */
static int resolver_check_source(const struct credential_context *context,
	const struct visited *visited, const char *profile, const char *source, struct err *err)
{
	if (!profiles_has(context->profiles, source))
		return err_set(err, EINVAL,
			"profile %s: its source_profile %s does not exist; correct it, or add that "
			"profile",
			profile, source);
	if (visited->n == CHAIN_MAX)
		return err_set(err, EINVAL,
			"profile %s begins a chain of more than %d roles: shorten its chain of "
			"source_profile settings",
			visited->names[0], CHAIN_MAX);
	for (size_t i = 0; i < visited->n; i++) {
		if (strcmp(visited->names[i], source) == 0 &&
			(strcmp(source, profile) != 0 || !profile_has_keys(context, source)))
			return resolver_loop(visited, source, err);
	}
	return 0;
}

static int resolver_role(const struct credential_context *context, const char *profile,
	struct visited *visited, struct credential_source **out, struct err *err);

static int resolver_source_profile(const struct credential_context *context, const char *source,
	struct visited *visited, struct credential_source **out, struct err *err)
{
	int r;

	if (!profile_has_keys(context, source) && profile_has_role(context, source))
		return resolver_role(context, source, visited, out, err);
	r = resolver_profile(context, source, false, out, err);
	if (r == 0 && !*out)
		return err_set(err, EINVAL,
			"profile %s is a source_profile, but has no credentials", source);
	return r;
}

static int resolver_role(const struct credential_context *context, const char *profile,
	struct visited *visited, struct credential_source **out, struct err *err)
{
	const struct profiles *p = context->profiles;
	const char *source = profiles_get(p, profile, "source_profile");
	const char *named = profiles_get(p, profile, "credential_source");
	struct credential_source *parent = NULL;
	int r;

	if (!source == !named)
		return err_set(err, EINVAL,
			"profile %s has a role_arn and %s source_profile %s credential_source",
			profile, source ? "both" : "neither", source ? "and" : "nor");
	if (profiles_get(p, profile, "mfa_serial"))
		return err_set(err, EINVAL,
			"profile %s asks for an MFA code (mfa_serial), which a mount cannot type "
			"in: run "
			"`eval \"$(aws configure export-credentials --profile %s --format env)\"` "
			"and mount without that profile",
			profile, profile);
	if (named) {
		r = resolver_named_source(context, profile, named, &parent, err);
	} else {
		r = resolver_check_source(context, visited, profile, source, err);
		if (r < 0)
			return r;
		visited->names[visited->n++] = source;
		r = resolver_source_profile(context, source, visited, &parent, err);
	}
	if (r < 0)
		return r;
	return credential_role_create(context, profile, parent, out, err);
}

/* Tries the last two sources of the order: the container and the instance. */
static int resolver_machine(
	const struct credential_context *context, struct credential_source **out, struct err *err)
{
	_cleanup_buf_ struct buf words = BUF_INIT;
	struct err none;
	int r = credential_container_create(context, out, err);

	if (r < 0 || *out)
		return r;
	if (context->explicit_profile)
		buf_printf(&words,
			"no AWS credentials in profile %.60s (run: aws configure --profile %.60s",
			context->profile, context->profile);
	else
		buf_printf(&words,
			"no AWS credentials in the environment or in profile %.60s (run: aws "
			"configure, or name a profile by AWS_PROFILE or -o profile=",
			context->profile);
	buf_puts(&words, ", or try it without an account: -o simulate)");
	if (words.error)
		return err_set(err, ENOMEM, "out of memory");
	err_set(&none, EACCES, "%s", words.data);
	buf_puts(&words, ", and none in the instance's metadata");
	r = credential_imds_create(context, buf_str(&words), out, err);
	if (r < 0 || *out)
		return r;
	return credential_none_create(&none, out, err);
}

int credential_resolve(
	const struct credential_context *context, struct credential_source **out, struct err *err)
{
	struct visited visited = {{context->profile}, 1};
	int r = 0;

	*out = NULL;
	if (!context->explicit_profile)
		r = credential_env_create(context, out, err);
	if (r == 0 && !*out && profile_has_role(context, context->profile))
		r = resolver_role(context, context->profile, &visited, out, err);
	if (r == 0 && !*out)
		r = resolver_profile(
			context, context->profile, !context->explicit_profile, out, err);
	if (r == 0 && !*out)
		r = credential_legacy_create(context, out, err);
	if (r == 0 && !*out)
		r = resolver_machine(context, out, err);
	return r;
}
