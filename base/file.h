/* SPDX-License-Identifier: MIT */
/* Reads and writes regular files: continues after short reads and writes, and after signals. */
#ifndef EBSFS_FILE_H
#define EBSFS_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Returns the number of bytes read, fewer than len only at the end of the file; or -errno. */
ssize_t file_read(int fd, void *data, size_t len, off_t offset);
int file_write(int fd, const void *data, size_t len, off_t offset); /* 0 or -errno */
/* Replaces the file `name` atomically by the file `temporary`, which is open as fd: syncs fd,
 * renames `temporary` to `name`, and syncs the folder. Both names are relative to the folder
 * (AT_FDCWD: no folder is synced). Returns 0 or -errno; after an error `temporary` may still be
 * there. */
int file_replace(int folder, int fd, const char *temporary, const char *name);

#endif
