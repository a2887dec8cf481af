/* SPDX-License-Identifier: MIT */
/* Pauses before retries. */
#include "backoff.h"

static int64_t backoff_bound(int64_t first_ms, int64_t longest_ms, unsigned n)
{
	int64_t bound = first_ms;

	for (unsigned i = 1; i < n && bound < longest_ms; i++)
		bound *= 2;
	return bound < longest_ms ? bound : longest_ms;
}

int64_t backoff_pause(int64_t first_ms, int64_t longest_ms, unsigned n, double unit)
{
	int64_t bound = backoff_bound(first_ms, longest_ms, n);

	return bound / 2 + (int64_t)((double)bound / 2 * unit);
}

int64_t backoff_pause_full(int64_t first_ms, int64_t longest_ms, unsigned n, double unit)
{
	return (int64_t)((double)backoff_bound(first_ms, longest_ms, n) * unit);
}
