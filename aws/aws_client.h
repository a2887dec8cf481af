/* SPDX-License-Identifier: MIT */
/* What aws.c and aws_query.c share: the client, and what it remembers of each region. */
#ifndef EBSFS_AWS_CLIENT_H
#define EBSFS_AWS_CLIENT_H

#include <string.h>

#include "aws.h"
#include "aws_clock.h"
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

struct aws {
	struct aws_options options; /* with the defaults filled in */
	struct aws_region *regions;
	struct aws_call *calls;
	struct aws_clock clock;
	struct err held; /* errnum 0: nothing is */
};

/* aws_hold(). The question who one is may always be asked. */
static inline bool aws_is_held(const struct aws *aws, const char *service)
{
	return aws->held.errnum && strcmp(service, "sts") != 0;
}

/* Finds or makes; NULL on ENOMEM. They live as long as the client. */
struct aws_region *aws_region(struct aws *aws, const char *name);
struct aws_action *aws_action(
	struct aws *aws, struct aws_region *region, const char *service, const char *action);

#endif
