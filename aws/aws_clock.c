/* SPDX-License-Identifier: MIT */
/* AWS's clock, as far as its answers tell. */
#include "aws_clock.h"

#include <stdlib.h>

#include "aws_error.h"
#include "clock.h"
#include "log.h"

/* A clock that is off by less is not why AWS refused: it tolerates 15 minutes, or 5. */
#define SKEW_MS (4 * 60 * 1000)

void aws_clock_see(struct aws_clock *clock, int64_t date_ms)
{
	if (date_ms)
		clock->seen_ms = date_ms - clock_wall_ms();
}

static void correct(struct aws_clock *clock)
{
	if (llabs(clock->seen_ms) < SKEW_MS) {
		clock->skew_ms = 0;
		log_info("this machine's clock agrees with AWS's again");
		return;
	}
	clock->skew_ms = clock->seen_ms;
	log_warning("this machine's clock is %lld s %s AWS's; requests are signed with AWS's time",
		(long long)(llabs(clock->skew_ms) / 1000),
		clock->skew_ms < 0 ? "ahead of" : "behind");
}

bool aws_clock_explains(
	struct aws_clock *clock, const char *code, int64_t date_ms, int64_t signed_skew_ms)
{
	if (!date_ms || !aws_error_may_be_clock(code) ||
		llabs(clock->seen_ms - signed_skew_ms) < SKEW_MS)
		return false;
	if (llabs(clock->seen_ms - clock->skew_ms) >= SKEW_MS)
		correct(clock);
	return true;
}
