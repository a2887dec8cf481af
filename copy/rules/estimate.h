/* SPDX-License-Identifier: MIT */
/* What copies took so far, by pair of regions, and when a running one will probably end. Pure but
 * for its table. */
#ifndef EBSFS_ESTIMATE_H
#define EBSFS_ESTIMATE_H

#include <stdint.h>

struct estimate;

struct estimate *estimate_create(void);    /* NULL on ENOMEM */
void estimate_destroy(struct estimate *e); /* NULL is permitted */

/* A copy of so many bytes (-1: unknown) took so long. What does not fit in memory is not learned.
 */
void estimate_learn(
	struct estimate *e, const char *from, const char *to, int64_t bytes, int64_t took_ms);
/* How long a copy will take in all; -1: no idea. */
int64_t estimate_length(const struct estimate *e, const char *from, const char *to, int64_t bytes);

/* Learned rates, in bytes a second. */
typedef void estimate_each_fn(void *arg, const char *from, const char *to, double rate);
void estimate_each(const struct estimate *e, estimate_each_fn *fn, void *arg);

/* The wall-clock end of a copy that began at start_ms and had `percent` (-1: unknown) at at_ms.
 * length_ms: what it should take in all by experience, -1 unknown. minutes: the duration that EC2
 * was asked to keep, 0 none. 0: no idea. */
int64_t estimate_end(int64_t start_ms, int percent, int64_t at_ms, int64_t length_ms, int minutes);

#endif
