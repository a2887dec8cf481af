/* SPDX-License-Identifier: MIT */
/* Counters of requests, for .ebsfs/metrics: EC2 listings and lookups by their cause, and the
 * kernel's FUSE requests. */
#ifndef EBSFS_REQUEST_STATS_H
#define EBSFS_REQUEST_STATS_H

#include <stdint.h>

#include "buf.h"

struct fs;

/* Opcodes from this number on are not counted. */
#define FUSE_OPCODES 52
struct request_stats {
	uint64_t requests[FUSE_OPCODES]; /* requests that the kernel sent */
	uint64_t invalidations; /* invalidations that ebsfs sent to the kernel (session.h) */
};

/* Counts a request: a message of `len` bytes that was read from /dev/fuse. */
void request_stats_count(struct request_stats *stats, const void *message, size_t len);
/* Appends all counters in Prometheus's text format. */
void request_stats_metrics(const struct fs *fs, struct buf *out);

#endif
