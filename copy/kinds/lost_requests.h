/* SPDX-License-Identifier: MIT */
/* Lost answers: what did EC2 make of a CopySnapshot that it did not answer? */
#ifndef EBSFS_LOST_REQUESTS_H
#define EBSFS_LOST_REQUESTS_H

#include "engine.h"

int search_init(struct lane *lane); /* 0 or -ENOMEM */
void search_finish(struct lane *lane);

/* The answer of a request that was sent did not come: looks for its tag until it is found or EC2's
 * window of eventual consistency has passed. */
void search_lost(struct entry *e, const struct err *err);
/* The same for a row from the journal, of a mount that ended before the answer. */
void search_start(struct entry *e);
/* Somebody saw a snapshot with e's token: the search, if any, is over. */
void search_found(struct entry *e, const char *copy_id);

#endif
