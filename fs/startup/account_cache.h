/* SPDX-License-Identifier: MIT */
/* Whose account a configuration reached last, and which regions it had: for a mount while AWS
 * cannot be asked. */
#ifndef EBSFS_ACCOUNT_CACHE_H
#define EBSFS_ACCOUNT_CACHE_H

#include "endpoint.h"
#include "err.h"
#include "options.h"

struct account_cache {
	char account[16];
	char **regions; /* NULL-terminated; NULL: AWS did not say */
};

/* The file for this configuration, in the state folder: its name is made of the endpoint, the
 * profile, the access key's id and whatever else says who one is; of no secret. It need not exist.
 * The caller frees it. NULL with *err. */
char *account_cache_path(
	const struct options *o, const struct endpoint_config *config, struct err *err);

/* 0, or -errno with *err: -ENOENT; -EBADMSG for what is no such file; -EPERM as statedir.h has it.
 * Finish *out in any case. */
int account_cache_read(const char *path, struct account_cache *out, struct err *err);
void account_cache_finish(struct account_cache *k);
/* Replaces the file unless it says this already; the folder is made if it is missing (0700). 0 or
 * -errno with *err. */
int account_cache_write(
	const char *path, const char *account, char *const *regions, struct err *err);

#endif
