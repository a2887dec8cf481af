/* SPDX-License-Identifier: MIT */
/* Keys that `aws login` left. */
#ifndef EBSFS_CREDENTIAL_LOGIN_H
#define EBSFS_CREDENTIAL_LOGIN_H

#include "credential_source.h"

/* A profile with login_session. Its keys are in ~/.aws/login/cache (AWS_LOGIN_CACHE_DIRECTORY) and
 * good as long as they last: they are not renewed here, which needs a proof signed with the login's
 * own private key. Returns 0 with *out NULL if it has none, 0 with the source, or -ENOMEM. */
int credential_login_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err);

#endif
