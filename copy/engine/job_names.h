/* SPDX-License-Identifier: MIT */
/* The snapshots that jobs and requests name. The catalogue must keep their records. */
#ifndef EBSFS_JOB_NAMES_H
#define EBSFS_JOB_NAMES_H

#include "engine.h"

/* Adds the named slots of the queue's region to `named`: sources and copies of jobs that have not
 * ended, sources of requests that have no row yet, copies of others in progress, and held snapshots
 * (copies_hold()). Result as for catalogue_mark_fn. */
int job_names_mark(struct region_queue *queue, struct slot_set *named);

#endif
