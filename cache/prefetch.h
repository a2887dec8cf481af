/* SPDX-License-Identifier: MIT */
/* Which regions to list before they are asked for: who looks at the snapshots of one region after
 * the other waits for EC2 once, and not once a region. */
#ifndef EBSFS_PREFETCH_H
#define EBSFS_PREFETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two regions are what a copy names; this many are a walk. */
#define PREFETCH_WALK   3
/* Looks farther apart than this do not belong together. */
#define PREFETCH_GAP_MS 2000
/* No more regions than this are listed that nobody has looked at yet. */
#define PREFETCH_MAX    16

/* All zero to begin with. Regions are numbers from 0, in the order in which a folder shows them. */
struct prefetch {
	int64_t at_ms; /* the latest look */
	size_t latest; /* its region */
	size_t n;      /* different regions looked at, without a gap */
	size_t row;    /* how many of the latest looks went from one region to the next in order */
	uint64_t looked[4];
};
#define PREFETCH_REGIONS 256

/* Somebody looks at region `index`, below PREFETCH_REGIONS. True if that belongs to a walk: regions
 * are worth listing, those of which prefetch_wants() says so. */
bool prefetch_look(struct prefetch *a, size_t index, int64_t now_ms);
/* Whether the latest look makes a listing of this region worth while: it was looked at in the same
 * walk, or is among the next of a walk in order: as many as it went through already. */
bool prefetch_wants(const struct prefetch *a, size_t index);

#endif
