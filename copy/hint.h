/* SPDX-License-Identifier: MIT */
/* What usually causes an error of EC2's, and what helps. */
#ifndef EBSFS_HINT_H
#define EBSFS_HINT_H

#include "err.h"

/* For an error code ("" or NULL: none) and a message, which may be the StatusMessage of a snapshot
 * in state error. NULL: nothing is known. */
const char *hint_for(const char *code, const char *message);
/* Puts the hint, if there is one, behind the message. */
void hint_add(struct err *err);

#endif
