/* SPDX-License-Identifier: MIT */
/* What a receipt needs only while it is written, while it asks for its copy, and when that failed.
 */
#ifndef EBSFS_RECEIPT_WORK_H
#define EBSFS_RECEIPT_WORK_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "pending_reply.h"

struct waiting_reply;
struct receipt;

struct receipt_tag {
	char *key; /* as the file is named: unescaped only when the copy is asked for */
	struct buf value;
	bool removed;
};

struct receipt_work {
	struct buf draft; /* the text while it may still be written; then it is the receipt's */
	unsigned writers; /* openings for writing */
	bool dirty;       /* written or cut since it was last judged */
	bool spoilt; /* a write was refused: the text lacks a piece and asks for nothing until it is
			cut to 0 */
	bool save_again; /* changed while asking */
	bool has_refused;
	struct err refused;
	struct waiting_reply *waiting;
	/* Of a folder. */
	bool has_tags; /* tags/ was made: exactly the tags in it are wanted */
	/* Fixed children, one bit a kind: created here (what is written into metadata.json and
	 * status is dropped); removed, and not shown until they are created again. */
	unsigned created, removed;
	struct buf description;
	struct receipt_tag *tags;
	size_t n_tags;
	char *temporary; /* the name under which rsync is writing a fixed child; NULL */
};

/* The receipt's, made if it has none. NULL on ENOMEM. */
struct receipt_work *receipt_work(struct receipt *r);
/* Frees it if there is nothing in it that the receipt itself does not say. */
void receipt_work_shed(struct receipt *r);
/* NULL is permitted. Who still waits is dropped without an answer. */
void receipt_work_destroy(struct receipt_work *w);

/* Its last attempt came to nothing. */
void receipt_refused(struct receipt_work *w, const struct err *err);
/* Waits for the word on a copy that is being asked for. */
void receipt_await(struct receipt_work *w, struct pending_reply *a);
/* Gives all of them the word; err NULL: the copy is on its way. Whether anybody still waited. */
bool receipt_answer(struct receipt_work *w, const struct err *err);

#endif
