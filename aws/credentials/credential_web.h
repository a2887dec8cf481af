/* SPDX-License-Identifier: MIT */
/* Keys of a role, from STS AssumeRoleWithWebIdentity: a token in a file is all that is needed
 * (Kubernetes, CI systems). */
#ifndef EBSFS_CREDENTIAL_WEB_H
#define EBSFS_CREDENTIAL_WEB_H

#include "credential_source.h"

/* From AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME if use_environment, and
 * where one of these is not set from the profile's web_identity_token_file, role_arn and
 * role_session_name. Returns 0 with *out NULL if there is no token file, 0 with the source, or
 * -errno with *err. The file is read at each fetch. */
int credential_web_create(const struct credential_context *context, const char *profile,
	bool use_environment, struct credential_source **out, struct err *err);

#endif
