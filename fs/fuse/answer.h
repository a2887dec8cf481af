/* SPDX-License-Identifier: MIT */
/* The answer that a FUSE request is owed when it cannot be given at once: a request that waits
 * costs no thread, and ^C ends it. */
#ifndef EBSFS_ANSWER_H
#define EBSFS_ANSWER_H

#include "err.h"
#include "fs.h"

struct fuse_req;
struct answer;

/* Takes over the duty to answer req. `what` (copied) names the operation and the whole
 * path of its object for last-error ("rmdir regions/us-east-1/snapshots/snap-…"). NULL on ENOMEM
 * (req is still the caller's). */
struct answer *answer_create(struct fs *fs, struct fuse_req *req, const char *what);
struct fs *answer_fs(const struct answer *a);
struct fuse_req *answer_request(const struct answer *a);
uid_t answer_user(const struct answer *a); /* who sent the request */

/* While set, an interrupt of the request calls cancel(arg), which must not answer, then answers
 * EINTR and ends `a`. An interrupt that came earlier does so at once: false is returned, and `a` is
 * gone. */
bool answer_on_interrupt(struct answer *a, void (*cancel)(void *arg), void *arg);

/* The same for who only stops waiting while the thing itself goes on: *slot, which holds the
 * answer, becomes NULL. */
void answer_detach_on_interrupt(struct answer **slot);

/* Each ends `a`. */
void answer_ok(struct answer *a);                /* success of an operation without a result */
void answer_errno(struct answer *a, int errnum); /* a plain errno, not worth a report */
void answer_err(struct answer *a,
	const struct err *err); /* reports *err, answers its errno; NULL: answer_ok() */
/* The caller has answered the request itself. */
void answer_given(struct answer *a);

/* The mount ends: whoever waits and may be interrupted is. */
void answers_interrupt_all(struct fs *fs);

#endif
