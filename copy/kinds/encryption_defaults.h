/* SPDX-License-Identifier: MIT */
/* What a destination encrypts with by default: asked of EC2 once for all copies, and remembered for
 * minutes. No copy fails for want of an answer, and only few wait for it. */
#ifndef EBSFS_ENCRYPTION_DEFAULTS_H
#define EBSFS_ENCRYPTION_DEFAULTS_H

#include "copy_snapshot.h"

int encryption_defaults_init(struct region_queue *queue); /* 0 or -ENOMEM */
void encryption_defaults_finish(struct region_queue *queue);

/* job_kind.awaits: asks, unless it is known, was asked lately in vain, or is being asked. True:
 * admission_resume() follows, in five seconds at most. */
bool encryption_defaults_await(struct region_queue *queue, struct preflight *known);
/* job_kind.encryption: what EC2 shows of the copy, else what is to be expected. */
int encryption_defaults_describe(const struct copies *c, const struct copy *copy, struct buf *out);

#endif
