/* SPDX-License-Identifier: MIT */
/* The tags/ of a receipt's folder, and what is written into it line by line. */
#ifndef EBSFS_RECEIPT_TAGS_H
#define EBSFS_RECEIPT_TAGS_H

#include "receipts.h"

/* Answers the close of a one-line file of the folder: its text becomes `to`. Once the copy has been
 * asked for, only what says the same as the copy does is taken, for rsync writes tags/ after the
 * file that asked; all else is EEXIST. key NULL: the description. `to` may be NULL if the receipt
 * is gone. */
void receipt_tags_commit_line(
	struct handle *h, const char *key, struct buf *to, struct pending_reply *a);
/* The tag gets another name, over another tag that has it. 0 or -errno with *err. */
int receipt_tags_rename(struct fs *fs, struct node tag, const char *name, struct err *err);

#endif
