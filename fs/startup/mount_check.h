/* SPDX-License-Identifier: MIT */
/* Whether this machine lets the user mount: checked before AWS is asked and before any file is
 * made.
 */
#ifndef EBSFS_MOUNT_CHECK_H
#define EBSFS_MOUNT_CHECK_H

#include "err.h"
#include "options.h"

/* Clears dead mounts of ebsfs from the mountpoint, and then checks all that would make the mount
 * fail: the mountpoint, /dev/fuse, fusermount3, the permission to mount, allow_other. Returns 0; or
 * -errno with *err, which says what to do, and *status: EXIT_STATUS_OTHER for an ebsfs that is
 * mounted there already, EXIT_STATUS_MOUNT for all other reasons. */
int mount_check(const struct options *options, enum exit_status *status, struct err *err);

#endif
