/* SPDX-License-Identifier: MIT */
/* A FUSE request that is answered later: its reply is pending. A pending request occupies no
 * thread, and an interrupt (^C) ends it. */
#ifndef EBSFS_PENDING_REPLY_H
#define EBSFS_PENDING_REPLY_H

#include "err.h"
#include "fs.h"

struct fuse_req;
struct pending_reply;

/* Takes over req from the caller. `what` (copied) names the operation and the whole path of its
 * object for last-error ("rmdir regions/us-east-1/snapshots/snap-…"). NULL on ENOMEM: the caller
 * still owns req. */
struct pending_reply *pending_reply_create(struct fs *fs, struct fuse_req *req, const char *what);
struct fs *pending_reply_fs(const struct pending_reply *reply);
struct fuse_req *pending_reply_request(const struct pending_reply *reply);
uid_t pending_reply_user(const struct pending_reply *reply); /* of the process that sent req */

/* From now on an interrupt of the request calls cancel(arg), which must not reply, then replies
 * EINTR and frees `reply`. If the request was interrupted before this call, that happens at once:
 * returns false, and `reply` is gone. */
bool pending_reply_on_interrupt(struct pending_reply *reply, void (*cancel)(void *arg), void *arg);

/* As above for an operation that goes on although its caller stops waiting: an interrupt sets
 * *slot, which points to the pending reply, to NULL. */
void pending_reply_detach_on_interrupt(struct pending_reply **slot);

/* From now on an interrupt has no effect. */
void pending_reply_ignore_interrupt(struct pending_reply *reply);

/* Each of the following frees `reply`. */
void pending_reply_ok(struct pending_reply *reply); /* success without a result */
void pending_reply_errno(
	struct pending_reply *reply, int errnum); /* without a line in last-error */
/* Writes *err to last-error and replies its errno. NULL: the same as pending_reply_ok(). */
void pending_reply_err(struct pending_reply *reply, const struct err *err);
/* The caller has replied to the request itself. */
void pending_reply_done(struct pending_reply *reply);

/* The mount ends: every pending request that can be interrupted is interrupted. */
void pending_replies_interrupt_all(struct fs *fs);

#endif
