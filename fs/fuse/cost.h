/* SPDX-License-Identifier: MIT */
/* What looking costs: requests to EC2 by what they were for, and what the kernel asks and is told.
 */
#ifndef EBSFS_COST_H
#define EBSFS_COST_H

#include <stdint.h>

#include "buf.h"

struct fs;

/* The kernel's requests by opcode; those from COST_OPCODES on are not counted. */
#define COST_OPCODES 52
struct cost {
	uint64_t asked[COST_OPCODES];
	uint64_t told; /* invalidate.h */
};

/* A message as the kernel wrote it, of `len` bytes. */
void cost_count(struct cost *cost, const void *message, size_t len);
/* Appends all of it as Prometheus's text. */
void cost_metrics(const struct fs *fs, struct buf *out);

#endif
