/* SPDX-License-Identifier: MIT */
/* Pauses before retries: doubled from retry to retry up to a longest one, with jitter, so that
 * clients that failed together do not come back together. Pure. */
#ifndef EBSFS_BACKOFF_H
#define EBSFS_BACKOFF_H

#include <stdint.h>

/* The pause before the n-th retry (n from 1), in ms. unit: random_unit(). */

/* Half of it is left to chance: for a retry that repeats until it succeeds. */
int64_t backoff_pause(int64_t first_ms, int64_t longest_ms, unsigned n, double unit);
/* All of it is left to chance (AWS's "full jitter"): for the few attempts of one request. */
int64_t backoff_pause_full(int64_t first_ms, int64_t longest_ms, unsigned n, double unit);

#endif
