/* SPDX-License-Identifier: MIT */
/* The directory that ebsfs was started in. A relative path from outside (environment, configuration
 * file, option) is relative to it, also after the daemon has left it: a working directory would
 * keep its file system from being unmounted. */
#ifndef EBSFS_WORKDIR_H
#define EBSFS_WORKDIR_H

/* Goes to / and remembers where the process was. Stays if the directory has no name any more, or is
 * `mountpoint` or below it: the mount hides such a directory from all who go there by its name, and
 * keeps its file system busy anyway. Returns 0 or -errno. */
int workdir_leave(const char *mountpoint);

/* `path` as open() needs it. Freed by the caller; NULL on ENOMEM. */
char *workdir_path(const char *path);

/* For a child process: the directory to start it in. NULL: where this process is. Borrowed. */
const char *workdir_of_child(void);

#endif
