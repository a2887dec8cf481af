/* SPDX-License-Identifier: MIT */
/* Lists all snapshots of a query in one region. */
#ifndef EBSFS_LISTING_H
#define EBSFS_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "ec2.h"
#include "pages.h"

/* A listing with more snapshots fails with EIO. */
#define LISTING_MAX 5000000

struct listing;

/* Kept from one listing of a region to the next; all zero at first. */
struct listing_memory {
	int64_t plain_until_ms; /* the endpoint refused a range: use none before this time
				   (monotonic) */
};
#define LISTING_PLAIN_MS (60 * 60 * 1000LL)

/* on_part: records arrive in no particular order, and the same snapshot may arrive twice. done,
 * errors, handle: as pages_start(). A range that the endpoint refuses is no error: the region is
 * then listed page by page, from the beginning. memory NULL: no ranges, as for any query but the
 * account's own snapshots: EC2 may filter a page after it has cut it, and each range then reads all
 * pages. Borrows what query points to, and memory, until done or listing_cancel(). NULL on ENOMEM.
 */
struct listing *listing_start(struct aws *aws, const struct ec2_describe_snapshots *query,
	struct listing_memory *memory, pages_part *on_part, pages_done *done, void *arg);
void listing_cancel(struct listing *l); /* NULL is permitted */

/* Ranges of snapshot ids by their first digits, so that a large region can be listed in parallel:
 * DescribeSnapshots takes wildcards in its filters. Pure. */

/* One range per hex digit, and one for all other ids. */
#define LISTING_RANGES_DIGITS 16
#define LISTING_RANGES_REST   LISTING_RANGES_DIGITS
#define LISTING_RANGES        (LISTING_RANGES_DIGITS + 1)

/* Ids are divided by the digit after `prefix`. Today's ids all begin with "snap-0", and the next
 * digit divides them evenly; the short ids of earlier years are divided by the first digit. */
struct listing_ranges {
	char prefix[8]; /* "snap-" or "snap-0" */
};

/* A sample of ids: how many are in each range, for either prefix, and one of them. All zero: empty.
 */
struct listing_ranges_sample {
	size_t n, with_zero;
	struct {
		size_t n;
		char witness[72];
	} digits[2][LISTING_RANGES_DIGITS];
};
void listing_ranges_note(struct listing_ranges_sample *sample, const char *id);
/* Chooses the prefix and the fullest range, with an id of it (borrowed from the sample). Returns
 * false if the sample has no usable id. */
bool listing_ranges_choose(struct listing_ranges *r, const struct listing_ranges_sample *sample,
	unsigned *fullest, const char **witness);

/* The filter values of range i. The ranges together match every possible id of letters and digits,
 * each exactly once. `values` points into `texts` and `witness`. */
struct listing_ranges_filter {
	char texts[EC2_FILTER_VALUES_MAX][10];
	char witness[72];
	const char *values[EC2_FILTER_VALUES_MAX];
	size_t n;
};
void listing_ranges_filter(
	const struct listing_ranges *r, unsigned i, struct listing_ranges_filter *out);

/* The range of an id. */
unsigned listing_ranges_of(const struct listing_ranges *r, const char *id);

/* Divides the ids outside one range, the probe, by their first two digits into groups of about a
 * page each: the probe of `found` ids shows how dense they are. The last group, or one more, has
 * the ids of which one of the two is no hex digit. Together with the probe they match every
 * possible id, some twice. */
struct listing_groups {
	const struct listing_ranges *ranges; /* borrowed */
	unsigned probe;
	unsigned n;     /* groups with ids of two hex digits */
	unsigned parts; /* requests: n, or n + 1 */
};
#define LISTING_GROUPS_MAX (LISTING_RANGES_DIGITS + 2)
void listing_groups_plan(struct listing_groups *g, const struct listing_ranges *ranges,
	unsigned probe, size_t found);
/* The filter values of part i. One value of the last part has a '?' and matches `witness`, a known
 * id: a response without it is from an endpoint that does not know '?'. */
void listing_groups_filter(const struct listing_groups *g, unsigned i, const char *witness,
	struct listing_ranges_filter *out);

#endif
