/* SPDX-License-Identifier: MIT */
/* Opens the folders and files of ebsfs's state so that no other user can change them, and locks
 * them for one process. */
#ifndef EBSFS_STATEDIR_H
#define EBSFS_STATEDIR_H

#include <stdbool.h>

#include "err.h"

/*
 * Every function returns -errno with *err. EPERM means that another user could redirect ebsfs's
 * reads or writes to other files; the message says how to correct it. Paths are absolute. They are
 * resolved from the root, one component at a time: each folder belongs to root or to this user and
 * is not writable by others (or is sticky, like /tmp), and each symbolic link belongs to root or to
 * this user. So no other user can exchange a checked component, before or after the check.
 */

/* Opens a folder of this user's, which must not be writable by others. `make`: creates missing
 * folders (0700). Returns a descriptor. */
int statedir_open(const char *path, bool make, struct err *err);
/* Opens the folder that the file at `path` is in. Returns a descriptor. */
int statedir_open_parent(const char *path, bool make, struct err *err);

/* Opens the file at `path` in its folder, which is open: a regular file of this user's with one
 * name, not writable by others. flags: O_RDONLY or O_RDWR; O_CREAT creates it (0600). Returns a
 * descriptor; -ENOENT if there is no such file. */
int statedir_file(int folder, const char *path, int flags, struct err *err);
/* Checks a file without opening it. A missing file passes. Returns 0 or -errno. */
int statedir_check(int folder, const char *path, struct err *err);

/* Replaces the file at `path` atomically: begin() returns the descriptor of an empty file beside
 * it, commit() syncs that and renames it, abandon() removes it. The caller closes the descriptor.
 */
int statedir_begin(int folder, const char *path, struct err *err);
int statedir_commit(int folder, int fd, const char *path, struct err *err);
void statedir_abandon(int folder, const char *path);

/* Opens the folder as statedir_open() does, and takes the lock DIR/journal.lock, which lasts until
 * the descriptor *lock_fd and all its duplicates are closed. Returns the folder's descriptor;
 * -EBUSY, with the lock owner's process id in the message. */
int statedir_take(const char *dir, int *lock_fd, struct err *err);

#endif
