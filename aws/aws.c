/* SPDX-License-Identifier: MIT */
/* The client and its state: counters, throttle queues, health and retry budget of each region;
 * AWS's clock. */
#include "aws.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_error.h"
#include "aws_query.h"
#include "clock.h"
#include "endpoint.h"
#include "log.h"
#include "xml.h"

#define DEADLINE_MS   60000
/* AWS services tolerate a clock that is 15 or 5 minutes off, so a smaller difference than this does
 * not explain a refusal. */
#define SKEW_MS       (4 * 60 * 1000)
/* Records of unused resources (snapshots) are freed once an action has this many records. */
#define RESOURCES_MAX 64

int aws_create(const struct aws_options *options, struct aws **out, struct err *err)
{
	struct aws *aws = calloc(1, sizeof(*aws));

	if (!aws)
		return err_set(err, ENOMEM, "out of memory");
	aws->options = *options;
	if (aws->options.attempts <= 0)
		aws->options.attempts = RETRY_ATTEMPTS;
	if (aws->options.deadline_ms <= 0)
		aws->options.deadline_ms = DEADLINE_MS;
	xml_setup();
	*out = aws;
	return 0;
}

enum aws_signature aws_signature(const struct aws *aws)
{
	return aws->options.signature;
}

void aws_hold(struct aws *aws, const struct err *why)
{
	aws->held = why ? *why : (struct err){0};
}

/* Frees the resources that no call uses. */
static void aws_resources_prune(struct aws_action *action)
{
	struct aws_resource **at = &action->resources;

	while (*at) {
		struct aws_resource *resource = *at;

		if (resource->users) {
			at = &resource->next;
			continue;
		}
		*at = resource->next;
		action->n_resources--;
		throttle_queue_finish(&resource->queue);
		free(resource);
	}
}

static void aws_region_free(struct aws_region *region)
{
	while (region->actions) {
		struct aws_action *next = region->actions->next;

		aws_resources_prune(region->actions);
		throttle_queue_finish(&region->actions->queue);
		free(region->actions);
		region->actions = next;
	}
	free(region);
}

void aws_free(struct aws *aws)
{
	while (aws->regions) {
		struct aws_region *next = aws->regions->next;

		aws_region_free(aws->regions);
		aws->regions = next;
	}
	free(aws);
}

struct aws_region *aws_region(struct aws *aws, const char *name)
{
	struct aws_region *region;

	for (region = aws->regions; region; region = region->next)
		if (!strcmp(region->name, name))
			return region;
	region = calloc(1, sizeof(*region));
	if (!region)
		return NULL;
	snprintf(region->name, sizeof(region->name), "%s", name);
	region->budget = RETRY_BUDGET_INIT;
	region->next = aws->regions;
	aws->regions = region;
	return region;
}

/* The queue limits requests from the start only at Amazon's endpoints, or if the user set a rate:
 * other clouds have other rates, or none. */
static int aws_queue_init(struct aws *aws, struct throttle_queue *queue, const char *service,
	struct throttle_rate rate)
{
	const struct aws_options *o = &aws->options;
	bool on = o->rate > 0 || endpoint_is_amazons(o->endpoints, service);

	if (o->rate > 0) {
		rate.burst *= o->rate;
		rate.per_s *= o->rate;
	}
	return throttle_queue_init(queue, o->loop, rate, on);
}

struct aws_action *aws_action(
	struct aws *aws, struct aws_region *region, const char *service, const char *name)
{
	struct aws_action *action;

	for (action = region ? region->actions : NULL; action; action = action->next)
		if (!strcmp(action->counter.action, name))
			return action;
	action = region ? calloc(1, sizeof(*action)) : NULL;
	if (!action)
		return NULL;
	snprintf(action->counter.region, sizeof(action->counter.region), "%s", region->name);
	snprintf(action->counter.action, sizeof(action->counter.action), "%s", name);
	if (aws_queue_init(aws, &action->queue, service,
		    throttle_rate_of(service, name, region->name)) < 0) {
		free(action);
		return NULL;
	}
	action->next = region->actions;
	region->actions = action;
	return action;
}

struct aws_resource *aws_resource_get(
	struct aws *aws, struct aws_action *action, const char *service, const char *name)
{
	struct aws_resource *resource;

	for (resource = action->resources; resource; resource = resource->next) {
		if (!strcmp(resource->name, name)) {
			resource->users++;
			return resource;
		}
	}
	resource = calloc(1, sizeof(*resource));
	if (!resource)
		return NULL;
	if (aws_queue_init(aws, &resource->queue, service,
		    throttle_rate_of_resource(service, action->counter.action)) < 0) {
		free(resource);
		return NULL;
	}
	snprintf(resource->name, sizeof(resource->name), "%s", name);
	resource->users = 1;
	if (action->n_resources >= RESOURCES_MAX)
		aws_resources_prune(action);
	resource->next = action->resources;
	action->resources = resource;
	action->n_resources++;
	return resource;
}

void aws_resource_put(struct aws_resource *resource)
{
	if (resource)
		resource->users--;
}

unsigned aws_allowance(struct aws *aws, const char *region_name, const char *name)
{
	struct aws_region *region = aws_region(aws, region_name);
	struct aws_action *action = aws_action(aws, region, "ec2", name);

	return action ? throttle_queue_available(&action->queue) : 0;
}

static struct aws_counter aws_action_counter(const struct aws_action *action)
{
	const struct throttle_queue *queue = &action->queue;
	struct aws_counter counter = action->counter;

	if (!queue->on)
		return counter;
	counter.paced = true;
	counter.tokens = throttle_tokens(&queue->throttle, clock_mono_ms());
	counter.share = throttle_share(&queue->throttle, clock_mono_ms());
	counter.waiting = queue->n_waiting;
	counter.waits = queue->n_waited;
	counter.waited_ms = queue->waited_ms;
	return counter;
}

void aws_each_counter(const struct aws *aws, aws_counter_fn *fn, void *arg)
{
	for (const struct aws_region *region = aws->regions; region; region = region->next) {
		for (const struct aws_action *action = region->actions; action;
			action = action->next) {
			struct aws_counter counter = aws_action_counter(action);

			fn(arg, &counter);
		}
	}
}

void aws_each_budget(const struct aws *aws, aws_budget_fn *fn, void *arg)
{
	for (const struct aws_region *region = aws->regions; region; region = region->next)
		fn(arg, region->name, region->budget.tokens);
}

int64_t aws_skew_ms(const struct aws *aws)
{
	return aws->clock.seen_ms;
}

bool aws_endpoint_is_named(const struct aws *aws)
{
	return endpoint_is_named(aws->options.endpoints, "ec2");
}

static void aws_health_merge(struct aws_health *all, const struct aws_health *one)
{
	if (one->last_answer_ms > all->last_answer_ms)
		all->last_answer_ms = one->last_answer_ms;
	if (one->last_failure_ms > all->last_failure_ms) {
		all->last_failure_ms = one->last_failure_ms;
		all->last_failure = one->last_failure;
	}
}

struct aws_health aws_health(const struct aws *aws, const char *name)
{
	struct aws_health health = {0};

	for (const struct aws_region *region = aws->regions; region; region = region->next)
		if (!name || !strcmp(region->name, name))
			aws_health_merge(&health, &region->health);
	return health;
}

/* --- the clock --- */

void aws_clock_note(struct aws_clock *clock, int64_t date_ms)
{
	if (date_ms)
		clock->seen_ms = date_ms - clock_wall_ms();
}

static void aws_clock_correct(struct aws_clock *clock)
{
	if (llabs(clock->seen_ms) < SKEW_MS) {
		clock->skew_ms = 0;
		log_info("this machine's clock agrees with AWS's again");
		return;
	}
	clock->skew_ms = clock->seen_ms;
	log_warning("this machine's clock is %lld s %s AWS's; requests are signed with AWS's time",
		(long long)(llabs(clock->skew_ms) / 1000),
		clock->skew_ms < 0 ? "ahead of" : "behind");
}

bool aws_clock_explains(
	struct aws_clock *clock, const char *code, int64_t date_ms, int64_t signed_skew_ms)
{
	if (!date_ms || !aws_error_may_be_clock(code) ||
		llabs(clock->seen_ms - signed_skew_ms) < SKEW_MS)
		return false;
	if (llabs(clock->seen_ms - clock->skew_ms) >= SKEW_MS)
		aws_clock_correct(clock);
	return true;
}
