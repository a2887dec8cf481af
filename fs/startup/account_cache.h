/* SPDX-License-Identifier: MIT */
/* Remembers the account that a configuration reached last, and its regions, for a mount that starts
 * while AWS cannot be reached. */
#ifndef EBSFS_ACCOUNT_CACHE_H
#define EBSFS_ACCOUNT_CACHE_H

#include "endpoint.h"
#include "err.h"
#include "options.h"

struct account_cache {
	char account[16];
	char **regions; /* NULL-terminated; NULL: the regions were never listed */
};

/* Returns the path of this configuration's file in the state folder. The file's name is a hash of
 * the endpoint, the profile, the access key's id and all other settings that select the identity,
 * but of no secret. The file need not exist. The caller frees the path. NULL with *err. */
char *account_cache_path(
	const struct options *o, const struct endpoint_config *config, struct err *err);

/* Reads the file. Returns 0, or -errno with *err: -ENOENT; -EBADMSG if the file is not of this
 * format; -EPERM as in statedir.h. Call account_cache_finish() in any case. */
int account_cache_read(const char *path, struct account_cache *out, struct err *err);
void account_cache_finish(struct account_cache *k);
/* Replaces the file, unless it has this content already. Creates the folder if it is missing (mode
 * 0700). Returns 0 or -errno with *err. */
int account_cache_write(
	const char *path, const char *account, char *const *regions, struct err *err);

#endif
