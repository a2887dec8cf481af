/* SPDX-License-Identifier: MIT */
/* Keys of a role, from STS AssumeRole, asked for with the keys of another source. */
#ifndef EBSFS_CREDENTIAL_ROLE_H
#define EBSFS_CREDENTIAL_ROLE_H

#include "credential_source.h"

/* The role that a profile describes: role_arn, external_id, role_session_name, duration_seconds.
 * parent signs; it is taken over, on failure too. Returns 0 or -errno with *err (a duration that
 * STS does not have). */
int credential_role_create(const struct credential_context *context, const char *profile,
	struct credential_source *parent, struct credential_source **out, struct err *err);

#endif
