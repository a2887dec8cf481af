/* SPDX-License-Identifier: MIT */
/* Where the journal lives. */
#ifndef EBSFS_STATE_PATH_H
#define EBSFS_STATE_PATH_H

#include "err.h"
#include "options.h"

/* The folder that state_dir= names, or one for the account in the user's state folder. The caller
 * frees it; it need not exist yet. NULL with *err: no home, or no memory. */
char *state_path_find(const struct options *o, const char *account, struct err *err);

#endif
