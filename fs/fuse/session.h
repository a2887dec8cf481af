/* SPDX-License-Identifier: MIT */
/* The FUSE session on the loop: requests are read when the descriptor is readable and answered from
 * the loop's thread. */
#ifndef EBSFS_SESSION_H
#define EBSFS_SESSION_H

#include "err.h"
#include "node.h"

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

/* --- the kernel's cache of attributes --- */

/*
 * Only attributes are invalidated, never a name in a folder. For a name (FUSE_NOTIFY_INVAL_ENTRY,
 * and FUSE_NOTIFY_EXPIRE_ENTRY alike) the kernel waits for the folder's lock, uninterruptibly and
 * on the notifying thread. A request that waits for ebsfs may hold that lock: the folder would hang
 * until the reply, and if ebsfs is killed before, the waiting thread keeps /dev/fuse open, so the
 * mount hangs for ever.
 *
 * A name that is gone needs no notification: its node is ENOENT once its attributes expire. A
 * name that may come to stand for another node has no timeout (tree_name_seconds()).
 */

/* The kernel asks for the node's attributes again when it next needs them. Does not block. Before
 * the session starts and after its end it does nothing. */
void session_invalidate(struct fs *fs, struct node n);

#endif
