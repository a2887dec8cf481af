/* SPDX-License-Identifier: MIT */
/* EC2's request rates: a token bucket that mirrors the one by which EC2 throttles an action in a
 * region, and a queue for the requests that find it empty, so that they wait here instead of being
 * refused there. */
#ifndef EBSFS_PACING_H
#define EBSFS_PACING_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct loop_timer;

struct throttle_rate {
	double burst; /* tokens in a full bucket; 0: no bucket */
	double per_s; /* tokens added each second */
};

/* EC2's documented bucket of an action, per account and region (EC2 API reference, "Request
 * throttling"), for calls that are filtered or paginated: all of ebsfs's are. */
struct throttle_rate throttle_rate_of(const char *service, const char *action);

/*
 * The bucket. Pure: times are arguments, in milliseconds of one monotonic clock.
 *
 * EC2's bucket belongs to the account, so other tools take tokens from it that are not counted
 * here. Each refusal therefore shows that the bucket is empty, and halves the share of EC2's rate
 * that is counted on, down to 1/16. The share grows back by 1/60 of the whole each second.
 */
#define THROTTLE_SHARE_MIN (1.0 / 16)
#define THROTTLE_HEAL_S    60

struct throttle {
	struct throttle_rate rate;
	double tokens;
	double share;       /* of rate, for burst and refill alike */
	int64_t filled_ms;  /* when tokens and share were computed */
	int64_t refused_ms; /* when the share was last halved; INT64_MIN: never */
};

/* Makes a full bucket. */
void throttle_init(struct throttle *t, struct throttle_rate rate, int64_t now_ms);
/* Takes a token. Returns false if there is none. */
bool throttle_take(struct throttle *t, int64_t now_ms);
/* Takes a token if there is one: for requests that are sent in any case. */
void throttle_count(struct throttle *t, int64_t now_ms);
/* Returns the number of tokens now. */
double throttle_tokens(const struct throttle *t, int64_t now_ms);
/* Returns the share of EC2's rate that is counted on now: 1/16…1. */
double throttle_share(const struct throttle *t, int64_t now_ms);
/* Returns the milliseconds until there is a token; 0: now. */
int64_t throttle_wait_ms(const struct throttle *t, int64_t now_ms);
/* Notes that EC2 refused a request that was sent at sent_ms. Refusals of requests that were in
 * flight together count as one. */
void throttle_refused(struct throttle *t, int64_t sent_ms, int64_t now_ms);

/* The queue of requests that wait for a token of one bucket: first come, first served, without a
 * thread. */

/* A request in the queue; embedded in its owner, who sets turn and arg. */
struct throttle_waiter {
	struct throttle_waiter *prev, *next;
	/* Called once a token was taken for the waiter, after it has left the queue. */
	void (*turn)(void *arg);
	void *arg;
	int64_t since_ms;
};

struct throttle_queue {
	struct throttle throttle;
	bool on; /* false: tokens are counted, but no request waits for one */
	struct throttle_waiter *waiters;
	struct loop_timer *timer;
	unsigned n_waiting;
	uint64_t n_waited; /* waiters so far, those in the queue included */
	int64_t waited_ms; /* total of the waiters that have left */
};

/* Returns 0 or -ENOMEM. */
int throttle_queue_init(
	struct throttle_queue *queue, uv_loop_t *loop, struct throttle_rate rate, bool on);
/* The queue must be empty. A queue of zero bytes is permitted. */
void throttle_queue_finish(struct throttle_queue *queue);

/* Returns true if the request may be sent now. Otherwise puts the waiter into the queue, and the
 * loop calls its turn(). */
bool throttle_queue_enter(struct throttle_queue *queue, struct throttle_waiter *waiter);
void throttle_queue_leave(struct throttle_queue *queue, struct throttle_waiter *waiter);
/* Notes that EC2 refused a request that was sent at sent_ms: the queue is on from then on. */
void throttle_queue_refused(struct throttle_queue *queue, int64_t sent_ms);

/* Returns how many requests may be sent now without waiting; UINT_MAX if the queue is off. */
unsigned throttle_queue_available(const struct throttle_queue *queue);

#endif
