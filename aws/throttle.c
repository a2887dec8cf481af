/* SPDX-License-Identifier: MIT */
/* EC2's request rates: a token bucket for each action in a region. */
#include "throttle.h"

#include <fnmatch.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cleanup.h"

/* The first pattern that fits. */
static const struct {
	const char *action;
	struct throttle_rate rate;
} table[] = {
	{"Describe*", {100, 20}}, {"List*", {100, 20}}, {"Get*", {100, 20}},
	{"CreateTags", {100, 10}}, {"DeleteTags", {100, 10}}, {"CreateSnapshot*", {100, 5}},
	{"DeleteSnapshot", {100, 5}}, {"ModifySnapshotAttribute", {100, 5}},
	{"EnableSnapshotBlockPublicAccess", {1, 0.1}},
	{"DisableSnapshotBlockPublicAccess", {1, 0.1}},
	{"*", {50, 5}}, /* whatever changes something */
};

struct throttle_rate throttle_rate_of(const char *service, const char *action)
{
	size_t i = 0;

	if (strcmp(service, "ec2") != 0)
		return (struct throttle_rate){0};
	while (fnmatch(table[i].action, action, 0) != 0)
		i++;
	return table[i].rate;
}

static double burst(const struct throttle *t)
{
	return fmax(t->rate.burst * t->share, 1);
}

static double per_ms(const struct throttle *t)
{
	return t->rate.per_s * t->share / 1000;
}

/* The bucket as it is at now_ms. */
static struct throttle filled(const struct throttle *t, int64_t now_ms)
{
	struct throttle now = *t;
	double ms = now_ms > t->filled_ms ? (double)(now_ms - t->filled_ms) : 0;

	now.share = fmin(t->share + ms / (THROTTLE_HEAL_S * 1000.0), 1);
	/* The share that was: while it grows a little too few tokens come, never too many. */
	now.tokens = fmin(t->tokens + ms * per_ms(t), burst(&now));
	if (now_ms > t->filled_ms)
		now.filled_ms = now_ms;
	return now;
}

void throttle_init(struct throttle *t, struct throttle_rate rate, int64_t now_ms)
{
	*t = (struct throttle){.rate = rate,
		.tokens = rate.burst,
		.share = 1,
		.filled_ms = now_ms,
		.refused_ms = INT64_MIN};
}

bool throttle_take(struct throttle *t, int64_t now_ms)
{
	*t = filled(t, now_ms);
	if (t->tokens < 1)
		return false;
	t->tokens--;
	return true;
}

void throttle_count(struct throttle *t, int64_t now_ms)
{
	*t = filled(t, now_ms);
	t->tokens = fmax(t->tokens - 1, 0);
}

double throttle_tokens(const struct throttle *t, int64_t now_ms)
{
	return filled(t, now_ms).tokens;
}

double throttle_share(const struct throttle *t, int64_t now_ms)
{
	return filled(t, now_ms).share;
}

int64_t throttle_wait_ms(const struct throttle *t, int64_t now_ms)
{
	struct throttle now = filled(t, now_ms);

	return now.tokens >= 1 ? 0 : (int64_t)ceil((1 - now.tokens) / per_ms(&now));
}

void throttle_refused(struct throttle *t, int64_t sent_ms, int64_t now_ms)
{
	*t = filled(t, now_ms);
	t->tokens = 0;
	if (sent_ms <= t->refused_ms)
		return;
	t->share = fmax(t->share / 2, THROTTLE_SHARE_MIN);
	t->refused_ms = now_ms;
}
