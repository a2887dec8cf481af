/* SPDX-License-Identifier: MIT */
/* Runs ebsfs in the background: the command returns to the shell when the mount is ready, not
 * before. */
#ifndef EBSFS_DAEMON_H
#define EBSFS_DAEMON_H

#include "err.h"

/* Forks and returns in the child, whose stderr is still the user's. The parent waits for
 * daemon_ready() and exits 0; if the child ends before, the parent exits with the child's status,
 * or
 * 1. The child leaves the working directory (workdir_leave()). Returns the descriptor for
 * daemon_ready(), or -errno with *err. Call before any thread or loop starts. */
int daemon_fork(const char *mountpoint, struct err *err);

/* Releases the parent and points stdin, stdout and stderr to /dev/null. fd < 0: does nothing. */
void daemon_ready(int fd);

#endif
