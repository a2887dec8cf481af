/* SPDX-License-Identifier: MIT */
/* The mounts that killed ebsfs processes leave behind. */
#ifndef EBSFS_DEAD_MOUNT_H
#define EBSFS_DEAD_MOUNT_H

#include "err.h"

/* Unmounts the mounts of ebsfs at path that no process serves any more. A mount whose server was
 * killed and cannot end is aborted first. Living mounts and those of other file systems are left
 * alone. Returns 0: no ebsfs is mounted there (any more); 1: a living one is; -errno with *err,
 * which says what to do: a dead mount remains, or it is not known whether it is dead. *n_cleared
 * (may be NULL) is the number of mounts that went, which the log says too. Blocks for as long as
 * fusermount3 takes, or five seconds where a mount does not respond. */
int dead_mount_clear(const char *path, int *n_cleared, struct err *err);

#endif
