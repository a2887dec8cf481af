/* SPDX-License-Identifier: MIT */
/* EC2's request throttling: a token bucket per account, region and kind of request. */
#include "sim_throttle.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MAX 4096 /* accounts times regions times actions */

struct bucket {
	char name[160];
	double tokens;
	int64_t filled_ms;
};

struct sim_throttle {
	pthread_mutex_t lock; /* guards the members below */
	struct bucket *buckets;
	size_t n;
};

struct sim_throttle *sim_throttle_create(void)
{
	struct sim_throttle *t = calloc(1, sizeof(*t));

	if (t)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

void sim_throttle_destroy(struct sim_throttle *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->buckets);
	free(t);
}

static struct bucket *bucket_find(
	struct sim_throttle *t, const char *name, double burst, int64_t now_ms)
{
	struct bucket *grown;

	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->buckets[i].name, name))
			return &t->buckets[i];
	grown = t->n < BUCKETS_MAX ? realloc(t->buckets, (t->n + 1) * sizeof(*grown)) : NULL;
	if (!grown)
		return NULL;
	t->buckets = grown;
	snprintf(grown[t->n].name, sizeof(grown[t->n].name), "%s", name);
	grown[t->n].tokens = burst;
	grown[t->n].filled_ms = now_ms;
	return &grown[t->n++];
}

bool sim_throttle_take(struct sim_throttle *t, const char *account, const char *region,
	const char *kind, struct sim_rate rate, int64_t now_ms)
{
	char name[160];
	struct bucket *b;
	bool taken = true;

	snprintf(name, sizeof(name), "%s %s %s", account, region, kind);
	pthread_mutex_lock(&t->lock);
	b = bucket_find(t, name, rate.burst, now_ms);
	if (b) {
		b->tokens += rate.per_s * (double)(now_ms - b->filled_ms) / 1000;
		if (b->tokens > rate.burst)
			b->tokens = rate.burst;
		b->filled_ms = now_ms;
		taken = b->tokens >= 1;
		if (taken)
			b->tokens--;
	}
	pthread_mutex_unlock(&t->lock);
	return taken;
}

void sim_throttle_reset(struct sim_throttle *t)
{
	pthread_mutex_lock(&t->lock);
	t->n = 0;
	pthread_mutex_unlock(&t->lock);
}
