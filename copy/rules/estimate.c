/* SPDX-License-Identifier: MIT */
/* Experience with copies, and estimates from it. */
#include "estimate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define WEIGHT          0.3 /* of the newest copy */
#define PAIR_MAX        80
#define PAIRS           4096
/* Below this a percent says little about the whole: EC2's first steps are coarse. */
#define PERCENT_TRUSTED 5

struct pair {
	char key[PAIR_MAX]; /* "from to" */
	double rate;        /* bytes a millisecond; 0: unknown */
	double length_ms;
	UT_hash_handle hh;
};

struct estimate {
	struct pair *pairs;
};

struct estimate *estimate_create(void)
{
	return calloc(1, sizeof(struct estimate));
}

void estimate_destroy(struct estimate *e)
{
	struct pair *p, *next;

	if (!e)
		return;
	HASH_ITER (hh, e->pairs, p, next) {
		HASH_DEL(e->pairs, p);
		free(p);
	}
	free(e);
}

static struct pair *estimate_find(
	const struct estimate *e, const char *from, const char *to, char key[PAIR_MAX])
{
	struct pair *p;

	snprintf(key, PAIR_MAX, "%s %s", from, to);
	HASH_FIND_STR(e->pairs, key, p);
	return p;
}

static double estimate_blend(double old, double value)
{
	return old > 0 ? old + WEIGHT * (value - old) : value;
}

void estimate_learn(
	struct estimate *e, const char *from, const char *to, int64_t bytes, int64_t took_ms)
{
	char key[PAIR_MAX];
	struct pair *p = estimate_find(e, from, to, key);

	if (took_ms <= 0)
		return;
	if (!p) {
		if (HASH_COUNT(e->pairs) >= PAIRS)
			return;
		p = calloc(1, sizeof(*p));
		if (!p)
			return;
		memcpy(p->key, key, sizeof(key));
		HASH_ADD_STR(e->pairs, key, p);
		if (!p->hh.tbl) {
			free(p);
			return;
		}
	}
	p->length_ms = estimate_blend(p->length_ms, (double)took_ms);
	if (bytes > 0)
		p->rate = estimate_blend(p->rate, (double)bytes / (double)took_ms);
}

int64_t estimate_length(const struct estimate *e, const char *from, const char *to, int64_t bytes)
{
	char key[PAIR_MAX];
	const struct pair *p = estimate_find(e, from, to, key);

	if (!p)
		return -1;
	if (bytes > 0 && p->rate > 0) {
		double length = (double)bytes / p->rate;

		return length < 1e15 ? (int64_t)length : -1;
	}
	return (int64_t)p->length_ms;
}

void estimate_each(const struct estimate *e, estimate_each_fn *fn, void *arg)
{
	for (const struct pair *p = e->pairs; p; p = p->hh.next) {
		const char *space = strchr(p->key, ' ');
		char from[PAIR_MAX];

		if (!space || p->rate <= 0)
			continue;
		snprintf(from, sizeof(from), "%.*s", (int)(space - p->key), p->key);
		fn(arg, from, space + 1, p->rate * 1000);
	}
}

int64_t estimate_end(int64_t start_ms, int percent, int64_t at_ms, int64_t length_ms, int minutes)
{
	if (!start_ms)
		return 0;
	if (percent >= PERCENT_TRUSTED && percent <= 100 && at_ms > start_ms)
		return at_ms + (int64_t)((double)(at_ms - start_ms) * (100 - percent) / percent);
	if (minutes > 0)
		return start_ms + minutes * 60000LL; /* EC2 aims at it */
	return length_ms > 0 ? start_ms + length_ms : 0;
}
