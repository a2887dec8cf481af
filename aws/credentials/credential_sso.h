/* SPDX-License-Identifier: MIT */
/* Keys of IAM Identity Center ("SSO"), asked for with the token that `aws sso login` left. */
#ifndef EBSFS_CREDENTIAL_SSO_H
#define EBSFS_CREDENTIAL_SSO_H

#include "credential_source.h"

/* A profile with sso_account_id or sso_role_name, in both forms: with `sso_session = NAME` (the
 * token is renewed as long as the login lasts) and with sso_start_url and sso_region of its own (it
 * is not). Returns 0 with *out NULL if it has neither, 0 with the source, or -errno with *err. */
int credential_sso_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err);

#endif
