/* SPDX-License-Identifier: MIT */
/* Assuming a role. */
#include "credential_role.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "credential_sts.h"
#include "form.h"
#include "num.h"
#include "profile.h"

struct role {
	struct credential_source base;
	const struct credential_context *context;
	struct credential_source *parent;
	struct credential_sts sts;
	bool sts_used;
	const char *arn; /* these are borrowed from the profiles */
	const char *external_id;
	const char *session_name;
	int duration_s; /* 0: STS's default, an hour */
};

static void role_assumed(void *arg, const struct err *err)
{
	struct role *role = arg;
	struct credential_sts *sts = &role->sts;
	struct err failure;

	if (!err) {
		credential_source_end_with(&role->base, sts->access_key, sts->secret_key,
			sts->session_token, sts->expires_ms);
		return;
	}
	failure = *err;
	err_context(&failure, "%s, assuming %s", role->base.name, role->arn);
	credential_source_end(&role->base, NULL, &failure);
}

static void parent_done(void *arg, struct credentials *credentials, const struct err *err)
{
	struct role *role = arg;
	struct buf *form = &role->sts.form;
	char session_name[40];

	if (!credentials) {
		struct err failure = *err;

		err_context(&failure, "%s", role->base.name);
		credential_source_end(&role->base, NULL, &failure);
		return;
	}
	snprintf(session_name, sizeof(session_name), "ebsfs-session-%lld",
		(long long)(clock_wall_ms() / 1000));
	form_start(form, "AssumeRole", "2011-06-15");
	form_add(form, role->arn, "RoleArn");
	form_add(form, role->session_name ? role->session_name : session_name, "RoleSessionName");
	form_add(form, role->external_id, "ExternalId");
	if (role->duration_s)
		form_add_number(form, role->duration_s, "DurationSeconds");
	credential_sts_start(&role->sts, credentials);
}

static void role_stop(struct role *role)
{
	if (role->sts_used)
		credential_sts_finish(&role->sts);
	role->sts_used = false;
}

static void role_fetch(struct credential_source *base)
{
	struct role *role = (struct role *)base;

	role_stop(role);
	credential_sts_init(&role->sts, role->context, role_assumed, role);
	role->sts_used = true;
	credential_source_fetch(role->parent, parent_done, role);
}

static void role_destroy(struct credential_source *base)
{
	struct role *role = (struct role *)base;

	role_stop(role);
	credential_source_destroy(role->parent);
	free(role);
}

static const struct credential_source_ops role_ops = {.fetch = role_fetch, .destroy = role_destroy};

/* What is no number is ignored, as botocore does; what STS refuses is refused here (API reference,
 * AssumeRole). */
static int parse_duration(const char *profile, const char *text, int *out, struct err *err)
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
	struct role *role = calloc(1, sizeof(*role));
	int r;

	if (!role) {
		credential_source_destroy(parent);
		return err_set(err, ENOMEM, "out of memory");
	}
	credential_source_init(&role->base, &role_ops, "profile %s", profile);
	role->context = context;
	role->parent = parent;
	role->arn = profiles_get(p, profile, "role_arn");
	role->external_id = profiles_get(p, profile, "external_id");
	role->session_name = profiles_get(p, profile, "role_session_name");
	r = parse_duration(
		profile, profiles_get(p, profile, "duration_seconds"), &role->duration_s, err);
	if (r < 0) {
		role_destroy(&role->base);
		return r;
	}
	*out = &role->base;
	return 0;
}
