/* SPDX-License-Identifier: MIT */
/* Which process serves a mount, and whether it still can. */
#ifndef EBSFS_SERVER_H
#define EBSFS_SERVER_H

#include "mount_table.h"

/*
 * A killed ebsfs whose threads cannot all end keeps /dev/fuse open, so the kernel goes on to wait
 * for it. Only another process can then abort the mount, and must know that ebsfs is dead and not
 * just slow, without a request to the mount. So a serving process binds a socket with the abstract
 * name "ebsfs/<minor number of the mount's device>/<pid>". It is never read. It lasts as long as
 * the process's descriptors do, and everybody sees its name in /proc/net/unix.
 */

/* Binds the name for the FUSE mount at path (mount_table_resolve()). Returns the socket, or -errno.
 */
int server_announce(const char *path);

enum server_state {
	SERVER_UNKNOWN, /* another program, an older one, or in another namespace */
	SERVER_LIVES,
	SERVER_DEAD, /* its main thread has ended, and the process has not */
};

/* Of the processes that announced this mount one lives; or none does. *pid: that process. */
enum server_state server_look(const struct mount_table_entry *mount, pid_t *pid);
/* Whether a line of /proc/net/unix is such a name, and of which process. */
bool server_line(const char *line, unsigned minor, pid_t *pid);
/* The state in the text of /proc/<pid>/status of a process of that user. */
enum server_state server_status(const char *status, uid_t user);

#endif
