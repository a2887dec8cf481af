/* SPDX-License-Identifier: MIT */
/* What a destination encrypts with by default: asked of EC2 once for all copies, and remembered for
 * minutes. Best effort: it may be forbidden, unknown to the cloud, or slow, and no copy fails or
 * waits for that. */
#ifndef EBSFS_ENCRYPTION_DEFAULTS_H
#define EBSFS_ENCRYPTION_DEFAULTS_H

#include "engine.h"

int encryption_defaults_init(struct region_queue *queue); /* 0 or -ENOMEM */
void encryption_defaults_finish(struct region_queue *queue);

/* Somebody wants to know: asks, unless it is known, was asked lately in vain, or is being asked. */
void encryption_defaults_want(struct region_queue *queue);
/* Whether the answer may still come soon: admission_resume(queue) is called when it has, or after
 * five seconds. */
bool encryption_defaults_awaited(const struct region_queue *queue);

/* Appends how the copy is encrypted, or will be, as far as is known: what EC2 shows of it, else
 * what is to be expected. Results as buf_add. */
int encryption_defaults_describe(const struct copies *c, const struct copy *copy, struct buf *out);

#endif
