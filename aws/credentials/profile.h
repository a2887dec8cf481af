/* SPDX-License-Identifier: MIT */
/* The AWS CLI's configuration files: ~/.aws/config and ~/.aws/credentials, merged. */
#ifndef EBSFS_PROFILE_H
#define EBSFS_PROFILE_H

#include <stdbool.h>

#include "err.h"

struct profiles;

/* Reads both files (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE or their defaults); a missing file
 * is an empty one. Returns 0, or -EINVAL with file and line in *err, or -errno of reading. */
int profiles_load(struct profiles **out, struct err *err);
void profiles_destroy(struct profiles *p); /* NULL is permitted; wipes secrets */

/* The profile in force: `explicit_name` if not NULL, else AWS_DEFAULT_PROFILE or AWS_PROFILE (in
 * botocore's order; an empty one counts as unset), else "default". Borrowed. */
const char *profiles_selected(const struct profiles *p, const char *explicit_name);
bool profiles_has(const struct profiles *p, const char *name);
/* A key of a profile ("region", in lower case), NULL if absent. The credentials file's keys go
 * before the config file's. A key of a nested block has the block's name and a dot before it:
 * "s3.addressing_style". Borrowed. */
const char *profiles_get(const struct profiles *p, const char *profile, const char *key);
/* The same from one of the files only. */
enum profiles_file {
	PROFILES_CONFIG,
	PROFILES_CREDENTIALS,
};
const char *profiles_get_from(
	const struct profiles *p, enum profiles_file file, const char *profile, const char *key);
/* A key of `[kind name]` in the config file: ("sso-session", "corp", "sso_region"); in `[services
 * x]` nested keys are joined with a dot: ("services", "x", "ec2.endpoint_url"). NULL if absent.
 * Borrowed. */
const char *profiles_section(
	const struct profiles *p, const char *kind, const char *name, const char *key);
bool profiles_has_section(const struct profiles *p, const char *kind, const char *name);
/* A setting that has both: the environment variable, if set and not empty, else the profile's key;
 * NULL if neither. Borrowed. */
const char *profiles_setting(
	const struct profiles *p, const char *env, const char *profile, const char *key);
/* The same for a switch: only "true", in any case, is true. */
bool profiles_switch(
	const struct profiles *p, const char *env, const char *profile, const char *key);

#endif
