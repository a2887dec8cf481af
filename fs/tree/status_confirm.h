/* SPDX-License-Identifier: MIT */
/* Reads that first make sure that the snapshot of a completed copy still exists. */
#ifndef EBSFS_STATUS_CONFIRM_H
#define EBSFS_STATUS_CONFIRM_H

#include "copies.h"
#include "handle.h"
#include "pending_reply.h"

/* A reader waits this long for EC2. After a question without an answer, the region's readers do not
 * wait at all for STATUS_CONFIRM_PAUSE_MS, or a grep over a thousand receipts would take an hour.
 */
#define STATUS_CONFIRM_PATIENCE_MS 2000
#define STATUS_CONFIRM_PAUSE_MS    10000

/* The completed copy of a receipt's status, whose snapshot may be gone from EC2 by now; else NULL.
 * (A snapshot's own status is gone with the snapshot.) */
struct copy *status_confirm_candidate(struct fs *fs, struct node n);

typedef int status_confirm_text_fn(struct fs *fs, struct node n, struct buf *out);

/* Replies to `reply` with text() from its beginning, once copies_confirm() has ended. Without an
 * answer of EC2 a line "note:" follows the text, which is then the last known state. */
void status_confirm_read(struct handle *h, struct copy *copy, status_confirm_text_fn *text,
	size_t size, struct pending_reply *reply);
/* At unmount, after copies_destroy(). */
void status_confirm_free_all(struct fs *fs);

#endif
