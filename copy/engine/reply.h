/* SPDX-License-Identifier: MIT */
/* Answers that come from the loop, because their call has not returned yet. */
#ifndef EBSFS_REPLY_H
#define EBSFS_REPLY_H

#include "engine.h"

/* Room for an answer, so that it cannot fail for want of memory: NULL on ENOMEM; free() if it is
 * not needed. */
struct reply *reply_create(void);
/* Takes the reply. done gets the copy of this row (0: NULL) and a copy of *err (NULL: success). */
void reply_send(struct copies *c, struct reply *reply, copies_done *done, void *arg, int64_t row,
	const struct err *err);

int reply_init(struct copies *c); /* 0 or -ENOMEM */
void reply_finish(struct copies *c);

#endif
