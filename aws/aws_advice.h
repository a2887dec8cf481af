/* SPDX-License-Identifier: MIT */
/* What AWS refuses: what usually causes it, and what a person does next. */
#ifndef EBSFS_AWS_ADVICE_H
#define EBSFS_AWS_ADVICE_H

#include "err.h"

/* For an error code of AWS's ("" or NULL: none) and a message, which may be the StatusMessage of a
 * snapshot in state error. One sentence without a full stop; NULL: nothing is known. */
const char *aws_advice(const char *code, const char *message);

/* The same for an error, and where it has no code, by what kind of failure it is. NULL: nothing is
 * known, or its message says it already. */
const char *aws_advice_for(const struct err *err);

#endif
