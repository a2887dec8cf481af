/* SPDX-License-Identifier: MIT */
/* When to ask again. */
#include "poll_backoff.h"

/* A poll comes after this part of the age, so that an end is never noticed later than by that part
 * of the copy's length. */
#define AGE_PART       30
#define REMAINING_PART 4
#define RETRY_GROWTH   60

static int64_t poll_backoff_clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

int64_t poll_backoff_interval(int64_t shortest_ms, int64_t age_ms, int64_t remaining_ms)
{
	int64_t longest = shortest_ms * POLL_LONGEST;
	int64_t interval = poll_backoff_clamp(age_ms / AGE_PART, shortest_ms, longest);

	if (remaining_ms != POLL_UNKNOWN) {
		/* Closer and closer to the expected end; when that has passed, the estimate is
		 * worth less and less. */
		int64_t distance = remaining_ms < 0 ? -remaining_ms : remaining_ms;
		int64_t near = poll_backoff_clamp(distance / REMAINING_PART, shortest_ms, longest);

		if (near < interval)
			interval = near;
	}
	return interval;
}

int64_t poll_backoff_retry(int64_t first_ms, unsigned n, double unit)
{
	int64_t pause = first_ms;

	for (unsigned i = 1; i < n && pause < first_ms * RETRY_GROWTH; i++)
		pause *= 2;
	if (pause > first_ms * RETRY_GROWTH)
		pause = first_ms * RETRY_GROWTH;
	return pause / 2 + (int64_t)((double)pause / 2 * unit);
}

int64_t poll_backoff_search(int64_t window_ms, unsigned n)
{
	/* In 150ths of the window, which is a second each by default. */
	static const int at[] = {0, 1, 3, 7, 15, 30, 60, 90, 120};
	unsigned known = sizeof(at) / sizeof(at[0]);

	if (n < known)
		return window_ms * at[n] / 150;
	return window_ms + window_ms * (int64_t)(n - known) / 5;
}
