/* SPDX-License-Identifier: MIT */
/* status and .wait: the state of a copy or a snapshot, to read, to poll, or to wait for its end. */
#ifndef EBSFS_STATUS_H
#define EBSFS_STATUS_H

#include "receipts.h"
#include "tree.h"

/* The advice when a status is written. */
#define STATUS_INSTEAD                                                                             \
	"ebsfs writes it from EC2's state; a file that asks for a copy goes into regions/REGION/"

struct statuses;

/* Watches copies, receipts and catalogues; fs->copies, fs->receipts and fs->regions must be set.
 * NULL on ENOMEM. */
struct statuses *statuses_create(struct fs *fs);
/* Frees the watches, after the session has ended and all reads that waited have been replied to.
 * NULL is permitted. */
void statuses_destroy(struct statuses *s);
/* Drops the reads that wait for EC2: call it at unmount, after copies_destroy(). */
void status_confirm_free_all(struct fs *fs);

#endif
