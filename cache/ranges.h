/* SPDX-License-Identifier: MIT */
/* Snapshot ids cut into ranges by their first digits, so that a large region can be listed side by
 * side: DescribeSnapshots takes wildcards in its filters. Pure. */
#ifndef EBSFS_RANGES_H
#define EBSFS_RANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "ec2.h"

/* One range a hex digit, and one for everything else. */
#define RANGES_DIGITS 16
#define RANGES_REST   RANGES_DIGITS
#define RANGES        (RANGES_DIGITS + 1)

/* How ids are cut: at the digit behind `prefix`. Today's ids all begin with "snap-0", so that the
 * digit behind it cuts evenly; the short ones of earlier years at the first digit. */
struct ranges {
	char prefix[8]; /* "snap-" or "snap-0" */
};

/* What some ids show: how many there are in each range, for either way of cutting, and one of them.
 * All zero: nothing yet. */
struct ranges_sample {
	size_t n, with_zero;
	struct {
		size_t n;
		char witness[72];
	} digits[2][RANGES_DIGITS];
};
void ranges_note(struct ranges_sample *sample, const char *id);
/* Chooses how to cut, and the fullest range, with an id that is in it (borrowed from the sample).
 * False: the sample says too little. */
bool ranges_choose(struct ranges *r, const struct ranges_sample *sample, unsigned *fullest,
	const char **witness);

/* The filter values of range i, which together with all others' match every id that there can be,
 * whatever letters or digits it is made of, and each once. `values` gets pointers into `texts`.
 * Returns how many. */
struct ranges_filter {
	char texts[EC2_FILTER_VALUES_MAX][10];
	const char *values[EC2_FILTER_VALUES_MAX];
	size_t n;
};
void ranges_filter(const struct ranges *r, unsigned i, struct ranges_filter *out);

/* The range of an id. */
unsigned ranges_of(const struct ranges *r, const char *id);

#endif
