/* SPDX-License-Identifier: MIT */
/* status and .wait: the state of a copy or a snapshot, to read, to poll, or to wait for its end. */
#ifndef EBSFS_STATUS_H
#define EBSFS_STATUS_H

#include "receipts.h"
#include "tree.h"

/* Why a status cannot be written. */
#define STATUS_INSTEAD                                                                             \
	"ebsfs writes it from EC2's state; a file that asks for a copy goes into regions/REGION/"

struct statuses;

/* Watches copies, receipts and catalogues; fs->copies, fs->receipts and fs->regions are there. NULL
 * on ENOMEM. */
struct statuses *statuses_create(struct fs *fs);
/* Called after the session has ended, when the kernel has replied to all reads that waited. NULL is
 * permitted. */
void statuses_destroy(struct statuses *s);
/* Reads that wait for EC2 are dropped: at unmount, after copies_destroy(). */
void status_confirm_free_all(struct fs *fs);

#endif
