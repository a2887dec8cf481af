/* SPDX-License-Identifier: MIT */
/* Watching a descriptor on the loop, with a watch that its owner may simply destroy. */
#ifndef EBSFS_FD_WATCH_H
#define EBSFS_FD_WATCH_H

#include <uv.h>

struct fd_watch;
/* events: UV_READABLE and UV_WRITABLE, or 0 if the descriptor has an error: look for yourself. The
 * watch may be destroyed from within. */
typedef void fd_watch_fn(void *arg, int fd, int events);

/* The descriptor stays its owner's. NULL on ENOMEM or if it cannot be watched. */
struct fd_watch *fd_watch_create(uv_loop_t *loop, int fd, fd_watch_fn *fn, void *arg);
void fd_watch_start(struct fd_watch *w, int events); /* instead of what was watched for before */
void fd_watch_destroy(struct fd_watch *w); /* before the descriptor is closed; NULL is permitted */

#endif
