/* SPDX-License-Identifier: MIT */
/* The directory that ebsfs was started in. Relative paths from outside (environment, configuration
 * files, options) start there, even after ebsfs has left it: a working directory prevents its file
 * system from being unmounted. */
#ifndef EBSFS_WORKDIR_H
#define EBSFS_WORKDIR_H

/* Changes to / and remembers the directory. Stays if the directory was deleted, or is `mountpoint`
 * or below it: the mount hides such a directory from lookups by name, and keeps its file system
 * busy anyway. Returns 0 or -errno. */
int workdir_leave(const char *mountpoint);

/* Returns `path` for open(). The caller frees it; NULL on ENOMEM. */
char *workdir_path(const char *path);

/* The directory to start a child process in; NULL: this process's. Borrowed. */
const char *workdir_of_child(void);

#endif
