/* SPDX-License-Identifier: MIT */
/* AWS's clock, as far as its answers tell: AWS refuses what is signed with a time too far off. */
#ifndef EBSFS_AWS_CLOCK_H
#define EBSFS_AWS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* AWS's clock minus this machine's, in ms. */
struct aws_clock {
	int64_t skew_ms; /* with which requests are signed: 0 until a refusal was explained by it */
	int64_t seen_ms; /* by the Date of the last answer, to a second or two */
};

/* An answer came. date_ms: its Date; 0: none. */
void aws_clock_see(struct aws_clock *clock, int64_t date_ms);

/* Whether the refusal that was seen last is explained by the time with which it was signed, which
 * was off by signed_skew_ms. The first to find that out corrects the clock for all, with one line
 * in the log; those that were under way meanwhile only need to go out again. That a request was
 * accepted proves its time, whatever Date the answer has: only a refusal corrects. */
bool aws_clock_explains(
	struct aws_clock *clock, const char *code, int64_t date_ms, int64_t signed_skew_ms);

#endif
