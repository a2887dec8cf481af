/* SPDX-License-Identifier: MIT */
/* What AWS refuses: what usually causes it, and what a person does next. */
#ifndef EBSFS_AWS_ADVICE_H
#define EBSFS_AWS_ADVICE_H

#include "err.h"

/* For AWS's refusal of an action ("CopySnapshot"; NULL or "": unknown) with a code (NULL or "":
 * none). The message tells only which source the keys came from, by the note of aws_query.c. One
 * sentence without a full stop; NULL: nothing is known. */
const char *aws_advice(const char *action, const char *code, const char *message);

/* The same for the StatusMessage of a snapshot in state error: EC2 gives no code with it, so here
 * the words are all there is. */
const char *aws_advice_status(const char *message);

/* The same for an error, and where it has no code, by what kind of failure it is. NULL: nothing is
 * known, or its message says it already. */
const char *aws_advice_for(const struct err *err);

#endif
