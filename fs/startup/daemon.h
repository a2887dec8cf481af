/* SPDX-License-Identifier: MIT */
/* Going into the background only once the mount stands. */
#ifndef EBSFS_DAEMON_H
#define EBSFS_DAEMON_H

#include "err.h"

/* Forks; the caller goes on in the child, with stderr still the user's. The parent waits for
 * daemon_ready(), then exits 0; if the child ends without it the parent exits with the child's
 * status, or 1. The child leaves the working directory: workdir_leave(). Returns the descriptor for
 * daemon_ready(), -errno with *err. Call before any thread or loop. */
int daemon_fork(const char *mountpoint, struct err *err);

/* The mount stands. fd >= 0 (from daemon_fork()): releases the parent, and turns stdin, stdout and
 * stderr to /dev/null. Otherwise nothing. */
void daemon_ready(int fd);

#endif
