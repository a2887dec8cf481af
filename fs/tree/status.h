/* SPDX-License-Identifier: MIT */
/* status and .wait: what a copy or a snapshot is doing, for those who ask, poll or wait. */
#ifndef EBSFS_STATUS_H
#define EBSFS_STATUS_H

#include "receipts.h"
#include "tree.h"

struct statuses;

/* Watches copies and catalogues; fs->copies and fs->regions are there. NULL on ENOMEM. */
struct statuses *statuses_create(struct fs *fs);
/* After the session's end: the kernel has answered who still waited. NULL is permitted. */
void statuses_destroy(struct statuses *s);

/* Reading a .wait, opened as `h`: once the copy or the snapshot has ended, h->text becomes the
 * status, and the read is answered from it. */
void status_wait(struct handle *h, size_t size, off_t offset, struct pending_reply *a);
/* A status file was opened: what changes from now on is known to poll(). */
void status_watch(struct handle *h);
/* poll() on an opened status file: whether its text has changed since it was last read; if not,
 * `ph` (NULL, or taken over) is told when it does. */
bool status_poll(struct handle *h, struct fuse_pollhandle *ph);
/* The opening goes. */
void status_forget(struct handle *h);

/* A receipt's state changed without its copy's (it was refused, got its copy, or is gone). */
void status_receipt_changed(struct fs *fs, uint32_t number);

#endif
