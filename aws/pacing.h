/* SPDX-License-Identifier: MIT */
/* Decides when requests are sent: within EC2's request rates, and again after a failure. */
#ifndef EBSFS_PACING_H
#define EBSFS_PACING_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "waiters.h"

/* --- EC2's request rates ---
 *
 * EC2 throttles each action in a region by a token bucket. A local bucket copies its rate: a
 * request that finds the local bucket empty waits in a queue instead of being refused by EC2. */

struct loop_timer;

struct throttle_rate {
	double burst; /* tokens in a full bucket; 0: no bucket */
	double per_s; /* tokens added each second */
};

/* Returns the documented bucket of an action, per account and region. EC2's (EC2 API reference,
 * "Request throttling") holds for calls that are filtered or paginated, as all of ebsfs's calls
 * are. The bucket of the EBS direct APIs (Amazon EBS user guide, "Quotas") is larger in some
 * regions. */
struct throttle_rate throttle_rate_of(const char *service, const char *action, const char *region);
/* Returns the bucket of one snapshot, which applies in addition to the account's. */
struct throttle_rate throttle_rate_of_resource(const char *service, const char *action);

/* The bucket. Pure: times are arguments, in milliseconds of one monotonic clock.
 *
 * EC2's bucket belongs to the account, and other tools take tokens from it that are not counted
 * here. Each refusal therefore shows that EC2's bucket is empty: the local bucket is emptied, and
 * uses half the share of EC2's rate that it used before, down to 1/16. The share grows back by 1/60
 * of the whole each second. */
#define THROTTLE_SHARE_MIN (1.0 / 16)
#define THROTTLE_HEAL_S    60

struct throttle {
	struct throttle_rate rate;
	double tokens;
	double share;       /* factor on rate, for both burst and refill */
	int64_t filled_ms;  /* when tokens and share were computed */
	int64_t refused_ms; /* when the share was last halved; INT64_MIN: never */
};

/* Makes a full bucket. */
void throttle_init(struct throttle *t, struct throttle_rate rate, int64_t now_ms);
/* Takes a token. Returns false if the bucket is empty. */
bool throttle_take(struct throttle *t, int64_t now_ms);
/* Takes a token if the bucket has one, for a request that is sent in any case. */
void throttle_count(struct throttle *t, int64_t now_ms);
/* Returns the number of tokens now. */
double throttle_tokens(const struct throttle *t, int64_t now_ms);
/* Returns the share of EC2's rate that is used now: 1/16…1. */
double throttle_share(const struct throttle *t, int64_t now_ms);
/* Returns the milliseconds until the bucket has a token; 0: it has one now. */
int64_t throttle_wait_ms(const struct throttle *t, int64_t now_ms);
/* Notes that EC2 refused a request that was sent at sent_ms. Refusals of requests that were in
 * flight together count as one. */
void throttle_refused(struct throttle *t, int64_t sent_ms, int64_t now_ms);

/* The queue of requests that wait for a token of one bucket: first come, first served, without a
 * thread. */

/* A request in the queue; embedded in its owner, who sets turn and arg. */
struct throttle_waiter {
	struct waiter base;
	/* Called after a token was taken for the waiter and the waiter has left the queue. */
	void (*turn)(void *arg);
	void *arg;
	int64_t since_ms;
};

struct throttle_queue {
	struct throttle throttle;
	bool on; /* false: tokens are counted, but no request waits */
	struct waiters waiters;
	struct loop_timer *timer;
	unsigned n_waiting;
	uint64_t n_waited; /* waiters so far, those in the queue included */
	int64_t waited_ms; /* total waiting time of the waiters that have left */
};

/* Initialises the queue. Returns 0 or -ENOMEM. */
int throttle_queue_init(
	struct throttle_queue *queue, uv_loop_t *loop, struct throttle_rate rate, bool on);
/* Frees the queue, which must be empty. A queue of zero bytes is permitted. */
void throttle_queue_finish(struct throttle_queue *queue);

/* Returns true if the request may be sent now. Otherwise adds the waiter to the queue, and the loop
 * calls turn() later. */
bool throttle_queue_enter(struct throttle_queue *queue, struct throttle_waiter *waiter);
void throttle_queue_leave(struct throttle_queue *queue, struct throttle_waiter *waiter);
/* Notes that EC2 refused a request that was sent at sent_ms, and switches the queue on. */
void throttle_queue_refused(struct throttle_queue *queue, int64_t sent_ms);

/* Returns how many requests may be sent now without waiting; UINT_MAX if the queue is off. */
unsigned throttle_queue_available(const struct throttle_queue *queue);

/* --- retries ---
 *
 * Whether and when a failed attempt is sent again. Pure: time and randomness are arguments. */

/* Kinds of failure, by the retry that they permit. */
enum retry_kind {
	RETRY_NEVER,       /* a retry would fail in the same way */
	RETRY_TRANSIENT,   /* 5xx, a broken connection, an unreadable response */
	RETRY_TIMEOUT,     /* like transient, but costs more of the budget */
	RETRY_THROTTLED,   /* refused because of the request rate; certainly not carried out */
	RETRY_CREDENTIALS, /* refused because of old keys: one retry at once, with new keys */
	RETRY_CLOCK, /* refused because of its time: one retry at once, with a corrected clock */
};

/* All calls to a region share a budget, as in the AWS SDKs' standard mode: a retry costs tokens, a
 * success gives some back. While the budget is empty no call is retried, so that a region in
 * trouble gets one attempt per call. */
#define RETRY_BUDGET       500
#define RETRY_COST         5
#define RETRY_COST_TIMEOUT 10

struct retry_budget {
	int tokens;
};
#define RETRY_BUDGET_INIT ((struct retry_budget){RETRY_BUDGET})

/* The first delay is random between 0 and this bound; the bound doubles with each attempt up to the
 * maximum. */
#define RETRY_TRANSIENT_MS 100
#define RETRY_THROTTLED_MS 1000
#define RETRY_DELAY_MAX_MS 20000
/* The most by which the server's Retry-After may lengthen a delay. */
#define RETRY_SERVER_MS    5000
/* Attempts by default, including the first. */
#define RETRY_ATTEMPTS     5

/* One call's attempts so far. */
struct retry_state {
	int attempts;  /* failed attempts, without the extra ones after new keys and a new clock */
	int last_cost; /* tokens that the last retry cost; given back on success */
	bool new_credentials; /* the extra attempt with new keys was made */
	bool new_clock;
};

struct retry_failure {
	enum retry_kind kind;
	bool maybe_done;        /* the server may have carried out the attempt */
	int64_t retry_after_ms; /* the server's Retry-After; -1: none */
};

struct retry_policy {
	int attempts;    /* at least 1, including the first */
	bool repeatable; /* idempotent */
};

/* Call after a failed attempt. Returns the delay before the next attempt in ms, or -1 if the call
 * must end. left_ms: time to the call's deadline, which a delay never reaches. random: uniform in
 * [0, 1). An attempt that may have been carried out is retried only if the call is repeatable. */
int64_t retry_next(const struct retry_policy *policy, struct retry_state *state,
	struct retry_budget *budget, const struct retry_failure *failure, int64_t left_ms,
	double random);
/* Call after an attempt that succeeded. */
void retry_succeeded(const struct retry_state *state, struct retry_budget *budget);

#endif
