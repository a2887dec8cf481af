/* SPDX-License-Identifier: MIT */
/* Divides snapshot ids into ranges by their first digits, so that a large region can be listed in
 * parallel: DescribeSnapshots takes wildcards in its filters. Pure. */
#ifndef EBSFS_RANGES_H
#define EBSFS_RANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "ec2.h"

/* One range per hex digit, and one for all other ids. */
#define RANGES_DIGITS 16
#define RANGES_REST   RANGES_DIGITS
#define RANGES        (RANGES_DIGITS + 1)

/* Ids are divided by the digit after `prefix`. Today's ids all begin with "snap-0", and the next
 * digit divides them evenly; the short ids of earlier years are divided by the first digit. */
struct ranges {
	char prefix[8]; /* "snap-" or "snap-0" */
};

/* A sample of ids: how many are in each range, for either prefix, and one of them. All zero: empty.
 */
struct ranges_sample {
	size_t n, with_zero;
	struct {
		size_t n;
		char witness[72];
	} digits[2][RANGES_DIGITS];
};
void ranges_note(struct ranges_sample *sample, const char *id);
/* Chooses the prefix and the fullest range, with an id of it (borrowed from the sample). Returns
 * false if the sample has no usable id. */
bool ranges_choose(struct ranges *r, const struct ranges_sample *sample, unsigned *fullest,
	const char **witness);

/* The filter values of range i. The ranges together match every possible id of letters and digits,
 * each exactly once. `values` points into `texts`. */
struct ranges_filter {
	char texts[EC2_FILTER_VALUES_MAX][10];
	const char *values[EC2_FILTER_VALUES_MAX];
	size_t n;
};
void ranges_filter(const struct ranges *r, unsigned i, struct ranges_filter *out);

/* The range of an id. */
unsigned ranges_of(const struct ranges *r, const char *id);

#endif
