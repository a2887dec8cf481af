/* SPDX-License-Identifier: MIT */
/* What is mounted where, without touching any of it: /proc/self/mountinfo. */
#ifndef EBSFS_MOUNT_TABLE_H
#define EBSFS_MOUNT_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"

struct mount_table_entry {
	char type[32];         /* "fuse.ebsfs" */
	unsigned major, minor; /* the device; /sys/fs/fuse/connections has a folder of a FUSE
				  mount's minor number */
	uid_t user;            /* who mounted, if it is FUSE; else 0 */
};

/* The file system that is uppermost at path (absolute, without symbolic links), from the text of
 * proc_pid_mountinfo(5). false: nothing is mounted there. */
bool mount_table_find(const char *mountinfo, const char *path, struct mount_table_entry *out);
/* The same from the running kernel. */
bool mount_table_look(const char *path, struct mount_table_entry *out);

/* realpath() of an absolute path whose last name may be a dead mount: asks the folders above, never
 * the mount itself. NULL if they cannot be resolved. */
char *mount_table_resolve(const char *path);

#endif
