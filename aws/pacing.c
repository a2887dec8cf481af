/* SPDX-License-Identifier: MIT */
/* Decides when requests are sent: EC2's documented buckets, their arithmetic, the queue for tokens,
 * and the retries. */
#include "pacing.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "backoff.h"
#include "cleanup.h"
#include "clock.h"
#include "loop.h"

/* --- the buckets --- */

/* The first matching pattern counts. */
static const struct {
	const char *action;
	struct throttle_rate rate;
} throttle_rates[] = {
	{"Describe*", {100, 20}}, {"List*", {100, 20}}, {"Get*", {100, 20}},
	{"CreateTags", {100, 10}}, {"DeleteTags", {100, 10}}, {"CreateSnapshot*", {100, 5}},
	{"DeleteSnapshot", {100, 5}}, {"ModifySnapshotAttribute", {100, 5}},
	{"CreateVolume", {100, 5}}, {"EnableSnapshotBlockPublicAccess", {1, 0.1}},
	{"DisableSnapshotBlockPublicAccess", {1, 0.1}},
	{"*", {50, 5}}, /* all other calls, which change something */
};

/* A bucket of a tenth of a second's requests: AWS documents only the rates, so a larger burst might
 * be refused, and a refusal halves the share. Requests for lists are few, and come in bursts. */
static const struct throttle_rate ebs_blocks = {100, 1000};
static const struct throttle_rate ebs_blocks_large = {500, 5000};
static const struct throttle_rate ebs_lists = {50, 50};

static bool throttle_is_of_blocks(const char *service, const char *action)
{
	return !strcmp(service, "ebs") && fnmatch("*SnapshotBlock", action, 0) == 0;
}

static struct throttle_rate throttle_rate_of_ebs(const char *action, const char *region)
{
	static const char *const large[] = {
		"us-east-1", "us-east-2", "us-west-2", "ap-southeast-1", "eu-west-1"};

	if (!throttle_is_of_blocks("ebs", action))
		return ebs_lists;
	for (size_t i = 0; i < ARRAY_LEN(large); i++)
		if (!strcmp(region, large[i]))
			return ebs_blocks_large;
	return ebs_blocks;
}

struct throttle_rate throttle_rate_of(const char *service, const char *action, const char *region)
{
	size_t i = 0;

	if (!strcmp(service, "ebs"))
		return throttle_rate_of_ebs(action, region);
	if (strcmp(service, "ec2") != 0)
		return (struct throttle_rate){0};
	while (fnmatch(throttle_rates[i].action, action, 0) != 0)
		i++;
	return throttle_rates[i].rate;
}

struct throttle_rate throttle_rate_of_resource(const char *service, const char *action)
{
	return throttle_is_of_blocks(service, action) ? ebs_blocks : (struct throttle_rate){0};
}

static double throttle_burst(const struct throttle *t)
{
	return fmax(t->rate.burst * t->share, 1);
}

static double throttle_per_ms(const struct throttle *t)
{
	return t->rate.per_s * t->share / 1000;
}

/* Returns the bucket as it is at now_ms. */
static struct throttle throttle_filled(const struct throttle *t, int64_t now_ms)
{
	struct throttle now = *t;
	double ms = now_ms > t->filled_ms ? (double)(now_ms - t->filled_ms) : 0;

	now.share = fmin(t->share + ms / (THROTTLE_HEAL_S * 1000.0), 1);
	/* The refill uses the share of before, which is smaller: the bucket gets a little too few
	 * tokens rather than too many. */
	now.tokens = fmin(t->tokens + ms * throttle_per_ms(t), throttle_burst(&now));
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
	*t = throttle_filled(t, now_ms);
	if (t->tokens < 1)
		return false;
	t->tokens--;
	return true;
}

void throttle_count(struct throttle *t, int64_t now_ms)
{
	*t = throttle_filled(t, now_ms);
	t->tokens = fmax(t->tokens - 1, 0);
}

double throttle_tokens(const struct throttle *t, int64_t now_ms)
{
	return throttle_filled(t, now_ms).tokens;
}

double throttle_share(const struct throttle *t, int64_t now_ms)
{
	return throttle_filled(t, now_ms).share;
}

int64_t throttle_wait_ms(const struct throttle *t, int64_t now_ms)
{
	struct throttle now = throttle_filled(t, now_ms);

	return now.tokens >= 1 ? 0 : (int64_t)ceil((1 - now.tokens) / throttle_per_ms(&now));
}

void throttle_refused(struct throttle *t, int64_t sent_ms, int64_t now_ms)
{
	*t = throttle_filled(t, now_ms);
	t->tokens = 0;
	if (sent_ms <= t->refused_ms)
		return;
	t->share = fmax(t->share / 2, THROTTLE_SHARE_MIN);
	t->refused_ms = now_ms;
}

/* --- the queue --- */

static void throttle_queue_wake(void *arg);

int throttle_queue_init(
	struct throttle_queue *queue, uv_loop_t *loop, struct throttle_rate rate, bool on)
{
	*queue = (struct throttle_queue){.on = on && rate.burst > 0};
	throttle_init(&queue->throttle, rate, clock_mono_ms());
	queue->timer = loop_timer_create(loop, throttle_queue_wake, queue);
	return queue->timer ? 0 : -ENOMEM;
}

void throttle_queue_finish(struct throttle_queue *queue)
{
	loop_timer_destroy(queue->timer);
}

static void throttle_queue_schedule(struct throttle_queue *queue)
{
	if (!waiters_empty(&queue->waiters))
		loop_timer_start(queue->timer, throttle_wait_ms(&queue->throttle, clock_mono_ms()));
	else
		loop_timer_stop(queue->timer);
}

static void throttle_queue_remove(
	struct throttle_queue *queue, struct throttle_waiter *waiter, int64_t now_ms)
{
	waiters_leave(&waiter->base);
	queue->n_waiting--;
	queue->waited_ms += now_ms - waiter->since_ms;
}

/* Serves one waiter. Calls its turn() last, because that may change the queue. */
static void throttle_queue_wake(void *arg)
{
	struct throttle_queue *queue = arg;
	struct throttle_waiter *waiter =
		(struct throttle_waiter *)waiters_next(&queue->waiters, NULL);
	int64_t now_ms = clock_mono_ms();
	bool taken = waiter && throttle_take(&queue->throttle, now_ms);

	if (taken)
		throttle_queue_remove(queue, waiter, now_ms);
	throttle_queue_schedule(queue);
	if (taken)
		waiter->turn(waiter->arg);
}

bool throttle_queue_enter(struct throttle_queue *queue, struct throttle_waiter *waiter)
{
	int64_t now_ms = clock_mono_ms();

	if (!queue->on) {
		throttle_count(&queue->throttle, now_ms);
		return true;
	}
	if (waiters_empty(&queue->waiters) && throttle_take(&queue->throttle, now_ms))
		return true;
	waiter->since_ms = now_ms;
	waiters_append(&queue->waiters, &waiter->base);
	queue->n_waiting++;
	queue->n_waited++;
	throttle_queue_schedule(queue);
	return false;
}

void throttle_queue_leave(struct throttle_queue *queue, struct throttle_waiter *waiter)
{
	throttle_queue_remove(queue, waiter, clock_mono_ms());
	throttle_queue_schedule(queue);
}

void throttle_queue_refused(struct throttle_queue *queue, int64_t sent_ms)
{
	if (!(queue->throttle.rate.burst > 0))
		return;
	queue->on = true;
	throttle_refused(&queue->throttle, sent_ms, clock_mono_ms());
	throttle_queue_schedule(queue);
}

unsigned throttle_queue_available(const struct throttle_queue *queue)
{
	if (!queue->on)
		return UINT_MAX;
	return !waiters_empty(&queue->waiters)
		       ? 0
		       : (unsigned)throttle_tokens(&queue->throttle, clock_mono_ms());
}

/* --- retries --- */

/* Uses the server's Retry-After, but at least our own delay and at most RETRY_SERVER_MS more. */
static int64_t retry_after(int64_t delay, int64_t wish)
{
	if (wish <= delay)
		return delay;
	return wish < delay + RETRY_SERVER_MS ? wish : delay + RETRY_SERVER_MS;
}

static int64_t retry_once(bool *used, int64_t left_ms)
{
	if (*used || left_ms <= 0)
		return -1;
	*used = true;
	return 0;
}

int64_t retry_next(const struct retry_policy *policy, struct retry_state *state,
	struct retry_budget *budget, const struct retry_failure *failure, int64_t left_ms,
	double random)
{
	int cost = failure->kind == RETRY_TIMEOUT ? RETRY_COST_TIMEOUT : RETRY_COST;
	int64_t delay;

	if (failure->kind == RETRY_NEVER || (failure->maybe_done && !policy->repeatable))
		return -1;
	if (failure->kind == RETRY_CREDENTIALS)
		return retry_once(&state->new_credentials, left_ms);
	if (failure->kind == RETRY_CLOCK)
		return retry_once(&state->new_clock, left_ms);
	if (++state->attempts >= policy->attempts || budget->tokens < cost)
		return -1;
	delay = retry_after(
		backoff_pause_full(
			failure->kind == RETRY_THROTTLED ? RETRY_THROTTLED_MS : RETRY_TRANSIENT_MS,
			RETRY_DELAY_MAX_MS, (unsigned)state->attempts, random),
		failure->retry_after_ms);
	if (delay >= left_ms)
		return -1;
	budget->tokens -= cost;
	state->last_cost = cost;
	return delay;
}

void retry_succeeded(const struct retry_state *state, struct retry_budget *budget)
{
	budget->tokens += state->last_cost ? state->last_cost : 1;
	if (budget->tokens > RETRY_BUDGET)
		budget->tokens = RETRY_BUDGET;
}
