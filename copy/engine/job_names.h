/* SPDX-License-Identifier: MIT */
/* The snapshots that jobs and requests name: the catalogue keeps what it knows of them. */
#ifndef EBSFS_JOB_NAMES_H
#define EBSFS_JOB_NAMES_H

#include "engine.h"

/* Adds the slots that are named in the queue's region: sources and copies of the jobs that have not
 * ended, sources of requests that have no row yet, copies of others in progress, and pending
 * snapshots that are waited for. As catalogue_mark_fn. */
int job_names_mark(struct region_queue *queue, struct slot_set *named);

#endif
