/* SPDX-License-Identifier: MIT */
/* Computes the pause before a retry. The pause doubles from retry to retry up to a maximum, and has
 * jitter, so that clients that failed together do not retry together. Pure functions. */
#ifndef EBSFS_BACKOFF_H
#define EBSFS_BACKOFF_H

#include <stdint.h>

/* Return the pause before the n-th retry (n from 1), in ms. Its bound is first_ms, doubled for each
 * retry before the n-th, but at most longest_ms. unit: random_unit(). */

/* From half of the bound to the bound: for a request that is retried until it succeeds. */
int64_t backoff_pause(int64_t first_ms, int64_t longest_ms, unsigned n, double unit);
/* From 0 to the bound (AWS's "full jitter"): for a request with few attempts. */
int64_t backoff_pause_full(int64_t first_ms, int64_t longest_ms, unsigned n, double unit);

#endif
