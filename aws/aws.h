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

/* The version of request signatures. It also decides the version of EC2's API. */
enum aws_signature {
	AWS_SIGNATURE_V4,
	/* For EC2-compatible clouds: the API of 2012-12-01, the first API with CopySnapshot,
	 * without later parameters. The signature does not name the region; only the endpoint does.
	 */
	AWS_SIGNATURE_V2,
};

struct aws_options {
	uv_loop_t *loop; /* all pointers are borrowed and must outlive the client */
	struct http *http;
	struct credentials_chain *credentials;
	const struct endpoint_config *endpoints;
	enum aws_signature signature;
	int attempts;        /* attempts for one call, the first included; 0: the default */
	int64_t deadline_ms; /* time limit of one call with all its attempts; 0: the default, 60 s
			      */
	/* Factor on EC2's documented request rates; applies to any endpoint. 0: no factor, and the
	 * rates limit requests to Amazon's endpoints from the start, to other endpoints only after
	 * they have refused a request for its rate. */
	double rate;
};

int aws_create(const struct aws_options *options, struct aws **out, struct err *err);
/* Cancels all calls in flight and frees the client. NULL is permitted. */
void aws_destroy(struct aws *aws);
enum aws_signature aws_signature(const struct aws *aws);

/* One call in flight. Every function that starts a call returns this handle, which is valid until
 * done has been called. NULL means ENOMEM: then done is not called. Otherwise done is called
 * exactly once, never before the starting function has returned. */
struct aws_call;
/* Abandons the call: done is not called. A request that changes something may still be carried out
 * by AWS. */
void aws_cancel(struct aws_call *call);

/* Stops new calls: until aws_hold(aws, NULL), every call except STS's ends with *why and is not
 * sent. Calls in flight continue. */
void aws_hold(struct aws *aws, const struct err *why);

/* Errors of all calls: err->errnum is the errno. err->maybe_done is set for a call that changes
 * something if EC2 may have carried out one of its attempts (sent, and then reset, timed out, 5xx
 * or an unreadable response). The client does not retry such a call unless it is idempotent
 * (CreateTags, DeleteTags, DeleteSnapshot, and calls that only read). */

/* Returns how many requests of this EC2 action the region's request rate permits at once; UINT_MAX
 * if no limit is known. Further requests wait in a queue, first come, first served, for up to three
 * quarters of their deadline, and then end in EAGAIN. */
unsigned aws_allowance(struct aws *aws, const char *region, const char *action);

/* Returns whether the user configured EC2's endpoint; otherwise it is Amazon's own. */
bool aws_endpoint_is_named(const struct aws *aws);

/* Counters of one action in one region since the start, for `.ebsfs/metrics`. */
struct aws_counter {
	char region[ENDPOINT_REGION_SIZE];
	char action[40];
	uint64_t requests; /* attempts */
	uint64_t retries;
	uint64_t throttled; /* attempts that AWS refused because of the request rate */
	uint64_t errors;    /* calls that ended in an error */
	/* The state of the local limit on the request rate. */
	bool paced;        /* false: not limited; the members below are 0 */
	double tokens;     /* requests that may be sent now */
	double share;      /* fraction of EC2's documented rate that is used now, 0…1 */
	unsigned waiting;  /* calls in the queue */
	uint64_t waits;    /* attempts that had to wait in the queue */
	int64_t waited_ms; /* total waiting time of the attempts that have left the queue */
};
typedef void aws_counter_fn(void *arg, const struct aws_counter *counter);
void aws_each_counter(const struct aws *aws, aws_counter_fn *fn, void *arg);

/* Calls fn for each region with the tokens that are left in its retry budget (pacing.h). */
typedef void aws_budget_fn(void *arg, const char *region, int tokens);
void aws_each_budget(const struct aws *aws, aws_budget_fn *fn, void *arg);

/* Returns AWS's clock minus this machine's, in ms, accurate to a second or two, by the Date header
 * of the last response; 0 before the first response. */
int64_t aws_skew_ms(const struct aws *aws);

/* Wall-clock times, in ms: of the last response from a region, and of the last request that got no
 * response. 0: none yet. */
struct aws_health {
	int64_t last_answer_ms;
	int64_t last_failure_ms;
	struct err last_failure;
};
/* Returns the region's times; with region NULL the latest times of all regions. */
struct aws_health aws_health(const struct aws *aws, const char *region);

#endif
