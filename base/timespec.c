/* SPDX-License-Identifier: MIT */
/* Converts between struct timespec and counts of time since 1970. */
#include "timespec.h"

static struct timespec split_count(int64_t count, int64_t per_second)
{
	struct timespec t = {count / per_second, count % per_second * (1000000000 / per_second)};

	/* tv_nsec is never negative: half a second before 1970 is -1 s and 500,000,000 ns. */
	if (t.tv_nsec < 0) {
		t.tv_sec--;
		t.tv_nsec += 1000000000;
	}
	return t;
}

struct timespec timespec_of_ns(int64_t ns)
{
	return split_count(ns, 1000000000);
}

struct timespec timespec_of_ms(int64_t ms)
{
	return split_count(ms, 1000);
}

int64_t timespec_ns(struct timespec t)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)t.tv_sec, 1000000000, &ns) ||
		__builtin_add_overflow(ns, (int64_t)t.tv_nsec, &ns))
		return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}
