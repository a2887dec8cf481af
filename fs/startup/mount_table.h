/* SPDX-License-Identifier: MIT */
/* The mounts of this machine, and the processes that serve them. No function in this file sends a
 * request to a mount, because its server may be dead. */
#ifndef EBSFS_MOUNT_TABLE_H
#define EBSFS_MOUNT_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"

struct mount_table_entry {
	char type[32];         /* "fuse.ebsfs" */
	unsigned major, minor; /* the device; a FUSE mount's minor number names its folder in
				* /sys/fs/fuse/connections */
	uid_t user;            /* the user that mounted a FUSE file system; else 0 */
};

/* Finds the uppermost file system at path (absolute, without symbolic links) in the text of
 * proc_pid_mountinfo(5). Returns false if no file system is mounted there. */
bool mount_table_find(const char *mountinfo, const char *path, struct mount_table_entry *out);
/* Does the same with the mounts of the running kernel. */
bool mount_table_look(const char *path, struct mount_table_entry *out);

/* Resolves an absolute path whose last name may be a dead mount: like realpath(), but only the
 * folders above the last name. The caller frees the result. NULL if they cannot be resolved. */
char *mount_table_resolve(const char *path);

/* A killed ebsfs whose threads cannot all end keeps /dev/fuse open, so the kernel continues to wait
 * for its replies. Only another process can then abort the mount, and that process must know that
 * ebsfs is dead and not just slow, without a request to the mount. So a serving process binds a
 * socket with the abstract name "ebsfs/<minor number of the mount's device>/<pid>". No process
 * reads the socket. It exists as long as the process's descriptors, and every process sees its name
 * in /proc/net/unix. */

/* Binds the name for the FUSE mount at path (mount_table_resolve()). Returns the socket, or -errno.
 */
int mount_table_announce(const char *path);

enum mount_server {
	MOUNT_SERVER_UNKNOWN, /* the server is another program, an older ebsfs, or in another
				 namespace */
	MOUNT_SERVER_LIVES,
	MOUNT_SERVER_DEAD, /* the server's main thread has ended, but not the process */
};

/* Returns the state of the process that announced this mount; if several did, LIVES takes
 * precedence. *pid: that process. */
enum mount_server mount_table_server(const struct mount_table_entry *mount, pid_t *pid);
/* Returns whether a line of /proc/net/unix has the mount's name, and the process in it. */
bool mount_table_server_line(const char *line, unsigned minor, pid_t *pid);
/* Returns the process's state by the text of /proc/<pid>/status. UNKNOWN for a process of another
 * user. */
enum mount_server mount_table_server_status(const char *status, uid_t user);

#endif
