/* SPDX-License-Identifier: MIT */
/* The AWS CLI's configuration files, ~/.aws/config and ~/.aws/credentials, merged; and paths as the
 * AWS CLI writes them. */
#ifndef EBSFS_PROFILE_H
#define EBSFS_PROFILE_H

#include <stdbool.h>

#include "err.h"

struct profiles;

/* Reads both files (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE or their defaults). A missing file
 * counts as empty. Returns 0, -EINVAL with file and line in *err, or -errno if a file cannot be
 * read. */
int profiles_load(struct profiles **out, struct err *err);
void profiles_destroy(struct profiles *p); /* frees and wipes secrets; NULL is permitted */

/* Returns the selected profile: explicit_name if not NULL, else AWS_DEFAULT_PROFILE, else
 * AWS_PROFILE (botocore's order; an empty variable counts as unset), else "default". Borrowed. */
const char *profiles_selected(const struct profiles *p, const char *explicit_name);
bool profiles_has(const struct profiles *p, const char *name);
/* Returns the value of a profile's key ("region", in lower case); NULL if absent. The credentials
 * file takes precedence over the config file. A key in a nested block is written
 * "s3.addressing_style". Borrowed. */
const char *profiles_get(const struct profiles *p, const char *profile, const char *key);
/* Returns the value of a profile's key in one of the files; NULL if absent. Borrowed. */
enum profiles_file {
	PROFILES_CONFIG,
	PROFILES_CREDENTIALS,
};
const char *profiles_get_from(
	const struct profiles *p, enum profiles_file file, const char *profile, const char *key);
/* Returns the value of a key in the section `[kind name]` of the config file: ("sso-session",
 * "corp", "sso_region"), or in a nested block ("services", "x", "ec2.endpoint_url"). NULL if
 * absent. Borrowed. */
const char *profiles_section(
	const struct profiles *p, const char *kind, const char *name, const char *key);
bool profiles_has_section(const struct profiles *p, const char *kind, const char *name);
/* Returns the environment variable if it is set and not empty, else the profile's key; NULL if both
 * are absent. Borrowed. */
const char *profiles_setting(
	const struct profiles *p, const char *env, const char *profile, const char *key);
/* Returns whether that setting is "true", in upper or lower case; any other value is false. */
bool profiles_switch(
	const struct profiles *p, const char *env, const char *profile, const char *key);

/* Paths and environment variables, as the AWS CLI reads them. */

/* Expands $NAME and ${NAME} (where the variable is set) and a leading ~ or ~user. The caller frees
 * the result; NULL on ENOMEM. */
char *profile_path_expand(const char *path);

/* Expands the value of the environment variable `env`, or `fallback` if it is not set. The caller
 * frees the result; NULL on ENOMEM. */
char *profile_path(const char *env, const char *fallback);

/* Returns the variable's value; NULL if it is not set or empty. */
const char *profile_env(const char *name);

#endif
