/* SPDX-License-Identifier: MIT */
/* EC2's request throttling: a token bucket per account, region and kind of request. */
#ifndef EBSFS_SIM_THROTTLE_H
#define EBSFS_SIM_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

struct sim_throttle;

struct sim_throttle *sim_throttle_create(void);    /* NULL on ENOMEM */
void sim_throttle_destroy(struct sim_throttle *t); /* NULL is permitted */

struct sim_rate {
	double burst;
	double per_s;
};

/* Takes a token from a bucket, which is full at its first use. Returns false if it is empty. now_ms
 * is monotonic. Called from any thread. */
bool sim_throttle_take(struct sim_throttle *t, const char *account, const char *region,
	const char *kind, struct sim_rate rate, int64_t now_ms);
/* Fills all buckets. */
void sim_throttle_reset(struct sim_throttle *t);

#endif
