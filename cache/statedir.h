/* SPDX-License-Identifier: MIT */
/* The state directory: private to its user, and one process's at a time. */
#ifndef EBSFS_STATEDIR_H
#define EBSFS_STATEDIR_H

#include "err.h"

/* Makes the directory with what is missing above it (0700), and takes the lock DIR/journal.lock,
 * which lasts until the descriptor *lock_fd and all that were inherited from it are closed. Returns
 * 0 or -errno with *err: EBUSY with the number of the process that has it; ENOTDIR, EACCES, EROFS,
 * ENOSPC. */
int statedir_take(const char *dir, int *lock_fd, struct err *err);

#endif
