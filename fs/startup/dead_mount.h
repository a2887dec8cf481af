/* SPDX-License-Identifier: MIT */
/* Clears the mounts that killed ebsfs processes leave behind. */
#ifndef EBSFS_DEAD_MOUNT_H
#define EBSFS_DEAD_MOUNT_H

#include "err.h"

/* Unmounts the mounts of ebsfs at path that no process serves any more. A mount whose server was
 * killed and cannot end is aborted first. Living mounts and those of other file systems are left
 * alone. Returns 0: no ebsfs is mounted at path now; 1: a living ebsfs is mounted there; -errno
 * with *err, which tells the user what to do: a dead mount remains, or the mount's state is
 * unknown. *n_cleared (may be NULL) is the number of mounts that were cleared; each is logged.
 * Blocks for as long as fusermount3 takes, or five seconds if a mount does not respond. */
int dead_mount_clear(const char *path, int *n_cleared, struct err *err);

#endif
