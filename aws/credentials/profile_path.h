/* SPDX-License-Identifier: MIT */
/* The paths of the AWS CLI's files. */
#ifndef EBSFS_PROFILE_PATH_H
#define EBSFS_PROFILE_PATH_H

/* Expands $NAME and ${NAME} (where set) and a leading ~ or ~user. Freed by the caller; NULL on
 * ENOMEM. */
char *profile_path_expand(const char *path);

/* Expands the value of the environment variable `env`, or `fallback` if it is not set. Freed by the
 * caller; NULL on ENOMEM. */
char *profile_path(const char *env, const char *fallback);

/* getenv(), but NULL for an empty value too: an empty setting counts as unset. */
const char *profile_env(const char *name);

#endif
