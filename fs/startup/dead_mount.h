/* SPDX-License-Identifier: MIT */
/* What an ebsfs that was killed leaves behind: a mount that nobody serves. */
#ifndef EBSFS_DEAD_MOUNT_H
#define EBSFS_DEAD_MOUNT_H

#include "err.h"

/* Unmounts what stands at path if it is an ebsfs's and nobody serves it any more; a mount whose
 * server was killed and cannot end is aborted before. A living mount, and another file system's, is
 * left alone. Returns 0: no ebsfs is mounted there, or no longer; 1: a living one is; -errno with
 * *err, which says what to do: a dead mount stays, or it is not known whether it is dead. Blocks
 * for as long as fusermount3 takes, or five seconds where an ebsfs does not answer. */
int dead_mount_clear(const char *path, struct err *err);

#endif
