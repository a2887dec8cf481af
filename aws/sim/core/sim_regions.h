/* SPDX-License-Identifier: MIT */
/* The names of AWS's regions. */
#ifndef EBSFS_SIM_REGIONS_H
#define EBSFS_SIM_REGIONS_H

#include "sim_call.h"

/* Returns the name of the n-th region: the real ones first, then invented ones. The caller frees
 * it; NULL on ENOMEM. */
char *sim_regions_name(size_t n);
/* Whether the region is a real one that an account must opt into. */
bool sim_regions_opt_in(const char *name);

#endif
