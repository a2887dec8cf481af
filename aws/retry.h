/* SPDX-License-Identifier: MIT */
/* Whether and when a failed try is repeated. Pure: time and randomness are arguments. */
#ifndef EBSFS_RETRY_H
#define EBSFS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* Why a try failed, as far as it matters for the next. */
enum retry_kind {
	RETRY_NEVER,       /* the same answer would come again */
	RETRY_TRANSIENT,   /* 5xx, a broken connection, an answer that makes no sense */
	RETRY_TIMEOUT,     /* like transient, and dear: it costs more of the budget */
	RETRY_THROTTLED,   /* refused for its rate; certainly not carried out */
	RETRY_CREDENTIALS, /* refused for old keys: once more with fresh ones, at once */
	RETRY_CLOCK,       /* refused for its time: once more with a corrected clock, at once */
};

/*
 * The budget of everybody who asks the same region, as the AWS SDKs' standard mode has it: a retry
 * costs tokens, a success gives some back. When it is empty nothing is retried, so that a region in
 * trouble gets one try a call and no storm.
 */
#define RETRY_BUDGET       500
#define RETRY_COST         5
#define RETRY_COST_TIMEOUT 10

struct retry_budget {
	int tokens;
};
#define RETRY_BUDGET_INIT ((struct retry_budget){RETRY_BUDGET})

/* The first delay is random in [0, this); the bound doubles with each try up to the maximum. */
#define RETRY_TRANSIENT_MS 100
#define RETRY_THROTTLED_MS 1000
#define RETRY_DELAY_MAX_MS 20000
/* How far the server's own wish may lengthen a delay. */
#define RETRY_SERVER_MS    5000
/* Tries in all, unless the caller says otherwise. */
#define RETRY_ATTEMPTS     5

/* One call's tries so far. */
struct retry_state {
	int attempts;         /* failed tries, but for the two extra ones below */
	int last_cost;        /* of the last retry; given back on success */
	bool new_credentials; /* that extra try was used up */
	bool new_clock;
};

struct retry_failure {
	enum retry_kind kind;
	bool maybe_done;        /* the server may have carried the try out */
	int64_t retry_after_ms; /* the server's wish; -1: none */
};

struct retry_policy {
	int attempts;    /* tries in all, at least 1 */
	bool repeatable; /* carried out twice is the same as once */
};

/* After a failed try. Returns the delay in ms before the next try, or -1 if there must be none.
 * left_ms: time to the call's deadline; a delay never reaches it. random: uniform in [0, 1). Never
 * repeats a try that may have been carried out unless the call is repeatable. */
int64_t retry_next(const struct retry_policy *policy, struct retry_state *state,
	struct retry_budget *budget, const struct retry_failure *failure, int64_t left_ms,
	double random);
/* After a try that succeeded. */
void retry_succeeded(const struct retry_state *state, struct retry_budget *budget);

#endif
