/* SPDX-License-Identifier: MIT */
/* Checks whether this machine permits the user to mount, before any request to AWS is sent and
 * before any file is created. */
#ifndef EBSFS_MOUNT_CHECK_H
#define EBSFS_MOUNT_CHECK_H

#include "err.h"
#include "options.h"

/* Clears dead mounts of ebsfs from the mountpoint, and then checks all conditions of the mount: the
 * mountpoint, /dev/fuse, fusermount3, the permission to mount, allow_other. Returns 0; or -errno
 * with *err, which tells the user what to do, and *status: EXIT_STATUS_OTHER if an ebsfs is mounted
 * there already, EXIT_STATUS_MOUNT for all other reasons. */
int mount_check(const struct options *options, enum exit_status *status, struct err *err);

#endif
