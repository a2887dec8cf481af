/* SPDX-License-Identifier: MIT */
/* Whether and when a failed attempt is retried. */
#include "retry.h"

/* Full jitter: a random time below the exponential bound, so that requests that failed together are
 * not retried together. */
static int64_t retry_backoff(enum retry_kind kind, int attempts, double random)
{
	int64_t bound = kind == RETRY_THROTTLED ? RETRY_THROTTLED_MS : RETRY_TRANSIENT_MS;

	for (int i = 1; i < attempts && bound < RETRY_DELAY_MAX_MS; i++)
		bound *= 2;
	if (bound > RETRY_DELAY_MAX_MS)
		bound = RETRY_DELAY_MAX_MS;
	return (int64_t)(random * (double)bound);
}

/* Follows the server's Retry-After between our own delay and RETRY_SERVER_MS more. */
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
		retry_backoff(failure->kind, state->attempts, random), failure->retry_after_ms);
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
