/* SPDX-License-Identifier: MIT */
/* EC2's request rates: a token bucket that mirrors the one by which EC2 throttles an action in a
 * region, so that requests wait here instead of being refused there. Pure: time is an argument. */
#ifndef EBSFS_THROTTLE_H
#define EBSFS_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

struct throttle_rate {
	double burst; /* tokens in a full bucket; 0: no bucket */
	double per_s; /* tokens that come each second */
};

/* EC2's documented bucket of an action, per account and region (EC2 API reference, "Request
 * throttling"): as for calls that are filtered or paginated, which all of ebsfs's are. */
struct throttle_rate throttle_rate_of(const char *service, const char *action);

/*
 * EC2's bucket is the account's: other tools drink from it unseen. So each refusal says that the
 * bucket is empty and halves the share of it that is counted on, down to 1/16; the share comes back
 * by 1/60 of the whole each second.
 */
#define THROTTLE_SHARE_MIN (1.0 / 16)
#define THROTTLE_HEAL_S    60

struct throttle {
	struct throttle_rate rate;
	double tokens;
	double share;       /* of rate, burst and refill alike */
	int64_t filled_ms;  /* when tokens and share were reckoned */
	int64_t refused_ms; /* the last halving; INT64_MIN: never */
};

/* A full bucket. Times are of one monotonic clock. */
void throttle_init(struct throttle *t, struct throttle_rate rate, int64_t now_ms);
/* Takes a token. false: there is none. */
bool throttle_take(struct throttle *t, int64_t now_ms);
/* Takes one if there is one: for requests that go out in any case. */
void throttle_count(struct throttle *t, int64_t now_ms);
/* How many there are now. */
double throttle_tokens(const struct throttle *t, int64_t now_ms);
/* The share of EC2's rate that is counted on now: 1/16…1. */
double throttle_share(const struct throttle *t, int64_t now_ms);
/* Milliseconds until there is a token; 0: now. */
int64_t throttle_wait_ms(const struct throttle *t, int64_t now_ms);
/* EC2 refused a request that was sent at sent_ms. Requests that were under way together when one of
 * them was refused count as one refusal. */
void throttle_refused(struct throttle *t, int64_t sent_ms, int64_t now_ms);

#endif
