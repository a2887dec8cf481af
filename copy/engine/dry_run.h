/* SPDX-License-Identifier: MIT */
/* A dry run before copies go into the queue, so that a missing permission is said when they are
 * asked for, and not when their turn comes. */
#ifndef EBSFS_DRY_RUN_H
#define EBSFS_DRY_RUN_H

#include "engine.h"

/* Before a request is queued. NULL: it need not wait; else admission_tried() is called, in five
 * seconds at most. One dry run a destination and kind of request, and only at an endpoint that is
 * known to heed DryRun (any other might copy): Amazon's own, or one that has heeded a dry run that
 * the user asked for. */
struct dry_run *dry_run_start(struct region_queue *queue, const struct journal_copy *row);
/* EC2 has accepted such a copy, or has answered a dry run as it should: such a one is permitted. */
void dry_run_passed(struct region_queue *queue, const struct journal_copy *row);
void dry_run_finish(struct region_queue *queue);

#endif
