/* SPDX-License-Identifier: MIT */
/* A start: what the journal says was under way goes on. */
#ifndef EBSFS_RECOVER_H
#define EBSFS_RECOVER_H

#include "engine.h"

/* Reads the journal and takes up every row. Returns 0 or -errno with *err. */
int recover_journal(struct copies *c, journal_receipt_fn *receipt, void *arg, struct err *err);

#endif
