/* SPDX-License-Identifier: MIT */
/* When to ask again: the poller's intervals and the pauses before retries. Pure. */
#ifndef EBSFS_POLL_BACKOFF_H
#define EBSFS_POLL_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define POLL_SHORTEST_MS 2000 /* the default interval between two polls of a region */
#define POLL_LONGEST     15   /* the longest, as a multiple of the shortest: 30 s */

#define POLL_UNKNOWN INT64_MIN

/* The interval to the next poll for one pending snapshot. age_ms: since it started; remaining_ms:
 * to its expected end, negative when overdue, POLL_UNKNOWN. A copy is looked at often while it is
 * young and near its expected end; one of hours every 15 shortest intervals. */
int64_t poll_backoff_interval(int64_t shortest_ms, int64_t age_ms, int64_t remaining_ms);

/* The pause before the n-th retry (n from 1): doubling from first_ms to 60 times that, with half of
 * it left to chance (unit in [0, 1)). */
int64_t poll_backoff_retry(int64_t first_ms, unsigned n, double unit);

/* When, counted from the loss of an answer, it is to be looked for the n-th time (n from 0) within
 * the window: at once, then by growing pauses, and for the last time when the window has passed.
 * Past that, by the last pause. */
int64_t poll_backoff_search(int64_t window_ms, unsigned n);

#endif
