/* SPDX-License-Identifier: MIT */
/* What an ebsfs that was killed leaves behind: a mount that nobody serves. */
#ifndef EBSFS_DEAD_MOUNT_H
#define EBSFS_DEAD_MOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* The type of the file system that is uppermost at path (absolute, without symbolic links), from
 * the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). false if nothing is mounted there. */
bool dead_mount_type(const char *mountinfo, const char *path, char *type, size_t size);

/* Unmounts what stands at path if the kernel says that nobody serves it any more (ENOTCONN) and it
 * is an ebsfs's; a living mount, and another file system's, is left alone. Returns 0 if path is not
 * dead, or no longer; -ENOTCONN with *err, which says what to do, if it still is. Blocks for as
 * long as fusermount3 takes. */
int dead_mount_clear(const char *path, struct err *err);

#endif
