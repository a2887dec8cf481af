/* SPDX-License-Identifier: MIT */
/* Where the journal lives. */
#ifndef EBSFS_STATE_DIR_H
#define EBSFS_STATE_DIR_H

#include "err.h"
#include "options.h"

/* The folder that state_dir= names, or one for the account in the user's state folder. The caller
 * frees it. NULL with *err: no home, or not permitted. */
char *state_dir_path(const struct options *o, const char *account, struct err *err);

/* A new empty folder for a simulated account, and its end with all that is in it. */
char *state_dir_temporary(struct err *err);
void state_dir_remove(const char *path);

#endif
