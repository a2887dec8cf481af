/* SPDX-License-Identifier: MIT */
/* Sources that are just there: keys in the environment, in the two files, and in the files of older
 * tools. */
#ifndef EBSFS_CREDENTIAL_STATIC_H
#define EBSFS_CREDENTIAL_STATIC_H

#include "credential_source.h"
#include "profile.h"

/* As all that make a source: returns 0 with *out NULL if this one is not configured, 0 with the
 * source, or -errno with *err if it is configured wrongly, which ends the search. */

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SECURITY_TOKEN or AWS_SESSION_TOKEN,
 * AWS_CREDENTIAL_EXPIRATION. */
int credential_env_create(
	const struct credential_context *context, struct credential_source **out, struct err *err);
/* aws_access_key_id and the others of a profile, in one of the files. */
int credential_keys_create(const struct credential_context *context, enum profiles_file file,
	const char *profile, struct credential_source **out, struct err *err);
/* AWS_CREDENTIAL_FILE of the first EC2 tools; BOTO_CONFIG, else /etc/boto.cfg and ~/.boto. */
int credential_legacy_create(
	const struct credential_context *context, struct credential_source **out, struct err *err);
/* The source that has none: every fetch ends in *why. */
int credential_none_create(const struct err *why, struct credential_source **out, struct err *err);

#endif
