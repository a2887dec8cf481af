/* SPDX-License-Identifier: MIT */
/* Reads and writes of regular files, whole in spite of short ones and of signals. */
#ifndef EBSFS_FILE_H
#define EBSFS_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Returns the number of bytes read, fewer than len only at the end of the file; or -errno. */
ssize_t file_read(int fd, void *data, size_t len, off_t offset);
int file_write(int fd, const void *data, size_t len, off_t offset); /* 0 or -errno */
/* Replaces a file atomically: syncs fd, which is the file `temporary`, renames that to `name`, and
 * syncs the folder, relative to which both names are (AT_FDCWD: no folder is synced). Returns 0 or
 * -errno; after an error `temporary` may still be there. */
int file_replace(int folder, int fd, const char *temporary, const char *name);

#endif
