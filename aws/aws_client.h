/* SPDX-License-Identifier: MIT */
/* Shared by aws.c and aws_query.c: the client, and its state per region. */
#ifndef EBSFS_AWS_CLIENT_H
#define EBSFS_AWS_CLIENT_H

#include <string.h>

#include "aws.h"
#include "credentials.h"
#include "endpoint.h"
#include "http.h"
#include "retry.h"
#include "throttle.h"

struct aws_action {
	struct aws_action *next;
	struct aws_counter counter;
	struct throttle_queue queue;
};

struct aws_region {
	struct aws_region *next;
	char name[40];
	struct aws_action *actions;
	struct aws_health health;
	struct retry_budget budget;
	char accepted_key[132]; /* the last access key that this region accepted */
};

/* AWS's clock minus this machine's, in ms. */
struct aws_clock {
	int64_t skew_ms; /* used for signing: 0 until it explained a refusal */
	int64_t seen_ms; /* by the Date of the last response, to a second or two */
};

struct aws {
	struct aws_options options; /* with the defaults filled in */
	struct aws_region *regions;
	struct aws_call *calls; /* in flight */
	struct aws_clock clock;
	struct err held; /* aws_hold(); errnum 0: not held */
};

/* While the client is held only STS's calls are sent. */
static inline bool aws_is_held(const struct aws *aws, const char *service)
{
	return aws->held.errnum && strcmp(service, "sts") != 0;
}

/* Frees the client, which must have no call in flight. */
void aws_free(struct aws *aws);

/* Finds or makes the record of a region, or of an action in it. Returns NULL on ENOMEM, and for
 * a region that is NULL. Records live as long as the client. */
struct aws_region *aws_region(struct aws *aws, const char *name);
struct aws_action *aws_action(
	struct aws *aws, struct aws_region *region, const char *service, const char *action);

/* Notes the Date of a response, in ms since 1970; 0: it had none. */
void aws_clock_note(struct aws_clock *clock, int64_t date_ms);
/* Returns whether the response noted last refused its request because of the time in its signature,
 * which was off by signed_skew_ms from this machine's clock. The first such refusal corrects the
 * clock for all requests, with one line in the log; requests that were in flight meanwhile only
 * need to be sent again. Only a refusal corrects the clock: an accepted request proves its time,
 * whatever Date the response has. */
bool aws_clock_explains(
	struct aws_clock *clock, const char *code, int64_t date_ms, int64_t signed_skew_ms);

#endif
