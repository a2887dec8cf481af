/* SPDX-License-Identifier: MIT */
/* What an error says about trying again. Pure. */
#ifndef EBSFS_VERDICT_H
#define EBSFS_VERDICT_H

#include <stdbool.h>

#include "err.h"

/* EC2 carries out as many copies as it will: flow control, not a failure. */
bool verdict_is_limit(const struct err *err);
/* The source is not in the state for it: perhaps still pending. */
bool verdict_is_state(const struct err *err);
/* Not a word on this request, but on the network, the rate, the credentials or the clock: it may
 * well succeed later. */
bool verdict_is_passing(const struct err *err);
/* There is no such snapshot. */
bool verdict_is_absent(const struct err *err);

#endif
