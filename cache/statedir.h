/* SPDX-License-Identifier: MIT */
/* Folders and files of ebsfs's state: changed by their user only, and by one process at a time. */
#ifndef EBSFS_STATEDIR_H
#define EBSFS_STATEDIR_H

#include <stdbool.h>

#include "err.h"

/*
 * Every function returns -errno with *err; EPERM means that another user could lead ebsfs's reads
 * or writes to files of that user's choice, and the message says how to put it right. Paths are
 * absolute. They are resolved from the root, a component at a time: each folder belongs to root or
 * to this user, is not writable by others (or is sticky, like /tmp), and a symbolic link belongs to
 * root or to this user. So nobody else can exchange what has been checked, before or after.
 */

/* Opens a folder of this user's, which must not be writable by others. `make`: what is missing is
 * made (0700). Returns a descriptor. */
int statedir_open(const char *path, bool make, struct err *err);
/* Opens the folder that the file at `path` is in. Returns a descriptor. */
int statedir_open_parent(const char *path, bool make, struct err *err);

/* Opens the file at `path` in its opened folder: a regular file of this user's, with one name, not
 * writable by others. flags: O_RDONLY or O_RDWR; O_CREAT makes it (0600). Returns a descriptor;
 * -ENOENT if there is none. */
int statedir_file(int folder, const char *path, int flags, struct err *err);
/* Checks a file that is not opened here. A file that does not exist is well. Returns 0 or -errno.
 */
int statedir_check(int folder, const char *path, struct err *err);

/* Replacing the file at `path`: begin() returns the descriptor of an empty file beside it, commit()
 * syncs that and puts it in the place of the old one, abandon() removes it. The descriptor stays
 * the caller's. */
int statedir_begin(int folder, const char *path, struct err *err);
int statedir_commit(int folder, int fd, const char *path, struct err *err);
void statedir_abandon(int folder, const char *path);

/* Opens the folder as statedir_open() does, and takes the lock DIR/journal.lock, which lasts until
 * the descriptor *lock_fd and all that were inherited from it are closed. Returns the folder's
 * descriptor; -EBUSY with the number of the process that has it. */
int statedir_take(const char *dir, int *lock_fd, struct err *err);

#endif
