/* SPDX-License-Identifier: MIT */
/* Where the AWS CLI's files lie. */
#ifndef EBSFS_PROFILE_PATH_H
#define EBSFS_PROFILE_PATH_H

/* Path with $NAME and ${NAME} (where set) and a leading ~ or ~user expanded. Freed by the caller;
 * NULL on ENOMEM. */
char *profile_path_expand(const char *path);

/* The value of the environment variable `env`, else `fallback`, expanded. Freed by the caller; NULL
 * on ENOMEM. */
char *profile_path(const char *env, const char *fallback);

/* getenv(), but NULL for an empty value too: an empty setting counts as none. */
const char *profile_env(const char *name);

#endif
