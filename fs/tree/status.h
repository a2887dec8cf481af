/* SPDX-License-Identifier: MIT */
/* status and .wait: what a copy or a snapshot is doing, for those who ask, poll or wait. */
#ifndef EBSFS_STATUS_H
#define EBSFS_STATUS_H

#include "receipts.h"
#include "tree.h"

struct statuses;

/* Watches copies, receipts and catalogues; fs->copies, fs->receipts and fs->regions are there. NULL
 * on ENOMEM. */
struct statuses *statuses_create(struct fs *fs);
/* After the session's end: the kernel has answered who still waited. NULL is permitted. */
void statuses_destroy(struct statuses *s);

#endif
