/* SPDX-License-Identifier: MIT */
/* A FUSE request whose reply is sent later: the reply is pending. A pending request occupies no
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
 * EINTR and frees `reply`. If the request was interrupted already, this happens at once: then the
 * function returns false, and `reply` is freed. */
bool pending_reply_on_interrupt(struct pending_reply *reply, void (*cancel)(void *arg), void *arg);

/* For an operation that continues although its caller stops waiting: an interrupt replies EINTR,
 * frees the pending reply and sets *slot, which points to it, to NULL. */
void pending_reply_detach_on_interrupt(struct pending_reply **slot);

/* From now on an interrupt has no effect. */
void pending_reply_ignore_interrupt(struct pending_reply *reply);

/* Each of the following frees `reply`. */
void pending_reply_ok(struct pending_reply *reply); /* success without a result */
void pending_reply_errno(
	struct pending_reply *reply, int errnum); /* replies errnum, without a line in last-error */
/* Writes *err to last-error and replies its errno. NULL: the same as pending_reply_ok(). */
void pending_reply_err(struct pending_reply *reply, const struct err *err);
/* Frees `reply` after the caller has replied to the request itself. */
void pending_reply_done(struct pending_reply *reply);

/* Interrupts every pending request that can be interrupted, because the mount ends. */
void pending_replies_interrupt_all(struct fs *fs);

#endif
