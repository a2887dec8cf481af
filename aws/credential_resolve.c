/* SPDX-License-Identifier: MIT */
/* The order of the sources. */
#include "credential_resolve.h"

#include <errno.h>

#include "credential_static.h"
#include "profile.h"

/* What a profile can name besides a role, 5 to 8 of the order. */
static int resolve_profile(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err)
{
	int r;

	r = credential_keys_create(context, PROFILES_CREDENTIALS, profile, out, err);
	if (r < 0 || *out)
		return r;
	return credential_keys_create(context, PROFILES_CONFIG, profile, out, err);
}

int credential_resolve(
	const struct credential_context *context, struct credential_source **out, struct err *err)
{
	struct err none;
	int r = 0;

	*out = NULL;
	if (!context->explicit_profile)
		r = credential_env_create(context, out, err);
	if (r == 0 && !*out)
		r = resolve_profile(context, context->profile, out, err);
	if (r == 0 && !*out)
		r = credential_legacy_create(context, out, err);
	if (r < 0 || *out)
		return r;
	err_set(&none, EACCES, "no AWS credentials: neither the environment nor profile %s has any",
		context->profile);
	return credential_none_create(&none, out, err);
}
