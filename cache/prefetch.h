/* SPDX-License-Identifier: MIT */
/* Chooses regions to list in advance: a walk through the regions (find, ls -R) then waits for EC2
 * once, not once per region. */
#ifndef EBSFS_PREFETCH_H
#define EBSFS_PREFETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This many different regions are a walk; two are what a copy names. */
#define PREFETCH_WALK   3
/* A longer gap between two looks ends a walk. */
#define PREFETCH_GAP_MS 2000
/* Regions that are listed in advance, at most. */
#define PREFETCH_MAX    16

/* All zero at first. Regions are numbers from 0, in the order in which a folder lists them. */
struct prefetch {
	int64_t at_ms; /* the latest look, monotonic */
	size_t latest; /* its region */
	size_t n;      /* different regions looked at in this walk */
	size_t row;    /* how many regions in a row were looked at in order */
	uint64_t looked[4];
};
#define PREFETCH_REGIONS 256

/* Notes a look at region `index`, below PREFETCH_REGIONS. Returns true if it is part of a walk:
 * then list the regions that prefetch_wants() names. */
bool prefetch_look(struct prefetch *a, size_t index, int64_t now_ms);
/* Whether to list this region: the walk has looked at it, or goes in order and the region is among
 * the next ones, as many as the walk has passed. */
bool prefetch_wants(const struct prefetch *a, size_t index);

#endif
