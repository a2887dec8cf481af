/* SPDX-License-Identifier: MIT */
/* Decides whether and when a failed attempt is retried. Pure: time and randomness are arguments. */
#ifndef EBSFS_RETRY_H
#define EBSFS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* Kinds of failure, by what they mean for a retry. */
enum retry_kind {
	RETRY_NEVER,       /* a retry would fail in the same way */
	RETRY_TRANSIENT,   /* 5xx, a broken connection, an unreadable response */
	RETRY_TIMEOUT,     /* like transient, but costs more of the budget */
	RETRY_THROTTLED,   /* refused for the rate; certainly not carried out */
	RETRY_CREDENTIALS, /* refused for old keys: one retry at once, with new keys */
	RETRY_CLOCK,       /* refused for its time: one retry at once, with a corrected clock */
};

/*
 * All calls to a region share a budget, as in the AWS SDKs' standard mode: a retry costs tokens, a
 * success gives some back. While the budget is empty nothing is retried, so that a region in
 * trouble gets one attempt per call and no storm.
 */
#define RETRY_BUDGET       500
#define RETRY_COST         5
#define RETRY_COST_TIMEOUT 10

struct retry_budget {
	int tokens;
};
#define RETRY_BUDGET_INIT ((struct retry_budget){RETRY_BUDGET})

/* The first delay is random in [0, this); the bound doubles with each attempt up to the maximum. */
#define RETRY_TRANSIENT_MS 100
#define RETRY_THROTTLED_MS 1000
#define RETRY_DELAY_MAX_MS 20000
/* The most by which the server's Retry-After may lengthen a delay. */
#define RETRY_SERVER_MS    5000
/* Attempts by default, the first included. */
#define RETRY_ATTEMPTS     5

/* One call's attempts so far. */
struct retry_state {
	int attempts;         /* failed attempts, without the two extra ones below */
	int last_cost;        /* of the last retry; given back on success */
	bool new_credentials; /* that extra attempt was made */
	bool new_clock;
};

struct retry_failure {
	enum retry_kind kind;
	bool maybe_done;        /* the server may have carried the attempt out */
	int64_t retry_after_ms; /* the server's Retry-After; -1: none */
};

struct retry_policy {
	int attempts;    /* at least 1, the first included */
	bool repeatable; /* idempotent */
};

/* Call after a failed attempt. Returns the delay before the next one in ms, or -1 if there must be
 * none. left_ms: time to the call's deadline, which a delay never reaches. random: uniform in [0,
 * 1). An attempt that may have been carried out is retried only if the call is repeatable. */
int64_t retry_next(const struct retry_policy *policy, struct retry_state *state,
	struct retry_budget *budget, const struct retry_failure *failure, int64_t left_ms,
	double random);
/* Call after an attempt that succeeded. */
void retry_succeeded(const struct retry_state *state, struct retry_budget *budget);

#endif
