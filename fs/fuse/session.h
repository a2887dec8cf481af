/* SPDX-License-Identifier: MIT */
/* The FUSE session on the loop: requests are read when the descriptor is readable and answered from
 * the loop's thread. */
#ifndef EBSFS_SESSION_H
#define EBSFS_SESSION_H

#include "err.h"

struct fs;
struct session;

/* Mounts at options->mountpoint and begins to serve; fs->session is set. Returns 0 or -errno with
 * *err. */
int session_create(struct fs *fs, struct session **out, struct err *err);
/* Calls ended(fs) once when the kernel has ended the mount (fusermount3 -u, abort). */
void session_on_end(struct session *s, void (*ended)(struct fs *fs));
/* Unmounts if still mounted: no request comes any more, and fs->session is NULL. NULL is permitted.
 */
void session_unmount(struct session *s);
/* Frees, after session_unmount() and once the loop has ended. NULL is permitted. */
void session_destroy(struct session *s);

#endif
