/* SPDX-License-Identifier: MIT */
/* The FUSE session on the loop: requests are read when the descriptor is readable, and handled in
 * the loop's thread. */
#ifndef EBSFS_SESSION_H
#define EBSFS_SESSION_H

#include "err.h"
#include "node.h"

struct fs;
struct session;

/* Mounts at options->mountpoint, starts to serve, and sets fs->session. Returns 0 or -errno with
 * *err. */
int session_create(struct fs *fs, struct session **out, struct err *err);
/* Registers ended(fs), which is called once when the kernel has ended the mount (fusermount3 -u,
 * abort). */
void session_on_end(struct session *s, void (*ended)(struct fs *fs));
/* Unmounts if still mounted. Afterwards no request arrives, and fs->session is NULL. NULL is
 * permitted. */
void session_unmount(struct session *s);
/* Frees the session, after session_unmount() and once the loop has ended. NULL is permitted. */
void session_destroy(struct session *s);

/* --- the kernel's cache of attributes --- */

/* Only attributes are invalidated, never a name in a folder. To invalidate a name
 * (FUSE_NOTIFY_INVAL_ENTRY, and FUSE_NOTIFY_EXPIRE_ENTRY alike) the kernel waits for the folder's
 * lock, uninterruptibly and on the notifying thread. A request that waits for ebsfs may hold that
 * lock. Then the folder would hang until the reply; and if ebsfs is killed before, the waiting
 * thread keeps /dev/fuse open, so the mount hangs for ever.
 *
 * A name that is gone needs no notification: its node is ENOENT once its attributes expire. A name
 * that may refer to another node later has no timeout (tree_name_seconds()). */

/* Makes the kernel request the node's attributes again when it next needs them. Does not block.
 * Does nothing before the session starts and after its end. */
void session_invalidate(struct fs *fs, struct node n);

#endif
