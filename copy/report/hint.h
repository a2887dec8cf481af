/* SPDX-License-Identifier: MIT */
/* What helps with a copy that did not come about. */
#ifndef EBSFS_HINT_H
#define EBSFS_HINT_H

#include "copies.h"

/* For a copy that ended in error or failed; NULL: nothing is known. What ebsfs itself refused says
 * all there is to say. */
const char *hint_for_copy(const struct copy *copy);

#endif
