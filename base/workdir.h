/* SPDX-License-Identifier: MIT */
/* The directory that ebsfs was started in. Relative paths from outside (environment, configuration
 * files, options) are relative to it, even after ebsfs has changed to another directory. ebsfs does
 * that because a working directory prevents its file system from being unmounted. */
#ifndef EBSFS_WORKDIR_H
#define EBSFS_WORKDIR_H

/* Changes to / and remembers the working directory. Does not change it if it was deleted, or is
 * `mountpoint` or below it: the mount hides such a directory from lookups by name, and keeps its
 * file system busy anyway. Returns 0 or -errno. */
int workdir_leave(const char *mountpoint);

/* Returns `path` as open() needs it: a relative path below the remembered directory. The caller
 * frees it; NULL on ENOMEM. */
char *workdir_path(const char *path);

/* Returns the directory to start a child process in, borrowed; NULL: that of this process. */
const char *workdir_of_child(void);

#endif
