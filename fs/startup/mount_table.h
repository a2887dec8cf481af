/* SPDX-License-Identifier: MIT */
/* The mounts of this machine, and the processes that serve them. No function here sends a request
 * to a mount: its server may be dead. */
#ifndef EBSFS_MOUNT_TABLE_H
#define EBSFS_MOUNT_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"

struct mount_table_entry {
	char type[32];         /* "fuse.ebsfs" */
	unsigned major, minor; /* the device; /sys/fs/fuse/connections has a folder of a FUSE
				  mount's minor number */
	uid_t user;            /* the user that mounted it, if it is FUSE; else 0 */
};

/* The uppermost file system at path (absolute, without symbolic links), from the text of
 * proc_pid_mountinfo(5). false: nothing is mounted there. */
bool mount_table_find(const char *mountinfo, const char *path, struct mount_table_entry *out);
/* The same from the running kernel. */
bool mount_table_look(const char *path, struct mount_table_entry *out);

/* realpath() of an absolute path whose last name may be a dead mount: resolves the folders above it
 * only. The caller frees it. NULL if they cannot be resolved. */
char *mount_table_resolve(const char *path);

/*
 * A killed ebsfs whose threads cannot all end keeps /dev/fuse open, so the kernel goes on to wait
 * for it. Only another process can then abort the mount, and it must know that ebsfs is dead and
 * not just slow, without a request to the mount. So a serving process binds a socket with the
 * abstract name "ebsfs/<minor number of the mount's device>/<pid>". The socket is never read. It
 * lasts as long as the process's descriptors, and every process sees its name in /proc/net/unix.
 */

/* Binds the name for the FUSE mount at path (mount_table_resolve()). Returns the socket, or -errno.
 */
int mount_table_announce(const char *path);

enum mount_server {
	MOUNT_SERVER_UNKNOWN, /* another program, an older ebsfs, or one in another namespace */
	MOUNT_SERVER_LIVES,
	MOUNT_SERVER_DEAD, /* its main thread has ended, but not the process */
};

/* The state of the process that announced this mount; if several did, LIVES wins. *pid: that
 * process. */
enum mount_server mount_table_server(const struct mount_table_entry *mount, pid_t *pid);
/* Whether a line of /proc/net/unix has the name for the mount, and of which process. */
bool mount_table_server_line(const char *line, unsigned minor, pid_t *pid);
/* The state in the text of /proc/<pid>/status. UNKNOWN for a process of another user. */
enum mount_server mount_table_server_status(const char *status, uid_t user);

#endif
