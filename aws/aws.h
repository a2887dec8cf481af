/* SPDX-License-Identifier: MIT */
/* The AWS client: signs, sends, retries and judges requests to EC2 and STS. ec2.h has the calls. */
#ifndef EBSFS_AWS_H
#define EBSFS_AWS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "endpoint.h"
#include "err.h"

struct aws;
struct credentials_chain;
struct endpoint_config;
struct http;

/* Which signature requests carry, and with it which API of EC2 they speak. */
enum aws_signature {
	AWS_SIGNATURE_V4,
	/* For EC2-compatible clouds: the API of 2012-12-01, in which CopySnapshot began, and no
	 * parameter that came later. The signature says nothing of the region: that is the
	 * endpoint's alone. */
	AWS_SIGNATURE_V2,
};

struct aws_options {
	uv_loop_t *loop; /* all pointers are borrowed and must outlive the client */
	struct http *http;
	struct credentials_chain *credentials;
	const struct endpoint_config *endpoints;
	enum aws_signature signature;
	int attempts;        /* tries in all for one call, at least 1; 0: the default */
	int64_t deadline_ms; /* for one call with all its tries; 0: the default, 60 s */
	/* EC2's documented request rates times this, at any endpoint; 0: once at Amazon's
	 * endpoints, and at others once they have refused a request for its rate. */
	double rate;
};

int aws_create(const struct aws_options *options, struct aws **out, struct err *err);
/* Cancels every call in flight: no done is called any more. NULL is permitted. */
void aws_destroy(struct aws *aws);
enum aws_signature aws_signature(const struct aws *aws);

/* One call in flight. Every function that starts one returns it, valid until its done has been
 * called; NULL on ENOMEM (then done is not called). done is called exactly once, never before the
 * starting function has returned. */
struct aws_call;
/* The request is abandoned: done is not called any more. For a request that changes something this
 * does not say that it was not carried out. */
void aws_cancel(struct aws_call *call);

/* From now on no call goes out but those of STS: each ends with *why, soon and unsent. NULL: calls
 * go out again. Those that are under way go on. */
void aws_hold(struct aws *aws, const struct err *why);

/* How an unfinished request ended, for all calls: err->errnum as errno; err->maybe_done for a
 * changing call of which EC2 may have carried out at least one try (sent, and then reset, timed
 * out, 5xx or an unreadable answer). Such a call is never sent again here, unless it is idempotent
 * (CreateTags, DeleteTags, DeleteSnapshot and all that only read). */

/* How many requests of this EC2 action may go out to the region now without waiting for EC2's
 * request rate; UINT_MAX where nothing is known to limit them. Those that go out beyond it are not
 * refused: they wait in line, first come, first served, for up to three quarters of their deadline,
 * and then end in EAGAIN. */
unsigned aws_allowance(struct aws *aws, const char *region, const char *action);

/* Whether the user named EC2's endpoint: it may be anything; else it is Amazon's own. */
bool aws_endpoint_is_named(const struct aws *aws);

/* An action in a region, for `.ebsfs/metrics`. Counts are since the start. */
struct aws_counter {
	char region[ENDPOINT_REGION_SIZE];
	char action[40];
	uint64_t requests; /* every try */
	uint64_t retries;
	uint64_t throttled; /* tries that AWS refused for their rate */
	uint64_t errors;    /* calls that ended in an error */
	/* How EC2's request rate is kept. */
	bool paced;        /* false: it is not, and what follows is 0 */
	double tokens;     /* what may go out now */
	double share;      /* of EC2's rate that is counted on, 0…1 */
	unsigned waiting;  /* calls in line */
	uint64_t waits;    /* tries that ever were */
	int64_t waited_ms; /* of those that are no more */
};
typedef void aws_counter_fn(void *arg, const struct aws_counter *counter);
void aws_each_counter(const struct aws *aws, aws_counter_fn *fn, void *arg);

/* What is left of each region's budget for retries (retry.h). */
typedef void aws_budget_fn(void *arg, const char *region, int tokens);
void aws_each_budget(const struct aws *aws, aws_budget_fn *fn, void *arg);

/* AWS's clock minus this machine's, to a second or two, by the Date of the last answer; 0 before
 * the first. */
int64_t aws_skew_ms(const struct aws *aws);

/* Wall-clock milliseconds of the last answer from any endpoint of this region, 0 if none yet; and
 * the last failure to get one. */
struct aws_health {
	int64_t last_answer_ms;
	int64_t last_failure_ms;
	struct err last_failure;
};
/* NULL region: the youngest of all. */
struct aws_health aws_health(const struct aws *aws, const char *region);

#endif
