/* SPDX-License-Identifier: MIT */
/* The AWS client: signs, sends and retries requests to EC2 and STS. ec2.h has the calls. */
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

/* The signature of requests, and with it the version of EC2's API. */
enum aws_signature {
	AWS_SIGNATURE_V4,
	/* For EC2-compatible clouds: the API of 2012-12-01, the first with CopySnapshot, without
	 * later parameters. The signature does not name the region; only the endpoint does. */
	AWS_SIGNATURE_V2,
};

struct aws_options {
	uv_loop_t *loop; /* all pointers are borrowed and must outlive the client */
	struct http *http;
	struct credentials_chain *credentials;
	const struct endpoint_config *endpoints;
	enum aws_signature signature;
	int attempts;        /* attempts for one call, the first included; 0: the default */
	int64_t deadline_ms; /* for one call with all attempts; 0: the default, 60 s */
	/* A factor for EC2's documented request rates, at any endpoint. 0: factor 1, at Amazon's
	 * endpoints from the start, at others from their first refusal for the rate. */
	double rate;
};

int aws_create(const struct aws_options *options, struct aws **out, struct err *err);
/* Cancels all calls in flight and frees the client. NULL is permitted. */
void aws_destroy(struct aws *aws);
enum aws_signature aws_signature(const struct aws *aws);

/* One call in flight: the handle that every function returns that starts a call, valid until done
 * has been called. NULL means ENOMEM, and done is not called. done is called exactly once, never
 * before the starting function has returned. */
struct aws_call;
/* Abandons the call: done is not called. A request that changes something may have been carried out
 * all the same. */
void aws_cancel(struct aws_call *call);

/* Holds the client: until it is released (why = NULL), calls end with *why without being sent,
 * STS's excepted. Calls in flight continue. */
void aws_hold(struct aws *aws, const struct err *why);

/* Errors of all calls: err->errnum is the errno. err->maybe_done is set for a call that changes
 * something if EC2 may have carried out one of its attempts (sent, and then reset, timed out, 5xx
 * or an unreadable response). The client does not retry such a call unless it is idempotent
 * (CreateTags, DeleteTags, DeleteSnapshot, and calls that only read). */

/* Returns how many requests of this EC2 action the region accepts now without waiting for EC2's
 * request rate; UINT_MAX if no limit is known. Further requests wait in a queue, first come, first
 * served, for up to three quarters of their deadline, and then end in EAGAIN. */
unsigned aws_allowance(struct aws *aws, const char *region, const char *action);

/* Returns whether the user named EC2's endpoint; if not, it is Amazon's own. */
bool aws_endpoint_is_named(const struct aws *aws);

/* One action in one region, for `.ebsfs/metrics`. Counts are since the start. */
struct aws_counter {
	char region[ENDPOINT_REGION_SIZE];
	char action[40];
	uint64_t requests; /* attempts */
	uint64_t retries;
	uint64_t throttled; /* attempts that AWS refused for the rate */
	uint64_t errors;    /* calls that ended in an error */
	/* The request rate. */
	bool paced;        /* false: not limited; the members below are 0 */
	double tokens;     /* requests that may be sent now */
	double share;      /* share of EC2's rate that is counted on, 0…1 */
	unsigned waiting;  /* calls in the queue */
	uint64_t waits;    /* attempts that had to wait */
	int64_t waited_ms; /* total of the attempts that have left the queue */
};
typedef void aws_counter_fn(void *arg, const struct aws_counter *counter);
void aws_each_counter(const struct aws *aws, aws_counter_fn *fn, void *arg);

/* The rest of each region's budget for retries (pacing.h). */
typedef void aws_budget_fn(void *arg, const char *region, int tokens);
void aws_each_budget(const struct aws *aws, aws_budget_fn *fn, void *arg);

/* Returns AWS's clock minus this machine's, to a second or two, by the Date of the last response; 0
 * before the first. */
int64_t aws_skew_ms(const struct aws *aws);

/* Wall-clock times, in ms, of the last response from a region and of the last request without one;
 * 0: none yet. */
struct aws_health {
	int64_t last_answer_ms;
	int64_t last_failure_ms;
	struct err last_failure;
};
/* The latest of all regions if region is NULL. */
struct aws_health aws_health(const struct aws *aws, const char *region);

#endif
