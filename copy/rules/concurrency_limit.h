/* SPDX-License-Identifier: MIT */
/* How many copies a destination takes at once: learned from EC2's refusals, and how to go on after
 * one. Pure. */
#ifndef EBSFS_CONCURRENCY_LIMIT_H
#define EBSFS_CONCURRENCY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Concurrent snapshot copies per destination region, until EC2 names another figure (EBS quotas).
 */
#define CONCURRENCY_LIMIT_DEFAULT    20
/* A limit that EC2 named is believed for so long; then one copy more is tried again, for it may
 * have been raised. */
#define CONCURRENCY_LIMIT_LEARNED_MS (6 * 3600 * 1000LL)

/*
 * Open: as many as the limit allows by our count of copies in progress. As long as EC2 has not
 * named the limit, one more is tried when the count has reached it: its refusal names the true
 * figure. Held: EC2 refused although our count is below the limit, so it counts copies that we do
 * not see. Then each copy that is seen to end admits one, and so does time, by a growing pause. It
 * opens again when count and limit agree.
 */
struct concurrency_limit {
	unsigned limit;
	bool learned; /* EC2 named the limit, at learned_at */
	int64_t learned_at;
	bool held;
	unsigned grants;  /* held: copies that ended since the refusal and are not replaced yet */
	int64_t grant_at; /* held: when time alone admits one */
	int64_t pause_ms;
	int64_t first_ms;  /* the shortest pause; the longest is 15 times that */
	unsigned accepted; /* while EC2 had not named the limit */
};

void concurrency_limit_init(struct concurrency_limit *g, unsigned limit, int64_t first_ms);
/* Whether one more may be sent. used: copies in progress by our count; sending: those of them whose
 * answer is not here yet. now_ms: monotonic. */
bool concurrency_limit_admits(
	const struct concurrency_limit *g, unsigned used, unsigned sending, int64_t now_ms);
/* Whether a queue may send one more while `sending` are unanswered. As long as EC2 has not named
 * the limit, no more than it has accepted so far, but one at least: where it is far below the
 * assumed one, not all that could be sent are refused, but at most one for each copy that it takes.
 */
bool concurrency_limit_paces(const struct concurrency_limit *g, unsigned sending, int64_t now_ms);
void concurrency_limit_sent(struct concurrency_limit *g, int64_t now_ms); /* one was */
void concurrency_limit_accepted(
	struct concurrency_limit *g, unsigned used, int64_t now_ms); /* used: that one included */
/* EC2 refused one for the limit; used: without that one. message: EC2's. unit: randomness in [0,
 * 1). */
void concurrency_limit_refused(struct concurrency_limit *g, const char *message, unsigned used,
	int64_t now_ms, double unit);
void concurrency_limit_freed(struct concurrency_limit *g); /* a copy in progress has ended */
void concurrency_limit_seen(
	struct concurrency_limit *g, unsigned used); /* EC2 itself shows so many in progress */
/* When concurrency_limit_admits() may turn true by time alone; INT64_MAX if it cannot. */
int64_t concurrency_limit_next(const struct concurrency_limit *g);

/* N from "The limit is N for this destination region"; 0 if the message names none. */
unsigned concurrency_limit_limit_of(const char *message);

#endif
