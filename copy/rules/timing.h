/* SPDX-License-Identifier: MIT */
/* Times of copies: how long they took so far, by pair of regions; when a running one will probably
 * end; when EC2 is asked again. Pure but for the table of durations. */
#ifndef EBSFS_TIMING_H
#define EBSFS_TIMING_H

#include <stdint.h>

struct timing;

struct timing *timing_create(void);    /* NULL on ENOMEM */
void timing_destroy(struct timing *t); /* NULL is permitted */

/* Records the duration of a copy of `bytes` bytes (-1: unknown). Without memory nothing is
 * recorded. */
void timing_learn(
	struct timing *t, const char *from, const char *to, int64_t bytes, int64_t took_ms);
/* The expected duration of a copy, in ms; -1: unknown. */
int64_t timing_expected_length(
	const struct timing *t, const char *from, const char *to, int64_t bytes);

/* Learned rates, in bytes a second. */
typedef void timing_each_rate_fn(void *arg, const char *from, const char *to, double rate);
void timing_each_rate(const struct timing *t, timing_each_rate_fn *fn, void *arg);

/* The wall-clock end of a copy that began at start_ms and had `percent` (-1: unknown) at at_ms.
 * length_ms: what it should take in all by experience, -1 unknown. minutes: the duration that EC2
 * was asked to keep, 0 none. 0: no idea. */
int64_t timing_expected_end(
	int64_t start_ms, int percent, int64_t at_ms, int64_t length_ms, int minutes);

/* --- when EC2 is asked again --- */

#define POLL_SHORTEST_MS 2000 /* the default interval between two polls of a region */
#define POLL_LONGEST     15   /* the longest, as a multiple of the shortest: 30 s */

#define POLL_UNKNOWN INT64_MIN

/* The interval to the next poll for one pending snapshot. age_ms: since it started; remaining_ms:
 * to its expected end, negative when overdue, POLL_UNKNOWN. A copy is looked at often while it is
 * young and near its expected end; one of hours every 15 shortest intervals. */
int64_t timing_poll_interval(int64_t shortest_ms, int64_t age_ms, int64_t remaining_ms);

/* The pause before the n-th retry (n from 1): doubling from first_ms to 60 times that, with half of
 * it left to chance (unit in [0, 1)). */
int64_t timing_retry_pause(int64_t first_ms, unsigned n, double unit);

/* When a lost request is searched for the n-th time (n from 0), counted from the loss of its
 * response: at once, then by growing pauses, and for the last time when the window has passed. Past
 * that, by the last pause. */
int64_t timing_search_time(int64_t window_ms, unsigned n);

#endif
