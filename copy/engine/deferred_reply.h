/* SPDX-License-Identifier: MIT */
/* Answers from the loop: what is to be told, but not before the question has returned. */
#ifndef EBSFS_DEFERRED_REPLY_H
#define EBSFS_DEFERRED_REPLY_H

#include "engine.h"

int deferred_reply_init(struct copies *c); /* 0 or -ENOMEM */
void deferred_reply_finish(struct copies *c);

/* Room for one answer, so that it cannot fail for want of memory. NULL on ENOMEM; free() if it is
 * not needed. */
struct deferred_reply *deferred_reply_create(void);
/* Calls done(arg, copy, err) from the loop, soon, unless the copies are destroyed before. Takes s.
 */
void deferred_reply_call(struct copies *c, struct deferred_reply *s, copies_done *done, void *arg,
	struct copy *copy, const struct err *err);

#endif
