/* SPDX-License-Identifier: MIT */
/* Times of copies: durations learned, ends expected, and intervals between requests. */
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "hash.h"

#define WEIGHT          0.3 /* of the newest copy */
#define PAIR_MAX        80
#define PAIRS           4096
/* Below this a percent says little about the whole: EC2's first steps are coarse. */
#define PERCENT_TRUSTED 5
/* A poll comes after this part of the age, so that an end is never noticed later than by that part
 * of the copy's length. */
#define AGE_PART        30
#define REMAINING_PART  4
#define RETRY_GROWTH    60

struct pair {
	char key[PAIR_MAX]; /* "from to" */
	double rate;        /* bytes a millisecond; 0: unknown */
	double length_ms;
	UT_hash_handle hh;
};

struct timing {
	struct pair *pairs;
};

struct timing *timing_create(void)
{
	return calloc(1, sizeof(struct timing));
}

void timing_destroy(struct timing *t)
{
	struct pair *p, *next;

	if (!t)
		return;
	HASH_ITER (hh, t->pairs, p, next) {
		HASH_DEL(t->pairs, p);
		free(p);
	}
	free(t);
}

static struct pair *timing_find(
	const struct timing *t, const char *from, const char *to, char key[PAIR_MAX])
{
	struct pair *p;

	snprintf(key, PAIR_MAX, "%s %s", from, to);
	HASH_FIND_STR(t->pairs, key, p);
	return p;
}

static double timing_blend(double old, double value)
{
	return old > 0 ? old + WEIGHT * (value - old) : value;
}

void timing_learn(
	struct timing *t, const char *from, const char *to, int64_t bytes, int64_t took_ms)
{
	char key[PAIR_MAX];
	struct pair *p = timing_find(t, from, to, key);

	if (took_ms <= 0)
		return;
	if (!p) {
		if (HASH_COUNT(t->pairs) >= PAIRS)
			return;
		p = calloc(1, sizeof(*p));
		if (!p)
			return;
		memcpy(p->key, key, sizeof(key));
		HASH_ADD_STR(t->pairs, key, p);
		if (!p->hh.tbl) {
			free(p);
			return;
		}
	}
	p->length_ms = timing_blend(p->length_ms, (double)took_ms);
	if (bytes > 0)
		p->rate = timing_blend(p->rate, (double)bytes / (double)took_ms);
}

int64_t timing_expected_length(
	const struct timing *t, const char *from, const char *to, int64_t bytes)
{
	char key[PAIR_MAX];
	const struct pair *p = timing_find(t, from, to, key);

	if (!p)
		return -1;
	if (bytes > 0 && p->rate > 0) {
		double length = (double)bytes / p->rate;

		return length < 1e15 ? (int64_t)length : -1;
	}
	return (int64_t)p->length_ms;
}

void timing_each_rate(const struct timing *t, timing_each_rate_fn *fn, void *arg)
{
	for (const struct pair *p = t->pairs; p; p = p->hh.next) {
		const char *space = strchr(p->key, ' ');
		char from[PAIR_MAX];

		if (!space || p->rate <= 0)
			continue;
		snprintf(from, sizeof(from), "%.*s", (int)(space - p->key), p->key);
		fn(arg, from, space + 1, p->rate * 1000);
	}
}

int64_t timing_expected_end(
	int64_t start_ms, int percent, int64_t at_ms, int64_t length_ms, int minutes)
{
	if (!start_ms)
		return 0;
	if (percent >= PERCENT_TRUSTED && percent <= 100 && at_ms > start_ms)
		return at_ms + (int64_t)((double)(at_ms - start_ms) * (100 - percent) / percent);
	if (minutes > 0)
		return start_ms + minutes * 60000LL; /* EC2 aims at it */
	return length_ms > 0 ? start_ms + length_ms : 0;
}

/* --- when EC2 is asked again --- */

static int64_t timing_clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

int64_t timing_poll_interval(int64_t shortest_ms, int64_t age_ms, int64_t remaining_ms)
{
	int64_t longest = shortest_ms * POLL_LONGEST;
	int64_t interval = timing_clamp(age_ms / AGE_PART, shortest_ms, longest);

	if (remaining_ms != POLL_UNKNOWN) {
		/* Closer and closer to the expected end; when that has passed, the estimate is
		 * worth less and less. */
		int64_t distance = remaining_ms < 0 ? -remaining_ms : remaining_ms;
		int64_t near = timing_clamp(distance / REMAINING_PART, shortest_ms, longest);

		if (near < interval)
			interval = near;
	}
	return interval;
}

int64_t timing_retry_pause(int64_t first_ms, unsigned n, double unit)
{
	return backoff_pause(first_ms, first_ms * RETRY_GROWTH, n, unit);
}

int64_t timing_search_time(int64_t window_ms, unsigned n)
{
	/* In 150ths of the window, which is a second each by default. */
	static const int at[] = {0, 1, 3, 7, 15, 30, 60, 90, 120};
	unsigned known = sizeof(at) / sizeof(at[0]);

	if (n < known)
		return window_ms * at[n] / 150;
	return window_ms + window_ms * (int64_t)(n - known) / 5;
}
